"""The one seam for time.

Code that waits or measures takes a `clock` argument. In production that is
`SystemClock()`; in tests and lessons it is a `ManualClock`, on which an hour
passes in no time and every wait is written down.

The rule: durations come from `monotonic()`, which never goes back; `now()` is
only for dates that people or other machines read. Source: PEP 418.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Protocol, runtime_checkable

__all__ = ["Clock", "ManualClock", "SystemClock"]


@runtime_checkable
class Clock(Protocol):
    """What the course expects of a clock. All values are in seconds."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    def now(self) -> float:
        """Unix time: seconds since 1970-01-01 UTC; may be set back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        ...

    async def asleep(self, seconds: float) -> None:
        """Suspend this task."""
        ...


class SystemClock:
    """The real clock of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def __repr__(self) -> str:
        return "SystemClock()"


class ManualClock:
    """A clock that moves only when told to. Thread-safe.

    Args:
        start: first value of `monotonic()`, in seconds.
        now: first value of `now()`; the default is 2026-01-01 00:00 UTC.
        sleep_advances: True, the default: `sleep` and `asleep` move the clock
            themselves and return. False: they wait until somebody calls
            `advance`, for tests with several threads or tasks.

    >>> clock = ManualClock()
    >>> clock.sleep(60)
    >>> clock.monotonic(), clock.waits
    (60.0, [60])
    """

    def __init__(
        self,
        start: float = 0.0,
        *,
        now: float = 1_767_225_600.0,
        sleep_advances: bool = True,
    ) -> None:
        self._monotonic = float(start)
        self._wall_offset = float(now) - self._monotonic
        self._sleep_advances = sleep_advances
        self._moved = threading.Condition()
        self._sleepers: list[tuple[float, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.waits: list[float] = []

    def monotonic(self) -> float:
        with self._moved:
            return self._monotonic

    def now(self) -> float:
        with self._moved:
            return self._monotonic + self._wall_offset

    def advance(self, seconds: float) -> None:
        """Move both clocks forward and wake whoever has slept long enough.

        Raises:
            ValueError: `seconds` is negative; a monotonic clock cannot go back.
        """
        if seconds < 0:
            raise ValueError(f"a monotonic clock cannot go back by {-seconds} s")
        with self._moved:
            self._monotonic += seconds
            due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._monotonic]
            self._sleepers = [s for s in self._sleepers if s[0] > self._monotonic]
            self._moved.notify_all()
        for _, loop, woken in due:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, woken)

    def set_wall_clock_back(self, seconds: float) -> None:
        """Move `now()` alone, as an administrator or NTP would."""
        with self._moved:
            self._wall_offset -= seconds

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"cannot sleep {seconds} s")
        with self._moved:
            self.waits.append(seconds)
            if not self._sleep_advances:
                until = self._monotonic + seconds
                self._moved.wait_for(lambda: self._monotonic >= until)
                return
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"cannot sleep {seconds} s")
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        with self._moved:
            self.waits.append(seconds)
            if not self._sleep_advances and seconds > 0:
                self._sleepers.append((self._monotonic + seconds, loop, woken))
        if self._sleep_advances or seconds == 0:
            self.advance(seconds)
            await asyncio.sleep(0)
            return
        await woken

    @property
    def sleeping(self) -> int:
        """How many tasks wait in `asleep` now."""
        with self._moved:
            return sum(not sleeper[2].done() for sleeper in self._sleepers)

    def __repr__(self) -> str:
        return f"ManualClock(at {self.monotonic():g} s)"


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
