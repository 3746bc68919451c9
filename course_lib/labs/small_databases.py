"""SQLite and DuckDB for one story, set up as they should be and gone at the end."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["SqliteFile", "duckdb", "sqlite"]


class SqliteFile:
    """A database in a file. Every connection has foreign keys on, which is not SQLite's default."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._given: list[sqlite3.Connection] = []

    def connect(self, **options: Any) -> sqlite3.Connection:
        """A new connection, closed when the block ends; options as for `sqlite3.connect`.

        Any thread may use it, unlike Python's default; one at a time is for the caller to ensure.
        """
        made = sqlite3.connect(self.path, **{"check_same_thread": False, **options})
        connection: sqlite3.Connection = made
        self._given.append(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        return connection

    def close(self) -> None:
        for connection in self._given:
            connection.close()


@contextmanager
def sqlite(path: str | Path | None = None) -> Iterator[SqliteFile]:
    """A SQLite file in WAL mode; without a path a fresh one, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="course-sqlite-") as folder:
        database = SqliteFile(Path(path) if path else Path(folder) / "course.db")
        with closing(database):
            yield database


@contextmanager
def duckdb() -> Iterator[DuckDBPyConnection]:
    """A DuckDB connection to a fresh database in memory: one thread, so rows keep their order."""
    import duckdb as library

    with library.connect(config={"threads": 1}) as connection:
        yield connection
