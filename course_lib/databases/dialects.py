"""What SQLite and PostgreSQL say differently, in one place and in a few lines.

Both drivers follow PEP 249, and still differ in the mark for a parameter, in how a
transaction begins, and in how one asks whether it is still open. A driver is known
by the connection it made, so neither has to be installed for the other.

Sources: PEP 249; the manuals of sqlite3 ("Transaction control") and of psycopg 3
("Transactions management"); SQLite, "BEGIN TRANSACTION"; PostgreSQL 18, section 13.2.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

__all__ = ["ISOLATION_LEVELS", "Connection", "Dialect", "Progress", "dialect_of"]

ISOLATION_LEVELS = ("read committed", "repeatable read", "serializable")


class Connection(Protocol):
    """What this package needs of a connection: psycopg's and sqlite3's have it."""

    def cursor(self) -> Any: ...
    def commit(self) -> object: ...
    def rollback(self) -> object: ...
    def close(self) -> object: ...


class Progress(Enum):
    """How far the transaction of a connection is."""

    IDLE = "no transaction is open"
    OPEN = "a transaction is open"
    FAILED = "a statement has failed, only a rollback is possible"


class Dialect(Protocol):
    """One database and its driver."""

    name: str

    def sql(self, statement: str) -> str:
        """The statement with this driver's marks; `?` may stand only for parameters."""
        ...

    def cursor(self, conn: Any) -> Any:
        """A cursor whose rows are tuples, whatever rows the application asked for."""
        ...

    def begin(self, conn: Any, isolation: str | None) -> None:
        """Begin a transaction; None is the database's own level."""
        ...

    def progress(self, conn: Any) -> Progress:
        """How far the transaction of this connection is."""
        ...


class _SQLite:
    name = "sqlite"

    def sql(self, statement: str) -> str:
        return statement

    def cursor(self, conn: Any) -> Any:
        cursor = conn.cursor()
        cursor.row_factory = None
        return cursor

    def begin(self, conn: Any, isolation: str | None) -> None:
        # All levels: there is one writer, and it sees no changes but its own. IMMEDIATE
        # waits for that right now; a later write would fail if another came first.
        self.cursor(conn).execute("BEGIN IMMEDIATE")

    def progress(self, conn: Any) -> Progress:
        return Progress.OPEN if conn.in_transaction else Progress.IDLE


class _PostgreSQL:
    name = "postgresql"

    def sql(self, statement: str) -> str:
        return statement.replace("?", "%s")

    def cursor(self, conn: Any) -> Any:
        cursor = conn.cursor()
        cursor.row_factory = lambda _: tuple
        return cursor

    def begin(self, conn: Any, isolation: str | None) -> None:
        cursor = self.cursor(conn)
        if conn.autocommit:
            cursor.execute("BEGIN")
        # Otherwise psycopg sends BEGIN before any statement, even the empty one.
        cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}" if isolation else "")

    def progress(self, conn: Any) -> Progress:
        status = int(conn.info.transaction_status)  # PQtransactionStatus of libpq
        if status == 0:
            return Progress.IDLE
        return Progress.FAILED if status == 3 else Progress.OPEN


_DIALECTS: dict[str, Dialect] = {"sqlite3": _SQLite(), "psycopg": _PostgreSQL()}


def dialect_of(conn: object) -> Dialect:
    """The dialect of this connection.

    Raises:
        TypeError: it is neither sqlite3's nor psycopg's, or it is an async one.

    >>> import sqlite3
    >>> dialect_of(sqlite3.Connection).name
    Traceback (most recent call last):
    TypeError: need a connection of sqlite3 or psycopg, got type
    """
    for kind in type(conn).__mro__:
        found = _DIALECTS.get(kind.__module__.partition(".")[0])
        if found is not None and not kind.__name__.startswith("Async"):
            return found
    raise TypeError(f"need a connection of sqlite3 or psycopg, got {type(conn).__name__}")
