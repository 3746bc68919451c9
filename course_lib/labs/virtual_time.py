"""Simulated time for real threads.

Each thread runs alone until it sleeps or ends; then the thread with the
earliest wake-up runs. Twenty simulated seconds of ten blocked threads take
milliseconds, and give the same result every time.

The rule: a thread may wait only by `sleep` on this clock. One that waits for
anything else, such as a lock held by a sleeping thread, stops the simulation
with `Stuck`. Source: discrete-event simulation, e.g. Banks et al., ch. 3.
"""

from __future__ import annotations

import heapq
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["Stuck", "VirtualTime"]


class Stuck(RuntimeError):
    """A thread did not come back to the clock within the real time allowed."""


class _Released(BaseException):
    """Ends a sleeping thread at close. Not an Exception, so no handler keeps it."""


class VirtualTime:
    """A clock under which threads run one at a time, in simulated order.

    Threads due at the same moment run in the order in which they went to sleep.
    Times are rounded to the nanosecond, so 0.1 + 0.2 and 0.3 are one moment.

    Args:
        now: Unix time at simulated second 0; the default is 2026-01-01 00:00 UTC.
        patience: real seconds a thread may run before it counts as stuck.

    >>> with VirtualTime() as time:
    ...     time.start(lambda: (time.sleep(3), print("at", time.monotonic())))
    ...     time.run(until=10)
    ...     time.monotonic()
    at 3.0
    10.0
    """

    def __init__(self, *, now: float = 1_767_225_600.0, patience: float = 1.0) -> None:
        self._time = 0.0
        self._wall = now
        self._patience = patience
        self._agenda: list[tuple[float, int, _Worker]] = []
        self._arrivals = 0
        self._workers: list[_Worker] = []
        self._back = threading.Semaphore(0)
        self._stuck: Stuck | None = None
        self._closed = False

    def monotonic(self) -> float:
        return self._time

    def now(self) -> float:
        return self._wall + self._time

    def start(self, job: Callable[..., object], *args: Any) -> None:
        """Begin `job(*args)` in a thread of its own at the present simulated moment.

        Nothing runs before `run`, or before the thread that called `start` sleeps.
        """
        if self._closed:
            raise RuntimeError("this VirtualTime is closed; make a new one")
        worker = _Worker(self, job, args, number=len(self._workers) + 1)
        self._workers.append(worker)
        self._put_down(worker, 0.0)

    def run(self, *, until: float) -> None:
        """Let everything happen that is due up to and including second `until`.

        Raises:
            Stuck: a thread waits for something other than this clock.
            Exception: whatever a job raised.
        """
        if self._stuck:
            raise self._stuck
        while self._agenda and self._agenda[0][0] <= until:
            self._time, _, worker = heapq.heappop(self._agenda)
            self._let_run(worker)
        self._time = max(self._time, float(until))

    def sleep(self, seconds: float) -> None:
        """Park this thread until `seconds` of simulated time have passed."""
        if seconds < 0:
            raise ValueError(f"cannot sleep {seconds} s")
        worker = self._current_worker()
        self._end_if_closed()
        self._put_down(worker, seconds)
        self._back.release()
        worker.turn.acquire()
        self._end_if_closed()

    async def asleep(self, seconds: float) -> None:
        """Always an error: this clock moves threads, not tasks."""
        raise RuntimeError("VirtualTime runs threads; call sleep(), or use ManualClock for tasks")

    def close(self) -> None:
        """End every thread: those asleep leave their `sleep` by an exception.

        Raises:
            RuntimeError: a thread would not end.
        """
        self._closed = True
        for worker in self._workers:
            worker.turn.release()
            worker.thread.join(0.05)  # one after the other, unless it waits for a later one
        for worker in self._workers:
            worker.thread.join(self._patience)
        names = [worker.thread.name for worker in self._workers if worker.thread.is_alive()]
        if names:
            raise RuntimeError(
                f"{', '.join(names)} would not end; a job must let BaseException pass, "
                "and must not wait for a lock that nobody gives back"
            )

    def __enter__(self) -> VirtualTime:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self.close()
        except RuntimeError as unended:
            if error is None:
                raise
            error.add_note(str(unended))  # the first error is the cause; keep it

    def __repr__(self) -> str:
        return f"VirtualTime(at {self._time:g} s, {len(self._workers)} threads)"

    def _put_down(self, worker: _Worker, seconds: float) -> None:
        self._arrivals += 1
        due = round(self._time + seconds, 9)
        heapq.heappush(self._agenda, (due, self._arrivals, worker))

    def _let_run(self, worker: _Worker) -> None:
        worker.turn.release()
        # In ten short waits: a pause of the whole machine uses up only one of them.
        if not any(self._back.acquire(timeout=self._patience / 10) for _ in range(10)):
            self._stuck = self._describe_stuck(worker)
            raise self._stuck
        if worker.error is not None:
            raise worker.error

    def _describe_stuck(self, worker: _Worker) -> Stuck:
        return Stuck(
            f"at simulated second {self._time:g} the thread {worker.thread.name} did not come "
            f"back to this clock within {self._patience:g} s of real time{worker.place()}; most "
            "likely it waits for a lock that a sleeping thread holds, so let go of locks "
            "before you sleep or call"
        )

    def _current_worker(self) -> _Worker:
        for worker in self._workers:
            if worker.thread is threading.current_thread():
                return worker
        raise RuntimeError(
            "only a thread begun with start() can sleep here; outside, call run(until=...)"
        )

    def _end_if_closed(self) -> None:
        if self._closed:
            raise _Released


class _Worker:
    """One thread and the semaphore that gives it its turn."""

    def __init__(
        self, time: VirtualTime, job: Callable[..., object], args: tuple[Any, ...], *, number: int
    ) -> None:
        self._time = time
        self._job = job
        self._args = args
        self.error: BaseException | None = None
        self.turn = threading.Semaphore(0)
        self.thread = threading.Thread(
            target=self._run, name=f"virtual-worker-{number}", daemon=True
        )
        self.thread.start()

    def _run(self) -> None:
        self.turn.acquire()
        try:
            self._time._end_if_closed()
            self._job(*self._args)
        except _Released:
            pass
        except BaseException as error:  # noqa: BLE001  `run` raises it again
            self.error = error
        finally:
            self._time._back.release()

    def place(self) -> str:
        """Where the thread is now, as ` (in pay, line 12)`; empty if that is unknown."""
        frame: FrameType | None = sys._current_frames().get(self.thread.ident or 0)
        while frame and frame.f_code.co_filename == threading.__file__:
            frame = frame.f_back
        return f" (in {frame.f_code.co_name}, line {frame.f_lineno})" if frame else ""
