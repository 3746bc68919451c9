"""Stop asking a service that cannot answer, and find out gently when it can again.

The rule: ask first, call outside the lock, remember the outcome. The two classes
here only run the call; `BreakerCore` takes every decision, so that threads and
tasks follow the same rules. What a production library adds stands in
`CircuitBreaker.production_gap`.

Sources: Michael Nygard, "Release It!", 2nd edition, "Circuit Breaker"; Martin
Fowler, "CircuitBreaker" (2014); the settings follow those of resilience4j.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from course_lib.errors.arguments import check_awaitable, check_plain_function, check_plain_result
from course_lib.errors.breaker_core import BreakerCore, CircuitOpen, Snapshot, State
from course_lib.errors.sliding_window import CountWindow, TimeWindow

__all__ = [
    "AsyncCircuitBreaker",
    "CircuitBreaker",
    "CircuitOpen",
    "CountWindow",
    "Snapshot",
    "State",
    "TimeWindow",
]

P = ParamSpec("P")
T = TypeVar("T")


class CircuitBreaker(BreakerCore):
    """A circuit breaker for plain functions and threads. `BreakerCore` has the settings.

    Use one for each dependency, or each operation of it; not one for all.

    >>> breaker = CircuitBreaker(min_calls=2)
    >>> breaker.call(divmod, 7, 2)
    (3, 1)
    >>> breaker
    CircuitBreaker(CLOSED, 0 of 1 calls failed, 0 slow)
    """

    def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `fn`, or the very exception it raised.

        Raises:
            CircuitOpen: the call was refused, `fn` was not called.
            TypeError: `fn` is, or gives back, a coroutine; that would always
                look like a success.
        """
        check_plain_function(fn, use="AsyncCircuitBreaker")
        with self._guard():
            return check_plain_result(fn(*args, **kwargs), use="AsyncCircuitBreaker")


class AsyncCircuitBreaker(BreakerCore):
    """The same for coroutine functions. Tasks of several event loops may share one."""

    async def call(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `await fn(...)`, or the very exception it raised.

        A cancelled call does not count. Put a timeout inside `fn`: around this
        call it would cancel, and the breaker would learn nothing.

        Raises:
            CircuitOpen: the call was refused, `fn` was not called.
            TypeError: `fn` gives back something that cannot be awaited.
        """
        with self._guard():
            return await check_awaitable(fn(*args, **kwargs), use="CircuitBreaker")
