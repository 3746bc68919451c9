"""Open a few connections, and share them: the eleventh borrower of ten waits its turn.

A pool has `max_size` places. A place holds an idle connection, one that is lent, or
one that is being opened; so there are never more connections than places.

The rule: a connection comes back clean or not at all. It is rolled back on return, and
closed if that fails, without hiding the borrower's own error. `Places` sees to it that
waiters are served in order, `Loan` that a forgotten connection is noticed.

What a production pool adds stands in `Pool.production_gap`. Sources: PEP 249; Michael
Nygard, "Release It!", 2nd edition, "Blocked Threads"; the manuals of psycopg_pool and
of SQLAlchemy's QueuePool.
"""

from __future__ import annotations

import contextlib
import math
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import ClassVar, Generic, TypeVar

from course_lib.clock import Clock, SystemClock
from course_lib.databases.loans import (
    Borrowed,
    Loan,
    LoanRecord,
    Member,
    PooledConnection,
    calling_line,
)
from course_lib.databases.places import Places, PlacesClosed
from course_lib.databases.pool_stats import Stats, Tally

__all__ = ["Borrowed", "Loan", "Pool", "PoolClosed", "PoolTimeout", "Stats"]

C = TypeVar("C", bound=PooledConnection)

_OUR_FILES = frozenset({__file__, contextlib.__file__})


class PoolTimeout(TimeoutError):
    """No connection became free in time, or `close` waited in vain for the last ones."""


class PoolClosed(RuntimeError):
    """The pool is closed and lends nothing any more."""


class Pool(Generic[C]):
    """A bounded, fair pool of connections. Thread-safe.

    Args:
        factory: opens one connection. Give it a connect timeout of its own.
        max_size: connections at the same time, >= 1.
        timeout: seconds a borrower waits for a place, > 0.
        check: called before an idle connection is lent; it raises, or gives back
            False, if the connection is dead. None: whoever borrows finds out.
        reset: called on return, `rollback()` if None; it raises if that cannot be
            done. Settings, temporary tables and session locks outlive a rollback.
        max_lifetime: seconds after which a connection is replaced. None: never.
        clock: measures waits and ages.

    Work that is not committed when its connection comes back is undone. SQLite needs
    `check_same_thread=False`: one thread at a time uses a connection, but not always
    the same. A `:memory:` database belongs to one connection: pool a file instead.

    >>> import sqlite3
    >>> from functools import partial
    >>> with Pool(partial(sqlite3.connect, "")) as pool, pool.connection() as conn:
    ...     conn.execute("SELECT 7").fetchone()
    (7,)
    """

    production_gap: ClassVar[tuple[str, ...]] = (
        "connections opened ahead of the first borrower, and again in the background",
        "idle connections closed when the rush is over",
        "a different lifetime for each connection, so that not all are replaced at once",
        "the same for asyncio, and care after a fork",
    )

    def __init__(
        self,
        factory: Callable[[], C],
        *,
        max_size: int = 10,
        timeout: float = 5.0,
        check: Callable[[C], object] | None = None,
        reset: Callable[[C], object] | None = None,
        max_lifetime: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        if isinstance(max_size, bool) or not isinstance(max_size, int) or max_size < 1:
            raise ValueError(f"max_size must be a whole number of at least 1, got {max_size!r}")
        self.max_size = max_size
        self.timeout = _seconds("timeout", timeout)
        self.max_lifetime = math.inf
        if max_lifetime is not None:
            self.max_lifetime = _seconds("max_lifetime", max_lifetime)
        self._factory, self._check, self._reset = factory, check, reset
        self._clock = SystemClock() if clock is None else clock
        self._places = Places[Member[C]](max_size, clock=self._clock)
        self._loans: dict[LoanRecord[C], None] = {}  # in order of borrowing
        self._tally = Tally()

    @contextmanager
    def connection(self, *, timeout: float | None = None) -> Iterator[C]:
        """A connection for the length of a `with` block. `borrow` says what can go wrong."""
        loan = self.borrow(timeout=timeout)
        try:
            yield loan.connection
        finally:
            loan.give_back()

    def borrow(self, *, timeout: float | None = None) -> Loan[C]:
        """A connection until `give_back()`; better use `connection()`.

        Args:
            timeout: seconds to wait for a place, > 0. None: those of the pool.

        Raises:
            PoolTimeout: no place became free in time.
            PoolClosed: `close` was called.
            Exception: whatever `factory` raised; the place is free again.
        """
        started = self._clock.monotonic()
        member = self._take(self.timeout if timeout is None else _seconds("timeout", timeout))
        try:
            member = self._fit_to_lend(member)
            record = self._record(member)
        except BaseException:
            self._places.put_back(None)
            raise
        return self._lend(record, started)

    def leaks(self, *, older_than: float = 0.0) -> tuple[Borrowed, ...]:
        """Connections that have been out for at least `older_than` seconds, longest first."""
        now = self._clock.monotonic()
        out = [record.borrowed(now) for record in list(self._loans)]
        out.sort(key=lambda borrowed: -borrowed.seconds)
        return tuple(borrowed for borrowed in out if borrowed.seconds >= older_than)

    def stats(self) -> Stats:
        """How the pool is used. Exact when nothing moves, else a moment apart."""
        places = self._places
        return self._tally.stats(
            max_size=self.max_size,
            live=places.used,
            idle=places.idle,
            lent=len(self._loans),
            waiting=places.waiting,
        )

    def close(self, *, timeout: float | None = None) -> None:
        """Lend no more, turn waiters away, close what is idle, and wait for the rest.

        May be called again, for another wait.

        Args:
            timeout: seconds to wait, >= 0. None: those of the pool.

        Raises:
            PoolTimeout: some connections are still out. They are closed when they
                come back.
        """
        limit = self.timeout if timeout is None else _seconds("timeout", timeout, zero=True)
        self._places.close()
        self._close_idle()
        if not self._places.wait_until_unused(limit):
            raise PoolTimeout(f"the pool is closed, but after {limit:g} s {self._who_is_out()}")

    def __enter__(self) -> Pool[C]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except PoolTimeout as late:
            if error is None:
                raise
            error.add_note(str(late))

    def __repr__(self) -> str:
        now = self.stats()
        return f"Pool({now.lent} of {now.max_size} lent, {now.idle} idle, {now.waiting} waiting)"

    def _take(self, timeout: float) -> Member[C] | None:
        try:
            return self._places.take(timeout)
        except PlacesClosed:
            raise PoolClosed("the pool is closed, borrow from it before close()") from None
        except TimeoutError:
            self._tally.add(timeouts=1)
            raise PoolTimeout(
                f"waited {timeout:g} s for a connection, {self._who_is_out()};"
                " give them back sooner, or raise max_size"
            ) from None

    def _who_is_out(self) -> str:
        out = self.leaks()
        longest = f", the longest for {out[0]}" if out else ""
        return f"{len(out)} of {self.max_size} are out{longest}"

    def _fit_to_lend(self, member: Member[C] | None) -> Member[C]:
        """This connection if it is well, else a new one in its place."""
        if member is not None:
            well = False
            try:
                well = self._is_young(member) and self._is_alive(member)
            finally:  # also when the check is interrupted
                if not well:
                    self._discard(member)
            if well:
                return member
        connection = self._factory()
        self._tally.add(opened=1)
        return Member(connection, self._clock.monotonic())

    def _is_young(self, member: Member[C]) -> bool:
        return self._clock.monotonic() - member.opened < self.max_lifetime

    def _is_alive(self, member: Member[C]) -> bool:
        check = self._check  # it may have begun a transaction: end that too
        return check is None or (_succeeds(check, member.connection) and self._is_clean(member))

    def _is_clean(self, member: Member[C]) -> bool:
        if self._reset is None:
            return _succeeds(type(member.connection).rollback, member.connection)
        return _succeeds(self._reset, member.connection)

    def _record(self, member: Member[C]) -> LoanRecord[C]:
        thread, place = threading.current_thread().name, calling_line(outside=_OUR_FILES)
        return LoanRecord(member, thread, place, self._clock.monotonic())

    def _lend(self, record: LoanRecord[C], started: float) -> Loan[C]:
        loan = Loan(record, given_back=self._take_back, lost=self._was_lost)
        self._loans[record] = None
        self._tally.add(borrowed=1, waited_seconds=record.since - started)
        return loan

    def _take_back(self, record: LoanRecord[C]) -> None:
        member, clean = record.member, False
        try:
            clean = self._is_clean(member) and self._is_young(member)
        finally:
            if not clean:
                self._discard(member)
            del self._loans[record]
            self._tally.add(returned=1, held_seconds=self._clock.monotonic() - record.since)
            self._places.put_back(member if clean else None)
            if self._places.closed:
                self._close_idle()

    def _was_lost(self, record: LoanRecord[C]) -> None:
        """Called by the garbage collector: nothing here may wait for a lock of ours."""
        _close(record.member.connection)
        self._loans.pop(record, None)
        self._tally.add_lost()
        self._places.abandon()
        warnings.warn(
            f"connection never given back, borrowed by thread {record.thread} at {record.place}",
            ResourceWarning,
            stacklevel=2,
        )

    def _close_idle(self) -> None:
        for member in self._places.clear():
            self._discard(member)
            self._places.put_back(None)

    def _discard(self, member: Member[C]) -> None:
        _close(member.connection)
        self._tally.add(discarded=1)


def _close(connection: PooledConnection) -> None:
    with contextlib.suppress(Exception):  # it is thrown away because it does not work
        connection.close()


def _succeeds(action: Callable[[C], object], connection: C) -> bool:
    try:
        return action(connection) is not False
    except Exception:  # noqa: BLE001 - whatever it is, the connection is not used again
        return False


def _seconds(name: str, value: float, *, zero: bool = False) -> float:
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        rule = "0 or more" if zero else "more than 0"
        raise ValueError(f"{name} must be {rule} seconds and finite, got {value!r}")
    return float(value)
