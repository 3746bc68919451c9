"""Try again, a few times, later, and only if it can help.

Three limits stop the tries, whichever comes first: the number of attempts, the
deadline, the budget. `RetryPolicy` decides; this module calls, sleeps and keeps notes,
once for threads and once for tasks.

The rule: compute the wait, ask the deadline, then the budget, then sleep. Nothing
sleeps after the last failure, and the last error is raised, never swallowed.

What a production library adds stands in `Retry.production_gap`. Sources: Michael
Nygard, "Release It!", 2nd edition; Google, "Site Reliability Engineering", chapter 22.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, ParamSpec, TypeVar, cast

from course_lib.clock import Clock, SystemClock
from course_lib.errors.arguments import check_awaitable, check_plain_function, check_plain_result
from course_lib.errors.backoff import Backoff
from course_lib.errors.retry_budget import RetryBudget
from course_lib.errors.retry_policy import RetryOn, RetryPolicy

__all__ = ["Retry"]

P = ParamSpec("P")
T = TypeVar("T")

_NOTE_CHARACTERS = 200  # an error message may be a whole web page


class Retry:
    """Calls a function until it succeeds, or until a limit is reached. Thread-safe.

    Repeat only what may happen twice: see `course_lib.errors.repeatable`.

    Args:
        attempts, deadline, retry_on, backoff: see `RetryPolicy`.
        budget: shared by all callers of one dependency; None: no limit.
        clock: measures the deadline, and waits.

    The error that is finally raised is the last one. It has one note for each earlier
    attempt. KeyboardInterrupt, SystemExit and CancelledError pass through at once.

    >>> from course_lib.clock import ManualClock
    >>> retry = Retry(attempts=3, clock=ManualClock())
    >>> retry.call(divmod, 7, 2)
    (3, 1)
    >>> @retry
    ... def price(): return 25
    >>> price()
    25
    """

    production_gap: ClassVar[tuple[str, ...]] = (
        "metrics and a log record for each retry",
        "a switch that turns all retries off, for tests and for emergencies",
        "jitter on top of Retry-After, when many clients are given the same moment",
        "a second, hedged request while the first one is still slow",
    )

    def __init__(
        self,
        attempts: int = 4,
        *,
        deadline: float | None = 30.0,
        retry_on: RetryOn = (ConnectionError, TimeoutError),
        backoff: Backoff | None = None,
        budget: RetryBudget | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._policy = RetryPolicy(attempts, deadline=deadline, retry_on=retry_on, backoff=backoff)
        self._budget = budget
        self._clock = SystemClock() if clock is None else clock

    def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of the first attempt that succeeds, or the last error.

        Raises:
            TypeError: `fn` is, or gives back, a coroutine, which cannot fail yet.
        """
        check_plain_function(fn, use="Retry.acall")
        story = self._begin()
        while True:
            try:
                result = check_plain_result(fn(*args, **kwargs), use="Retry.acall")
            except Exception as error:
                wait = story.failed(error)
                if wait is None:
                    raise
            else:
                story.succeeded()
                return result
            self._clock.sleep(wait)  # outside `except`: the error is let go of meanwhile

    async def acall(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for a coroutine function.

        Raises:
            TypeError: `fn` gives back something that cannot be awaited.
        """
        story = self._begin()
        while True:
            try:
                result = await check_awaitable(fn(*args, **kwargs), use="Retry.call")
            except Exception as error:
                wait = story.failed(error)
                if wait is None:
                    raise
            else:
                story.succeeded()
                return result
            await self._clock.asleep(wait)

    def __call__(self, fn: Callable[P, T], /) -> Callable[P, T]:
        """Decorate a function or coroutine function; its name and signature are kept.

        Raises:
            TypeError: it is a generator function, whose work begins after the call.
        """
        if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
            raise TypeError(f"{fn.__qualname__} is a generator function, retry the work inside it")
        if inspect.iscoroutinefunction(fn):
            return cast(Callable[P, T], self._decorated_coroutine(fn))

        @functools.wraps(fn)
        def retried(*args: P.args, **kwargs: P.kwargs) -> T:
            return self.call(fn, *args, **kwargs)

        return retried

    def _decorated_coroutine(self, fn: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        @functools.wraps(fn)
        async def retried(*args: Any, **kwargs: Any) -> Any:
            return await self.acall(fn, *args, **kwargs)

        return retried

    def _begin(self) -> _Call:
        return _Call(self._policy, self._budget, self._clock)

    def __repr__(self) -> str:
        deadline = self._policy.deadline
        limit = "no deadline" if deadline is None else f"{deadline:g} s"
        return f"Retry({self._policy.attempts} attempts, {limit})"


class _Call:
    """One call: which attempt it is, and what happened to the earlier ones."""

    def __init__(self, policy: RetryPolicy, budget: RetryBudget | None, clock: Clock) -> None:
        self._policy, self._budget, self._clock = policy, budget, clock
        self._started = clock.monotonic()
        self._attempt = 1
        self._wait = 0.0
        self._earlier: list[str] = []  # texts: an error would keep its frames alive

    def succeeded(self) -> None:
        if self._attempt == 1 and self._budget is not None:
            self._budget.pay_in()

    def failed(self, error: Exception) -> float | None:
        """Seconds until the next attempt; None: raise this error, which has its notes now."""
        wait = self._next_wait(error)
        if wait is None:
            for note in self._earlier:
                error.add_note(note)
            return None
        text = f"attempt {self._attempt}: {type(error).__name__}: {error}"
        self._earlier.append(text[:_NOTE_CHARACTERS])
        self._attempt += 1
        self._wait = wait
        return wait

    def _next_wait(self, error: Exception) -> float | None:
        wait = self._policy.next_wait(
            error,
            attempt=self._attempt,
            elapsed=self._clock.monotonic() - self._started,
            now=self._clock.now(),
            previous=self._wait,
        )
        # The budget comes last: a retry that the deadline forbids costs no token.
        if wait is not None and self._budget is not None and not self._budget.take():
            return None
        return wait
