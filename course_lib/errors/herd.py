"""A thundering herd, and an amplifier: two simulations of retries that hurt.

`herd`: all clients lose their connection at second 0 and come back after their backoff.
The service answers so many calls per 100 ms and refuses the others, who wait again.
`amplifier`: layers that each retry, on top of a database that is down.
Both are used by lesson 01.4; neither belongs in production.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from course_lib.clock import ManualClock
from course_lib.errors.backoff import (
    Backoff,
    decorrelated_jitter,
    equal_jitter,
    exponential,
    fixed,
    full_jitter,
)
from course_lib.errors.retry import Retry
from course_lib.errors.retry_budget import RetryBudget

__all__ = ["BACKOFFS", "SLOTS_PER_S", "Herd", "amplifier", "herd"]

SLOTS_PER_S = 10
BASE = 1.0
END = 60.0

BACKOFFS: dict[str, Callable[[float, random.Random], Backoff]] = {
    "fixed": lambda cap, rng: fixed(BASE),
    "exponential": lambda cap, rng: exponential(BASE, cap),
    "equal jitter": lambda cap, rng: equal_jitter(BASE, cap, rng=rng),
    "full jitter": lambda cap, rng: full_jitter(BASE, cap, rng=rng),
    "decorrelated jitter": lambda cap, rng: decorrelated_jitter(BASE, cap, rng=rng),
}
"""How clients wait: name -> (cap in seconds, rng) -> backoff. The first window is 1 s."""


@dataclass(frozen=True)
class Herd:
    """What reached the service. Times in seconds; `slots` are 100 ms each.

    `slots` are `(start, calls, served)` for each slot with calls, oldest first.
    `calls` counts the first, lost call of each client too. `recovered_at` is the
    end of the last slot in which a client was served; None: somebody waits at the end.
    """

    clients: int
    capacity: int
    slots: tuple[tuple[float, int, int], ...]
    calls: int
    served: int
    gave_up: int
    recovered_at: float | None

    @property
    def peak(self) -> tuple[float, int]:
        """The fullest slot, as (start, calls); the first of them if several."""
        start, calls, _ = max(self.slots, key=lambda slot: slot[1], default=(0.0, 0, 0))
        return start, calls

    @property
    def waves(self) -> dict[int, int]:
        """Second -> calls that began in it, for each second with calls."""
        counted = Counter[int]()
        for start, calls, _ in self.slots:
            counted[int(start)] += calls
        return dict(counted)

    @property
    def calls_per_client(self) -> float:
        """1.0 would be: nobody retried."""
        return round(self.calls / self.clients, 2)

    def __repr__(self) -> str:
        return (
            f"Herd({self.clients} clients, {self.calls} calls, peak {self.peak[1]} per 100 ms,"
            f" recovered at {self.recovered_at} s, {self.gave_up} gave up)"
        )


def herd(
    clients: int = 400,
    wait: str | Backoff = "fixed",
    cap: float = 8.0,
    *,
    capacity: int = 80,
    budget: bool = False,
    seed: int = 1,
) -> Herd:
    """Let the herd come back, for at most 60 simulated seconds.

    Args:
        clients: how many lose their connection at second 0.
        wait: one of `BACKOFFS`, or a backoff of your own.
        cap: the longest wait, in seconds.
        capacity: calls that the service answers in each slot of 100 ms.
        budget: clients share a budget with ratio 0.1, filled by their calls before
            second 0. Who gets no token gives up.
    """
    backoff = BACKOFFS[wait](cap, random.Random(seed)) if isinstance(wait, str) else wait
    simulation = _Simulation(clients, capacity, backoff)
    if budget:
        simulation.share_a_budget()
    simulation.run()
    return simulation.result()


class _Simulation:
    """Clients that sleep, in the order in which they wake up."""

    def __init__(self, clients: int, capacity: int, backoff: Backoff) -> None:
        self._clients, self._capacity, self._backoff = clients, capacity, backoff
        self._clock = ManualClock()
        self._budget: RetryBudget | None = None
        self._asleep: list[tuple[float, int, int, float]] = []  # until, client, retry, wait
        self._calls, self._served = Counter[int](), Counter[int]()
        self._gave_up = 0

    def share_a_budget(self) -> None:
        """One budget for all, full from the calls that succeeded before second 0."""
        full = max(1.0, self._clients / 10)
        self._budget = RetryBudget(0.1, min_per_s=0.0, max_tokens=full, clock=self._clock)
        for _ in range(self._clients):
            self._budget.pay_in()

    def run(self) -> None:
        for client in range(self._clients):
            self._refused(client, 0, 0.0)
        while self._asleep and self._asleep[0][0] < END:
            until, client, retry, wait = heapq.heappop(self._asleep)
            self._clock.advance(until - self._clock.monotonic())
            self._call(client, retry, wait)

    def _call(self, client: int, retry: int, wait: float) -> None:
        slot = int(round(self._clock.monotonic(), 6) * SLOTS_PER_S)
        self._calls[slot] += 1
        if self._served[slot] < self._capacity:
            self._served[slot] += 1
        else:
            self._refused(client, retry + 1, wait)

    def _refused(self, client: int, retry: int, previous: float) -> None:
        if self._budget is not None and not self._budget.take():
            self._gave_up += 1
            return
        wait = self._backoff(retry, previous)
        heapq.heappush(self._asleep, (self._clock.monotonic() + wait, client, retry, wait))

    def result(self) -> Herd:
        served = sum(self._served.values())
        last = max(self._served, default=-1)
        slots = sorted(self._calls)
        return Herd(
            clients=self._clients,
            capacity=self._capacity,
            slots=tuple((s / SLOTS_PER_S, self._calls[s], self._served[s]) for s in slots),
            calls=self._clients + sum(self._calls.values()),
            served=served,
            gave_up=self._gave_up,
            recovered_at=None if self._asleep else (last + 1) / SLOTS_PER_S,
        )


def amplifier(tries: int = 3, layers: int = 3, *, everywhere: bool = True) -> tuple[int, ...]:
    """Calls that reach each layer, top first, when the database below is down.

    One order comes in at the top. Each layer calls the one below, with `Retry`; the
    last number is the calls to the database. `everywhere=False`: only the
    lowest layer retries.
    """
    calls = [0] * (layers + 1)
    clock = ManualClock()

    def reach(layer: int) -> None:
        calls[layer] += 1
        if layer == layers:
            raise ConnectionError("the database is down")
        retries = everywhere or layer == layers - 1
        Retry(attempts=tries if retries else 1, deadline=None, clock=clock).call(reach, layer + 1)

    try:
        reach(0)
    except ConnectionError:
        pass
    return tuple(calls)
