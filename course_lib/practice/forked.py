"""Tasks in child processes, a few at a time; every result in its place.

Each task has a fork of its own: it sees all that was loaded before, and may hang
or die without taking another task or this process along. Where there is no fork
(Windows), tasks run here, one after the other, and are trusted to end.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NoReturn, TypeVar

__all__ = ["Ended", "in_forks"]

_Result = TypeVar("_Result")

LOOK_AGAIN = 0.2
"""Seconds between two looks for a child that died while a child of its own held the pipe."""


@dataclass(frozen=True)
class Ended:
    """Stands for the result of a task that gave none. `why` follows the name of the task."""

    why: str


@dataclass(frozen=True)
class _Raised:
    error: Exception


@dataclass(frozen=True)
class _Child:
    number: int
    process: BaseProcess
    pid: int
    end: float


def in_forks(
    tasks: Sequence[Callable[[], _Result]],
    *,
    jobs: int = 1,
    seconds: float,
    ended: Callable[[int], object] = lambda pid: None,
) -> Iterator[_Result | Ended]:
    """What each task returns, in the order of `tasks`; `Ended` where there is nothing.

    Leaving the loop early, by Ctrl-C too, ends all children and what they began.

    Args:
        jobs: how many tasks run at the same time.
        seconds: limit for each task; then it is ended.
        ended: called with the process id of each child that is gone.

    Raises:
        Exception: what a task raised, in its place.
    """
    if not hasattr(os, "fork"):
        yield from (task() for task in tasks)
        return
    running: dict[Connection, _Child] = {}
    results: dict[int, Any] = {}
    begun = 0
    try:
        for number in range(len(tasks)):
            while number not in results:
                while begun < len(tasks) and len(running) < max(1, jobs):
                    reader, child = _begin(tasks[begun], begun, seconds)
                    running[reader] = child
                    begun += 1
                for reader, result in _ended(running, seconds):
                    child = running.pop(reader)
                    results[child.number] = result
                    ended(child.pid)
            result = results.pop(number)
            if isinstance(result, _Raised):
                raise result.error
            yield result
    finally:
        for reader, child in running.items():
            _end(reader, child.process)
            ended(child.pid)


def _begin(task: Callable[[], object], number: int, seconds: float) -> tuple[Connection, _Child]:
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(task, writer))
    process.start()
    writer.close()
    return reader, _Child(number, process, process.pid or 0, time.monotonic() + seconds)


def _work(task: Callable[[], object], writer: Connection) -> NoReturn:
    """In the child: send what the task gives, and stop whatever it left running.

    A session of its own keeps the terminal's Ctrl-C away: the parent gets it.
    """
    os.setsid()
    code = 1
    try:
        try:
            result = task()
        except Exception as error:  # noqa: BLE001 - raised again in the parent
            result = _Raised(error)
        writer.send(result)
        code = 0
    finally:
        os._exit(code)


def _ended(running: dict[Connection, _Child], seconds: float) -> list[tuple[Connection, Any]]:
    """The children that ended by now, each with its result; waits a moment for the first."""
    wait(list(running), LOOK_AGAIN)
    found: list[tuple[Connection, Any]] = []
    for reader, child in running.items():
        alive = child.process.is_alive()  # asked first: what a dead child sent is there
        if reader.poll():
            result = _received(reader, child.process)
        elif not alive:
            result = Ended(_how(child.process))
        elif time.monotonic() > child.end:
            result = Ended(f"took more than {seconds:g} s")
        else:
            continue
        _end(reader, child.process)
        found.append((reader, result))
    return found


def _received(reader: Connection, process: BaseProcess) -> Any:
    try:
        return reader.recv()
    except EOFError:
        process.join(1)
        return Ended(_how(process))


def _how(process: BaseProcess) -> str:
    code = process.exitcode or 0
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _end(reader: Connection, process: BaseProcess) -> None:
    """End the child and everything in its session."""
    try:
        os.killpg(process.pid or 0, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # it has ended, or has not begun
        process.kill()
    process.join()
    process.close()
    reader.close()
