"""A test bench for circuit breakers: a scripted outage, and a crowd.

`breaker_bench` plays one minute of calls to a service that is down from
second 20 to second 35, on a manual clock, and measures what the settings
cost. `together` sends many threads to a breaker in the same instant.
Both are used by lesson 01.5; neither belongs in production.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from course_lib.clock import ManualClock
from course_lib.errors.circuit_breaker import CircuitBreaker, CircuitOpen

__all__ = ["Bench", "breaker_bench", "together"]

DOWN_FROM, DOWN_UNTIL, END = 20.0, 35.0, 60.0
CALLS_PER_SECOND = 5
BAD_LUCK = 0.02


@dataclass(frozen=True)
class Bench:
    """What happened in one minute. All times in seconds.

    `states` are `(time, state)` pairs and `calls` are `(time, outcome)` pairs,
    oldest first; an outcome is "answered", "failed" or "refused".
    `noticed_after` is None when the breaker never opened during the outage.
    """

    states: tuple[tuple[float, str], ...]
    calls: tuple[tuple[float, str], ...]
    noticed_after: float | None
    reached_while_down: int
    open_too_long: float
    false_openings: int

    def __repr__(self) -> str:
        refused = sum(outcome == "refused" for _, outcome in self.calls)
        return (
            f"Bench({len(self.calls)} calls, {refused} refused, "
            f"{len(self.states) - 1} changes of state)"
        )


def breaker_bench(
    window: int = 20,
    failure_rate: float = 0.5,
    open_for: float = 5.0,
    half_open_permits: int = 3,
    *,
    seed: int = 1,
) -> Bench:
    """Play the minute with these settings; `min_calls` is half of the window."""
    clock, rng = ManualClock(), random.Random(seed)
    states: list[tuple[float, str]] = [(0.0, "closed")]
    calls: list[tuple[float, str]] = []
    breaker = CircuitBreaker(
        window=window,
        min_calls=max(1, window // 2),
        failure_rate=failure_rate,
        open_for=open_for,
        half_open_permits=half_open_permits,
        clock=clock,
        on_transition=lambda old, new: states.append((clock.monotonic(), new.value)),
    )
    for number in range(int(END * CALLS_PER_SECOND)):
        clock.advance(number / CALLS_PER_SECOND - clock.monotonic())
        unlucky = rng.random() < BAD_LUCK
        down = DOWN_FROM <= clock.monotonic() < DOWN_UNTIL
        calls.append((clock.monotonic(), _outcome(breaker, fails=down or unlucky)))
    return _measure(states, calls)


def _outcome(breaker: CircuitBreaker, *, fails: bool) -> str:
    def service() -> None:
        if fails:
            raise TimeoutError("no answer")

    try:
        breaker.call(service)
    except CircuitOpen:
        return "refused"
    except TimeoutError:
        return "failed"
    return "answered"


def _measure(states: list[tuple[float, str]], calls: list[tuple[float, str]]) -> Bench:
    openings = [
        time
        for (_, before), (time, state) in itertools.pairwise(states)
        if before == "closed" and state == "open"
    ]
    during = [time for time in openings if DOWN_FROM <= time < DOWN_UNTIL]
    refused_after = [time for time, outcome in calls if outcome == "refused" and time >= DOWN_UNTIL]
    return Bench(
        states=tuple(states),
        calls=tuple(calls),
        noticed_after=round(during[0] - DOWN_FROM, 1) if during else None,
        reached_while_down=sum(
            outcome == "failed" for time, outcome in calls if DOWN_FROM <= time < DOWN_UNTIL
        ),
        open_too_long=round(len(refused_after) / CALLS_PER_SECOND, 1),
        false_openings=len(openings) - len(during),
    )


class _Breaker(Protocol):
    def call(self, fn: Callable[[], None], /) -> None: ...


def together(callers: int, breaker: _Breaker, *, timeout: float = 5.0) -> int:
    """Send `callers` threads to the breaker at once; how many reach the service.

    Every call that reaches the service waits there until all the other
    threads have arrived or were refused, so the result does not depend on luck.

    Raises:
        TimeoutError: some threads neither arrived nor were refused in `timeout`
            seconds, as when a breaker holds its lock during the call.
    """
    start = threading.Barrier(callers)
    settled = threading.Semaphore(0)
    leave = threading.Event()
    reached: list[int] = []

    def service() -> None:
        reached.append(threading.get_ident())
        settled.release()
        leave.wait(timeout)

    def caller() -> None:
        start.wait(timeout)
        try:
            breaker.call(service)
        except Exception:  # noqa: BLE001 - a refusal, whatever its type
            settled.release()

    threads = [threading.Thread(target=caller, daemon=True) for _ in range(callers)]
    for thread in threads:
        thread.start()
    arrived = sum(settled.acquire(timeout=timeout) for _ in range(callers))
    leave.set()
    for thread in threads:
        thread.join(timeout)
    if arrived < callers:
        raise TimeoutError(f"{callers - arrived} of {callers} callers were stuck in the breaker")
    return len(reached)
