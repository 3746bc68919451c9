"""requirements.lock pins what pyproject.toml asks for, and nothing else gets in."""

import re
import tomllib

import pytest
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from course_lib import lock
from course_lib.environment import SECTIONS, sections
from course_lib.index import ROOT
from course_lib.installing import SetupError

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
_ELSEWHERE = re.compile(r"https?:|file:|/|@|--(?!hash=)")


def wanted(project):
    """Section -> the direct dependencies that it, or one before it, must satisfy."""
    extras = project["optional-dependencies"]
    rest = [line for name, lines in extras.items() if name not in ("test", "all") for line in lines]
    return {"core": project["dependencies"], "test": extras["test"], "extras": rest}


def pinned(section):
    """Name -> the versions pinned for it, in one section."""
    found = {}
    for entry in lock.entries(section):
        requirement = Requirement(entry.split(" \\", 1)[0])
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        found.setdefault(canonicalize_name(requirement.name), []).append(specifier.version)
    return found


def faults(text, project=PROJECT):
    """What is wrong with a lock, one sentence each."""
    found, seen = [], {}
    for name, section in sections(text).items():
        for entry in lock.entries(section):
            first, *hashes = entry.splitlines()
            if not hashes or not all(_HASH.fullmatch(line) for line in hashes):
                found.append(f"{first}: a line is not a hash, or there is none")
            if _ELSEWHERE.search(first):
                found.append(f"{first}: names a place")
        try:
            seen.update(pinned(section))
        except (InvalidRequirement, AssertionError, ValueError) as error:
            found.append(f"{name}: {error}")
        for line in wanted(project)[name]:
            dependency = Requirement(line)
            versions = seen.get(canonicalize_name(dependency.name), [])
            if not any(dependency.specifier.contains(version) for version in versions):
                found.append(f"{line}: not met in {name} or before: {versions}")
    return found


def test_the_lock_agrees_with_pyproject():
    assert faults(LOCK) == []


def test_the_lock_holds_every_package_once():
    entries = [entry for section in sections(LOCK).values() for entry in lock.entries(section)]

    assert len(entries) > 200
    assert len(set(entries)) == len(entries)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (r"^jupyterlab==4\S*", "jupyterlab==3.0", "jupyterlab>=4"),
        (r"^ruff==", "rough==", "ruff>="),
        (r"^(nbval==\S+) \\\n(    --hash.*\n)+", r"\1\n", "nbval==.*a line is not a hash"),
        (r"--hash=sha256:[0-9a-f]{64}$", "--hash=md5:00", "a line is not a hash"),
        (r"^nbval==\S+", "nbval @ https://example.com/n.whl", "names a place"),
        (r"^nbval==", "nbval>=", "core: "),
    ],
)
def test_a_planted_fault_is_found(old, new, fault):
    planted, count = re.subn(old, new, LOCK, count=1, flags=re.MULTILINE)

    assert count == 1
    assert any(re.search(fault, sentence) for sentence in faults(planted))


def test_a_dependency_missing_from_the_lock_is_found():
    project = PROJECT | {"dependencies": [*PROJECT["dependencies"], "left-out>=1"]}

    assert any("left-out>=1" in sentence for sentence in faults(LOCK, project))


def test_the_file_is_as_the_writer_would_write_it():
    parts = list(sections(LOCK).values())

    assert lock.layered(["".join(parts[: n + 1]) for n in range(3)]) == LOCK


def test_each_section_leaves_out_what_the_earlier_ones_hold():
    written = lock.layered(["a==1\n", "a==1\nb==2\n", "# from somewhere\na==1\nb==2\nc==3\n"])

    assert written.splitlines()[1:] == ["## core", "a==1", "## test", "b==2", "## extras", "c==3"]


def test_versions_that_differ_by_marker_are_both_kept():
    old, new = 'numpy==2.4 ; python_version < "3.12"', 'numpy==2.5 ; python_version >= "3.12"'

    written = lock.layered([f"{old} \\\n    --hash=sha256:0\n{new}\n"] * 3)

    assert old in written
    assert new in written


@pytest.fixture
def root(tmp_path):
    (tmp_path / "requirements.lock").write_text(lock.layered(["a==1\n"] * 3))
    return tmp_path


def test_without_uv_the_writer_says_so_and_changes_nothing(root, monkeypatch):
    before = (root / "requirements.lock").read_text()
    monkeypatch.setattr(lock.shutil, "which", lambda _: None)

    with pytest.raises(OSError, match="needs uv"):
        lock.write(root=root)

    assert (root / "requirements.lock").read_text() == before


class Uv:
    """Stands in for uv: writes a resolution to the file it is asked for."""

    def __init__(self, resolutions):
        self.resolutions = resolutions
        self.preferred = []
        self.constraints = []

    def __call__(self, command, *, say, folder):
        target = command[command.index("--output-file") + 1]
        name = "extras" if "--all-extras" in command else "test" if "--extra" in command else "core"
        with open(target, "a+") as file:
            file.seek(0)
            self.preferred.append(file.read())
        if "--constraints" in command:
            with open(command[command.index("--constraints") + 1]) as file:
                self.constraints.append(file.read())
        with open(target, "w") as file:
            file.write(self.resolutions[name])


@pytest.fixture
def uv(monkeypatch):
    hashed = "a==2 ; sys_platform != 'win32' \\\n    --hash=sha256:0\n"
    fake = Uv({"core": hashed, "test": hashed + "b==1\n", "extras": hashed + "b==1\nc==1\n"})
    monkeypatch.setattr(lock.shutil, "which", lambda _: "uv")
    monkeypatch.setattr(lock.installing, "run", fake)
    return fake


def test_the_writer_keeps_pins_and_resolves_core_within_everything(root, uv):
    assert lock.write(root=root) == "requirements.lock written: 3 packages."

    assert [text.strip() for text in uv.preferred] == ["a==1", "", ""]
    assert uv.constraints == ["a==2 ; sys_platform != 'win32'\nb==1\nc==1\n"] * 2
    assert tuple(sections((root / "requirements.lock").read_text())) == SECTIONS


def test_an_upgrade_prefers_no_old_version(root, uv):
    lock.write(root=root, upgrade=True)

    assert uv.preferred == ["", "", ""]


def test_a_resolution_that_fails_changes_nothing(root, uv, monkeypatch):
    before = (root / "requirements.lock").read_text()

    def fail(*_args, **_kwargs):
        raise SetupError("no versions fit together")

    monkeypatch.setattr(lock.installing, "run", fail)

    with pytest.raises(SetupError):
        lock.write(root=root)

    assert (root / "requirements.lock").read_text() == before
