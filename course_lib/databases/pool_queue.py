"""How long callers wait for a connection: a simulated pool, and Erlang's formula for it.

The rule (Little's law): connections in use = arrivals per second x seconds held. Below
that a pool drowns; a little above it waits are long; further above, more connections
change nothing, or make it worse, because they share the cores of one database server.

Callers arrive at random (Poisson) and hold a connection for a random time (exponential),
first come, first served. With `cores`, n busy connections on fewer cores all become
slower by n / cores. Sources: Little 1961; Erlang 1917 (M/M/c). Used by lesson 03.5.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from course_lib.clock import ManualClock

__all__ = ["PoolRun", "erlang_c", "percentile", "pool_queue"]


@dataclass(frozen=True)
class PoolRun:
    """What the callers saw. Times in seconds.

    `waits` are sorted, one for each caller that got a connection. `responses` too, one
    for each that has finished: its wait and the time that it held the connection.
    `timed_out` gave up; `unserved` were still in the line or busy at the end.
    `in_use` is the average number of busy connections, `longest_line` the most callers
    who waited.
    """

    callers: int
    waits: tuple[float, ...]
    responses: tuple[float, ...]
    timed_out: int
    unserved: int
    in_use: float
    longest_line: int

    def __repr__(self) -> str:
        return (
            f"PoolRun({self.callers} callers, {self.timed_out} timed out,"
            f" {self.in_use:.1f} connections in use, longest line {self.longest_line})"
        )


def percentile(values: Sequence[float], percent: float) -> float:
    """The sorted value that so many percent do not exceed (nearest rank); NaN for none.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50), percentile([1.0, 2.0, 3.0, 4.0], 99)
    (2.0, 4.0)
    """
    rank = max(1, math.ceil(percent / 100 * len(values)))
    return values[rank - 1] if values else math.nan


def erlang_c(size: int, offered: float) -> tuple[float, float]:
    """The chance to wait, and the mean wait in units of the mean holding time.

    Args:
        size: connections in the pool.
        offered: arrivals per second x mean seconds held, also called erlangs.

    With offered >= size the line grows without end: (1.0, infinity).

    >>> chance, wait = erlang_c(10, 8.0)
    >>> round(chance, 3), round(wait, 3)
    (0.409, 0.205)
    """
    if offered >= size:
        return 1.0, math.inf
    blocked = 1.0  # Erlang B for 0, 1, 2, ... connections: no large factorials
    for connections in range(1, size + 1):
        blocked = offered * blocked / (connections + offered * blocked)
    chance = blocked / (1 - offered / size * (1 - blocked))
    return chance, chance / (size - offered)


def pool_queue(
    size: int = 10,
    hold: float = 0.05,
    rate: float = 150.0,
    *,
    timeout: float = 1.0,
    cores: int | None = None,
    seconds: float = 60.0,
    seed: int = 1,
) -> PoolRun:
    """Simulate the pool on a manual clock, starting empty.

    Args:
        size: connections.
        hold: mean seconds that a caller needs a connection, on an idle server.
        rate: callers per second.
        timeout: seconds after which a waiting caller gives up.
        cores: of the database server; None: connections do not slow each other down.
    """
    if size < 1 or min(hold, rate, timeout, seconds) <= 0 or (cores is not None and cores < 1):
        raise ValueError("size, hold, rate, timeout, seconds and cores must be positive.")
    simulation = _Simulation(size, timeout, cores)
    arrivals, service = random.Random(f"arrivals {seed}"), random.Random(f"service {seed}")
    at = arrivals.expovariate(rate)
    while at < seconds:
        simulation.run_until(at)
        simulation.arrive(service.expovariate(1 / hold))
        at += arrivals.expovariate(rate)
    simulation.run_until(seconds)
    return simulation.result(seconds)


class _Simulation:
    """Work of busy connections is done at a common speed, so only the least is looked at.

    `_done` is how much work a connection has done that was busy all the time; one that
    begins with `work` to do ends when `_done` has grown by that.
    """

    def __init__(self, size: int, timeout: float, cores: int | None) -> None:
        self._size, self._timeout, self._cores = size, timeout, cores
        self._clock = ManualClock()
        self._done = 0.0
        self._busy: list[tuple[float, float]] = []  # a heap: (`_done` at its end, arrived)
        self._line: deque[tuple[float, float]] = deque()  # (arrived, work)
        self._waits: list[float] = []
        self._responses: list[float] = []
        self._callers = self._timed_out = self._longest_line = 0
        self._busy_seconds = 0.0

    def arrive(self, work: float) -> None:
        self._callers += 1
        self._line.append((self._clock.monotonic(), work))
        self._start_waiting()
        self._longest_line = max(self._longest_line, len(self._line))

    def run_until(self, moment: float) -> None:
        while self._busy:
            seconds = (self._busy[0][0] - self._done) / self._speed()
            if self._clock.monotonic() + seconds > moment:
                break
            self._pass(seconds)
            self._done, arrived = heapq.heappop(self._busy)  # exactly, not up to rounding
            self._responses.append(self._clock.monotonic() - arrived)
            self._start_waiting()
        self._pass(moment - self._clock.monotonic())
        self._give_up()

    def result(self, seconds: float) -> PoolRun:
        return PoolRun(
            callers=self._callers,
            waits=tuple(sorted(self._waits)),
            responses=tuple(sorted(self._responses)),
            timed_out=self._timed_out,
            unserved=len(self._line) + len(self._busy),
            in_use=self._busy_seconds / seconds,
            longest_line=self._longest_line,
        )

    def _speed(self) -> float:
        return min(1.0, self._cores / len(self._busy)) if self._cores else 1.0

    def _pass(self, seconds: float) -> None:
        seconds = max(seconds, 0.0)
        self._busy_seconds += seconds * len(self._busy)
        if self._busy:
            self._done += seconds * self._speed()
        self._clock.advance(seconds)

    def _start_waiting(self) -> None:
        self._give_up()
        while self._line and len(self._busy) < self._size:
            arrived, work = self._line.popleft()
            self._waits.append(self._clock.monotonic() - arrived)
            heapq.heappush(self._busy, (self._done + work, arrived))

    def _give_up(self) -> None:
        """The first in the line has waited longest."""
        while self._line and self._clock.monotonic() - self._line[0][0] > self._timeout:
            self._line.popleft()
            self._timed_out += 1
