"""The decisions of a retry, without calls, sleeps or clocks.

After each failure it answers one question: how long to wait for the next try, or None
for no more tries. The rule: repeat what may pass by itself (a lost connection, an
overload), and nothing else. A mistake in the program stays a mistake when repeated.

Sources: Michael Nygard, "Release It!", 2nd edition; Google, "Site Reliability
Engineering", chapter 22; RFC 9110, section 10.2.3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from course_lib.errors.arguments import check_count, check_seconds
from course_lib.errors.backoff import Backoff, full_jitter
from course_lib.errors.retry_after import retry_after_seconds

__all__ = ["PROGRAMMING_ERRORS", "RetryOn", "RetryPolicy"]

RetryOn: TypeAlias = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]

PROGRAMMING_ERRORS = (TypeError, AttributeError, NameError)
"""Never retried, even if `retry_on` is as broad as Exception."""


class RetryPolicy:
    """What to do after a failure. Holds settings only, so all calls may share one.

    Args:
        attempts: calls in all, the first one included, >= 1.
        deadline: seconds from the start of the call; no wait reaches it. None: no limit.
        retry_on: errors worth a retry: a class, several, or a function of the error.
        backoff: see `course_lib.errors.backoff`; None is `full_jitter()`.

    Raises:
        ValueError: a number out of range, or `retry_on` lists a class that is never
            retried: a programming error, or what is no Exception (KeyboardInterrupt,
            SystemExit, CancelledError).
    """

    def __init__(
        self,
        attempts: int = 4,
        *,
        deadline: float | None = 30.0,
        retry_on: RetryOn = (ConnectionError, TimeoutError),
        backoff: Backoff | None = None,
    ) -> None:
        self.attempts = check_count("attempts", attempts, least=1)
        self.deadline = None if deadline is None else check_seconds("deadline", deadline)
        self._is_listed = _predicate(retry_on)
        self._backoff = full_jitter() if backoff is None else backoff

    def next_wait(
        self, error: Exception, *, attempt: int, elapsed: float, now: float, previous: float
    ) -> float | None:
        """Seconds until the next try, or None: this error is the last word.

        Args:
            error: what the call raised. Its `retry_after`, in seconds or as an HTTP
                date, is the exact wait: without jitter, and not cut at the cap.
            attempt: number of the call that failed, from 1.
            elapsed: seconds since the first call began.
            now: Unix time, to read a date.
            previous: the wait before this call, 0.0 for the first.
        """
        if attempt >= self.attempts or not self.is_retryable(error):
            return None
        wait = retry_after_seconds(getattr(error, "retry_after", None), now=now)
        if wait is None:
            wait = self._backoff(attempt - 1, previous)
        return None if self._too_late(elapsed + wait) else wait

    def is_retryable(self, error: Exception) -> bool:
        """Whether `retry_on` names this error, and it is no programming error."""
        return not isinstance(error, PROGRAMMING_ERRORS) and self._is_listed(error)

    def _too_late(self, moment: float) -> bool:
        # At the deadline itself too: such a try would have no time left. In whole
        # microseconds, because 0.7 + 0.1 is a little less than 0.8.
        return self.deadline is not None and round(moment, 6) >= self.deadline


def _predicate(retry_on: RetryOn) -> Callable[[Exception], bool]:
    if not isinstance(retry_on, type | tuple):
        return retry_on
    kinds = retry_on if isinstance(retry_on, tuple) else (retry_on,)
    for kind in kinds:
        if not issubclass(kind, Exception) or issubclass(kind, PROGRAMMING_ERRORS):
            raise ValueError(f"retry_on must not list {kind.__name__}, which is never retried")
    return lambda error: isinstance(error, kinds)
