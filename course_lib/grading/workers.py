"""Mark many submissions on several cores: processes that each have a warm process.

A worker that dies takes nothing along: what it was marking is given to another one.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from course_lib.grading.assignments import open_assignment
from course_lib.grading.kernel_calls import die_with_parent, hide_memory
from course_lib.grading.marking import Marked, Marker
from course_lib.grading.notebook_cells import Cell
from course_lib.grading.seeds import Seed
from course_lib.grading.warm_process import GraderFault, WarmProcess

__all__ = ["Setting", "Task", "marked_by"]

TRIES = 3
"""Of one submission, when the grader itself fails."""

GOODBYE = 5.0
"""Seconds for a worker without work to end by itself."""


@dataclass(frozen=True)
class Setting:
    """What all workers share.

    `secret`: the content of the seed file, or None; in no log, which shows the repr.
    `accept`: use it even where learners' code could read it.
    """

    root: Path
    secret: bytes | None = field(default=None, repr=False)
    namespaces: bool = True
    accept: bool = False


@dataclass(frozen=True)
class Task:
    key: str
    exercise: str
    cells: list[Cell] = field(repr=False)


class Worker:
    """Marks one submission after the other, of any exercise."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._warm: WarmProcess | None = None
        self._markers: dict[str, Marker] = {}

    def mark(self, task: Task) -> Marked:
        """The marks; a warm process that fails is replaced.

        Raises:
            GraderFault: it failed again and again.
            BadExercise: the exercise cannot be graded here.
            ValueError: the seed would not be secret here.
        """
        for left in reversed(range(TRIES)):
            try:
                return self._marker(task.exercise).mark(task.cells)
            except GraderFault:
                self.close()
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _marker(self, exercise: str) -> Marker:
        if self._warm is None:
            self._warm = self._warmed()
        if exercise not in self._markers:
            assignment = open_assignment(exercise, self.setting.root)
            self._markers[exercise] = Marker(self._warm, assignment, Seed(self.setting.secret))
        return self._markers[exercise]

    def _warmed(self) -> WarmProcess:
        """Another machine than the one that asked may have other protections."""
        setting = self.setting
        warm = WarmProcess([setting.root / "exercises"], namespaces=setting.namespaces)
        if setting.secret is not None and not setting.accept and warm.protections.missing:
            warm.close()
            raise ValueError(
                f"A worker cannot keep learners' code from {warm.protections.missing[0]}; "
                f"allow it namespaces, or add --accept-missing-protections."
            )
        return warm

    def close(self) -> None:
        if self._warm:
            self._warm.close()
        self._warm = None
        self._markers.clear()


def marked_by(
    tasks: Iterable[Task], setting: Setting, *, jobs: int
) -> Iterator[tuple[Task, Marked | str]]:
    """Each task with its marks, or with a sentence why there are none, as they get done.

    Leaving early, by Ctrl-C too, ends the workers at once, and all that they began.

    Args:
        jobs: how many run at the same time, each in a process.

    Raises:
        BadExercise: an exercise cannot be graded here.
        ValueError: no worker can be started.
    """
    coming = iter(tasks)
    ready = deque(itertools.islice(coming, jobs))
    if not ready:
        return
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(_Process(setting, core)) for core in _cores(jobs)]
        for worker in workers:
            worker.wait_until_ready()
        while True:
            idle = sum(worker.task is None for worker in workers)
            ready.extend(itertools.islice(coming, jobs + idle - len(ready)))
            for worker in workers:
                worker.begin(ready)
            busy = [worker for worker in workers if worker.task]
            if not busy:
                return
            answered = wait([worker.connection for worker in busy])
            for worker in busy:
                if worker.connection in answered:
                    done = worker.done()
                    worker.begin(ready)  # what is done is looked at while it works
                    if done:
                        yield done


def _cores(jobs: int) -> list[int | None]:
    """For each worker the core that it and its children stay on, if all cores are wanted.

    A submission is handed to and fro between processes that then share a core's caches,
    and every submission has as much of the machine as the next one.
    """
    cores = sorted(os.sched_getaffinity(0))
    if jobs < len(cores):
        return [None] * jobs
    return [cores[number % len(cores)] for number in range(jobs)]


class _Process:
    """A worker in a process of its own, with one task at a time; a context manager.

    A new process takes the place of one that dies.
    """

    def __init__(self, setting: Setting, core: int | None) -> None:
        self._setting = setting
        self._core = core
        self._left = TRIES
        self.task: Task | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._setting, self._core))
        self._process.start()
        theirs.close()

    def wait_until_ready(self) -> None:
        """Raises ValueError: the process ends before it has got anything to do."""
        try:
            self.connection.recv()
        except (EOFError, OSError):
            raise ValueError(
                "The worker processes do not start; run `python3 course.py grade` in a shell."
            ) from None

    def begin(self, ready: deque[Task]) -> None:
        """Take the next task, if this worker has none and there is one."""
        if self.task is None and ready:
            self.task = ready.popleft()
            self._left = TRIES
            self._give()

    def _give(self) -> None:
        with contextlib.suppress(OSError):  # it has died, which `done` will notice
            self.connection.send(self.task)

    def done(self) -> tuple[Task, Marked | str] | None:
        """What came of its task; None if its process has died and a new one tries again."""
        assert self.task
        try:
            found = self.connection.recv()
        except (EOFError, OSError):
            self._end()
            self._start()
            self.wait_until_ready()
            self._left -= 1
            if self._left:
                self._give()
                return None
            found = "It could not be marked: a worker process died each time."
        if isinstance(found, Exception):
            raise found
        task, self.task = self.task, None
        return task, found

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        """Ends the process; at once, with all that it began, where something went wrong."""
        if kind is None:
            self.connection.close()
            self._process.join(GOODBYE)
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.join()
        self.connection.close()


def _work(connection: Connection, setting: Setting, core: int | None) -> None:
    """In the new process. Ctrl-C is for the one that started it."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    hide_memory()
    worker = Worker(setting)
    with contextlib.closing(worker), contextlib.suppress(EOFError):
        connection.send("ready")
        while True:
            connection.send(_found(worker, connection.recv()))


def _found(worker: Worker, task: Task) -> Marked | str | Exception:
    """The marks, or a sentence why there are none, or what there is to raise."""
    try:
        return worker.mark(task)
    except GraderFault as error:
        return f"It could not be marked: {error}"
    except Exception as error:  # noqa: BLE001 - raised where it was asked for
        return error
