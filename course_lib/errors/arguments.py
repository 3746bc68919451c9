"""Refuse a wrong argument at once, with one sentence that says what would be right.

A wrong number in a settings file otherwise shows up months later, as a circuit
that never opens or a queue that never ends.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable
from numbers import Integral, Real
from typing import TypeVar

__all__ = [
    "check_awaitable",
    "check_count",
    "check_plain_function",
    "check_plain_result",
    "check_rate",
    "check_seconds",
]

T = TypeVar("T")


def check_count(name: str, value: int, *, least: int) -> int:
    """The value, a whole number >= `least`; else ValueError."""
    if not _is_number(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def check_seconds(name: str, value: float, *, zero_allowed: bool = False) -> float:
    """The value, a finite number > 0 (or >= 0); else ValueError."""
    if (
        not _is_number(value, Real)
        or not math.isfinite(value)
        or value < 0
        or (value == 0 and not zero_allowed)
    ):
        rule = "0 or more seconds" if zero_allowed else "more than 0 seconds"
        raise ValueError(f"{name} must be {rule} and finite, got {value!r}")
    return float(value)


def check_rate(name: str, value: float) -> float:
    """The value, a share in (0, 1]; else ValueError."""
    if not _is_number(value, Real) or not math.isfinite(value) or not 0 < value <= 1:
        raise ValueError(f"{name} must be above 0 and at most 1, got {value!r}")
    return float(value)


def check_plain_function(fn: Callable[..., object], *, use: str) -> None:
    """Refuse `async def` with a TypeError that names the class to `use`.

    Calling it does no work yet, so every call would look like a quick success.
    """
    if inspect.iscoroutinefunction(fn):
        raise TypeError(f"{_name(fn)} is a coroutine function, use {use} for it")


def check_plain_result(result: T, *, use: str) -> T:
    """The result; a coroutine, such as a lambda may return, is refused like `async def`."""
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError(f"the call gave back the coroutine {_name(result)}, use {use} for it")
    return result


def check_awaitable(result: Awaitable[T], *, use: str) -> Awaitable[T]:
    """The result, which can be awaited; else a TypeError that names the class to `use`."""
    if not inspect.isawaitable(result):
        raise TypeError(f"the call gave back {type(result).__name__}, not an awaitable, use {use}")
    return result


def _is_number(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _name(fn: object) -> str:
    return getattr(fn, "__qualname__", repr(fn))
