"""A real database for each test, of either kind."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest


@pytest.fixture(scope="session")
def server():
    from course_lib.labs import postgres

    return postgres()


@pytest.fixture(scope="session")
def _one_database(server):
    with server.database() as database:
        yield database


@pytest.fixture
def postgres_database(_one_database):
    """An empty PostgreSQL database. It is emptied, not made anew: that takes a tenth."""
    with _one_database.connect(autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        conn.execute("DROP SCHEMA public CASCADE")
        conn.execute("CREATE SCHEMA public")
    return _one_database


class SQLite:
    """A file. Connections are in the mode that sqlite3 has by default."""

    name = "sqlite"

    def __init__(self, folder):
        self.path = folder / "shop.db"

    def open(self, **options):
        return sqlite3.connect(self.path, check_same_thread=False, **options)

    def connect(self):
        return closing(self.open())

    def ask(self, question):
        with self.connect() as conn:
            return conn.execute(question).fetchall()

    def do(self, *statements):
        with self.connect() as conn:
            for statement in statements:
                conn.execute(statement)
            conn.commit()


class PostgreSQL(SQLite):
    """A database of the lab; psycopg begins a transaction before the first statement."""

    name = "postgresql"
    autocommit = False

    def __init__(self, database):
        self.database = database

    def open(self, **options):
        return self.database.connect(**{"autocommit": self.autocommit, **options})


class PostgreSQLAutocommit(PostgreSQL):
    """The same, where every statement is a transaction unless BEGIN is said."""

    autocommit = True


@pytest.fixture(params=[SQLite, PostgreSQL, PostgreSQLAutocommit])
def database(request, tmp_path):
    """A fresh, empty database: `name`, `connect()` for a `with` block, `open()`, `ask`, `do`."""
    if request.param is SQLite:
        return SQLite(tmp_path)
    return request.param(request.getfixturevalue("postgres_database"))


@pytest.fixture
def sqlite_database(tmp_path):
    """The SQLite one alone."""
    return SQLite(tmp_path)


@pytest.fixture
def postgresql(postgres_database):
    """The PostgreSQL one alone."""
    return PostgreSQL(postgres_database)
