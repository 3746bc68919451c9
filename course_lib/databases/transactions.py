"""Do the whole transaction again when the database could not keep it apart from others.

Under REPEATABLE READ and SERIALIZABLE, and after a deadlock, PostgreSQL ends one
transaction with an error so that the other can be right; SQLite says it is busy. Only
the whole can be tried again: what it read before is no longer true.

The rule: begin, work, commit; on a conflict let everything go, wait, begin anew. While
it waits, a retry holds neither a transaction nor a connection. The work must not touch
anything outside the database, because it may run several times.

Sources: PostgreSQL 18, sections 13.2 and 13.5 ("Serialization Failure Handling"); SQLite,
"Result and Error Codes"; Marc Brooker, "Exponential Backoff And Jitter" (2015).
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from course_lib.clock import Clock, SystemClock
from course_lib.databases.dialects import ISOLATION_LEVELS, Connection, Progress, dialect_of

__all__ = [
    "TransactionLost",
    "begin",
    "commit",
    "is_conflict",
    "roll_back",
    "run",
    "savepoint",
    "transaction",
]

C = TypeVar("C", bound=Connection)
T = TypeVar("T")

_CONFLICTS = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_SQLITE_CONFLICTS = frozenset({5, 6})  # SQLITE_BUSY, SQLITE_LOCKED
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 1.0  # seconds


class TransactionLost(RuntimeError):
    """The work ended as if all were well, but its transaction cannot be committed."""


def run(
    connect: Callable[[], AbstractContextManager[C]],
    fn: Callable[[C], T],
    *,
    isolation: str | None = None,
    retries: int = 5,
    rng: random.Random | None = None,
    clock: Clock | None = None,
) -> T:
    """The result of `fn(conn)`, committed.

    Args:
        connect: opens a context manager around a connection: `pool.connection`, or
            `lambda: closing(sqlite3.connect(path))`.
        fn: reads and writes; it neither begins, commits nor rolls back. It is called
            again after a conflict, so it changes nothing but the database.
        isolation: one of `ISOLATION_LEVELS`; None is the database's own. SQLite has one
            level, serializable, and its writers wait for each other.
        retries: tries after the first, >= 0.
        rng: draws the waits.
        clock: waits.

    Raises:
        Exception: whatever `fn` or the commit raised; the transaction is undone. After
            the last retry it is the last conflict, with a note. If the connection broke
            during the commit, nobody knows whether it was done: that is not retried.
        TransactionLost: `fn` ended the transaction, or hid the error of a statement.
    """
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise ValueError(f"retries must be a whole number of at least 0, got {retries!r}")
    if inspect.iscoroutinefunction(fn) or inspect.isgeneratorfunction(fn):
        raise TypeError(f"{fn.__qualname__} would do its work after the commit: use a plain one")
    rng = random.Random() if rng is None else rng
    clock = SystemClock() if clock is None else clock
    attempt = 0
    while True:
        try:
            with connect() as conn, transaction(conn, isolation=isolation):
                return fn(conn)
        except Exception as error:
            if not is_conflict(error):
                raise
            if attempt == retries:
                error.add_note(f"Gave up after {retries + 1} tries of the whole transaction.")
                raise
        clock.sleep(rng.uniform(0.0, _window(attempt)))  # full jitter, nothing is held
        attempt += 1


@contextmanager
def transaction(conn: C, *, isolation: str | None = None) -> Iterator[C]:
    """Begin; commit if the block ends well, else roll back and let the error go on.

    If the rollback fails too, the error of the block goes on with a note about it.

    Raises:
        ValueError: `isolation` is no level.
        RuntimeError: the connection is inside a transaction already. A commit here
            would commit the work of the outer one: use `savepoint`.
        TransactionLost: the block ended the transaction, or hid the error of a statement.
    """
    begin(conn, isolation=isolation)
    try:
        yield conn
        commit(conn)
    except BaseException as error:
        roll_back(conn, error)
        raise


@contextmanager
def savepoint(conn: C) -> Iterator[C]:
    """A part of a transaction that may fail alone: on an error only this part is undone.

    May be nested. A conflict ends the whole transaction all the same: let it go on.

    Raises:
        RuntimeError: no transaction is open.
    """
    dialect = dialect_of(conn)
    progress = dialect.progress(conn)
    if progress is not Progress.OPEN:
        raise RuntimeError(f"a savepoint is part of an open transaction, but {progress.value}")
    cursor = dialect.cursor(conn)
    cursor.execute("SAVEPOINT part")
    try:
        yield conn
    except BaseException as error:
        try:
            cursor.execute("ROLLBACK TO SAVEPOINT part")
            cursor.execute("RELEASE SAVEPOINT part")
        except Exception as failed:  # noqa: BLE001 - it must not hide why we roll back
            error.add_note(_also_failed(failed))
        raise
    cursor.execute("RELEASE SAVEPOINT part")


def is_conflict(error: BaseException) -> bool:
    """True if the same transaction may well succeed when it is run again.

    Told by the error code that both drivers keep on the error, so that no driver has to
    be imported, and no error of the same class but another cause is retried.
    """
    if getattr(error, "sqlstate", None) in _CONFLICTS:
        return True
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _SQLITE_CONFLICTS  # extended codes too


def begin(conn: Connection, *, isolation: str | None = None) -> None:
    """Begin a transaction on an idle connection; see `transaction` for the errors."""
    if isolation is not None and isolation.lower() not in ISOLATION_LEVELS:
        raise ValueError(f"isolation must be one of {ISOLATION_LEVELS}, got {isolation!r}")
    dialect = dialect_of(conn)
    progress = dialect.progress(conn)
    if progress is not Progress.IDLE:
        raise RuntimeError(f"cannot begin a transaction: {progress.value} on this connection")
    dialect.begin(conn, isolation)


def commit(conn: Connection) -> None:
    """Commit the open transaction; TransactionLost if there is none, or a failed one."""
    # PostgreSQL answers COMMIT of a failed transaction with ROLLBACK, not with an error.
    progress = dialect_of(conn).progress(conn)
    if progress is Progress.FAILED:
        raise TransactionLost(f"nothing was committed: {progress.value}; let errors go on")
    if progress is Progress.IDLE:
        raise TransactionLost("the block has ended the transaction itself; leave that to us")
    conn.commit()


def roll_back(conn: Connection, error: BaseException) -> None:
    """Roll back because of `error`, which keeps a note if that fails too."""
    try:
        conn.rollback()
    except Exception as failed:  # noqa: BLE001 - it must not hide why we roll back
        error.add_note(_also_failed(failed))


def _also_failed(failed: Exception) -> str:
    return f"The rollback failed too: {type(failed).__name__}: {failed}"


def _window(attempt: int) -> float:
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(attempt, 60))
