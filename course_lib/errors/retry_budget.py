"""Retries are paid from what works: a budget that dries up when nothing does.

Each first attempt that succeeds pays in a share of a token; each retry takes a whole
one. So retries add at most that share to the load, however many callers there are.
A few tokens a second arrive by themselves, or a quiet service could never retry.

Sources: Google, "Site Reliability Engineering", chapter 21, "Retry budgets"; Twitter's
Finagle, `RetryBudget`.
"""

from __future__ import annotations

import threading
from typing import ClassVar

from course_lib.clock import Clock, SystemClock
from course_lib.errors.arguments import check_rate, check_seconds

__all__ = ["RetryBudget"]


class RetryBudget:
    """A bucket of retries, for all callers of one dependency. Thread-safe, O(1).

    Args:
        ratio: tokens that a successful first attempt pays in, in (0, 1].
        min_per_s: tokens that arrive each second, 0 or more.
        max_tokens: the bucket holds no more, so that a quiet night does not
            save up a flood; at least 1.
        clock: for `min_per_s`.

    Raises:
        ValueError: a number out of range.

    >>> budget = RetryBudget(ratio=0.5, min_per_s=0.0)
    >>> budget.take()
    False
    >>> budget.pay_in(), budget.pay_in()
    (None, None)
    >>> budget.take()
    True
    """

    production_gap: ClassVar[tuple[str, ...]] = (
        "a metric of the retries it refused, which is the alarm to watch",
        "one budget for many processes; here each process has its own",
    )

    def __init__(
        self,
        ratio: float = 0.1,
        *,
        min_per_s: float = 1.0,
        max_tokens: float = 100.0,
        clock: Clock | None = None,
    ) -> None:
        self._ratio = check_rate("ratio", ratio)
        self._min_per_s = check_seconds("min_per_s", min_per_s, zero_allowed=True)
        if not 1 <= max_tokens < float("inf"):
            raise ValueError(f"max_tokens must be at least 1 and finite, got {max_tokens!r}")
        self._max_tokens = max_tokens
        self._clock = SystemClock() if clock is None else clock
        self._lock = threading.Lock()
        self._tokens = 0.0
        self._filled_at = self._clock.monotonic()

    @property
    def tokens(self) -> float:
        """How many retries it would grant now."""
        with self._lock:
            self._fill(0.0)
            return self._tokens

    def pay_in(self) -> None:
        """A first attempt succeeded."""
        with self._lock:
            self._fill(self._ratio)

    def take(self) -> bool:
        """True: one token is taken, retry. False: do not."""
        with self._lock:
            self._fill(0.0)
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def _fill(self, extra: float) -> None:
        now = self._clock.monotonic()
        tokens = self._tokens + extra + (now - self._filled_at) * self._min_per_s
        # Rounded, or ten times 0.1 would be 0.9999999999999999, and no retry.
        self._tokens = min(self._max_tokens, round(tokens, 9))
        self._filled_at = now

    def __repr__(self) -> str:
        return f"RetryBudget({self.tokens:g} of {self._max_tokens:g} tokens)"
