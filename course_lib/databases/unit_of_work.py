"""All changes of one use case are kept together, or none of them is.

The rule: whoever knows the whole use case says `commit()`. Without it nothing stays,
so an early `return` or a forgotten line loses work loudly in the first test, instead of
keeping half of it in production.

A `with` block cannot be run again. Where conflicts are likely, put the work into a
function for `transactions.run`, which retries.

Sources: Martin Fowler, "Patterns of Enterprise Application Architecture", "Unit of Work";
Harry Percival and Bob Gregory, "Architecture Patterns with Python", chapter 6.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType

from course_lib.clock import Clock
from course_lib.databases.dialects import Connection
from course_lib.databases.repository import UserRepository
from course_lib.databases.transactions import begin, commit, roll_back

__all__ = ["UnitOfWork"]


class UnitOfWork:
    """One transaction and the repositories that work in it. For one thread at a time.

    Args:
        connect: opens a context manager around a connection, such as `pool.connection`.
        isolation: see `transactions.transaction`, also for what is refused.
        clock: given to the repositories.

    >>> import sqlite3
    >>> from functools import partial
    >>> from course_lib.databases.pool import Pool
    >>> with Pool(partial(sqlite3.connect, ""), max_size=1) as pool:
    ...     with UnitOfWork(pool.connection) as work:
    ...         print(work)
    UnitOfWork(open)
    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Connection]],
        *,
        isolation: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._connect, self._isolation, self._clock = connect, isolation, clock
        self._users: UserRepository | None = None  # None: no transaction is open

    @property
    def users(self) -> UserRepository:
        """The users; RuntimeError outside the block and after `commit`.

        Otherwise a change after the commit would be undone without a word.
        """
        if self._users is None:
            raise RuntimeError("no transaction is open here, begin another unit of work")
        return self._users

    def commit(self) -> None:
        """Keep everything. Nothing more can be done in this block."""
        if self._users is None:
            raise RuntimeError("there is nothing to commit, begin another unit of work")
        commit(self._conn)
        self._users = None

    def __enter__(self) -> UnitOfWork:
        if self._users is not None:
            raise RuntimeError("this unit of work is in use already, begin another one")
        with ExitStack() as opening:
            self._conn = opening.enter_context(self._connect())
            begin(self._conn, isolation=self._isolation)
            self._exits = opening.pop_all()
        self._users = UserRepository(self._conn, clock=self._clock)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._users is not None:  # not committed
                self._users = None
                self._undo(error)
        finally:
            self._exits.__exit__(kind, error, traceback)

    def _undo(self, error: BaseException | None) -> None:
        if error is None:
            self._conn.rollback()
        else:
            roll_back(self._conn, error)

    def __repr__(self) -> str:
        return f"UnitOfWork({'over' if self._users is None else 'open'})"
