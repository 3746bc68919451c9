"""Whatever tools a machine has are used in order; none is one sentence."""

import sys
from pathlib import Path

import pytest

from course_lib import installing
from course_lib.installing import SetupError


@pytest.fixture
def machine(monkeypatch):
    """A machine on which the commands succeed that hold one of these words."""
    tried, working = [], []

    def succeeds(command):
        tried.append(" ".join(command))
        return any(word in tried[-1] for word in working)

    monkeypatch.setattr(installing, "_succeeds", succeeds)
    monkeypatch.setattr(installing.shutil, "which", lambda _: "/bin/uv")
    return tried, working


def test_with_uv_no_pip_is_put_into_the_environment(machine, tmp_path):
    tried, working = machine
    working += ["/bin/uv", "venv --without-pip"]

    installing.make_environment(tmp_path / "new")

    assert tried[-1].endswith(f"-m venv --without-pip {tmp_path / 'new'}")
    assert installing._installer(Path("py"))[:3] == ["/bin/uv", "pip", "install"]


def test_a_uv_that_does_not_start_is_not_used(machine, tmp_path):
    tried, working = machine
    working += ["-m venv /", "py -m pip"]

    installing.make_environment(tmp_path / "new")

    assert tried[-1].endswith(f"-m venv {tmp_path / 'new'}")
    assert installing._installer(Path("py")) == ["py", "-m", "pip", "install"]


def test_without_ensurepip_virtualenv_is_tried(machine, tmp_path):
    tried, working = machine
    working += ["-m virtualenv"]

    installing.make_environment(tmp_path / "new")

    assert [line.split(" -m ")[-1].split()[0] for line in tried[1:]] == ["venv", "virtualenv"]


def test_without_ensurepip_the_pip_of_this_python_is_borrowed(machine, tmp_path):
    _, working = machine
    working += ["venv --without-pip", "pip --python"]

    installing.make_environment(tmp_path / "new")

    borrowed = [sys.executable, "-m", "pip", "--python", "py", "install"]
    assert installing._installer(Path("py")) == borrowed


def test_a_python_with_no_way_at_all_is_one_sentence_with_the_mend(machine, tmp_path):
    with pytest.raises(SetupError, match="sudo apt install python3-venv"):
        installing.make_environment(tmp_path / "new")


def test_an_environment_that_no_pip_can_fill_is_one_sentence_with_the_mend(machine):
    with pytest.raises(SetupError, match="sudo apt install python3-venv"):
        installing._installer(Path("py"))


def test_what_a_failed_way_left_is_removed_before_the_next_one(monkeypatch, tmp_path):
    new = tmp_path / "new"
    monkeypatch.setattr(installing.shutil, "which", lambda _: None)

    def succeeds(command):
        assert not new.exists()
        new.mkdir()
        return "virtualenv" in command

    monkeypatch.setattr(installing, "_succeeds", succeeds)

    installing.make_environment(new)


def told(*lines, code=1):
    """What `run` says, and raises, when an installer prints these lines."""
    said = []
    script = f"import sys; print({chr(10).join(lines)!r}); sys.exit({code})"
    try:
        installing.run([sys.executable, "-X", "utf8", "-c", script], say=said.append)
    except SetupError as error:
        return str(error)
    return said


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(installing.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_progress_is_said_every_25_packages():
    lines = [f"Collecting package{n}" for n in range(60)]

    said = told(*lines, "Installing collected packages: a, b", code=0)

    assert said == ["  25 packages fetched", "  50 packages fetched", said[-1]]
    assert "unpacking" in said[-1]


def test_the_line_that_says_why_is_told_and_everything_is_kept(own_temporary_folder):
    sentence = told("Collecting a", "ERROR: no address for the index", "a hint")

    assert "(ERROR: no address for the index); check your connection" in sentence
    (log,) = own_temporary_folder.glob("break-it-first-*.log")
    assert str(log) in sentence
    assert log.read_text().startswith("Collecting a\n")


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
        "  cause: Hash mismatch for `a==1`",
    ],
)
def test_a_file_that_is_not_as_pinned_is_called_so(line):
    assert "not the one that requirements.lock names" in told("error: failed", line)


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "error: failed to write: There is not enough space on the disk.",
    ],
)
def test_a_full_disk_is_called_so(line):
    assert told(line).startswith("A disk is full")


def test_an_installer_that_says_nothing_is_still_one_sentence():
    sentence = told("")

    assert "it said nothing" in sentence
    assert "\n" not in sentence


def test_settings_that_send_packages_elsewhere_do_not_reach_the_installer(monkeypatch):
    for name in ("PIP_TARGET", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "kept")

    passed = installing._environment()

    assert "/elsewhere" not in passed.values()
    assert passed["PIP_INDEX_URL"] == "kept"
    assert passed["PIP_USER"] == "0"


def test_the_installer_gets_only_what_was_pinned_and_refuses_the_rest(monkeypatch):
    commands = []

    def run(command, *, say):
        commands.append((command, Path(command[-1]).read_text()))

    monkeypatch.setattr(installing, "run", run)
    monkeypatch.setattr(installing, "_installer", lambda _: ["pip", "install"])

    installing.install(Path("py"), "a==1 --hash=sha256:0\n", say=print)

    ((command, requirements),) = commands
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(command)
    assert requirements == "a==1 --hash=sha256:0\n"
