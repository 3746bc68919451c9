"""Let one slow dependency fill its own compartment only, not the whole ship.

At most `max_concurrent` calls run; at most `max_waiting` more wait, in order of
arrival, for at most `wait_timeout` seconds; all others are refused at once.

The rule: a place that becomes free is handed to the longest waiter directly.
It is never free in between, so no newcomer overtakes and no place gets lost.

What a production version adds stands in `Bulkhead.production_gap`. Sources:
Michael Nygard, "Release It!", 2nd edition, "Bulkheads"; resilience4j, "Bulkhead".
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import ClassVar, Literal, ParamSpec, TypeVar

from course_lib.clock import Clock, SystemClock
from course_lib.errors.arguments import (
    check_awaitable,
    check_count,
    check_plain_function,
    check_plain_result,
    check_seconds,
)

__all__ = ["AsyncBulkhead", "Bulkhead", "Rejected"]

P = ParamSpec("P")
T = TypeVar("T")


class Rejected(Exception):
    """The call was refused; the function was not called.

    `reason`: "full" (no place to run and none to wait) or "timeout" (waited in vain).
    """

    def __init__(
        self, message: str = "bulkhead is full", *, reason: Literal["full", "timeout"] = "full"
    ) -> None:
        super().__init__(message)
        self.reason: Literal["full", "timeout"] = reason


class _Waiter:
    """One call that waits: `admitted` turns true, then `wake` is called."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self.admitted = False
        self.wake = wake


class BulkheadCore:
    """Who runs and who waits. It neither locks nor waits itself; each step is O(1).

    Args:
        max_concurrent: calls that run at the same time, >= 1.
        max_waiting: calls that wait for a place, >= 0.
        wait_timeout: seconds a call waits at most, >= 0.
        clock: measures the wait.

    Raises:
        ValueError: a number out of range.
    """

    production_gap: ClassVar[tuple[str, ...]] = (
        "a limit that adapts to the measured latency",
        "priorities, and the choice to serve the latest waiter first under overload",
        "metrics of waits and refusals",
        "one limit for many processes; here each process has its own",
    )

    def __init__(
        self,
        max_concurrent: int,
        max_waiting: int = 0,
        *,
        wait_timeout: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        self.max_concurrent = check_count("max_concurrent", max_concurrent, least=1)
        self.max_waiting = check_count("max_waiting", max_waiting, least=0)
        self.wait_timeout = check_seconds("wait_timeout", wait_timeout, zero_allowed=True)
        self._clock = SystemClock() if clock is None else clock
        self._running = 0
        self._queue: deque[_Waiter] = deque()

    @property
    def running(self) -> int:
        """How many calls run now."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many calls wait now."""
        return len(self._queue)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.running} of {self.max_concurrent} running,"
            f" {self.waiting} of {self.max_waiting} waiting)"
        )

    def _take_place(self) -> bool:
        """True: run now; False: wait. A place is free only if nobody waits."""
        if self._running < self.max_concurrent:
            self._running += 1
            return True
        if len(self._queue) >= self.max_waiting:
            raise Rejected(
                f"{self._running} of {self.max_concurrent} calls run and"
                f" {len(self._queue)} of {self.max_waiting} wait",
                reason="full",
            )
        return False

    def _give_place(self) -> None:
        """Hand a place to the longest waiter, or set it free."""
        if not self._queue:
            self._running -= 1
            return
        waiter = self._queue.popleft()
        waiter.admitted = True
        waiter.wake()

    def _stop_waiting(self, waiter: _Waiter) -> None:
        """Leave the queue; a place that was handed over in the meantime goes on."""
        if waiter.admitted:
            self._give_place()
        else:
            self._queue.remove(waiter)

    def _timed_out(self) -> Rejected:
        return Rejected(f"waited {self.wait_timeout:g} s for a place", reason="timeout")


class Bulkhead(BulkheadCore):
    """A bulkhead for plain functions and threads. `BulkheadCore` has the settings.

    A waiter sleeps for the seconds it has left and then asks the clock again.
    So a clock that stands still makes it wait on, and after a jump of the clock
    it gives up at most `wait_timeout` real seconds later.

    Do not call the same bulkhead from inside a call: it may wait for itself.

    >>> Bulkhead(2).call(divmod, 7, 2)
    (3, 1)
    """

    def __init__(
        self,
        max_concurrent: int,
        max_waiting: int = 0,
        *,
        wait_timeout: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(max_concurrent, max_waiting, wait_timeout=wait_timeout, clock=clock)
        self._lock = threading.Lock()

    def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `fn`, or the very exception it raised.

        Raises:
            Rejected: no place, see `reason`; `fn` was not called.
            TypeError: `fn` is, or gives back, a coroutine; its place would be
                free again before the work begins.
        """
        check_plain_function(fn, use="AsyncBulkhead")
        self._enter()
        try:
            return check_plain_result(fn(*args, **kwargs), use="AsyncBulkhead")
        finally:
            with self._lock:
                self._give_place()

    def _enter(self) -> None:
        with self._lock:
            if self._take_place():
                return
            woken = threading.Condition(self._lock)
            waiter = _Waiter(woken.notify)
            self._queue.append(waiter)
            try:
                self._wait(waiter, woken)
            except BaseException:
                self._stop_waiting(waiter)
                raise

    def _wait(self, waiter: _Waiter, woken: threading.Condition) -> None:
        deadline = self._clock.monotonic() + self.wait_timeout
        while not waiter.admitted:
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise self._timed_out()
            woken.wait(left)


class AsyncBulkhead(BulkheadCore):
    """The same for coroutine functions, within one event loop.

    The wait is `clock.asleep(wait_timeout)`: a `ManualClock` whose sleeps move it
    makes every waiter give up at once; use `ManualClock(sleep_advances=False)`.
    """

    async def call(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `await fn(...)`, or the very exception it raised.

        Raises:
            Rejected: no place, see `reason`; `fn` was not called.
            TypeError: `fn` gives back something that cannot be awaited.
        """
        await self._enter()
        try:
            return await check_awaitable(fn(*args, **kwargs), use="Bulkhead")
        finally:
            self._give_place()

    async def _enter(self) -> None:
        if self._take_place():
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(lambda: _wake(woken))
        self._queue.append(waiter)
        try:
            await self._wait(waiter, woken)
        except BaseException:
            self._stop_waiting(waiter)
            raise

    async def _wait(self, waiter: _Waiter, woken: asyncio.Future[None]) -> None:
        timer = asyncio.ensure_future(self._clock.asleep(self.wait_timeout))
        try:
            await asyncio.wait({woken, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        if not waiter.admitted:
            timer.result()  # an error of the clock is not a timeout
            raise self._timed_out()


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():  # it is done when its task was cancelled a moment ago
        woken.set_result(None)
