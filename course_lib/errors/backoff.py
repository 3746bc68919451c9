"""How long to wait before the next try: longer each time, and not all at once.

A backoff is a function `(k, previous) -> seconds`: `k` is 0 before the first retry,
`previous` is the wait before this one, 0.0 at first. The window doubles with each retry
and stops at `cap`. Jitter draws a moment inside the window, so that callers who
failed together do not come back together.

Source: Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

from course_lib.errors.arguments import check_seconds

__all__ = ["Backoff", "decorrelated_jitter", "equal_jitter", "exponential", "fixed", "full_jitter"]

Backoff: TypeAlias = Callable[[int, float], float]

# 2.0 ** 1024 overflows; after 60 doublings every cap was reached long ago.
_MOST_DOUBLINGS = 60


def fixed(seconds: float) -> Backoff:
    """The same wait each time. For demonstrations: callers stay in step."""
    check_seconds("seconds", seconds)
    return lambda k, previous: seconds


def exponential(base: float = 0.2, cap: float = 5.0) -> Backoff:
    """`min(cap, base * 2**k)` seconds, without jitter: the window of all the others.

    >>> wait = exponential(base=0.2, cap=2.0)
    >>> [wait(k, 0.0) for k in range(5)]
    [0.2, 0.4, 0.8, 1.6, 2.0]

    Raises:
        ValueError: `base` is not above 0, or `cap` is below `base`.
    """
    check_seconds("base", base)
    check_seconds("cap", cap)
    if cap < base:
        raise ValueError(f"cap must be at least the base of {base:g} s, got {cap:g}")
    return lambda k, previous: min(cap, base * 2.0 ** min(k, _MOST_DOUBLINGS))


def full_jitter(
    base: float = 0.2, cap: float = 5.0, *, rng: random.Random | None = None
) -> Backoff:
    """Anywhere in the window: spreads best, half the window on average."""
    window, draw = exponential(base, cap), _uniform(rng)
    return lambda k, previous: draw(0.0, window(k, previous))


def equal_jitter(
    base: float = 0.2, cap: float = 5.0, *, rng: random.Random | None = None
) -> Backoff:
    """In the later half of the window: never comes back at once."""
    window, draw = exponential(base, cap), _uniform(rng)
    return lambda k, previous: draw(window(k, previous) / 2, window(k, previous))


def decorrelated_jitter(
    base: float = 0.2, cap: float = 5.0, *, rng: random.Random | None = None
) -> Backoff:
    """From `base` to three times the previous wait, at most `cap`; counts no retries."""
    exponential(base, cap)  # for its checks
    draw = _uniform(rng)
    return lambda k, previous: min(cap, draw(base, 3 * max(base, previous)))


def _uniform(rng: random.Random | None) -> Callable[[float, float], float]:
    return (random.Random() if rng is None else rng).uniform
