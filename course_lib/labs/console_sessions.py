"""One console: a session of a database in a thread of its own, which may have to wait.

A statement is sent, and at some time its outcome is there, in words that hold
no time and no number of a process. The database says who waits for whom.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["Session", "waiting_for"]

# A circle of waiting sessions is broken by the one whose timer fires first, and
# a timer fires once. So whoever starts to wait first never looks, and whoever
# surely closes a circle looks at once: it is the victim, as when people type.
_FIRST, _MIDDLE, _LAST = "1h", "300ms", "10ms"

_ROWS_SHOWN = 6
_CANCELLING_MAY_TAKE = 5.0  # seconds

_WAITING = """
SELECT pid, pg_blocking_pids(pid) || pg_safe_snapshot_blocking_pids(pid)
FROM pg_stat_activity
WHERE pid = ANY(%s) AND (wait_event_type = 'Lock' OR wait_event = 'SafeSnapshot')
"""


class Session:
    """A console. `connect` gives a psycopg or a sqlite3 connection and is called in the thread.

    Attributes:
        outcome: of the statement sent last; None while it runs or waits.
        patient: whether that statement ends by itself, by a timeout that the session has set.
    """

    def __init__(self, name: str, connect: Callable[[], Any]) -> None:
        self.name = name
        self.statement = ""
        self.outcome: str | None = ""
        self.patient = False
        self._connect = connect
        self._orders: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[str | BaseException] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"labs-console-{name}", daemon=True)
        self._thread.start()
        answer = self._answers.get()
        if isinstance(answer, BaseException):
            raise answer

    def send(self, statement: str, *, some_wait: bool, all_wait: bool) -> None:
        """Have the statement run; `outcome` is None until it has ended.

        Args:
            some_wait: whether other consoles wait already.
            all_wait: whether all others do.
        """
        if self.is_postgres:
            timer = (_LAST if all_wait else _MIDDLE) if some_wait else _FIRST
            self._prepare(timer)
        self.statement, self.outcome = statement, None
        self._orders.put(statement)

    def _prepare(self, timer: str) -> None:
        """Before a statement. None of this takes a snapshot, so the story does not notice."""
        from psycopg.pq import TransactionStatus

        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            return
        self.connection.execute(f"SET deadlock_timeout = '{timer}'".encode())
        limits = [
            self.connection.execute(f"SHOW {limit}".encode()).fetchone()
            for limit in ("lock_timeout", "statement_timeout")
        ]
        self.patient = any(limit != ("0",) for limit in limits)

    def wait(self, seconds: float) -> None:
        """Wait at most so long for the outcome."""
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            return
        if isinstance(answer, BaseException):
            raise answer
        self.outcome = answer

    def give_up(self) -> None:
        """Cancel the statement, if one runs or waits."""
        if self.outcome is None and self.is_postgres:
            with contextlib.suppress(Exception):  # the server may be gone, and the wait with it
                self.connection.cancel_safe()
            self.wait(_CANCELLING_MAY_TAKE)

    def close(self) -> None:
        """Close the connection and end the thread."""
        self._orders.put(None)
        self._thread.join()

    # In the thread

    def _run(self) -> None:
        try:
            self.connection = self._connect()
            self.is_postgres = not isinstance(self.connection, sqlite3.Connection)
            self._begin()
            self._answers.put("")
            while (statement := self._orders.get()) is not None:
                self._answers.put(self._outcome(statement))
            self.connection.close()
        except BaseException as error:  # noqa: BLE001 - the caller's thread gets it
            self._answers.put(error)

    def _begin(self) -> None:
        """BEGIN and COMMIT are the story's own."""
        if self.is_postgres:
            self.connection.autocommit = True
            self.connection.prepare_threshold = None
        else:
            self.connection.isolation_level = None
            self.connection.execute("PRAGMA busy_timeout = 0")

    def _outcome(self, statement: str) -> str:
        if self.is_postgres:
            return _of_postgres(self.connection, statement)
        return _of_sqlite(self.connection, statement)


def _of_postgres(connection: Any, statement: str) -> str:
    import psycopg

    try:
        cursor = connection.execute(statement.encode())
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).strip()
        return f"error {error.sqlstate}: {said}" if error.sqlstate else f"error: {said}"
    if cursor.description:
        return _rows([column.name for column in cursor.description], cursor.fetchall())
    return str(cursor.statusmessage)


def _of_sqlite(connection: sqlite3.Connection, statement: str) -> str:
    try:
        cursor = connection.execute(statement)
    except sqlite3.Error as error:
        return f"error {getattr(error, 'sqlite_errorname', '')}: {error}"
    if cursor.description:
        return _rows([column[0] for column in cursor.description], cursor.fetchall())
    return "ok" if cursor.rowcount < 0 else f"ok, {cursor.rowcount} changed"


def _rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """
    >>> _rows(["id", "balance"], [(1, 90), (2, None)])
    '2 rows: id=1 balance=90; id=2 balance=NULL'
    """
    shown = [
        " ".join(f"{c}={'NULL' if v is None else v}" for c, v in zip(columns, row, strict=True))
        for row in rows[:_ROWS_SHOWN]
    ]
    more = "; ..." if len(rows) > _ROWS_SHOWN else ""
    count = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    return f"{count}: {'; '.join(shown)}{more}" if rows else count


def waiting_for(observer: Any, sessions: Sequence[Session]) -> Mapping[str, list[str]]:
    """For each of the sessions that waits for a lock now: who holds it, by name, in order.

    A session that is not one of the consoles is called "another session".
    """
    names = {session.connection.info.backend_pid: session.name for session in sessions}
    running = [s.connection.info.backend_pid for s in sessions if s.outcome is None]
    return {
        names[pid]: sorted({names.get(holder, "another session") for holder in holders})
        for pid, holders in observer.execute(_WAITING, (running,)).fetchall()
        if holders
    }
