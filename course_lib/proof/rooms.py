"""A room of its own for every run of a lesson: folders, environment, marker.

Two runs share nothing: not the learner's record, not temp files, not the
folder that the lesson stands in, not the user's settings. The environment is
the same on every machine, so outputs are too. Every process that the lesson
starts carries the room's marker, by which it is found when it outlives it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from course_lib.index import ROOT
from course_lib.proof import network

__all__ = ["MARKER", "Room", "clear", "command", "common_environment", "room"]

MARKER = "COURSE_RUN"

GRACE = 3.0  # seconds that a process has to end, once its kernel is gone

_FIXED = {
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "SOURCE_DATE_EPOCH": "1767225600",  # 2026-01-01, in files that carry a date
    "PYTHONIOENCODING": "utf-8",
    "COLUMNS": "80",
}
_DROPPED = ("JUPYTER", "JPY_", "IPYTHON", "MPL", "COURSE_", "PYTEST_", "XDG_", "PYTHON")
_CHILDREN = Path(__file__).parent / "children"


class Room:
    """The folders of one run; `tmp` and `lesson` must be left as they were found."""

    def __init__(self, folder: Path, lesson: Path) -> None:
        self.marker = uuid.uuid4().hex
        self.home = folder / "home"
        self.tmp = folder / "tmp"
        self.lesson = folder / "lesson" / lesson.parent.name
        self.network_log = folder / "network.log"
        for place in (self.home, self.tmp):
            place.mkdir()
        shutil.copytree(lesson.parent, self.lesson, ignore=shutil.ignore_patterns("*.ipynb", ".*"))
        self._before = self._lesson_files()

    def environment(self) -> dict[str, str]:
        """The whole environment of the kernel."""
        folders = {
            "HOME": self.home,
            "COURSE_HOME": self.home / "course",
            "IPYTHONDIR": self.home / "ipython",
            "JUPYTER_CONFIG_DIR": self.home / "jupyter",
            "XDG_RUNTIME_DIR": self.home,
            network.LOG: self.network_log,
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self.tmp),
        }
        return {
            **common_environment(),
            **{name: str(folder) for name, folder in folders.items()},
            network.ASK: "1",
            MARKER: self.marker,
        }

    def left_files(self) -> list[str]:
        """Files that were not there at the start, in the words of a message."""
        in_tmp = [f"temp file {path.name}" for path in sorted(self.tmp.iterdir())]
        new = sorted(self._lesson_files() - self._before)
        return in_tmp + [f"file {name} beside the lesson" for name in new]

    def network_attempts(self) -> list[str]:
        """Every attempt to leave this machine, swallowed or not, each once."""
        try:
            lines = self.network_log.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return sorted(set(lines))

    def sweep(self) -> list[str]:
        """Kill the processes that carry the marker after all should have ended; their commands."""
        return _sweep(self.marker)

    def _lesson_files(self) -> set[str]:
        skipped = {"__pycache__"}
        return {
            path.relative_to(self.lesson).as_posix()
            for path in self.lesson.rglob("*")
            if not skipped & set(path.parts)
        }


def common_environment() -> dict[str, str]:
    """What all rooms share: the machine's own variables, and one world for all machines."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED)}
    return {
        **kept,
        **_FIXED,
        "MPLCONFIGDIR": str(_shared_folder() / "matplotlib"),
        "COURSE_CACHE": str(_shared_folder() / "cache"),
        "COURSE_CHECK_PICTURES": "1",
        "PYTHONPATH": os.pathsep.join([str(_CHILDREN), str(ROOT)]),
    }


def clear(environment: Mapping[str, str]) -> None:
    """Take away the room of a run that was killed, and every process of it."""
    _sweep(environment[MARKER])
    shutil.rmtree(Path(environment["HOME"]).parent, ignore_errors=True)


def _sweep(marker: str) -> list[str]:
    carrying = [process for process in psutil.process_iter() if _marker(process) == marker]
    _, alive = psutil.wait_procs(carrying, timeout=GRACE)
    commands = sorted(command(process) for process in alive)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=GRACE)
    return commands


def _marker(process: psutil.Process) -> str:
    try:
        return str(process.environ().get(MARKER, ""))
    except (psutil.Error, OSError):
        return ""  # another user's, or gone


def command(process: psutil.Process) -> str:
    """How a message names a process."""
    try:
        return " ".join(process.cmdline())[:80] or process.name()
    except psutil.Error:
        return f"number {process.pid}"


def _shared_folder() -> Path:
    """What all rooms of this environment may keep: a font list, an empty database."""
    return Path(sys.prefix) / "share" / "break-it-first"


@contextmanager
def room(lesson: Path) -> Iterator[Room]:
    """A fresh room for one run of the notebook `lesson`; removed afterwards, whatever happened."""
    folder = Path(tempfile.mkdtemp(prefix="break-it-first-"))
    try:
        made = Room(folder, lesson)
        try:
            yield made
        finally:
            made.sweep()
    finally:
        # A process that was killed a moment ago may still hold a file open (Windows).
        shutil.rmtree(folder, ignore_errors=True)
