"""What a circuit breaker remembers: the last calls, or the last seconds.

The rule: old outcomes must leave. A counter that is only ever added to opens a
circuit for failures of last week.

Production versions do the same; see resilience4j, "CircuitBreaker", sections
"Count-based sliding window" and "Time-based sliding window".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from course_lib.errors.arguments import check_count, check_seconds

__all__ = ["CountWindow", "Tally", "TimeWindow"]

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Tally:
    """How many calls, and how many of them failed or were slow.

    One call can be both: it failed, and it took too long to do so.
    """

    calls: int = 0
    failures: int = 0
    slow: int = 0

    @property
    def failure_rate(self) -> float:
        """Failures per call, 0.0 without calls.

        Divided, not multiplied: 7 / 25 is 0.28 to the last bit, but 0.28 * 25
        is a little more than 7.
        """
        return self.failures / self.calls if self.calls else 0.0

    @property
    def slow_call_rate(self) -> float:
        """Slow calls per call, 0.0 without calls."""
        return self.slow / self.calls if self.calls else 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.calls + other.calls, self.failures + other.failures, self.slow + other.slow
        )

    def __sub__(self, other: Tally) -> Tally:
        return Tally(
            self.calls - other.calls, self.failures - other.failures, self.slow - other.slow
        )


class CountWindow:
    """The last `size` outcomes. Memory O(size), each step O(1). Not thread-safe.

    >>> window = CountWindow(2)
    >>> for failed in (1, 0, 0):
    ...     tally = window.record(Tally(calls=1, failures=failed), at=0.0)
    >>> tally
    Tally(calls=2, failures=0, slow=0)
    """

    def __init__(self, size: int = 20) -> None:
        self.size = check_count("size", size, least=1)
        self._outcomes: deque[Tally] = deque()
        self._total = Tally()

    def record(self, outcome: Tally, *, at: float) -> Tally:
        """Add one outcome and give back the tally. `at` is not needed here."""
        self._outcomes.append(outcome)
        self._total += outcome
        if len(self._outcomes) > self.size:
            self._total -= self._outcomes.popleft()
        return self._total

    def tally(self, *, at: float) -> Tally:
        """The outcomes in the window."""
        return self._total

    def fresh(self) -> CountWindow:
        """An empty window of the same size."""
        return CountWindow(self.size)

    def __repr__(self) -> str:
        return f"CountWindow({self.size})"


class TimeWindow:
    """The outcomes of the last `seconds`. Not thread-safe.

    Times are grouped into `buckets` of equal width, so memory and each step are
    O(buckets), however many calls there are. The price: an outcome leaves up to
    one bucket early, never late. With 10 s and 10 buckets it counts for more
    than 9 s and at most 10 s.

    >>> window = TimeWindow(10.0)
    >>> window.record(Tally(calls=1, failures=1), at=0.0).failures
    1
    >>> window.tally(at=9.9).failures, window.tally(at=10.0).failures
    (1, 0)
    """

    def __init__(self, seconds: float = 10.0, *, buckets: int = 10) -> None:
        self.seconds = check_seconds("seconds", seconds)
        self.buckets = check_count("buckets", buckets, least=1)
        # Whole microseconds: with floats, 0.3 // 0.1 is 2.
        self._width = max(1, round(self.seconds * _MICROSECONDS / self.buckets))
        self._by_bucket: dict[int, Tally] = {}
        self._total = Tally()

    def record(self, outcome: Tally, *, at: float) -> Tally:
        """Add one outcome that ended `at` (seconds, never going back) and give back the tally."""
        self._forget(at)
        bucket = self._bucket(at)
        self._by_bucket[bucket] = self._by_bucket.get(bucket, Tally()) + outcome
        self._total += outcome
        return self._total

    def tally(self, *, at: float) -> Tally:
        """The outcomes that are in the window at the moment `at`."""
        self._forget(at)
        return self._total

    def fresh(self) -> TimeWindow:
        """An empty window of the same length."""
        return TimeWindow(self.seconds, buckets=self.buckets)

    def _bucket(self, at: float) -> int:
        return round(at * _MICROSECONDS) // self._width

    def _forget(self, at: float) -> None:
        oldest = self._bucket(at) - self.buckets + 1
        for bucket in [bucket for bucket in self._by_bucket if bucket < oldest]:
            self._total -= self._by_bucket.pop(bucket)

    def __repr__(self) -> str:
        return f"TimeWindow({self.seconds:g})"
