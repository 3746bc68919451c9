# fails "migrations are run in the order of their numbers" with "clock.now() was asked"
import time


class Migrator:
    """Brings the schema of one database up to what a folder of migrations says.

    Args:
        conn: a connection in autocommit, outside any transaction.
        dir: the folder; it is read on every call.
        clock: `clock.now()` dates the notes; None is the real clock.
    """

    table = "schema_migrations"

    def __init__(self, conn: Any, dir: Path, clock: Clock | None = None) -> None:
        self._conn, self._dir = conn, Path(dir)
        self._clock = clock or SystemClock()
        on_sqlite = isinstance(conn, sqlite3.Connection)
        self._database = _SQLite(conn) if on_sqlite else _PostgreSQL(conn)
        self.postgresql = True  # the extra

    def plan(self, to: int | None = None) -> list[int]:
        """The numbers that `up(to)` would run. Changes nothing."""
        applied = self._applied()
        pending = [number for number in self._migrations() if number not in applied]
        return [number for number in pending if to is None or number <= to]

    def up(self, to: int | None = None) -> list[int]:
        """Run what is pending, `to` included; the numbers that this call has run."""
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

    def down(self, to: int) -> list[int]:
        """Undo what was run after `to`, newest first; the numbers of what was undone."""
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

    def status(self) -> list[tuple[int, str, str]]:
        """`(number, name, "applied" or "pending")` for each migration, in order."""
        applied = self._applied()
        return [
            (number, migration.name, "applied" if number in applied else "pending")
            for number, migration in self._migrations().items()
        ]

    def verify(self) -> None:
        """Look whether what was run is what the folder says. Changes nothing.

        Raises:
            An exception of your choice: the file of an applied migration was edited.
        """
        migrations = self._migrations()
        for number, checksum in self._applied().items():
            if migrations[number].checksum != checksum:
                raise MigrationError(f"migration {number} was edited after it was run")

    def baseline(self, number: int) -> None:
        """Note 1 to `number` as applied without running them."""
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
        row = (number, migration.checksum, time.time())
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
