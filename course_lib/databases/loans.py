"""Who has a connection of the pool, since when, and what if it never comes back.

A `Loan` is the only thing that knows how to give its connection back. When a loan
is thrown away without that, Python's garbage collector tells us, and its place in
the pool is not lost for ever.

The rule: the record of a loan must not keep the loan alive, else nobody would
ever hear that it is gone. Source: the documentation of `weakref.finalize`.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

__all__ = ["Borrowed", "Loan", "LoanRecord", "Member", "PooledConnection", "calling_line"]


class PooledConnection(Protocol):
    """What the pool needs of a connection (PEP 249)."""

    def rollback(self) -> object: ...
    def close(self) -> object: ...


C = TypeVar("C", bound=PooledConnection)


@dataclass(frozen=True)
class Borrowed:
    """One connection that is out: the borrower's thread and line of code, and for how long."""

    thread: str
    place: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, by thread {self.thread} at {self.place}"


@dataclass(frozen=True)
class Member(Generic[C]):
    """A connection of the pool, and when it was opened (`clock.monotonic()`)."""

    connection: C
    opened: float


@dataclass(frozen=True, eq=False)
class LoanRecord(Generic[C]):
    """What the pool notes about a loan; `since` is a reading of `clock.monotonic()`."""

    member: Member[C]
    thread: str
    place: str
    since: float

    def borrowed(self, now: float) -> Borrowed:
        """The same for people, `now` in the same unit as `since`."""
        return Borrowed(self.thread, self.place, now - self.since)


class Loan(Generic[C]):
    """The right to use one connection until it is given back.

    Args:
        record: what the pool noted.
        given_back: called once with the record by `give_back`.
        lost: called with the record when the loan is collected instead. It runs
            at any moment, in any thread, so it must not wait for a lock.
    """

    def __init__(
        self,
        record: LoanRecord[C],
        *,
        given_back: Callable[[LoanRecord[C]], None],
        lost: Callable[[LoanRecord[C]], None],
    ) -> None:
        self._record = record
        self._given_back = given_back
        self._finalizer = weakref.finalize(self, lost, record)
        # typeshed's slots leave `atexit` out
        self._finalizer.atexit = False  # type: ignore[misc]  # the program's end is no leak

    @property
    def connection(self) -> C:
        """The connection; ValueError once it is given back."""
        if not self._finalizer.alive:
            raise ValueError("this connection was given back, borrow another one")
        return self._record.member.connection

    def give_back(self) -> None:
        """Return the connection to the pool. Does nothing the second time."""
        if self._finalizer.detach() is not None:  # only one caller ever gets past here
            self._given_back(self._record)

    def __repr__(self) -> str:
        state = "out" if self._finalizer.alive else "given back"
        return f"Loan({state}, borrowed by thread {self._record.thread} at {self._record.place})"


def calling_line(*, outside: frozenset[str]) -> str:
    """File, line and function of the nearest caller whose file is not `outside`.

    >>> calling_line(outside=frozenset({__file__}))  # doctest: +ELLIPSIS
    '... in <module>'
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename in outside:
        frame = frame.f_back
    code = frame.f_code
    return f"{Path(code.co_filename).name}:{frame.f_lineno} in {code.co_name}"
