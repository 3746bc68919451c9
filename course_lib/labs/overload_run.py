"""What happened in a simulated shop: every request, and the numbers a lesson shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Run", "Second", "Visit"]


class Second(NamedTuple):
    """One row of `Run.by_second()`; `free` is at its start, the rest is counted within it."""

    second: int
    free: int
    served: int
    failed: int
    refused: int
    payment_calls: int


@dataclass(frozen=True)
class Visit:
    """One request that a worker took. Times in simulated seconds.

    `outcome` is "served", "failed" or "refused"; at the end of the run it is
    "in hand", with `done` None, for a request that a worker still holds.
    """

    kind: str
    arrived: float
    taken: float
    done: float | None
    outcome: str


@dataclass(frozen=True, repr=False)
class Run:
    """What happened in one simulation. Counts are of orders and browsing together."""

    workers: int
    seconds: float
    arrived: int
    visits: tuple[Visit, ...]
    payment_calls: tuple[float, ...]
    hanging: tuple[float, float]

    def free_workers(self, *, at: float) -> int:
        """Workers without a request, just after everything at second `at` has happened."""
        if not 0 <= at < self.seconds:
            raise ValueError(f"the simulation covers 0 to {self.seconds:g} s, and not {at:g} s")
        busy = sum(v.taken <= at and (v.done is None or at < v.done) for v in self.visits)
        return self.workers - busy

    @property
    def served(self) -> int:
        return self._count("served")

    @property
    def failed(self) -> int:
        return self._count("failed")

    @property
    def refused(self) -> int:
        return self._count("refused")

    @property
    def in_hand(self) -> int:
        """Requests that a worker still held at the end."""
        return self._count("in hand")

    @property
    def waiting(self) -> int:
        """Requests that had arrived and that no worker had taken by the end."""
        return self.arrived - len(self.visits)

    @property
    def browse_served(self) -> int:
        """How many of `served` only wanted the catalogue."""
        return sum(v.kind == "browse" and v.outcome == "served" for v in self.visits)

    @property
    def calls_to_payment(self) -> int:
        return len(self.payment_calls)

    @property
    def calls_while_hanging(self) -> int:
        """Calls that began while payment did not answer."""
        begin, end = self.hanging
        return sum(begin <= call < end for call in self.payment_calls)

    def by_second(self) -> list[Second]:
        """One row per simulated second."""
        ended = Counter((int(v.done), v.outcome) for v in self.visits if v.done is not None)
        calls = Counter(int(call) for call in self.payment_calls)
        return [
            Second(
                second,
                self.free_workers(at=second),
                ended[second, "served"],
                ended[second, "failed"],
                ended[second, "refused"],
                calls[second],
            )
            for second in range(-int(-self.seconds // 1))
        ]

    def _count(self, outcome: str) -> int:
        return sum(visit.outcome == outcome for visit in self.visits)

    def __repr__(self) -> str:
        return (
            f"simulation of {self.seconds:g} s, {self.workers} workers, {self.arrived} requests: "
            f"{self.served} served, {self.failed} failed, {self.refused} refused, "
            f"{self.waiting} waiting, {self.in_hand} in hand; payment called "
            f"{self.calls_to_payment} times, {self.calls_while_hanging} of them while it hung"
        )
