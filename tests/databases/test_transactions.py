"""Whole transactions, run again after a conflict; on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest

from course_lib.clock import ManualClock
from course_lib.databases.dialects import Progress, dialect_of
from course_lib.databases.pool import Pool
from course_lib.databases.transactions import (
    TransactionLost,
    is_conflict,
    run,
    savepoint,
    transaction,
)

PATIENCE = 20.0  # seconds until a stuck test fails; a passing one needs none of them


@pytest.fixture
def bank(database):
    """Two accounts with 100 each."""
    database.do(
        "CREATE TABLE accounts (name TEXT PRIMARY KEY, balance INTEGER CHECK (balance >= 0))",
        "INSERT INTO accounts VALUES ('anna', 100), ('ben', 100)",
    )
    return database


def add(conn, name, amount):
    dialect = dialect_of(conn)
    conn.execute(
        dialect.sql("UPDATE accounts SET balance = balance + ? WHERE name = ?"), (amount, name)
    )


def balances(bank):
    return dict(bank.ask("SELECT name, balance FROM accounts ORDER BY name"))


class TestCommit:
    def test_the_result_is_given_back_and_the_work_is_committed(self, bank):
        def move(conn):
            add(conn, "anna", -30)
            add(conn, "ben", 30)
            return "moved"

        assert run(bank.connect, move) == "moved"
        assert balances(bank) == {"anna": 70, "ben": 130}

    def test_an_error_undoes_everything_and_goes_on_as_it_is(self, bank):
        error = KeyError("no such account")

        def move(conn):
            add(conn, "anna", -30)
            raise error

        with pytest.raises(KeyError) as caught:
            run(bank.connect, move)

        assert caught.value is error
        assert balances(bank) == {"anna": 100, "ben": 100}

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
    def test_an_interruption_undoes_everything_too(self, bank, error):
        with bank.connect() as conn:
            with pytest.raises(type(error)), transaction(conn):
                interrupted(conn, error)

            assert dialect_of(conn).progress(conn) is Progress.IDLE
        assert balances(bank)["anna"] == 100

    def test_a_broken_rule_undoes_everything_and_is_not_retried(self, bank):
        tries = []

        def take_too_much(conn):
            tries.append(1)
            add(conn, "ben", 130)
            add(conn, "anna", -130)

        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.CheckViolation)):
            run(bank.connect, take_too_much, clock=ManualClock())

        assert len(tries) == 1
        assert balances(bank) == {"anna": 100, "ben": 100}

    def test_the_connection_is_idle_afterwards(self, bank):
        with bank.connect() as conn, transaction(conn):
            conn.execute("SELECT count(*) FROM accounts").fetchone()
            assert dialect_of(conn).progress(conn) is Progress.OPEN

        with bank.connect() as conn:
            with transaction(conn):
                conn.execute("SELECT count(*) FROM accounts").fetchone()
            assert dialect_of(conn).progress(conn) is Progress.IDLE

    def test_work_without_any_statement_is_no_error(self, bank):
        assert run(bank.connect, lambda conn: 7) == 7

    def test_inside_a_transaction_it_refuses_to_begin_another(self, bank):
        with bank.connect() as conn, transaction(conn):
            add(conn, "anna", 1)
            with pytest.raises(RuntimeError, match="cannot begin a transaction: a transaction is"):
                enter(transaction(conn))

        assert balances(bank)["anna"] == 101

    def test_work_that_commits_by_itself_is_told_so(self, bank):
        def commits(conn):
            add(conn, "anna", 1)
            conn.commit()

        with pytest.raises(TransactionLost, match="has ended the transaction itself"):
            run(bank.connect, commits)

    def test_the_rows_of_the_application_do_not_matter(self, bank):
        with bank.connect() as conn:
            conn.row_factory = None if bank.name == "sqlite" else psycopg.rows.dict_row
            with transaction(conn, isolation="serializable"), savepoint(conn):
                add(conn, "anna", 1)

        assert balances(bank)["anna"] == 101

    @pytest.mark.parametrize("wrong", ["dirty", "serializable; DROP TABLE accounts", ""])
    def test_an_unknown_level_is_refused(self, bank, wrong):
        with bank.connect() as conn, pytest.raises(ValueError, match="isolation must be one of"):
            enter(transaction(conn, isolation=wrong))

    def test_a_rollback_that_fails_does_not_hide_the_error(self, bank):
        error = KeyError("order 7")

        def work(conn):
            conn.close()
            raise error

        with pytest.raises(KeyError) as caught:
            run(bank.connect, work)

        assert caught.value is error
        assert caught.value.__notes__[0].startswith("The rollback failed too: ")


class TestSwallowedErrors:
    def test_postgresql_would_answer_commit_with_rollback_and_no_error(self, postgresql):
        with postgresql.connect() as conn:
            conn.execute("CREATE TABLE chairs (name TEXT)")
            with pytest.raises(psycopg.errors.UndefinedTable):
                conn.execute("SELECT * FROM tables")
            conn.commit()  # says nothing

        with pytest.raises(psycopg.errors.UndefinedTable):
            postgresql.ask("SELECT * FROM chairs")

    def test_so_a_hidden_error_is_not_taken_for_success(self, postgresql):
        def work(conn):
            conn.execute("CREATE TABLE chairs (name TEXT)")
            with pytest.raises(psycopg.Error):
                conn.execute("SELECT * FROM tables")

        with pytest.raises(TransactionLost, match="nothing was committed"):
            run(postgresql.connect, work)


class TestIsolation:
    @pytest.mark.parametrize("level", ["read committed", "repeatable read", "SERIALIZABLE"])
    @pytest.mark.parametrize("autocommit", [True, False])
    def test_the_level_is_the_one_asked_for(self, postgresql, level, autocommit):
        with closing(postgresql.open(autocommit=autocommit)) as conn:
            with transaction(conn, isolation=level):
                (shown,) = conn.execute("SHOW transaction_isolation").fetchone()

        assert shown == level.lower()

    def test_the_level_is_of_one_transaction_only(self, postgresql):
        with postgresql.connect() as conn:
            with transaction(conn, isolation="serializable"):
                pass
            with transaction(conn):
                (shown,) = conn.execute("SHOW transaction_isolation").fetchone()

        assert shown == "read committed"

    def test_sqlite_takes_the_write_lock_at_the_beginning(self, sqlite_database):
        sqlite_database.do("CREATE TABLE chairs (name TEXT)")
        with sqlite_database.connect() as one, transaction(one):
            with closing(sqlite_database.open(timeout=0)) as two:
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    enter(transaction(two))


class TestRetry:
    def test_a_write_skew_is_run_again_and_ends_right(self, postgresql):
        postgresql.do(
            "CREATE TABLE doctors (name TEXT PRIMARY KEY, on_call BOOLEAN)",
            "INSERT INTO doctors VALUES ('anna', true), ('ben', true)",
        )
        both_have_looked = threading.Barrier(2)
        tries = []

        def go_home(name):
            def work(conn):
                tries.append(name)
                query = "SELECT count(*) FROM doctors WHERE on_call"
                (count,) = conn.execute(query).fetchone()
                if len(tries) <= 2:
                    both_have_looked.wait(PATIENCE)
                if count < 2:
                    return "stays"
                conn.execute("UPDATE doctors SET on_call = false WHERE name = %s", (name,))
                return "goes"

            return run(postgresql.connect, work, isolation="serializable", clock=ManualClock())

        with ThreadPoolExecutor(2) as threads:
            answers = sorted(threads.map(go_home, ("anna", "ben")))

        assert answers == ["goes", "stays"]
        assert len(tries) == 3
        assert postgresql.ask("SELECT count(*) FROM doctors WHERE on_call") == [(1,)]

    def test_a_deadlock_is_run_again(self, postgresql):
        postgresql.do(
            "CREATE TABLE accounts (name TEXT PRIMARY KEY, balance INTEGER)",
            "INSERT INTO accounts VALUES ('anna', 100), ('ben', 100)",
        )
        both_have_one = threading.Barrier(2)
        tries = []

        def move(names):
            def work(conn):
                tries.append(names)
                conn.execute("SET LOCAL deadlock_timeout = '10ms'")
                add(conn, names[0], -10)
                if len(tries) <= 2:
                    both_have_one.wait(PATIENCE)
                add(conn, names[1], 10)

            run(postgresql.connect, work, clock=ManualClock())

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(move, [("anna", "ben"), ("ben", "anna")]))

        assert len(tries) == 3
        assert balances(postgresql) == {"anna": 100, "ben": 100}

    def test_no_update_is_lost_between_eight_threads(self, bank):
        def read_then_write(conn):
            (balance,) = conn.execute("SELECT balance FROM accounts WHERE name = 'anna'").fetchone()
            add_up = dialect_of(conn).sql("UPDATE accounts SET balance = ? WHERE name = 'anna'")
            conn.execute(add_up, (balance + 1,))

        def work(seed):
            rng = random.Random(seed)
            run(bank.connect, read_then_write, isolation="serializable", retries=100, rng=rng)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))

        assert balances(bank)["anna"] == 108

    def test_a_busy_sqlite_is_tried_again(self, sqlite_database):
        sqlite_database.do("CREATE TABLE chairs (name TEXT)")
        writer = sqlite_database.open()
        writer.execute("BEGIN IMMEDIATE")
        clock = Finishes(writer.rollback)

        run(
            lambda: closing(sqlite_database.open(timeout=0)),
            lambda conn: conn.execute("INSERT INTO chairs VALUES ('oak')"),
            clock=clock,
        )

        assert len(clock.waits) == 1
        assert sqlite_database.ask("SELECT name FROM chairs") == [("oak",)]
        writer.close()

    def test_a_conflict_at_the_commit_counts_too(self):
        journal = []

        run(fake(journal, at_commit=[Conflict("40001"), None]), lambda conn: None, **quick())

        assert journal == ["open", "commit", "rollback", "close", "open", "commit", "close"]

    def test_nothing_is_held_while_it_waits(self):
        journal = []
        clock = Finishes(lambda: journal.append("sleep"))
        failures = iter([Conflict("40001")])

        def work(conn):
            journal.append("work")
            for failure in failures:
                raise failure

        run(fake(journal), work, clock=clock)

        assert journal == [
            *("open", "work", "rollback", "close"),
            "sleep",
            *("open", "work", "commit", "close"),
        ]

    def test_a_pool_of_one_is_free_while_it_waits(self, bank):
        pool = Pool(bank.open, max_size=1, timeout=0.01)
        idle = []
        clock = Finishes(lambda: idle.append(pool.stats().idle))
        failures = iter([Conflict("40001")])

        def work(conn):
            for failure in failures:
                raise failure
            return "done"

        assert run(pool.connection, work, clock=clock) == "done"
        assert idle == [1]
        pool.close()

    def test_when_all_tries_are_used_up_the_last_error_goes_on(self):
        errors = [Conflict("40001") for _ in range(3)]
        left = iter(errors)
        clock = ManualClock()

        def work(conn):
            raise next(left)

        with pytest.raises(Conflict) as caught:
            run(fake([]), work, retries=2, clock=clock)

        assert caught.value is errors[-1]
        assert caught.value.__notes__ == ["Gave up after 3 tries of the whole transaction."]
        assert len(clock.waits) == 2

    def test_the_waits_are_drawn_from_a_window_that_doubles_up_to_a_second(self):
        longest, shortest = ManualClock(), ManualClock()

        for clock, draw in ((longest, max), (shortest, min)):
            with pytest.raises(Conflict):
                run(fake([]), always_in_conflict, retries=8, rng=Draw(draw), clock=clock)

        assert longest.waits == [0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0]
        assert shortest.waits == [0.0] * 8

    def test_zero_retries_is_one_try(self):
        clock = ManualClock()

        with pytest.raises(Conflict):
            run(fake([]), always_in_conflict, retries=0, clock=clock)

        assert clock.waits == []

    @pytest.mark.parametrize("retries", [-1, 1.5, True])
    def test_a_wrong_number_of_retries_is_refused(self, retries):
        with pytest.raises(ValueError, match="retries must be a whole number of at least 0"):
            run(fake([]), lambda conn: None, retries=retries)

    def test_work_that_would_begin_after_the_commit_is_refused(self):
        async def later(conn): ...

        def rows(conn):
            yield conn

        for fn in (later, rows):
            with pytest.raises(TypeError, match="would do its work after the commit"):
                run(fake([]), fn)


class TestIsConflict:
    @pytest.mark.parametrize(
        ("error", "answer"),
        [
            (psycopg.errors.SerializationFailure(), True),
            (psycopg.errors.DeadlockDetected(), True),
            (psycopg.errors.UniqueViolation(), False),
            (psycopg.OperationalError("connection lost"), False),
            (sqlite3.OperationalError("database is locked"), False),  # words are no code
            (KeyError(), False),
        ],
    )
    def test_it_is_told_by_the_code(self, error, answer):
        assert is_conflict(error) is answer

    @pytest.mark.parametrize(
        ("code", "answer"),
        [
            (sqlite3.SQLITE_BUSY, True),
            (sqlite3.SQLITE_BUSY_SNAPSHOT, True),
            (sqlite3.SQLITE_LOCKED, True),
            (sqlite3.SQLITE_LOCKED_SHAREDCACHE, True),
            (sqlite3.SQLITE_CONSTRAINT, False),
            (sqlite3.SQLITE_FULL, False),
        ],
    )
    def test_extended_codes_of_sqlite_count_as_their_kind(self, code, answer):
        error = sqlite3.OperationalError()
        error.sqlite_errorcode = code

        assert is_conflict(error) is answer


class TestSavepoints:
    def test_only_the_part_is_undone(self, bank):
        with bank.connect() as conn, transaction(conn):
            add(conn, "anna", 1)
            with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)):
                part(conn, "ben", -1000)
            part(conn, "ben", 2)

        assert balances(bank) == {"anna": 101, "ben": 102}

    def test_parts_may_be_nested(self, bank):
        with bank.connect() as conn, transaction(conn):
            with savepoint(conn):
                add(conn, "anna", 1)
                with pytest.raises(KeyError), savepoint(conn):
                    interrupted(conn, KeyError())
                add(conn, "ben", 2)

        assert balances(bank) == {"anna": 101, "ben": 102}

    def test_a_part_inside_that_failed_does_not_shield_the_part_around_it(self, bank):
        with bank.connect() as conn, transaction(conn):
            with pytest.raises(KeyError, match="outer"):
                fails_inside_and_outside(conn)

        assert balances(bank) == {"anna": 100, "ben": 100}

    def test_outside_a_transaction_it_is_refused(self, bank):
        with bank.connect() as conn, pytest.raises(RuntimeError, match="no transaction is open"):
            enter(savepoint(conn))

    def test_a_rollback_that_fails_does_not_hide_the_error(self, sqlite_database):
        error = KeyError("order 7")

        def work(conn):
            with savepoint(conn):
                conn.rollback()  # the savepoint is gone
                raise error

        with pytest.raises(KeyError) as caught:
            run(sqlite_database.connect, work)

        assert caught.value is error
        assert "no such savepoint" in caught.value.__notes__[0]


class TestDialects:
    def test_a_connection_of_another_driver_is_refused(self):
        with pytest.raises(TypeError, match="need a connection of sqlite3 or psycopg, got object"):
            dialect_of(object())

    def test_a_connection_of_a_subclass_is_known(self):
        class Traced(sqlite3.Connection):
            pass

        with closing(sqlite3.connect(":memory:", factory=Traced)) as conn:
            assert dialect_of(conn).name == "sqlite"


class Conflict(Exception):
    """An error with the attribute that psycopg's have."""

    def __init__(self, sqlstate):
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


class Finishes(ManualClock):
    """A manual clock; the first sleep does something."""

    def __init__(self, action):
        super().__init__()
        self._actions = iter([action])

    def sleep(self, seconds):
        for action in self._actions:
            action()
        super().sleep(seconds)


class Draw:
    """Chance that always draws the same end of the window."""

    def __init__(self, end):
        self._end = end

    def uniform(self, low, high):
        return self._end(low, high)


class Recorder(sqlite3.Connection):
    """Writes down its commits and rollbacks; a commit fails as told."""

    journal = ()
    at_commit = iter(())

    def commit(self):
        self.journal.append("commit")
        failure = next(self.at_commit, None)
        if failure is not None:
            raise failure
        super().commit()

    def rollback(self):
        self.journal.append("rollback")
        super().rollback()


def fake(journal, *, at_commit=()):
    failures = iter(at_commit)

    @contextmanager
    def connect():
        journal.append("open")
        with closing(sqlite3.connect(":memory:", factory=Recorder)) as conn:
            conn.journal, conn.at_commit = journal, failures
            try:
                yield conn
            finally:
                journal.append("close")

    return connect


def quick():
    return {"clock": ManualClock(), "rng": random.Random(1)}


def always_in_conflict(conn):
    raise Conflict("40P01")


def interrupted(conn, error):
    add(conn, "anna", 1)
    raise error


def part(conn, name, amount):
    with savepoint(conn):
        add(conn, name, amount)


def fails_inside_and_outside(conn):
    with savepoint(conn):
        add(conn, "anna", 1)
        with pytest.raises(KeyError, match="inner"), savepoint(conn):
            interrupted(conn, KeyError("inner"))
        raise KeyError("outer")


def enter(manager):
    with manager:
        pass
