"""Change the schema step by step, in the same order everywhere, each step once.

A table in the database says which migrations were run. The rule: a migration and its
line in that table are one transaction. If the power fails between the two, either both
are there or neither, and the next run goes on from the truth.

A migration that was run is history. Its file is not edited, because other databases
have run the old text: a new migration changes what the old one did.

What a production tool adds stands in `Runner.production_gap`. Sources: Martin Fowler and
Pramod Sadalage, "Evolutionary Database Design" (2016); the manuals of Alembic and Flyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from course_lib.clock import Clock, SystemClock
from course_lib.databases.dialects import Connection, Progress, dialect_of
from course_lib.databases.migration_files import (
    Direction,
    Migration,
    MigrationError,
    read_migrations,
)
from course_lib.databases.migration_session import session_for

__all__ = ["Migration", "MigrationError", "Runner"]


class Runner:
    """Brings one database to the state that a folder of migrations describes.

    Args:
        conn: of sqlite3 or psycopg, outside any transaction. One runner, one thread.
        folder: the migrations, see `migration_files`. It is read on every call.
        table: where the migrations that were run are noted; small letters.
        wait_for_others: seconds to wait for another runner, on PostgreSQL. On SQLite
            it is the `timeout` of the connection.
        lock_timeout: seconds a statement waits for a table that somebody uses, on
            PostgreSQL; meanwhile everybody who comes later waits behind it.
        clock: dates the notes.

    Errors of a statement go on as they are, with a note that names the migration.
    """

    production_gap: ClassVar[tuple[str, ...]] = (
        "statements that cannot run inside a transaction, such as CREATE INDEX CONCURRENTLY",
        "migrations that depend on each other as a tree instead of a line",
        "a first draft of the next migration, from the difference to the models",
        "a way back for a step that half succeeded, on databases without transactional DDL",
    )

    def __init__(
        self,
        conn: Connection,
        folder: Path | str,
        *,
        table: str = "schema_migrations",
        wait_for_others: float = 60.0,
        lock_timeout: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", table):
            raise ValueError(f"table must be small letters, digits and _, got {table!r}")
        self.table = table
        self._conn, self._folder = conn, Path(folder)
        self._dialect = dialect_of(conn)
        self._session = session_for(
            conn, wait_for_others=wait_for_others, lock_timeout=lock_timeout
        )
        self._clock = SystemClock() if clock is None else clock

    def plan(self, to: int | None = None) -> list[int]:
        """The numbers that `up(to)` would run, in order. Changes nothing.

        Raises:
            MigrationError: as `verify`.
            ValueError: there is no migration `to`.
        """
        migrations, applied = self._checked()
        _check_target(to, migrations)
        return [number for number in migrations if number not in applied and _within(number, to)]

    def up(self, to: int | None = None) -> list[int]:
        """Run what is pending, up to and including `to`; the numbers that were run.

        Each migration is a transaction of its own: after an error the earlier ones stay.
        Another runner may be at work: each migration is run by one of the two.
        """
        done = []
        while self.plan(to):
            with self._alone():
                migrations, applied = self._read(), self._applied()  # again, with the lock
                _check(migrations, applied)
                number = len(applied) + 1
                if number in migrations and _within(number, to):
                    self._go(migrations[number], "up")
                    done.append(number)
        return done

    def down(self, to: int) -> list[int]:
        """Undo what was run after `to`, newest first; `to` itself stays, 0 undoes all.

        Raises:
            MigrationError: as `verify`, or one of them has no way down: then nothing
                is undone.
        """
        migrations, applied = self._checked()
        _check_target(to, migrations, least=0)
        going = [number for number in sorted(applied, reverse=True) if number > to]
        for number in going:
            if migrations[number].script("down") is None:
                raise MigrationError(f"migration {number} has no way down, so nothing was undone")
        for number in going:
            with self._alone():
                if len(self._applied()) != number:
                    raise MigrationError(f"another runner is at work, {number} was not undone")
                self._go(migrations[number], "down")
        return going

    def status(self) -> list[tuple[int, str, str]]:
        """`(number, name, "applied" or "pending")` for each migration, in order.

        It shows what there is; whether that is right is for `verify` to say.
        """
        migrations, applied = self._read(), self._look()
        pending = {number: (m.name, "pending") for number, m in migrations.items()}
        states = pending | {number: (name, "applied") for number, (name, _) in applied.items()}
        return [(number, *states[number]) for number in sorted(states)]

    def verify(self) -> None:
        """Look whether folder and database fit together. Changes nothing.

        Raises:
            MigrationError: a file was edited after it was run, one that was run is
                missing, or one was left out.
        """
        self._checked()

    def baseline(self, number: int) -> None:
        """Note 1 to `number` as run, without running them: the tables are there already.

        Raises:
            MigrationError: some migrations are noted already.
        """
        migrations = self._read()
        _check_target(number, migrations)
        with self._alone():
            if self._applied():
                raise MigrationError("a baseline is for a database where nothing is noted yet")
            for each in range(1, number + 1):
                self._note(migrations[each])

    # The steps of one migration.

    def _go(self, migration: Migration, direction: Direction) -> None:
        try:
            self._run(migration, direction)
            if direction == "up":
                self._note(migration)
            else:
                self._execute(f"DELETE FROM {self.table} WHERE number = ?", migration.number)
        except BaseException as error:
            error.add_note(f"Migration {migration.number} ({migration.name}), going {direction}.")
            raise

    def _run(self, migration: Migration, direction: Direction) -> None:
        script = migration.script(direction)
        assert script is not None  # `down` has asked before
        self._execute("SAVEPOINT migration")
        if isinstance(script, str):
            self._session.run_script(script)
        else:
            script(self._conn)
        try:
            self._execute("RELEASE SAVEPOINT migration")
        except Exception as error:
            # Only COMMIT or ROLLBACK can have removed it, or an error was hidden.
            raise MigrationError(
                "it has ended the transaction or hidden an error, so look what is there now"
            ) from error

    def _note(self, migration: Migration) -> None:
        self._execute(
            f"INSERT INTO {self.table} (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
            migration.number,
            migration.name,
            migration.checksum,
            datetime.fromtimestamp(self._clock.now(), UTC).isoformat(),
        )

    # What is there.

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._session.alone(self.table):
            self._execute(
                f"CREATE TABLE IF NOT EXISTS {self.table} (number INTEGER PRIMARY KEY,"
                " name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL)"
            )
            yield

    def _checked(self) -> tuple[dict[int, Migration], dict[int, tuple[str, str]]]:
        migrations, applied = self._read(), self._look()
        _check(migrations, applied)
        return migrations, applied

    def _read(self) -> dict[int, Migration]:
        return read_migrations(self._folder)

    def _look(self) -> dict[int, tuple[str, str]]:
        """What was run, read in a transaction that is over afterwards."""
        progress = self._dialect.progress(self._conn)
        if progress is not Progress.IDLE:
            raise RuntimeError(f"migrations need a connection of their own, but {progress.value}")
        try:
            return self._applied()
        finally:
            self._conn.rollback()

    def _applied(self) -> dict[int, tuple[str, str]]:
        """Name and checksum of each migration that was run."""
        if not self._session.has_table(self.table):
            return {}
        query = f"SELECT number, name, checksum FROM {self.table} ORDER BY number"
        return {number: (name, checksum) for number, name, checksum in self._execute(query)}

    def _execute(self, statement: str, *parameters: object) -> list[Any]:
        cursor = self._dialect.cursor(self._conn)
        cursor.execute(self._dialect.sql(statement), parameters)
        return cursor.fetchall() if cursor.description else []


def _check(migrations: dict[int, Migration], applied: dict[int, tuple[str, str]]) -> None:
    for expected, (number, (name, checksum)) in enumerate(applied.items(), start=1):
        if number != expected:
            raise MigrationError(f"migration {number} was run, but {expected} before it was not")
        if number not in migrations:
            raise MigrationError(
                f"migration {number} ({name}) was run but is not in the folder, so the program"
                " is older than the database"
            )
        if migrations[number].checksum != checksum:
            raise MigrationError(
                f"migration {number} ({name}) was edited after it was run, so put the old text"
                " back and write a new migration"
            )


def _check_target(to: int | None, migrations: dict[int, Migration], *, least: int = 1) -> None:
    if to is not None and not least <= to <= len(migrations):
        raise ValueError(f"there is no migration {to}, the last one is {len(migrations)}")


def _within(number: int, to: int | None) -> bool:
    return to is None or number <= to
