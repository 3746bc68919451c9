import sqlite3
import tempfile
from pathlib import Path

import pytest

from course_lib.labs import duckdb, sqlite


def test_a_sqlite_file_has_foreign_keys_and_wal_on_every_connection() -> None:
    with sqlite() as file:
        settings = [
            file.connect().execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("foreign_keys", "journal_mode")
        ]

    assert settings == [1, "wal"]


def test_after_the_block_the_file_is_gone_and_its_connections_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with sqlite() as file:
        connection = file.connect()
        connection.execute("CREATE TABLE accounts (id int)")

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        connection.execute("SELECT 1")


def test_a_sqlite_file_with_a_path_stays(tmp_path: Path) -> None:
    path = tmp_path / "bank.db"
    with sqlite(path) as file:
        file.connect().execute("CREATE TABLE accounts (id int)")

    assert path.stat().st_size > 0


def test_each_duckdb_is_a_fresh_one_and_closed_after_its_block() -> None:
    import duckdb as library

    with duckdb() as first:
        first.execute("CREATE TABLE accounts (id int)")
    with duckdb() as second:
        tables = second.execute("SHOW TABLES").fetchall()

    assert tables == []
    with pytest.raises(library.ConnectionException):
        first.execute("SELECT 1")
