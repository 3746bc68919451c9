"""The decisions of a circuit breaker, without the calls.

    CLOSED     every call goes through; the outcomes are remembered in a window
    OPEN       no call goes through, for `open_for` seconds
    HALF_OPEN  a few probes go through; they decide between CLOSED and OPEN

The rule: the outcome of a call counts only in the period that let it in. A
period ends with each change of state.

Source: Michael Nygard, "Release It!", 2nd edition, "Circuit Breaker".
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, NamedTuple

from course_lib.clock import Clock, SystemClock
from course_lib.errors.arguments import check_count, check_rate, check_seconds
from course_lib.errors.sliding_window import CountWindow, Tally, TimeWindow

__all__ = ["BreakerCore", "CircuitOpen", "Snapshot", "State"]

_logger = logging.getLogger(__name__)


class State(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitOpen(Exception):
    """The call was refused; the function was not called.

    `retry_after`: seconds >= 0 until a call can be let in. In HALF_OPEN nobody
    knows, so it is `open_for`: the wait if a probe fails now.
    """

    def __init__(self, message: str = "circuit is open", *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Snapshot:
    """One moment of a breaker, all values from the same instant.

    In CLOSED the numbers are those of the window; in OPEN those that opened it
    (a time window forgets them); in HALF_OPEN those of the probes.
    """

    state: State
    calls: int
    failures: int
    slow_calls: int
    failure_rate: float
    slow_call_rate: float


class _Permit(NamedTuple):
    period: int
    started: float


class BreakerCore:
    """The decisions of a circuit breaker; thread-safe, each step O(1).

    Args:
        window: what is remembered: `CountWindow(20)`, or 20 for short, or
            `TimeWindow(10.0)`. The breaker uses a fresh copy.
        min_calls: below this many calls in the window, nothing opens.
        failure_rate: share of failed calls, in (0, 1], from which it opens.
        slow_call_duration: seconds; a longer call is slow. None: none is.
        slow_call_rate: share of slow calls, in (0, 1], from which it opens.
        open_for: seconds without any call; a call exactly then is let in.
        half_open_permits: how many probes one half-open period has. All
            succeed: closed. One fails or is slow: open again.
        is_failure: says whether an exception is the fault of the service. If
            not, the call counts neither as failure nor as success. It is asked
            only about `Exception`: a cancelled or interrupted call never counts.
        on_transition: called with `(old, new)` for each change, once and in
            order, outside the lock: it may use the breaker. A plain function.
            Another thread's call may be the one that reports a change.
        clock: durations are read from `clock.monotonic()`.

    If `is_failure` raises, the call counts as failed; if `on_transition` raises,
    the change stands. Both errors go to the log, and the caller still gets the
    result or the error of the call.

    Raises:
        ValueError: a number out of range; `min_calls` above the size of the window.
    """

    production_gap: ClassVar[tuple[str, ...]] = (
        "a time limit: a call that hangs is never counted and a probe that hangs keeps its"
        " permit, so the function needs a timeout of its own, inside the breaker",
        "a limit on the time spent half-open, and ramping up instead of full load at once",
        "one state for many processes, for example in Redis; here each process learns alone",
        "metrics of refused calls, and switches to force the circuit open or closed",
        "results that count as failures, such as an answer with status 503",
        "generators: only the call that creates one is seen, not its steps",
    )

    def __init__(
        self,
        *,
        window: int | CountWindow | TimeWindow = 20,
        min_calls: int = 10,
        failure_rate: float = 0.5,
        slow_call_duration: float | None = None,
        slow_call_rate: float = 1.0,
        open_for: float = 30.0,
        half_open_permits: int = 3,
        is_failure: Callable[[Exception], bool] = lambda error: True,
        on_transition: Callable[[State, State], object] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._closed_window = _window(window)
        self._min_calls = check_count("min_calls", min_calls, least=1)
        if isinstance(self._closed_window, CountWindow) and min_calls > self._closed_window.size:
            raise ValueError(
                f"min_calls must be at most the window of {self._closed_window.size} calls,"
                f" got {min_calls}"
            )
        self._failure_rate = check_rate("failure_rate", failure_rate)
        self._slow_after = (
            None
            if slow_call_duration is None
            else check_seconds("slow_call_duration", slow_call_duration)
        )
        self._slow_call_rate = check_rate("slow_call_rate", slow_call_rate)
        self._open_for = check_seconds("open_for", open_for)
        self._half_open_permits = check_count("half_open_permits", half_open_permits, least=1)
        self._is_failure = is_failure
        self.on_transition = on_transition
        self._clock = SystemClock() if clock is None else clock
        # Re-entrant, because the garbage collector may throw away an unfinished
        # coroutine at any line of ours, and that coroutine gives its permit back.
        self._lock = threading.RLock()
        self._state = State.CLOSED
        self._period = 0
        self._window: CountWindow | TimeWindow = self._closed_window.fresh()
        self._open_until = 0.0
        self._permits = 0
        self._unreported: deque[tuple[State, State]] = deque()
        self._reporting = False

    @property
    def state(self) -> State:
        """The state after the last call. OPEN ends with the next call, not by looking."""
        return self._state

    def snapshot(self) -> Snapshot:
        """State and numbers of this moment."""
        with self._lock:
            tally = self._window.tally(at=self._now())
            return Snapshot(
                self._state,
                tally.calls,
                tally.failures,
                tally.slow,
                tally.failure_rate,
                tally.slow_call_rate,
            )

    def __repr__(self) -> str:
        now = self.snapshot()
        return (
            f"{type(self).__name__}({now.state.name}, {now.failures} of {now.calls} calls failed,"
            f" {now.slow_calls} slow)"
        )

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Let the body run as one call, or raise CircuitOpen. No lock is held meanwhile."""
        permit = self._admit()
        failed: bool | None = None  # None: the outcome does not count
        try:
            self._report()
            yield
            failed = False
        except Exception as error:
            failed = True if self._is_fault(error) else None
            raise
        finally:
            # Also for KeyboardInterrupt, CancelledError, GeneratorExit: a permit
            # that is not given back would leave the circuit half-open for ever.
            self._settle(permit, failed=failed)
            self._report()

    def _admit(self) -> _Permit:
        with self._lock:
            now = self._now()
            if self._state is State.OPEN:
                self._refuse_while_open(now)
                self._become(State.HALF_OPEN, now)
            if self._state is State.HALF_OPEN:
                self._take_probe_permit()
            return _Permit(self._period, now)

    def _refuse_while_open(self, now: float) -> None:
        if now < self._open_until:
            wait = round(self._open_until - now, 6)
            raise CircuitOpen(f"circuit is open, retry after {wait:g} s", retry_after=wait)

    def _take_probe_permit(self) -> None:
        if self._permits == 0:
            raise CircuitOpen(
                f"circuit is half-open and all {self._half_open_permits} probes are out,"
                f" retry after {self._open_for:g} s",
                retry_after=self._open_for,
            )
        self._permits -= 1

    def _settle(self, permit: _Permit, *, failed: bool | None) -> None:
        """Count the outcome of a call; None: it does not count."""
        with self._lock:
            if permit.period != self._period:
                return  # it tells how the service was before, not how it is now
            if failed is not None:
                self._count(permit, failed, self._now())
            elif self._state is State.HALF_OPEN:
                self._permits += 1

    def _count(self, permit: _Permit, failed: bool, now: float) -> None:
        took = round(now - permit.started, 6)
        slow = self._slow_after is not None and took > self._slow_after
        tally = self._window.record(Tally(1, int(failed), int(slow)), at=now)
        if self._must_open(tally):
            self._become(State.OPEN, now)
        elif self._state is State.HALF_OPEN and tally.calls == self._half_open_permits:
            self._become(State.CLOSED, now)

    def _must_open(self, tally: Tally) -> bool:
        if self._state is State.HALF_OPEN:
            return tally.failures > 0 or tally.slow > 0
        return tally.calls >= self._min_calls and (
            tally.failure_rate >= self._failure_rate or tally.slow_call_rate >= self._slow_call_rate
        )

    def _become(self, state: State, now: float) -> None:
        self._unreported.append((self._state, state))
        self._state = state
        self._period += 1
        if state is State.OPEN:
            self._open_until = round(now + self._open_for, 6)
        elif state is State.HALF_OPEN:
            self._permits = self._half_open_permits
            self._window = CountWindow(self._half_open_permits)
        else:
            self._window = self._closed_window.fresh()

    def _report(self) -> None:
        """Tell the changes, oldest first. One thread does so at a time, for all."""
        while True:
            with self._lock:
                if self._reporting or not self._unreported:
                    return
                self._reporting = True
                old, new = self._unreported.popleft()
            try:
                if self.on_transition is not None:
                    self.on_transition(old, new)
            except Exception:
                _logger.exception("on_transition raised at %s -> %s", old.name, new.name)
            finally:
                self._reporting = False

    def _is_fault(self, error: Exception) -> bool:
        try:
            return self._is_failure(error)
        except Exception:
            _logger.exception("is_failure raised about %r, which counts as a failure", error)
            return True

    def _now(self) -> float:
        """Seconds, to the microsecond: ten waits of 0.1 s are then exactly 1 s."""
        return round(self._clock.monotonic(), 6)


def _window(window: int | CountWindow | TimeWindow) -> CountWindow | TimeWindow:
    if isinstance(window, CountWindow | TimeWindow):
        return window
    return CountWindow(check_count("window", window, least=1))
