"""Lets the tests import corner_shop, and gives each an empty shop in a real database."""

import sys
from functools import partial
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def server():
    from course_lib.labs import postgres

    return postgres()


@pytest.fixture
def database(server):
    with server.database() as database:
        yield database


@pytest.fixture
def migrate(database):
    """Brings the database to a version; to the newest without one."""
    from course_lib.databases.migrations import Runner

    def to(number=None):
        with database.connect(autocommit=True) as conn:
            return Runner(conn, Path(__file__).parent / "corner_shop" / "migrations").up(number)

    return to


@pytest.fixture
def pool(database):
    from course_lib.databases.pool import Pool

    with Pool(partial(psycopg.connect, database.url), max_size=8, timeout=20.0) as pool:
        yield pool
