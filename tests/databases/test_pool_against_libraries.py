"""The same story told to our pool, to psycopg_pool and to SQLAlchemy's QueuePool.

All on a real PostgreSQL. Where they part, the test says so: that is for the lesson.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import psycopg_pool
import pytest
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as QueueTimeout
from sqlalchemy.pool import QueuePool

from course_lib.databases.pool import Pool, PoolTimeout
from course_lib.databases.transactions import transaction

PATIENCE = 20.0  # seconds until a stuck test fails; a passing one needs none of them


class Ours:
    """Our pool."""

    timeout_error = PoolTimeout

    def __init__(self, connect, *, size, timeout, checked):
        check = psycopg_pool.ConnectionPool.check_connection if checked else None
        self.pool = Pool(connect, max_size=size, timeout=timeout, check=check)

    def connection(self):
        return self.pool.connection()

    def close(self):
        self.pool.close()


class Psycopg:
    """psycopg_pool: commits at the end of a block that went well."""

    timeout_error = psycopg_pool.PoolTimeout

    def __init__(self, connect, *, size, timeout, checked):
        check = psycopg_pool.ConnectionPool.check_connection if checked else None
        with connect() as conn:
            dsn = f"{conn.info.dsn} password={conn.info.password}"
        self.pool = psycopg_pool.ConnectionPool(
            dsn, min_size=size, max_size=size, timeout=timeout, check=check, open=True
        )
        self.pool.wait(PATIENCE)  # its timeout counts the time of connecting too

    def connection(self):
        return self.pool.connection()

    def close(self):
        self.pool.close()


class Queue:
    """SQLAlchemy's QueuePool, with the check that its manual shows for pools without an engine."""

    timeout_error = QueueTimeout

    def __init__(self, connect, *, size, timeout, checked):
        self.pool = QueuePool(connect, pool_size=size, max_overflow=0, timeout=timeout)
        if checked:
            event.listen(self.pool, "checkout", ping)

    @contextmanager
    def connection(self):
        fairy = self.pool.connect()
        try:
            yield fairy.dbapi_connection
        except psycopg.OperationalError:
            fairy.invalidate()  # SQLAlchemy's engine does this for its users
            raise
        finally:
            fairy.close()

    def close(self):
        self.pool.dispose()


def ping(conn, record, fairy):
    try:
        psycopg_pool.ConnectionPool.check_connection(conn)
    except psycopg.OperationalError as error:
        raise DisconnectionError from error


@pytest.fixture(params=[Ours, Psycopg, Queue])
def make(request, postgresql):
    """A function: size, timeout -> pool of one kind, closed at the end."""
    made = []

    def build(size, *, timeout=PATIENCE, checked=False):
        made.append(request.param(postgresql.open, size=size, timeout=timeout, checked=checked))
        return made[-1]

    yield build
    for pool in made:
        pool.close()


def backend(conn):
    return conn.info.backend_pid


def kill(postgresql, pid):
    """End a session as an administrator would, and wait until it is over."""
    with postgresql.connect() as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))


def test_the_eleventh_borrower_of_ten_gets_a_timeout(make):
    pool = make(10, timeout=0.05)
    with ThreadPoolExecutor(10) as threads:
        all_in, finish = threading.Barrier(11), threading.Event()

        def hold():
            with pool.connection():
                all_in.wait(PATIENCE)
                assert finish.wait(PATIENCE)

        holders = [threads.submit(hold) for _ in range(10)]
        try:
            all_in.wait(PATIENCE)

            with pytest.raises(pool.timeout_error), pool.connection():
                pass
        finally:
            finish.set()
        for holder in holders:
            holder.result(PATIENCE)

    with pool.connection() as conn:
        assert conn.execute("SELECT 7").fetchone() == (7,)


def test_the_first_to_wait_is_the_first_to_be_served(make):
    pool = make(1)
    order = []

    def work(number):
        with pool.connection():
            order.append(number)

    with ThreadPoolExecutor(3) as threads:
        with pool.connection():
            waiters = []
            for number in range(3):
                waiters.append(threads.submit(work, number))
                until_waiting(pool, number + 1)
        for waiter in waiters:
            waiter.result(PATIENCE)

    assert order == [0, 1, 2]


def test_a_failed_transaction_does_not_reach_the_next_borrower(make):
    pool = make(1)

    def fail():
        with pool.connection() as conn:
            conn.execute("CREATE TABLE chairs (name TEXT)")
            conn.execute("SELECT * FROM tables")

    with pytest.raises(psycopg.errors.UndefinedTable):
        fail()

    with pool.connection() as conn:
        assert conn.execute("SELECT to_regclass('chairs')").fetchone() == (None,)


def test_a_hidden_error_does_not_reach_the_next_borrower(make):
    pool = make(1)
    with pool.connection() as conn:
        with pytest.raises(psycopg.errors.UndefinedTable):
            conn.execute("SELECT * FROM tables")

    with pool.connection() as conn:
        assert conn.execute("SELECT 7").fetchone() == (7,)


def test_no_session_is_left_idle_in_transaction(make, postgresql):
    pool = make(1)
    with pool.connection() as conn:
        pid = backend(conn)
        conn.execute("SELECT 7").fetchone()

    query = f"SELECT state FROM pg_stat_activity WHERE pid = {pid}"
    assert postgresql.ask(query) == [("idle",)]


def test_a_connection_that_breaks_while_it_is_used_is_replaced(make, postgresql):
    pool = make(1)

    def use_a_dead_one():
        with pool.connection() as conn:
            kill(postgresql, backend(conn))
            conn.execute("SELECT 7")

    with pytest.raises(psycopg.OperationalError):
        use_a_dead_one()

    with pool.connection() as conn:
        assert conn.execute("SELECT 7").fetchone() == (7,)


def test_a_connection_that_died_while_idle_is_found_by_a_check(make, postgresql):
    pool = make(1, checked=True)
    with pool.connection() as conn:
        pid = backend(conn)
    kill(postgresql, pid)

    with pool.connection() as conn:
        assert conn.execute("SELECT 7").fetchone() == (7,)
        assert backend(conn) != pid


def test_without_a_check_the_next_borrower_meets_the_dead_connection(make, postgresql):
    pool = make(1)
    with pool.connection() as conn:
        pid = backend(conn)
    kill(postgresql, pid)

    def use():
        with pool.connection() as conn:
            return conn.execute("SELECT 7").fetchone()

    with pytest.raises(psycopg.OperationalError):
        use()

    assert use() == (7,)


def test_they_part_on_work_that_nobody_committed(make, postgresql):
    postgresql.do("CREATE TABLE chairs (name TEXT)")
    pool = make(1)

    with pool.connection() as conn:
        conn.execute("INSERT INTO chairs VALUES ('oak')")

    kept = 1 if isinstance(pool, Psycopg) else 0
    assert postgresql.ask("SELECT count(*) FROM chairs") == [(kept,)]


def test_a_transaction_said_aloud_is_the_same_in_all(make, postgresql):
    postgresql.do("CREATE TABLE chairs (name TEXT)")
    pool = make(1)

    with pool.connection() as conn, transaction(conn, isolation="serializable"):
        conn.execute("INSERT INTO chairs VALUES ('oak')")

    assert postgresql.ask("SELECT name FROM chairs") == [("oak",)]


def test_settings_of_the_session_outlive_the_return_in_all(make):
    pool = make(1)
    with pool.connection() as conn:
        conn.execute("SET statement_timeout = '7s'")
        conn.commit()

    with pool.connection() as conn:
        assert conn.execute("SHOW statement_timeout").fetchone() == ("7s",)


def test_our_reset_may_discard_them(postgresql):
    def discard_all(conn):
        conn.rollback()
        conn.autocommit = True
        conn.execute("DISCARD ALL")
        conn.autocommit = False

    with Pool(postgresql.open, max_size=1, reset=discard_all) as pool:
        with pool.connection() as conn:
            conn.execute("SET statement_timeout = '7s'")
            conn.commit()

        with pool.connection() as conn:
            assert conn.execute("SHOW statement_timeout").fetchone() == ("0",)


def until_waiting(pool, number):
    """Wait until so many borrowers are in the queue; each library keeps it elsewhere."""
    waiting = {
        Ours: lambda: pool.pool.stats().waiting,
        Psycopg: lambda: len(pool.pool._waiting),
        Queue: lambda: len(pool.pool._pool.not_empty._waiters),
    }[type(pool)]
    pause, tries = threading.Event(), 0
    while waiting() < number:
        tries += 1
        assert tries < PATIENCE / 0.002
        pause.wait(0.002)
