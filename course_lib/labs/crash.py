"""Kill a function at any of its disk calls, to see what is on the disk afterwards.

The function runs in a child process and knows nothing of it. Right before a call
that may change the disk (open, write, flush, close, replace, fsync, unlink,
commit and so on), or before a function that you name, the process gets SIGKILL,
or TerminateProcess on Windows. Nothing can catch that: no `finally` runs and no
buffer is written. Between two such calls the disk does not change, so `points`
gives all the moments that there are to be killed in.

Not seen: a file that is closed only because nobody refers to it any more, what
C code does inside one call (a whole SQLite commit, say), and processes that the
function starts. The machine lives on, so what was written without fsync is still there.

Where there is no fork, the child imports the function: it has to stand in a module.
Source: `sys.setprofile` reports each call of a C function (Python documentation, sys).
"""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["Point", "Run", "at", "points", "run"]

_FILES = (io.FileIO, io.BufferedWriter, io.BufferedRandom, io.TextIOWrapper)
_DATABASES = (sqlite3.Connection, sqlite3.Cursor)
_CALLS = {
    "file": "write writelines flush truncate close __exit__",
    "database": "execute executemany executescript commit rollback close __exit__",
    "os": "open write writev pwrite sendfile copy_file_range fsync fdatasync truncate ftruncate"
    " close rename replace remove unlink mkdir rmdir link symlink chmod utime",
}
_NAMES = {kind: frozenset(names.split()) for kind, names in _CALLS.items()}
_LIBRARY = os.path.dirname(os.__file__)


@dataclass(frozen=True)
class Point:
    """The moment before a call, the `number`-th of this run.

    `line` is where the call was made, outside of Python's own library.
    """

    number: int
    call: str
    line: int

    def __str__(self) -> str:
        return f"{self.number}: before {self.call}, line {self.line}"


@dataclass(frozen=True)
class Run:
    """What a child did: the points it came to, and how it ended.

    `killed` is the point at which it was killed, or None if it ended before;
    `error` is the error that it ended with, as text.
    """

    points: tuple[Point, ...]
    killed: Point | None = None
    error: str = ""


def points(fn: Callable[[], object], *, watch: Sequence[Any] = ()) -> tuple[Point, ...]:
    """The points of a run that nobody kills. It has its real effect on the disk.

    Raises:
        RuntimeError: the function raised an error, or ended its process.
        TimeoutError: see `run`.
    """
    done = run(fn, watch=watch)
    if done.error:
        raise RuntimeError(f"The function ended with {done.error}; mend it or its arguments.")
    return done.points


def at(fn: Callable[[], object], point: Point | int | str, *, watch: Sequence[Any] = ()) -> Run:
    """Run the function and kill it at this point: a Point, its number, or a call by name.

    A name such as "replace" means the first call of that name.
    """
    return run(fn, kill_at=point.number if isinstance(point, Point) else point, watch=watch)


def run(
    fn: Callable[[], object],
    *,
    kill_at: int | str | None = None,
    watch: Sequence[Any] = (),
    limit: float = 10.0,
) -> Run:
    """Run `fn()` in a child process; its output is thrown away.

    Args:
        fn: a function without arguments; `functools.partial` gives it some.
        kill_at: the number of a point, or the name of a call; None for never.
        watch: further Python functions whose calls are points, under their own names.
        limit: seconds until the child is ended anyway.

    Raises:
        TimeoutError: it was still running then.
        ValueError: there is no fork here, and the function cannot be imported.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        task = (fn, kill_at, tuple(watch), report)
        code = _forked(task, limit) if hasattr(os, "fork") else _spawned(task, limit)
        if not report.exists():
            return Run((), error=f"exit code {code} and no report")
        said = json.loads(report.read_text(encoding="utf-8"))
    reached = tuple(Point(*each) for each in said["points"])
    return Run(reached, reached[-1] if said["killed"] else None, said["error"])


_Task = tuple[Callable[[], object], "int | str | None", tuple[Any, ...], Path]


def _forked(task: _Task, limit: float) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of a notebook; see below
        pid = os.fork()
    if pid == 0:
        # Only this thread is left. Other threads may have held locks of the
        # interpreter's streams, so the child uses none of them, and never returns.
        try:
            _work(*task)
        finally:
            os._exit(0)
    status = None
    try:
        status = _wait(pid, time.monotonic() + limit)
    finally:  # also if the wait itself is interrupted
        if status is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    if status is None:
        raise TimeoutError(_too_long(limit))
    return status


def _wait(pid: int, end: float) -> int | None:
    """The exit code of the child, or None if it still runs at `end`."""
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    return None


def _spawned(task: _Task, limit: float) -> int:
    refused = ValueError("The child imports the function; write it in a module, not in a cell.")
    try:
        sent = pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise refused from error
    if b"__main__" in sent:  # pickle names the module, and the child has another __main__
        raise refused
    start = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    start += "from course_lib.labs import crash; crash._child()"
    command = [sys.executable, "-c", start, json.dumps(sys.path)]
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(command, input=sent, timeout=limit, stdout=quiet, stderr=quiet)
    except subprocess.TimeoutExpired:
        raise TimeoutError(_too_long(limit)) from None
    return done.returncode


def _too_long(limit: float) -> str:
    return f"The child was ended after {limit:g} s; look for an endless loop, or raise limit."


def _child() -> None:
    _work(*pickle.load(sys.stdin.buffer))


def _work(
    fn: Callable[[], object], kill_at: int | str | None, watch: tuple[Any, ...], report: Path
) -> None:
    """In the child: run the function under the watcher, and leave a report."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), io.StringIO(), io.StringIO()
    watcher = _Watcher(kill_at, watch, report)
    error = ""
    threading.setprofile(watcher)
    sys.setprofile(watcher)
    try:
        fn()
    except BaseException as raised:  # noqa: BLE001 - whatever it is, it goes into the report
        error = f"{type(raised).__name__}: {raised}"
    finally:
        sys.setprofile(None)
    watcher.tell(killed=False, error=error)


class _Watcher:
    """Called by the interpreter before each call; counts points, and kills at one."""

    def __init__(self, kill_at: int | str | None, watch: tuple[Any, ...], report: Path) -> None:
        self._kill_at, self._report = kill_at, report
        self._codes = {getattr(each, "__code__", None): each.__name__ for each in watch}
        self._points: list[Point] = []

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "c_call":
            call = _disk_call(arg)
            if call and not frame.f_code.co_filename.startswith("<frozen importlib"):
                self._reached(call, frame)
        elif event == "call" and frame.f_code in self._codes:
            self._reached(self._codes[frame.f_code], frame.f_back or frame)

    def _reached(self, call: str, frame: FrameType) -> None:
        point = Point(len(self._points) + 1, call, _own_line(frame))
        self._points.append(point)
        if self._kill_at in (point.number, call):
            self.tell(killed=True)
            # On Windows this is TerminateProcess.
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    def tell(self, *, killed: bool, error: str = "") -> None:
        """Write the report: points are small, so this never takes long."""
        said = {
            "points": [(point.number, point.call, point.line) for point in self._points],
            "killed": killed,
            "error": error,
        }
        self._report.write_text(json.dumps(said), encoding="utf-8")


def _own_line(frame: FrameType) -> int:
    """The line outside of Python's library that led to this frame."""
    seen: FrameType | None = frame
    while seen is not None and seen.f_code.co_filename.startswith(_LIBRARY):
        seen = seen.f_back
    return (seen or frame).f_lineno


def _open_for_writing(file: Any) -> bool:
    try:
        return bool(file.writable())
    except ValueError:  # closed, or detached
        return False


def _disk_call(function: Any) -> str:
    """The name under which a C function is a point, or nothing."""
    owner, name = getattr(function, "__self__", None), function.__name__
    if isinstance(owner, _FILES):
        ours = name in _NAMES["file"] and _open_for_writing(owner)
        return name.replace("__exit__", "close") if ours else ""
    if isinstance(owner, _DATABASES):
        return name.replace("__exit__", "commit") if name in _NAMES["database"] else ""
    module = getattr(function, "__module__", "")
    if module in ("posix", "nt"):
        return name if name in _NAMES["os"] else ""
    return "open" if module in ("_io", "io") and name == "open" else ""
