"""One moment by which all must be done, handed down through every layer.

Timeouts do not nest: three layers with five seconds each wait for fifteen. A deadline
does: each layer asks what is left, and gives its own callee no more than that.

Source: Google, "Site Reliability Engineering", chapter 22, "Deadline propagation".
"""

from __future__ import annotations

from course_lib.clock import Clock, SystemClock
from course_lib.errors.arguments import check_seconds

__all__ = ["Deadline", "DeadlinePassed"]


class DeadlinePassed(TimeoutError):
    """There is no time left to begin anything."""


class Deadline:
    """A moment `seconds` from now, on a monotonic clock.

    >>> from course_lib.clock import ManualClock
    >>> clock = ManualClock()
    >>> deadline = Deadline(2.0, clock=clock)
    >>> clock.advance(0.5)
    >>> deadline.left(), deadline.left(at_most=1.0)
    (1.5, 1.0)
    """

    def __init__(self, seconds: float, *, clock: Clock | None = None) -> None:
        self.seconds = check_seconds("seconds", seconds)
        self._clock = SystemClock() if clock is None else clock
        self._until = self._clock.monotonic() + self.seconds

    def left(self, *, at_most: float = float("inf")) -> float:
        """Seconds that a callee may take, above 0: pass it on as a timeout.

        Raises:
            DeadlinePassed: nothing is left.
        """
        left = round(self._until - self._clock.monotonic(), 6)
        if left <= 0:
            raise DeadlinePassed(f"the deadline of {self.seconds:g} s passed {-left:g} s ago")
        return min(left, at_most)

    def __repr__(self) -> str:
        left = self._until - self._clock.monotonic()
        return f"Deadline({left:g} of {self.seconds:g} s left)"
