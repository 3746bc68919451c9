"""A unit of work: everything or nothing, on both databases, through a pool."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager

import psycopg
import pytest

from course_lib.clock import ManualClock
from course_lib.databases.pool import Pool
from course_lib.databases.repository import Taken, create_tables
from course_lib.databases.transactions import TransactionLost
from course_lib.databases.unit_of_work import UnitOfWork


class Shop:
    """A database with the users' table, a pool of one, and units of work from it."""

    def __init__(self, database):
        self.database = database
        self.pool = Pool(database.open, max_size=1, timeout=0.01)
        with self.pool.connection() as conn:
            if getattr(conn, "autocommit", False) is True:
                conn.execute("BEGIN")
            create_tables(conn)
            conn.commit()

    def work(self, **settings):
        return UnitOfWork(self.pool.connection, clock=ManualClock(), **settings)

    def names(self):
        return [name for (name,) in self.database.ask("SELECT username FROM users ORDER BY id")]


@pytest.fixture
def shop(database):
    shop = Shop(database)
    yield shop
    shop.pool.close()


def add(work, name):
    return work.users.create(name, email=f"{name}@example.com", password_hash="secret")


def test_what_is_committed_stays(shop):
    with shop.work() as work:
        add(work, "anna")
        add(work, "ben")
        work.commit()

    assert shop.names() == ["anna", "ben"]


def test_without_commit_nothing_stays(shop):
    with shop.work() as work:
        add(work, "anna")

    assert shop.names() == []


def test_an_error_undoes_everything_and_goes_on_as_it_is(shop):
    error = KeyError("order 7")

    with pytest.raises(KeyError) as caught:
        fail(shop, error)

    assert caught.value is error
    assert shop.names() == []
    assert shop.pool.stats().discarded == 0


def test_a_broken_rule_undoes_the_whole_use_case(shop):
    with pytest.raises(Taken):
        add_twice(shop)

    assert shop.names() == []


def test_the_connection_is_given_back_in_any_case(shop):
    for _ in range(3):
        with shop.work() as work:
            add(work, "anna")
        with pytest.raises(KeyError):
            fail(shop, KeyError())

    assert shop.pool.stats().idle == 1


def test_after_the_commit_nothing_can_be_done_by_mistake(shop):
    with shop.work() as work:
        add(work, "anna")
        work.commit()

        with pytest.raises(RuntimeError, match="no transaction is open here"):
            add(work, "ben")
        with pytest.raises(RuntimeError, match="nothing to commit"):
            work.commit()

    assert shop.names() == ["anna"]


def test_outside_the_block_nothing_can_be_done_by_mistake(shop):
    work = shop.work()
    with pytest.raises(RuntimeError):
        add(work, "anna")

    with work:
        assert repr(work) == "UnitOfWork(open)"

    assert repr(work) == "UnitOfWork(over)"
    with pytest.raises(RuntimeError):
        add(work, "anna")


def test_it_cannot_be_entered_twice(shop):
    with shop.work() as work:
        with pytest.raises(RuntimeError, match="in use already"), work:
            pass
        add(work, "anna")
        work.commit()

    assert shop.names() == ["anna"]


def test_a_wrong_level_gives_the_connection_back(shop):
    with pytest.raises(ValueError, match="isolation must be one of"), shop.work(isolation="dirty"):
        pass

    assert shop.pool.stats().idle == 1


def test_the_level_is_the_one_asked_for(postgresql):
    shop = Shop(postgresql)
    with shop.work(isolation="serializable") as work:
        conn = work.users._conn
        assert conn.execute("SHOW transaction_isolation").fetchone() == ("serializable",)
    shop.pool.close()


def test_a_hidden_error_cannot_be_committed(postgresql):
    shop = Shop(postgresql)
    with pytest.raises(TransactionLost), shop.work() as work:
        hide_an_error(work)
    assert shop.names() == []
    shop.pool.close()


def test_a_commit_that_fails_is_rolled_back(sqlite_database):
    shop = Shop(sqlite_database)
    sqlite_database.do(
        "CREATE TABLE orders (user INTEGER REFERENCES users DEFERRABLE INITIALLY DEFERRED)"
    )
    with pytest.raises(sqlite3.IntegrityError):
        order_for_nobody(shop)

    assert shop.pool.stats().discarded == 0
    assert sqlite_database.ask("SELECT * FROM orders") == []
    shop.pool.close()


def test_the_context_around_the_connection_hears_of_the_error(sqlite_database):
    heard = []

    @contextmanager
    def connect():
        with sqlite_database.connect() as conn:
            try:
                yield conn
            except KeyError as error:
                heard.append(error)
                raise

    error = KeyError("order 7")
    with pytest.raises(KeyError), UnitOfWork(connect):
        raise error

    assert heard == [error]


def test_a_rollback_that_fails_does_not_hide_the_error(shop):
    error = KeyError("order 7")

    with pytest.raises(KeyError) as caught:
        break_and_fail(shop, error)

    assert caught.value is error
    assert caught.value.__notes__[0].startswith("The rollback failed too: ")
    assert shop.pool.stats().live == 0


def fail(shop, error):
    with shop.work() as work:
        add(work, "anna")
        raise error


def break_and_fail(shop, error):
    with shop.work() as work:
        work.users._conn.close()
        raise error


def add_twice(shop):
    with shop.work() as work:
        add(work, "anna")
        add(work, "anna")


def hide_an_error(work):
    add(work, "anna")
    with pytest.raises(psycopg.Error):
        work.users._conn.execute("SELECT wrong")
    work.commit()


def order_for_nobody(shop):
    with shop.pool.connection() as conn:
        conn.execute("PRAGMA foreign_keys = ON")
    with shop.work() as work:
        work.users._conn.execute("INSERT INTO orders VALUES (7)")
        work.commit()
