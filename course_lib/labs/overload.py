"""A simulation: a shop with few workers, whose payment service hangs.

Real threads on simulated time (`VirtualTime`), so twenty seconds pass in a
moment and the numbers are the same on every machine. It answers one question:
what happens to everything else while a dependency does not answer?

Rules of the simulated shop. Request k arrives at second k / orders_per_second.
The first free worker takes the oldest waiting request; the queue has no limit,
and what is left in it is counted. A worker keeps its request until it is
served, failed or refused. Attempts follow each other without a pause.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from course_lib.clock import Clock
from course_lib.labs.overload_run import Run, Visit
from course_lib.labs.virtual_time import VirtualTime

__all__ = ["Guard", "shop_under_load"]

Guard = Callable[[Callable[[], str], Clock], Callable[[], str]]

_BROWSING_TAKES = 0.02  # seconds for a request that only looks at the catalogue
_MOST_REQUESTS = 100_000

# Mistakes in a guard. Were they counted as failed orders, a typing error would
# look like an outage.
_MISTAKES = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError)


def shop_under_load(
    guard: Guard | None = None,
    *,
    workers: int = 10,
    orders_per_second: float = 10,
    payment_takes: float = 0.05,
    payment_hangs_at: float | None = 5.0,
    payment_recovers_at: float | None = None,
    timeout: float = 2.0,
    attempts: int = 2,
    seconds: float = 20.0,
    browse_share: float = 0.0,
    compartments: Mapping[str, int] | None = None,
    seed: int = 1,
) -> Run:
    """Simulate the shop and give back what happened.

    Args:
        guard: called once, as `guard(call, clock)`; the callable it returns is shared by all
            workers and used in place of `call`. `call()` returns "paid" or raises TimeoutError.
            An exception that has an attribute `retry_after` is a refusal and is not tried
            again; any other is a failure. A mistake in the guard, such as a NameError, is raised.
        payment_takes: seconds payment needs. More than `timeout` is a failure, too.
        payment_hangs_at, payment_recovers_at: between them payment answers nothing, and a call
            that was under way is lost. None means never.
        timeout: seconds after which `call` gives up.
        browse_share: 0 to 1; so many requests only look at the catalogue, for 0.02 s.
        compartments: at most so many workers at once for "payment" or "browse"; a request
            above that is refused at once. None: they share all workers.
        seed: chooses which requests browse.

    >>> shop_under_load().free_workers(at=8.0)
    0
    """
    _check_numbers(
        workers=workers, orders_per_second=orders_per_second, attempts=attempts, seconds=seconds
    )
    limits = dict(compartments or {})
    if not set(limits) <= {"payment", "browse"}:
        raise ValueError(f"compartments are 'payment' and 'browse', not {sorted(limits)}")
    never = float("inf")
    hanging = (
        never if payment_hangs_at is None else payment_hangs_at,
        never if payment_recovers_at is None else payment_recovers_at,
    )
    kinds = _kinds(browse_share, _arrivals(orders_per_second, seconds), seed)
    with VirtualTime() as clock:
        payment = _Payment(clock, takes=payment_takes, hanging=hanging, timeout=timeout)
        pay = payment.call if guard is None else guard(payment.call, clock)
        if not callable(pay):
            raise TypeError(f"guard must return the callable to use instead; it returned {pay!r}")
        counter = _Counter(clock, pay, kinds, orders_per_second, attempts, limits)
        for _ in range(workers):
            clock.start(counter.work)
        # Up to the last nanosecond before the end: the run covers 0 <= time < seconds.
        clock.run(until=seconds - 1e-9)
        # Read before the threads end, because a guard may still react to that.
        return Run(workers, seconds, len(kinds), counter.visits(), tuple(payment.calls), hanging)


class _Payment:
    """The service that hangs."""

    def __init__(
        self, clock: Clock, *, takes: float, hanging: tuple[float, float], timeout: float
    ) -> None:
        self._clock = clock
        self._takes = takes
        self._hanging = hanging
        self._timeout = timeout
        self.calls: list[float] = []

    def call(self) -> str:
        begin = self._clock.monotonic()
        self.calls.append(begin)
        if self._is_lost(begin) or self._takes > self._timeout:
            self._clock.sleep(self._timeout)
            raise TimeoutError(f"payment did not answer within {self._timeout:g} s")
        self._clock.sleep(self._takes)
        return "paid"

    def _is_lost(self, begin: float) -> bool:
        hangs_at, recovers_at = self._hanging
        return begin < recovers_at and begin + self._takes > hangs_at


class _Counter:
    """The workers' side. One thread runs at a time, so plain lists are safe here."""

    def __init__(
        self,
        clock: Clock,
        pay: Callable[[], str],
        kinds: list[str],
        orders_per_second: float,
        attempts: int,
        limits: Mapping[str, int],
    ) -> None:
        self._clock = clock
        self._pay = pay
        self._requests: Iterator[tuple[int, str]] = iter(enumerate(kinds))
        self._rate = orders_per_second
        self._attempts = attempts
        self._limits = limits
        self._held: Counter[str] = Counter()
        self._visits: dict[int, Visit] = {}

    def work(self) -> None:
        """Take the next request, wait until it arrives, serve it; for ever."""
        for number, kind in self._requests:
            arrived = round(number / self._rate, 9)
            self._clock.sleep(max(0.0, arrived - self._clock.monotonic()))
            taken = self._clock.monotonic()
            self._visits[number] = Visit(kind, arrived, taken, None, "in hand")
            outcome = self._serve(kind)
            done = self._clock.monotonic()
            self._visits[number] = Visit(kind, arrived, taken, done, outcome)

    def visits(self) -> tuple[Visit, ...]:
        return tuple(self._visits[number] for number in sorted(self._visits))

    def _serve(self, kind: str) -> str:
        if self._held[kind] >= self._limits.get(kind, self._held[kind] + 1):
            return "refused"
        self._held[kind] += 1
        try:
            return self._browse() if kind == "browse" else self._order()
        finally:
            self._held[kind] -= 1

    def _browse(self) -> str:
        self._clock.sleep(_BROWSING_TAKES)
        return "served"

    def _order(self) -> str:
        for _ in range(self._attempts):
            try:
                self._pay()
                return "served"
            except _MISTAKES:
                raise
            except Exception as error:  # noqa: BLE001  a guard may raise any kind of failure
                if hasattr(error, "retry_after"):
                    return "refused"
        return "failed"


def _arrivals(orders_per_second: float, seconds: float) -> int:
    """How many requests arrive before the end: one at 0, then one every 1/rate seconds."""
    count = -int(-round(orders_per_second * seconds, 9) // 1)
    if count > _MOST_REQUESTS:
        raise ValueError(f"{count} requests are too many to simulate; stay under {_MOST_REQUESTS}")
    return count


def _kinds(browse_share: float, count: int, seed: int) -> list[str]:
    if not 0 <= browse_share <= 1:
        raise ValueError(f"browse_share is a part from 0 to 1, not {browse_share}")
    rng = random.Random(seed)
    return ["browse" if rng.random() < browse_share else "payment" for _ in range(count)]


def _check_numbers(**numbers: float) -> None:
    for name, number in numbers.items():
        if not 0 < number < float("inf"):
            raise ValueError(f"{name} must be above 0 and finite, not {number}")
