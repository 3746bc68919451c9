"""Run a migration alone and whole; what SQLite and PostgreSQL need for that.

Both can create and change tables inside a transaction, so a migration is done
completely or not at all. While it runs, no other runner does the same.

The rule: take the lock first, look second. What was read before is what was true
before the other runner finished.

Sources: PostgreSQL 18, sections 9.28.10 (advisory locks) and 19.11 (lock_timeout);
SQLite, "ALTER TABLE" section 7 (the order of steps) and `sqlite3_complete`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from course_lib.databases.dialects import Connection, dialect_of
from course_lib.databases.migration_files import MigrationError
from course_lib.databases.transactions import transaction

__all__ = ["MigrationSession", "session_for", "statements"]


class MigrationSession(Protocol):
    """What the runner asks of one kind of database."""

    def alone(self, lock: str) -> AbstractContextManager[None]:
        """One transaction, with nobody else inside under the same `lock`."""
        ...

    def run_script(self, script: str) -> None:
        """Run all statements of this SQL text, inside the transaction."""
        ...

    def has_table(self, table: str) -> bool:
        """Whether a table of this name is there."""
        ...


def session_for(
    conn: Connection, *, wait_for_others: float, lock_timeout: float
) -> MigrationSession:
    """The session for this connection; both times in seconds, for PostgreSQL."""
    if dialect_of(conn).name == "sqlite":
        return _OnSQLite(conn)
    return _OnPostgreSQL(conn, wait_for_others, lock_timeout)


class _OnSQLite:
    """BEGIN IMMEDIATE is the lock: there is one writer. It waits as the connection says."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self._cursor = dialect_of(conn).cursor(conn)

    @contextmanager
    def alone(self, lock: str) -> Iterator[None]:
        with self._without_foreign_keys(), transaction(self._conn):
            yield
            self._check_foreign_keys()

    def run_script(self, script: str) -> None:
        # Not executescript(), which commits first.
        for statement in statements(script):
            self._cursor.execute(statement)

    def has_table(self, table: str) -> bool:
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return self._cursor.execute(query, (table,)).fetchone() is not None

    @contextmanager
    def _without_foreign_keys(self) -> Iterator[None]:
        """To rebuild a table one drops the old one, which would delete or refuse its children."""
        (before,) = self._cursor.execute("PRAGMA foreign_keys").fetchone()
        self._cursor.execute("PRAGMA foreign_keys = OFF")  # says nothing inside a transaction
        try:
            yield
        finally:
            self._cursor.execute(f"PRAGMA foreign_keys = {before}")

    def _check_foreign_keys(self) -> None:
        orphans = self._cursor.execute("PRAGMA foreign_key_check").fetchall()
        if orphans:
            table, _, parent, _ = orphans[0]
            raise MigrationError(
                f"{len(orphans)} rows would have no parent, the first in {table} for {parent}"
            )


class _OnPostgreSQL:
    """An advisory lock that ends with the transaction, so that it cannot be left behind."""

    def __init__(self, conn: Any, wait_for_others: float, lock_timeout: float) -> None:
        self._conn = conn
        self._cursor = dialect_of(conn).cursor(conn)
        self._wait_for_others, self._lock_timeout = wait_for_others, lock_timeout

    @contextmanager
    def alone(self, lock: str) -> Iterator[None]:
        # At the higher levels all queries would see what was there before the lock.
        with transaction(self._conn, isolation="read committed"):
            self._limit_waiting(self._wait_for_others)
            key = "hashtextextended(current_schema() || '.' || %s, 0)"
            self._cursor.execute(f"SELECT pg_advisory_xact_lock({key})", (lock,))
            # A change that waits for a table makes everybody else wait behind it.
            self._limit_waiting(self._lock_timeout)
            yield

    def run_script(self, script: str) -> None:
        self._cursor.execute(script)  # without parameters it may hold many statements

    def has_table(self, table: str) -> bool:
        (found,) = self._cursor.execute("SELECT to_regclass(%s)", (table,)).fetchone()
        return found is not None

    def _limit_waiting(self, seconds: float) -> None:
        milliseconds = str(max(1, round(seconds * 1000)))  # 0 would mean: wait for ever
        self._cursor.execute("SELECT set_config('lock_timeout', %s, true)", (milliseconds,))


def statements(script: str) -> Iterator[str]:
    """The statements of an SQLite script, one by one.

    A semicolon inside a text, a comment or a trigger ends nothing; SQLite itself says so.

    >>> list(statements("SELECT 'a;b'; -- done; really\\nSELECT 2"))
    ["SELECT 'a;b';", '-- done; really\\nSELECT 2;']
    """
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"  # the last piece had none, and is none the worse for it
        if sqlite3.complete_statement(statement):
            if statement.strip() != ";":
                yield statement.strip()
            statement = ""
    if statement:
        yield statement.removesuffix(";").strip()  # a comment, or an error for SQLite to tell
