"""The name .venv always means a complete environment, or none."""

import json
import subprocess
import sys
import threading

import pytest

from course_lib import environment, installing
from course_lib.installing import SetupError, python_in

LOCK = """# Every package
## core
a==1 \\
    --hash=sha256:00
b==2 \\
    --hash=sha256:11
## test
c==3 \\
    --hash=sha256:22
## extras
d==4 \\
    --hash=sha256:33
"""


class Installer:
    """Stands in for venv, pip and uv: makes empty files, remembers what was asked."""

    def __init__(self):
        self.installed = []
        self.fault = None

    def make_environment(self, folder):
        packages = folder / "lib/python3.11/site-packages"
        packages.mkdir(parents=True)
        python_in(folder).parent.mkdir(exist_ok=True)
        python_in(folder).write_bytes(b"\0python")
        (python_in(folder).parent / "activate").write_text(f"VIRTUAL_ENV={folder}\n")

    def install(self, python, requirements, *, say):
        if self.fault:
            raise self.fault
        self.installed.append(
            "".join(line[0] for line in requirements.splitlines() if "==" in line)
        )


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "requirements.lock").write_text(LOCK)
    (folder / "course.py").write_text("# the start\n")
    return folder


@pytest.fixture
def installer(monkeypatch):
    fake = Installer()
    monkeypatch.setattr(environment.installing, "make_environment", fake.make_environment)
    monkeypatch.setattr(environment.installing, "install", fake.install)
    return fake


def prepare(root, *wanted):
    said = []
    environment.prepare(root, wanted or ("core",), say=said.append)
    return said


def folders(root):
    return sorted(path.name for path in root.glob(".venv*"))


def test_the_sections_of_the_lock_are_found_by_name():
    found = environment.sections(LOCK)

    assert list(found) == ["core", "test", "extras"]
    assert found["test"] == "c==3 \\\n    --hash=sha256:22\n"


@pytest.mark.parametrize("lock", ["", "a==1\n", "## core\na==1\n", LOCK + "## more\n"])
def test_a_lock_with_other_sections_is_refused(lock):
    with pytest.raises(ValueError, match=r"requirements\.lock has the sections"):
        environment.sections(lock)


def test_a_first_start_builds_and_a_second_one_does_nothing(root, installer):
    assert "2 packages" in prepare(root)[0]
    assert prepare(root) == []

    assert installer.installed == ["ab"]
    assert folders(root) == [".venv"]


def test_more_sections_are_added_to_a_sound_environment(root, installer):
    prepare(root)
    prepare(root, "core", "test")

    assert installer.installed == ["ab", "c"]
    assert environment.is_ready(root, ["core"])
    assert environment.is_ready(root, ["core", "test"])
    assert not environment.is_ready(root, ["core", "test", "extras"])


def test_a_changed_lock_builds_everything_anew_that_was_there(root, installer):
    prepare(root, "core", "test")
    (root / "requirements.lock").write_text(LOCK.replace("a==1", "a==5"))

    prepare(root)

    assert installer.installed == ["abc", "abc"]
    assert environment.is_ready(root, ["core", "test"])


def test_another_python_builds_anew(root, installer):
    prepare(root)
    stamp = json.loads((root / ".venv/course-stamp.json").read_text())
    (root / ".venv/course-stamp.json").write_text(json.dumps(stamp | {"python": "3.9"}))

    prepare(root)

    assert installer.installed == ["ab", "ab"]


@pytest.mark.parametrize("stamp", ["", "{", "[]", "{}", '{"sections": 1}', '{"sections": {}}'])
def test_a_damaged_stamp_builds_anew(root, installer, stamp):
    prepare(root)
    (root / ".venv/course-stamp.json").write_text(stamp)

    prepare(root)

    assert installer.installed == ["ab", "ab"]


def test_an_environment_without_its_python_is_built_anew(root, installer):
    prepare(root)
    python_in(root / ".venv").unlink()

    prepare(root)

    assert installer.installed == ["ab", "ab"]


def test_an_environment_nobody_stamped_is_replaced(root, installer):
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/mine").write_text("half made")

    prepare(root)

    assert not (root / ".venv/mine").exists()
    assert folders(root) == [".venv"]


def test_a_build_that_was_killed_leaves_nothing_for_the_next_one(root, installer):
    (root / ".venv-new-1234/lib").mkdir(parents=True)
    (root / ".venv-old-1234/lib").mkdir(parents=True)

    prepare(root)

    assert folders(root) == [".venv"]


@pytest.mark.parametrize("fault", [SetupError("no"), KeyboardInterrupt(), OSError(28, "full")])
def test_a_build_that_fails_leaves_the_old_environment(root, installer, fault):
    prepare(root)
    (root / "requirements.lock").write_text(LOCK.replace("a==1", "a==5"))
    installer.fault = fault

    with pytest.raises((SetupError, KeyboardInterrupt)):
        prepare(root)

    assert folders(root) == [".venv"]
    (root / "requirements.lock").write_text(LOCK)
    assert environment.is_ready(root, ["core"])


def test_a_rename_that_fails_leaves_the_old_environment(root, installer, monkeypatch):
    prepare(root)
    (root / "requirements.lock").write_text(LOCK.replace("a==1", "a==5"))
    rename = environment.os.rename

    def refuse_new(source, target):
        if ".venv-new" in str(source):
            raise PermissionError(13, "in use")
        rename(source, target)

    monkeypatch.setattr(environment.os, "rename", refuse_new)

    with pytest.raises(SetupError, match="stop a lab that still runs"):
        prepare(root)

    (root / "requirements.lock").write_text(LOCK)
    assert environment.is_ready(root, ["core"])
    assert folders(root) == [".venv"]


def test_an_addition_that_fails_leaves_the_environment_ready_for_what_it_held(root, installer):
    prepare(root)
    installer.fault = SetupError("no")

    with pytest.raises(SetupError):
        prepare(root, "core", "test")

    assert environment.is_ready(root, ["core"])
    assert not environment.is_ready(root, ["core", "test"])


def test_scripts_name_the_folder_they_will_be_in(root, installer):
    prepare(root)

    assert (root / ".venv/bin/activate").read_text() == f"VIRTUAL_ENV={root / '.venv'}\n"
    assert python_in(root / ".venv").read_bytes() == b"\0python"


def test_the_course_is_importable_and_stays_so_when_its_folder_moves(root, installer, tmp_path):
    prepare(root)
    moved = root.rename(tmp_path / "moved")
    packages = moved / ".venv/lib/python3.11/site-packages"
    look = f"import site, sys; site.addsitedir({str(packages)!r}); print(*sys.path, sep='\\n')"

    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True)

    assert str(moved) in done.stdout.splitlines()


# What goes wrong


def test_too_small_a_disk_is_told_before_anything_is_made(root, installer, monkeypatch):
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: Free(10**9))

    with pytest.raises(SetupError, match=r"needs 1.5 GB .* 1.0 GB are free"):
        prepare(root)

    assert folders(root) == []


class Free:
    def __init__(self, free):
        self.free = free


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(28, "disk is full"), (13, "folder of your own"), (30, "folder of your own"), (5, "again")],
)
def test_what_the_system_refuses_becomes_one_sentence(root, installer, number, sentence):
    installer.fault = OSError(number, "refused")

    with pytest.raises(SetupError, match=sentence):
        prepare(root)


def test_of_two_first_starts_one_builds_and_the_other_waits_for_it(root, installer, monkeypatch):
    building, waiting = threading.Event(), threading.Event()
    make = installer.make_environment

    def slow(folder):
        building.set()
        assert waiting.wait(30)
        make(folder)

    monkeypatch.setattr(environment.installing, "make_environment", slow)
    monkeypatch.setattr(environment, "_WAIT_SECONDS", 0.001)
    first = threading.Thread(target=prepare, args=(root,))
    first.start()
    assert building.wait(30)

    environment.prepare(root, ["core"], say=lambda text: "waiting" in text and waiting.set())
    first.join()

    assert installer.installed == ["ab"]


def test_the_installer_is_the_real_one_outside_these_tests():
    assert environment.installing is installing
