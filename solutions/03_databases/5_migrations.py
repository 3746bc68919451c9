# %% [markdown] id="title"
# # Migrations that survive a crash
#
# **Goal:** change the schema of a database step by step, each step once, whatever happens in
# between. · **90 minutes** · needs: [Owning
# resources](../../../notebooks/01_errors/3_owning_resources.ipynb)
#
# **Not covered:** migrations that cannot run inside a transaction, and branches of migrations.

# %% [markdown] id="how"
# ## How to work
#
# There are six tasks. Each adds one thing, and you can check after each. Read all of them first:
# the later ones change where a transaction begins.
#
# The database is SQLite. You get `conn` from `sqlite3.connect(path, isolation_level=None)`. So
# Python begins and ends no transaction by itself.
#
# **You** do, with `BEGIN` and `COMMIT`. No transaction is open when one of your methods is called,
# and none is when it has returned.
#
# A crash and a second process can be tried only on Linux and macOS. On Windows those checks always
# pass, so use WSL (Linux inside Windows) there.


# %% id="setup" tags=["setup"]
import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_lib.clock import Clock, ManualClock, SystemClock
from course_lib.practice import check, hint, reset, solution

# %% [markdown] id="task-1"
# ## Task 1: in the right order
#
# The folder `dir` holds migrations and nothing else that ends in `.sql` or `.py`. Number 7 may be
# called
#
# - `0007_add_price.up.sql`, perhaps with a `0007_add_price.down.sql` that takes it back, or
# - `0007_add_price.py`, with a function `up(conn)` and perhaps a `down(conn)`.
#
# The name is what stands between the first underscore and the first dot. All files are UTF-8. In
# this task each SQL file holds one statement.
#
# - `up()` runs what is pending, in the order of the numbers. It returns the list of numbers that
#   this call has run. `up(to=7)` stops after 7.
# - What was run is noted in a table of the same database. `table` is its name: a class attribute,
#   or one of the object. The columns are up to you. Date each note with `clock.now()`.
# - The folder and the table may change between two calls, and a Migrator made tomorrow must know
#   what today's has run. The checks make a new Migrator after they have changed a file.
# - Zeros in front are allowed, not required: `9_b` comes before `10_c`, and `0009_b` is 9 too.
# - Numbers start at 1 and have no gaps, and no number has two migrations: `0001_a` and `1_b`
#   clash. Otherwise `up` and `plan` refuse: they raise an exception of your choice, and nothing
#   is run.
# - `status()` is a list of `(number, name, "applied")` or `(number, name, "pending")`, in order.
# - `plan(to=None)` is the dry run. It returns the numbers that `up(to)` would run.
# - `plan` and `status` run nothing and change nothing, and nor does making a Migrator. On a new
#   database they create no table either.
# - Python migrations are files like any other, with imports, constants and helpers. They leave
#   the transaction alone.
#
# Free: what a `to` does that is not in the folder.

# %% [markdown] id="task-2"
# ## Task 2: many statements in a file
#
# A file may hold any number of statements, and all of them are run. A semicolon ends a statement,
# but not within `'a text; it''s long'`, `"a name; in quotes"`, `-- a comment; like this`,
# `/* one; like this */`, or the body of a trigger. There may be several statements in a line, and
# comments at the end.
#
# The last statement may lack its semicolon. No file holds `BEGIN`, `COMMIT` or `ROLLBACK`, except
# that the body of a trigger begins with `BEGIN`.
#
# `sqlite3.complete_statement(text)` is worth a look. So is the manual on `executescript`: it
# commits before it begins.

# %% [markdown] id="task-3"
# ## Task 3: all or nothing
#
# A migration and its note are one transaction, and each migration is a transaction of its own.
#
# - If statement 3 of migration 7 fails, the error comes out, as it is or in an exception of your
#   own. The database is as it was after 6, and 6 stays. Nothing later is run. The same
#   `conn` can be used again: no transaction is left open.
# - The same holds for an error in Python code. `KeyboardInterrupt` comes out, and what was begun
#   is not in the database either; the check uses a new connection after that.
# - The check kills your process with `SIGKILL` before *every* statement that changes something,
#   your `COMMIT` included. Then a new Migrator finds each migration either whole and noted, or not
#   there and pending, and `up` finishes the work. What was run is not run again.

# %% [markdown] id="task-4"
# ## Task 4: history is not edited
#
# - If the file of a migration was edited after it was run, `verify()` raises an exception. `up`
#   refuses before it runs anything that is pending. Look at the content: size and time of a file
#   say nothing. Mind that Python's `hash()` gives another number in another process.
# - If all is well, `verify()` just returns. A pending file may change. `verify` itself changes
#   nothing, and on a new database it creates no table.
# - `baseline(number)` is for a database that had its tables before there were migrations. It notes
#   1 to `number` as applied, without running them. From then on they are like any other applied
#   migration: editing one is found out.
#
# Free:
#
# - an edited *down* file, changed line ends, a renamed or deleted file;
# - an edited file in `plan` and `down`;
# - a baseline of a database in which something is noted already.

# %% [markdown] id="task-5"
# ## Task 5: and back
#
# - `down(to)` undoes what was run after `to`, the newest first. `to` itself stays, and `down(0)`
#   undoes all. It returns the list of numbers that it has undone, in that order. They are pending
#   then.
# - A migration without a down file, or a Python file without `down`, cannot be undone. If one of
#   those is in the way, an exception is raised and *nothing at all* is undone.
# - Undoing a migration and taking its note away are one transaction. After an error or a crash,
#   each migration is either applied and noted, or undone and pending. The rest is as in task 3.
#
# Free: after an error, whether the newer ones stay undone; and two processes that go down at the
# same moment.

# %% [markdown] id="task-6"
# ## Task 6: the rest of the real world
#
# **Foreign keys.** SQLite can change little about a table, so one makes a new table, copies the
# rows, drops the old table and renames the new one. With `PRAGMA foreign_keys = ON`, dropping it
# would delete the rows that refer to it.
#
# - While a migration runs, up or down, foreign keys are off. Afterwards they are as they were
#   before, on or off, also after an error. SQLite ignores this pragma inside a transaction.
# - If they were on: just before the commit, look for rows that refer to nothing with
#   `PRAGMA foreign_key_check`. If there are any, the migration has failed.
#
# **Two processes.** Two servers start at the same moment, and both call `up`. The database is in
# WAL mode. WAL is a log that is written ahead: readers do not wait for writers.
#
# - Each migration is run once, by one of the two.
# - While one is in the middle of a migration, the other waits, as long as its connection does
#   (the `timeout` of `sqlite3.connect`). It does not give up at once.
# - Then it goes on with what is still pending, if anything. It returns only what it has run
#   itself, and no error.
# - A process that was killed must not lock out the next one.

# %% [markdown] id="extra"
# ## Extra: PostgreSQL
#
# Nothing here is needed for full points. If you put `self.postgresql = True` into `__init__`, two
# more stories are told on a real PostgreSQL. Then `conn` may also come from
# `psycopg.connect(url, autocommit=True)`, and tasks 1 to 6 hold there too, apart from foreign keys.
#
# PostgreSQL has no `BEGIN IMMEDIATE`. Its lock for such things is `pg_advisory_xact_lock(number)`:
# it waits, and ends with the transaction, whatever happens.
#
# Other differences:
#
# - psycopg writes `%s` where SQLite has `?`;
# - it runs a text of many statements in one `execute` without parameters;
# - `to_regclass('name')` is NULL if there is no such table.


# %% id="migrator" tags=["solution"]
class Migrator:
    """Brings the schema of one database to what a folder of files says.

    Args:
        conn: a connection in autocommit, outside any transaction.
        dir: the folder; it is read on every call.
        clock: `clock.now()` dates the notes; None is the real clock.
    """

    table = "schema_migrations"

    def __init__(
        self,
        conn: Any,
        dir: Path,
        clock: Clock | None = None,
    ) -> None:
        # TODO: task 1
        ### BEGIN SOLUTION
        self._conn, self._dir = conn, Path(dir)
        self._clock = clock or SystemClock()
        on_sqlite = isinstance(conn, sqlite3.Connection)
        self._database = _SQLite(conn) if on_sqlite else _PostgreSQL(conn)
        self.postgresql = True  # the extra
        ### END SOLUTION

    def plan(self, to: int | None = None) -> list[int]:
        """The numbers that `up(to)` would run. Changes nothing."""
        # TODO: task 1
        ### BEGIN SOLUTION
        applied = self._applied()
        pending = [number for number in self._migrations() if number not in applied]
        return [number for number in pending if to is None or number <= to]
        ### END SOLUTION

    def up(self, to: int | None = None) -> list[int]:
        """Run what is pending, `to` included; the numbers that it has run."""
        # TODO: tasks 1 to 4, and 6
        ### BEGIN SOLUTION
        self.verify()
        migrations, done = self._migrations(), []
        for number in self.plan(to):
            with self._alone():
                if number in self._applied():
                    continue  # another process was faster
                self._run(migrations[number], "up")
                self._note(number, migrations[number])
            done.append(number)
        return done
        ### END SOLUTION

    def down(self, to: int) -> list[int]:
        """Undo what was run after `to`, newest first; their numbers."""
        # TODO: task 5
        ### BEGIN SOLUTION
        migrations = self._migrations()
        going = sorted((number for number in self._applied() if number > to), reverse=True)
        for number in going:
            if migrations[number].script("down") is None:
                raise MigrationError(f"migration {number} cannot be undone, so nothing was")
        for number in going:
            with self._alone():
                self._run(migrations[number], "down")
                self._conn.execute(f"DELETE FROM {self.table} WHERE number = {number}")
        return going
        ### END SOLUTION

    def status(self) -> list[tuple[int, str, str]]:
        """`(number, name, "applied" or "pending")` for each, in order."""
        # TODO: task 1
        ### BEGIN SOLUTION
        applied = self._applied()
        return [
            (number, migration.name, "applied" if number in applied else "pending")
            for number, migration in self._migrations().items()
        ]
        ### END SOLUTION

    def verify(self) -> None:
        """Look whether what was run is what the folder says. Changes nothing.

        Raises:
            An exception of your choice: an applied file was edited.
        """
        # TODO: task 4
        ### BEGIN SOLUTION
        migrations = self._migrations()
        for number, checksum in self._applied().items():
            if migrations[number].checksum != checksum:
                raise MigrationError(f"migration {number} was edited after it was run")
        ### END SOLUTION

    def baseline(self, number: int) -> None:
        """Note 1 to `number` as applied without running them."""
        # TODO: task 4; write helper methods below as you need them
        ### BEGIN SOLUTION
        with self._alone():
            for each, migration in self._migrations().items():
                if each <= number:
                    self._note(each, migration)

    # What the folder says, and what the database says.

    def _migrations(self) -> dict[int, "Migration"]:
        found: dict[int, Migration] = {}
        for path in self._dir.iterdir():
            match = re.fullmatch(r"([0-9]+)_([^.]+)\.(up\.sql|down\.sql|py)", path.name)
            if match:
                migration = found.setdefault(int(match[1]), Migration(match[2]))
                migration.add(match[2], match[3], path)
        if sorted(found) != list(range(1, len(found) + 1)):
            raise MigrationError(f"the numbers are {sorted(found)}, close the gap")
        return dict(sorted(found.items()))

    def _applied(self) -> dict[int, str]:
        """The checksum of each migration that was run."""
        if not self._database.has_table(self.table):
            return {}
        return dict(self._conn.execute(f"SELECT number, checksum FROM {self.table}").fetchall())

    # One migration.

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._database.alone():
            self._conn.execute(f"CREATE TABLE IF NOT EXISTS {self.table} {COLUMNS}")
            yield

    def _run(self, migration: "Migration", way: str) -> None:
        script = migration.script(way)
        if callable(script):
            script(self._conn)
        else:
            self._database.run(script)

    def _note(self, number: int, migration: "Migration") -> None:
        row = (number, migration.checksum, self._clock.now())
        marks = ", ".join([self._database.mark] * len(row))
        self._conn.execute(f"INSERT INTO {self.table} VALUES ({marks})", row)


COLUMNS = "(number INTEGER PRIMARY KEY, checksum TEXT NOT NULL, applied_at REAL NOT NULL)"


class MigrationError(Exception):
    """Folder and database do not fit together, or a migration would do harm."""


class Migration:
    """The files of one number: `up.sql` and perhaps `down.sql`, or `py`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._texts: dict[str, str] = {}

    def add(self, name: str, kind: str, path: Path) -> None:
        if name != self.name or kind in self._texts:
            raise MigrationError(f"{path.name} has the number of another migration")
        self._texts[kind] = path.read_text("utf-8")

    @property
    def checksum(self) -> str:
        text = self._texts.get("up.sql") or self._texts["py"]
        return hashlib.sha256(text.encode()).hexdigest()

    def script(self, way: str) -> Any:
        """SQL, or a function of the connection, or None if there is no such way."""
        if "py" in self._texts:
            module: dict[str, Any] = {"__name__": self.name}
            exec(self._texts["py"], module)
            return module.get(way)
        return self._texts.get(f"{way}.sql")


class _SQLite:
    """The lock is the right to write, which BEGIN IMMEDIATE waits for."""

    mark = "?"

    def __init__(self, conn: Any) -> None:
        self._conn = conn

    def has_table(self, name: str) -> bool:
        query = "SELECT 1 FROM sqlite_master WHERE name = ?"
        return self._conn.execute(query, (name,)).fetchone() is not None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One transaction with foreign keys off, while no other process writes."""
        execute = self._conn.execute
        (before,) = execute("PRAGMA foreign_keys").fetchone()
        execute("PRAGMA foreign_keys = OFF")
        try:
            # It waits for the others now. What is read after it stays true.
            execute("BEGIN IMMEDIATE")
            with self._conn:  # commits, or rolls back after an error
                yield
                if before and execute("PRAGMA foreign_key_check").fetchone():
                    raise MigrationError("there would be rows that refer to nothing")
        finally:
            execute(f"PRAGMA foreign_keys = {before}")

    def run(self, script: str) -> None:
        statement = ""
        for piece in script.split(";"):
            statement += piece + ";"
            if sqlite3.complete_statement(statement):
                self._conn.execute(statement)
                statement = ""
        self._conn.execute(statement.removesuffix(";"))  # a comment, or nothing


class _PostgreSQL:
    """The lock is a number that we have agreed on with ourselves."""

    mark = "%s"

    def __init__(self, conn: Any) -> None:
        self._conn = conn

    def has_table(self, name: str) -> bool:
        (found,) = self._conn.execute("SELECT to_regclass(%s)", (name,)).fetchone()
        return found is not None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One transaction, while no other process is here."""
        with self._conn.transaction():
            self._conn.execute("SELECT pg_advisory_xact_lock(30512)")
            yield

    def run(self, script: str) -> None:
        self._conn.execute(script)

    ### END SOLUTION


# %% id="check" tags=["check"]
check("03.5-migrations")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("03.5-migrations")` shows a worked
# answer, and `reset("03.5-migrations")` gives you the empty task back. Your version is kept
# beside it.

# %% id="hint" tags=["check"]
hint("03.5-migrations")

# %% [markdown] id="playground"
# ## Try it by hand
#
# Three migrations, and the third has a mistake in its last line. Bet on the tables and the states
# after each call. Then mend the file, or edit the first one and call `up` again.


# %% id="files" tags=["play"]
FILES = {
    "1_teas.up.sql": "CREATE TABLE teas (name TEXT);",
    "2_prices.up.sql": "ALTER TABLE teas ADD COLUMN cents INTEGER;",
    "2_prices.down.sql": "ALTER TABLE teas DROP COLUMN cents;",
    "3_milk.up.sql": "CREATE TABLE milk (n INT); INSERT INTO mlik VALUES (1);",
}


def show(label, conn, migrator):
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    own = migrator.table
    tables = [name for (name,) in conn.execute(query) if name != own]
    print(label)
    print("   tables:", *sorted(tables))
    states = [f"{number} {state}" for number, _, state in migrator.status()]
    print("   states:", *states)


# %% id="play" tags=["play"]
import tempfile
from contextlib import closing


def story(folder, conn):
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    migrator = Migrator(conn, folder, ManualClock())
    show(f"plan() is {migrator.plan()}", conn, migrator)
    try:
        migrator.up()
    except sqlite3.Error as error:
        show(f"up() raised: {error}", conn, migrator)
    show(f"down(1) undid {migrator.down(1)}", conn, migrator)


with tempfile.TemporaryDirectory() as name:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        try:
            story(Path(name), conn)
        except NotImplementedError:
            print("Nothing to play with yet: write the Migrator first.")

# %% [markdown] id="question"
# ## To think about
#
# Migration 12 drops a column. At that moment, ten servers still run yesterday's program, which
# reads it. In which order would you bring out program and migration, and in how many steps? When
# would `down` help you on that day, and when would it lose data?
#
# There is no single right answer, and no check.
