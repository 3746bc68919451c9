"""What should go wrong, request by request, as plain data.

A plan is a list of steps, used up one per request, then a default for ever:
`Faults([ok, error(503), hang(), ok])`. `Faults.mix` draws steps by weight from a
seed instead, so a "random" bad day can be repeated. `serve` applies the steps.

The steps are classes written in lower case, because a plan is read as a list
of words. Sources: RFC 9110 section 10.2.3 (Retry-After); RFC 6585 section 4 (429).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

__all__ = [
    "Faults",
    "Step",
    "cut",
    "error",
    "hang",
    "latency",
    "ok",
    "slow_body",
    "too_many",
    "wrong_length",
]


@dataclass(frozen=True)
class Step:
    """What happens to one request."""


@dataclass(frozen=True, repr=False)
class _Ok(Step):
    def __repr__(self) -> str:
        return "ok"


ok = _Ok()
"""The request goes through untouched."""


@dataclass(frozen=True)
class latency(Step):
    """The app is asked `seconds` later."""

    seconds: float

    def __post_init__(self) -> None:
        _at_least(0, self.seconds, "latency(seconds)")


@dataclass(frozen=True)
class error(Step):
    """The app is not asked; the answer is this status, 400 to 599."""

    status: int

    def __post_init__(self) -> None:
        if not 400 <= self.status <= 599:
            raise ValueError(f"error() takes a status from 400 to 599, not {self.status}")


@dataclass(frozen=True)
class hang(Step):
    """The app is not asked and nothing is answered, until the client leaves."""


@dataclass(frozen=True)
class cut(Step):
    """The app does its work, then the connection closes inside the answer.

    `after_bytes` counts from the first byte of the status line, so 0 means that
    no byte of the answer arrives. An answer shorter than that arrives whole.
    """

    after_bytes: int

    def __post_init__(self) -> None:
        _at_least(0, self.after_bytes, "cut(after_bytes)")


@dataclass(frozen=True)
class slow_body(Step):
    """The body comes in pieces of `chunk_bytes`, with `pause` seconds before each."""

    pause: float
    chunk_bytes: int = 16

    def __post_init__(self) -> None:
        _at_least(0, self.pause, "slow_body(pause)")
        _at_least(1, self.chunk_bytes, "slow_body(chunk_bytes)")


@dataclass(frozen=True)
class wrong_length(Step):
    """Content-Length says `delta` bytes more (or, below 0, fewer) than the body has.

    Too long: the connection closes where the missing bytes should be.
    Too short: it stays open, and the rest of the body is still in it.
    """

    delta: int

    def __post_init__(self) -> None:
        if self.delta == 0:
            raise ValueError("wrong_length(0) would be right; give it 5 or -5")


@dataclass(frozen=True)
class too_many(Step):
    """The app is not asked; the answer is 429 with Retry-After.

    Args:
        retry_after: whole seconds, 0 or more.
        as_date: send the moment as an HTTP date instead of the number.
    """

    retry_after: int
    as_date: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.retry_after, int):
            raise TypeError("Retry-After is in whole seconds, so give too_many() an int")
        _at_least(0, self.retry_after, "too_many(retry_after)")


class Faults:
    """A plan of steps, one per request. Thread-safe.

    Args:
        script: the steps of the first requests, in order.
        default: the step of every later request.

    >>> plan = Faults([ok, error(503)], default=latency(0.1))
    >>> [plan.next() for _ in range(3)]
    [ok, error(status=503), latency(seconds=0.1)]
    """

    def __init__(self, script: Sequence[Step] = (), *, default: Step = ok) -> None:
        for step in (*script, default):
            _must_be_a_step(step)
        self._script = tuple(script)
        self._default = default
        self._weights: tuple[tuple[float, Step], ...] = ()
        self._rng = random.Random(0)
        self._seen: list[Step] = []
        self._lock = threading.Lock()

    @classmethod
    def mix(cls, weights: Mapping[Step, float], *, seed: int = 1) -> Faults:
        """A plan that draws each step by its weight; the same seed draws the same steps.

        >>> Faults.mix({ok: 3, error(503): 1}, seed=1).next()
        ok
        """
        if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
            raise ValueError("mix() needs weights of 0 or more, at least one above 0")
        for step in weights:
            _must_be_a_step(step)
        plan = cls()
        plan._weights = tuple(zip(accumulate(weights.values()), weights, strict=True))
        plan._rng = random.Random(seed)
        return plan

    def next(self) -> Step:
        """The step of the next request, now written down in `seen`."""
        with self._lock:
            step = self._draw() if self._weights else self._from_script()
            self._seen.append(step)
            return step

    def _from_script(self) -> Step:
        number = len(self._seen)
        return self._script[number] if number < len(self._script) else self._default

    def _draw(self) -> Step:
        # random() is the one method whose sequence Python promises to keep.
        point = self._rng.random() * self._weights[-1][0]
        return next(step for limit, step in self._weights if point < limit)

    @property
    def seen(self) -> list[Step]:
        """The steps handed out so far, oldest first."""
        with self._lock:
            return list(self._seen)

    def __repr__(self) -> str:
        return f"Faults({len(self.seen)} steps used)"


def _at_least(minimum: int, value: float, name: str) -> None:
    if not minimum <= value < float("inf"):
        raise ValueError(f"{name} must be at least {minimum} and finite, not {value}")


def _must_be_a_step(step: object) -> None:
    if not isinstance(step, Step):
        raise TypeError(
            f"{step!r} is not a step; write ok, or call one such as error(503) or hang()"
        )
