"""The course's own environment, .venv: there, whole and as the lock says.

It is built in a folder of its own and renamed when complete, so a start that
was cut off leaves nothing that looks ready. A stamp inside says which sections
of requirements.lock it holds. Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from course_lib import installing
from course_lib.installing import SetupError, disk_full, python_in

__all__ = ["SECTIONS", "is_ready", "prepare", "sections"]

SECTIONS = ("core", "test", "extras")
VENV = ".venv"
_STAMP = "course-stamp.json"
_FREE_BYTES = {"core": 1_500_000_000, "test": 200_000_000, "extras": 1_500_000_000}
_WAIT_SECONDS = 0.5

Say = Callable[[str], None]
Stamp = dict[str, Any]


def sections(lock: str) -> dict[str, str]:
    """The text under each `## name` line of requirements.lock.

    Raises:
        ValueError: the sections are not the three expected ones, in order.
    """
    found: dict[str, str] = {}
    for part in ("\n" + lock).split("\n## ")[1:]:
        name, _, text = part.partition("\n")
        found[name.strip()] = text.rstrip("\n") + "\n"
    if tuple(found) != SECTIONS:
        raise ValueError(f"requirements.lock has the sections {list(found)}, not {SECTIONS}.")
    return found


def is_ready(root: Path, wanted: Sequence[str], *, name: str = VENV) -> bool:
    """Whether the environment holds these sections of today's lock, for this Python."""
    stamp = _read_stamp(root / name)
    needed = _stamp(_read_lock(root), wanted)
    return (
        python_in(root / name).exists()
        and stamp.get("python") == needed["python"]
        and needed["sections"].items() <= stamp.get("sections", {}).items()
    )


def prepare(root: Path, wanted: Sequence[str], *, say: Say, name: str = VENV) -> Path:
    """Make the environment ready if it is not; returns its interpreter.

    Args:
        name: another folder in `root`, for an environment beside the course's own.

    Raises:
        SetupError: that is not possible; the message names the mend.
    """
    if not is_ready(root, wanted, name=name):
        try:
            with _only_one(root, say):
                # another start may have done it meanwhile
                if not is_ready(root, wanted, name=name):
                    _mend(root, wanted, say, name)
        except OSError as error:
            raise _explained(root, error) from error
    return python_in(root / name)


def _mend(root: Path, wanted: Sequence[str], say: Say, name: str) -> None:
    """Add what is missing to a sound environment, or build a new one."""
    lock, began = _read_lock(root), time.monotonic()
    present = [part for part in SECTIONS if part in _read_stamp(root / name).get("sections", {})]
    everything = [part for part in SECTIONS if part in {*present, *wanted}]
    sound = bool(present) and is_ready(root, present, name=name)
    missing = [part for part in everything if not (sound and part in present)]
    count = sum(lock[part].count("==") for part in missing)
    _refuse_small_disk(root, missing)
    say(f"Setting up, once: about {count} packages. With pip this takes a minute or two.")
    requirements = "".join(lock[part] for part in missing)
    if sound:
        installing.install(python_in(root / name), requirements, say=say)
        _write_stamp(root / name, _stamp(lock, everything))
    else:
        _build(root, requirements, _stamp(lock, everything), say, name)
    say(f"Set up in {time.monotonic() - began:.0f} s.")


def _build(root: Path, requirements: str, stamp: Stamp, say: Say, name: str) -> None:
    """Build aside, then rename: the final name always means a complete one."""
    for leftover in (*root.glob(".venv-new-*"), *root.glob(".venv-old-*")):
        shutil.rmtree(leftover, ignore_errors=True)
    final = root / name
    new, old = root / f".venv-new-{os.getpid()}", root / f".venv-old-{os.getpid()}"
    try:
        new.mkdir()  # first, so that a folder we may not write to is told apart
        installing.make_environment(new)
        installing.install(python_in(new), requirements, say=say)
        _put_course_on_path(new, root)
        _correct_paths(new, final)
        _write_stamp(new, stamp)
        _swap(new, final, old)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _swap(new: Path, final: Path, old: Path) -> None:
    """Rename new to final, and what was there to old; if that fails, nothing changes."""
    if os.path.lexists(final):
        os.rename(final, old)
    try:
        os.rename(new, final)
    except OSError:
        if os.path.lexists(old):
            os.rename(old, final)
        raise


def _put_course_on_path(venv: Path, root: Path) -> None:
    """Make `import course_lib` work from every folder, also after a move."""
    (packages,) = [*venv.glob("lib/python*/site-packages"), *venv.glob("Lib/site-packages")][:1]
    up = os.path.relpath(root, packages)  # relative to the .pth file's folder (site module)
    (packages / "course.pth").write_text(up + "\n", encoding="utf-8")


def _correct_paths(venv: Path, final: Path) -> None:
    """Write the final path into scripts, which name the folder they were made in.

    Windows' .exe launchers are left out; the course itself runs `python -m ...`.
    """
    for script in (*python_in(venv).parent.iterdir(), venv / "pyvenv.cfg"):
        if script.is_symlink() or not script.is_file():
            continue
        content = script.read_bytes()
        if b"\0" not in content and bytes(venv) in content:
            script.write_bytes(content.replace(bytes(venv), bytes(final)))


def _stamp(lock: dict[str, str], names: Sequence[str]) -> Stamp:
    digests = {name: hashlib.sha256(lock[name].encode()).hexdigest() for name in names}
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "sections": digests}


def _read_stamp(venv: Path) -> Stamp:
    """The stamp, or an empty one: then nothing in .venv is trusted."""
    try:
        stamp = json.loads((venv / _STAMP).read_text(encoding="utf-8"))
        return stamp if isinstance(stamp["sections"], dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write_stamp(venv: Path, stamp: Stamp) -> None:
    (venv / _STAMP).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")


def _read_lock(root: Path) -> dict[str, str]:
    return sections((root / "requirements.lock").read_text(encoding="utf-8"))


def _refuse_small_disk(root: Path, names: Sequence[str]) -> None:
    needed, free = sum(_FREE_BYTES[name] for name in names), shutil.disk_usage(root).free
    if free < needed:
        raise SetupError(
            f"The course needs {needed / 1e9:.1f} GB on the disk that holds {root} and"
            f" {free / 1e9:.1f} GB are free; make room and run the same again."
        )


def _explained(root: Path, error: OSError) -> SetupError:
    if error.errno == errno.ENOSPC:
        return disk_full()
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return SetupError(
            f"{root} cannot be written to; stop a lab that still runs from it, or copy the course"
            " to a folder of your own."
        )
    return SetupError(f"The environment could not be made ({error}); run the same again.")


@contextlib.contextmanager
def _only_one(root: Path, say: Say) -> Iterator[None]:
    """Let one process set up at a time. The system frees the lock when it dies."""
    with open(root / "course.py", "r+b") as file:
        waiting = False
        while not _locked(file.fileno()):
            if not waiting:
                say("Another start is setting up; waiting for it.")
            waiting = True
            time.sleep(_WAIT_SECONDS)
        yield


if sys.platform == "win32":

    def _locked(file: int) -> bool:
        import msvcrt

        os.lseek(file, 1 << 30, os.SEEK_SET)  # a byte far behind the end, so all may read
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _locked(file: int) -> bool:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
