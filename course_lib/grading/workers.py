"""Mark many submissions on several cores: processes that each have a warm process.

A worker that dies takes nothing along: what it was marking is given to another one.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
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

    Args:
        jobs: how many run at the same time, each in a process.

    Raises:
        BadExercise: an exercise cannot be graded here.
        ValueError: no worker can be started.
    """
    queue = _Queue(tasks)
    while not queue.empty:
        with _Pool(setting, jobs) as pool:
            yield from pool.run(queue)


class _Queue:
    """Tasks, each made when it is taken; those that were begun and lost come first."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._coming = iter(tasks)
        self._again: list[tuple[Task, int]] = []
        self.empty = False

    def take(self) -> tuple[Task, int] | None:
        """A task, and how often it may be tried; None: there are no more."""
        if self._again:
            return self._again.pop()
        task = next(self._coming, None)
        self.empty = task is None
        return None if task is None else (task, TRIES)

    def put_back(self, task: Task, tries: int) -> None:
        self._again.append((task, tries))
        self.empty = False


class _Pool:
    """Workers until all is done or one of them dies."""

    def __init__(self, setting: Setting, jobs: int) -> None:
        self._jobs = jobs
        self._others = {*multiprocessing.active_children()}
        self._executor = ProcessPoolExecutor(
            jobs,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(setting,),
        )

    def __enter__(self) -> _Pool:
        """Raises ValueError: its processes end before they have got anything to do."""
        try:
            self._executor.submit(_nothing).result()
        except BrokenProcessPool:
            self._executor.shutdown()
            raise ValueError(
                "The worker processes do not start; run `python3 course.py grade` in a shell."
            ) from None
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        """Leaving early, by Ctrl-C too, ends the workers at once, and all that they began."""
        if kind is not None:
            for worker in {*multiprocessing.active_children()} - self._others:
                worker.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def run(self, queue: _Queue) -> Iterator[tuple[Task, Marked | str]]:
        """Take tasks until there are none; when a worker dies, those begun go back."""
        running: dict[Future[Marked], tuple[Task, int]] = {}
        broken = False
        while True:
            while not broken and len(running) < 2 * self._jobs and (taken := queue.take()):
                try:
                    running[self._executor.submit(_mark, taken[0])] = taken
                except BrokenProcessPool:
                    queue.put_back(*taken)
                    broken = True
            if not running:
                return
            done, _ = concurrent.futures.wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task, tries = running.pop(future)
                try:
                    yield task, future.result()
                except GraderFault as error:
                    yield task, f"It could not be marked: {error}"
                except BrokenProcessPool:
                    broken = True
                    if tries > 1:
                        queue.put_back(task, tries - 1)
                    else:
                        yield task, "It could not be marked: a worker process died each time."


_worker: Worker


def _begin(setting: Setting) -> None:
    """In a new worker. Ctrl-C is for the process that started it."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    hide_memory()
    _worker = Worker(setting)
    multiprocessing.util.Finalize(None, _worker.close, exitpriority=10)


def _nothing() -> None:
    """Done by a worker that has begun."""


def _mark(task: Task) -> Marked:
    return _worker.mark(task)
