"""The pool: places, clean connections, leaks. Fake connections, and SQLite for the rest."""

from __future__ import annotations

import gc
import sqlite3
import threading
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from course_lib.clock import ManualClock, SystemClock
from course_lib.databases.pool import Pool, PoolClosed, PoolTimeout

PATIENCE = 20.0  # seconds until a stuck test fails; a passing one needs none of them


class Connection:
    """A connection that remembers what was done to it."""

    def __init__(self, number=1):
        self.number = number
        self.done = []
        self.broken = False

    def rollback(self):
        self.done.append("rollback")
        if self.broken:
            raise OSError("the server is gone")

    def close(self):
        self.done.append("close")
        if self.broken:
            raise OSError("the server is gone")


class Server:
    """Opens numbered connections, and knows which are open."""

    def __init__(self):
        self.opened = []
        self.refuses = False

    def connect(self):
        if self.refuses:
            raise ConnectionRefusedError("no server at this port")
        self.opened.append(Connection(len(self.opened) + 1))
        return self.opened[-1]

    @property
    def live(self):
        return [c.number for c in self.opened if "close" not in c.done]


class Watched(SystemClock):
    """A clock that says when it was read: a waiter reads it before it sleeps."""

    def __init__(self):
        self._read = threading.Semaphore(0)

    def monotonic(self):
        self._read.release()
        return super().monotonic()

    def forget(self):
        while self._read.acquire(blocking=False):
            pass

    def wait_until_read(self, times):
        for _ in range(times):
            assert self._read.acquire(timeout=PATIENCE)


READS_OF_A_WAITER = 3  # when it came, its deadline, and one before it sleeps


@pytest.fixture
def server():
    return Server()


class TestPlaces:
    def test_a_connection_is_opened_only_when_it_is_needed(self, server):
        pool = Pool(server.connect, max_size=3)
        assert server.opened == []

        with pool.connection():
            pass

        assert len(server.opened) == 1

    def test_the_same_connection_is_lent_again(self, server):
        pool = Pool(server.connect, max_size=3)

        for _ in range(5):
            with pool.connection() as conn:
                assert conn.number == 1

        assert pool.stats().opened == 1

    def test_the_eleventh_borrower_of_ten_is_told_who_has_them(self, server):
        clock = ManualClock()
        pool = Pool(server.connect, max_size=10, clock=clock)
        loans = [pool.borrow() for _ in range(10)]
        impatient = Pool(server.connect, max_size=1, timeout=0.01)
        first = impatient.borrow()

        with pytest.raises(PoolTimeout) as caught:
            impatient.borrow()

        text = str(caught.value)
        assert text.startswith("waited 0.01 s for a connection, 1 of 1 are out, the longest for ")
        assert "by thread MainThread at test_pool.py:" in text
        assert "in test_the_eleventh_borrower" in text
        assert text.endswith("; give them back sooner, or raise max_size")
        assert pool.stats().live == 10
        assert impatient.stats().timeouts == 1
        first.give_back()
        for loan in loans:
            loan.give_back()

    def test_the_timeout_of_one_call_counts_instead_of_the_one_of_the_pool(self, server):
        pool = Pool(server.connect, max_size=1, timeout=PATIENCE)
        with pool.connection():
            with pytest.raises(PoolTimeout, match=r"waited 0\.01 s"), pool.connection(timeout=0.01):
                pass

    def test_after_a_timeout_the_place_can_be_had_again(self, server):
        pool = Pool(server.connect, max_size=1, timeout=0.01)
        with pool.connection(), pytest.raises(PoolTimeout):
            pool.borrow()

        with pool.connection() as conn:
            assert conn.number == 1

        assert pool.stats().waiting == 0

    def test_places_that_are_being_opened_count(self):
        opening, go_on = threading.Semaphore(0), threading.Event()

        def slow_connect():
            opening.release()
            assert go_on.wait(PATIENCE)
            return Connection()

        pool = Pool(slow_connect, max_size=2, timeout=0.01)
        with ThreadPoolExecutor(2) as threads:
            slow = [threads.submit(pool.borrow) for _ in range(2)]
            for _ in slow:
                assert opening.acquire(timeout=PATIENCE)

            with pytest.raises(PoolTimeout, match="0 of 2 are out"):
                pool.borrow()

            assert pool.stats().live == 2
            go_on.set()
            for loan in slow:
                loan.result(PATIENCE).give_back()

    def test_a_factory_that_fails_gives_its_place_back(self, server):
        pool = Pool(server.connect, max_size=1, timeout=0.01)
        server.refuses = True
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError):
                pool.borrow()

        server.refuses = False

        with pool.connection() as conn:
            assert conn.number == 1

    def test_a_factory_that_is_interrupted_gives_its_place_back(self):
        answers = iter([KeyboardInterrupt(), Connection()])

        def connect():
            answer = next(answers)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        pool = Pool(connect, max_size=1, timeout=0.01)
        with pytest.raises(KeyboardInterrupt):
            pool.borrow()

        assert pool.stats().live == 0
        pool.borrow().give_back()

    @pytest.mark.parametrize(
        ("setting", "sentence"),
        [
            ({"max_size": 0}, "max_size must be a whole number of at least 1, got 0"),
            ({"max_size": True}, "max_size must be a whole number of at least 1, got True"),
            ({"timeout": 0}, "timeout must be more than 0 seconds and finite, got 0"),
            ({"timeout": float("inf")}, "timeout must be more than 0 seconds and finite, got inf"),
            ({"max_lifetime": -1}, "max_lifetime must be more than 0 seconds and finite, got -1"),
        ],
    )
    def test_a_wrong_setting_is_refused(self, server, setting, sentence):
        with pytest.raises(ValueError) as caught:
            Pool(server.connect, **setting)

        assert str(caught.value) == sentence


class TestCleanOnReturn:
    def test_a_connection_is_rolled_back_on_return(self, server):
        pool = Pool(server.connect)

        with pool.connection() as conn:
            conn.done.append("insert")

        assert conn.done == ["insert", "rollback"]

    def test_work_without_commit_is_undone_and_not_seen_by_the_next(self, tmp_path):
        pool = sqlite_pool(tmp_path)
        with pool.connection() as conn:
            conn.execute("CREATE TABLE chairs (name TEXT)")
            conn.execute("INSERT INTO chairs VALUES ('oak')")

        with pool.connection() as conn:
            assert not conn.in_transaction
            assert conn.execute("SELECT count(*) FROM chairs").fetchone() == (0,)
            conn.execute("BEGIN")  # would fail inside a left-over transaction
        pool.close()

    def test_a_connection_that_cannot_be_rolled_back_is_replaced(self, server):
        pool = Pool(server.connect, max_size=1, timeout=0.01)
        with pool.connection() as conn:
            conn.broken = True

        with pool.connection() as replacement:
            assert replacement.number == 2

        assert server.live == [2]
        assert pool.stats().discarded == 1

    def test_a_connection_closed_by_its_borrower_is_replaced(self, tmp_path):
        pool = sqlite_pool(tmp_path, max_size=1)
        with pool.connection() as conn:
            conn.close()

        with pool.connection() as conn:
            assert conn.execute("SELECT 7").fetchone() == (7,)
        pool.close()

    def test_a_broken_connection_does_not_hide_the_error_of_the_block(self, server):
        pool = Pool(server.connect)
        error = KeyError("order 7")

        def work():
            with pool.connection() as conn:
                conn.broken = True
                raise error

        with pytest.raises(KeyError) as caught:
            work()

        assert caught.value is error
        assert caught.value.__context__ is None

    def test_an_own_reset_takes_the_place_of_rollback(self, server):
        pool = Pool(server.connect, reset=lambda conn: conn.done.append("discard all"))

        with pool.connection() as conn:
            pass

        assert conn.done == ["discard all"]

    def test_a_reset_that_is_interrupted_leaves_no_place_taken(self, server):
        def reset(conn):
            raise KeyboardInterrupt

        pool = Pool(server.connect, max_size=1, reset=reset)
        loan = pool.borrow()

        with pytest.raises(KeyboardInterrupt):
            loan.give_back()

        assert (pool.stats().live, pool.stats().lent, server.live) == (0, 0, [])

    def test_giving_back_twice_does_not_put_it_into_the_pool_twice(self, server):
        pool = Pool(server.connect, max_size=2)
        loan = pool.borrow()
        loan.give_back()
        loan.give_back()

        assert pool.stats().idle == 1
        assert pool.stats().returned == 1
        with pool.connection() as one, pool.connection() as two:
            assert one is not two

    def test_a_loan_that_was_given_back_shows_no_connection(self, server):
        loan = Pool(server.connect).borrow()
        loan.give_back()

        with pytest.raises(ValueError, match="was given back, borrow another one"):
            _ = loan.connection


class TestFitToLend:
    def test_a_connection_that_died_while_idle_is_found_and_replaced(self, server):
        def check(conn):
            if conn.number == 1:
                raise OSError("the server is gone")

        pool = Pool(server.connect, check=check)
        pool.borrow().give_back()

        with pool.connection() as conn:
            assert conn.number == 2

        assert server.live == [2]

    def test_a_check_may_also_say_false(self, server):
        pool = Pool(server.connect, check=lambda conn: conn.number != 1)
        pool.borrow().give_back()

        with pool.connection() as conn:
            assert conn.number == 2

    def test_a_new_connection_is_not_checked(self, server):
        pool = Pool(server.connect, check=lambda conn: False)

        with pool.connection() as conn:
            assert conn.number == 1

    def test_without_a_check_the_borrower_finds_out_and_the_next_one_does_not(self, tmp_path):
        pool = sqlite_pool(tmp_path, max_size=1)
        with pool.connection() as conn:
            pass
        conn.close()  # by somebody else, while it is idle

        with pytest.raises(sqlite3.ProgrammingError), pool.connection() as conn:
            conn.execute("SELECT 7")

        with pool.connection() as conn:
            assert conn.execute("SELECT 7").fetchone() == (7,)
        pool.close()

    def test_the_transaction_of_a_check_is_ended(self, server):
        pool = Pool(server.connect, check=lambda conn: conn.done.append("select 1"))
        pool.borrow().give_back()

        with pool.connection() as conn:
            assert conn.done == ["rollback", "select 1", "rollback"]

    def test_a_dead_one_and_no_server_gives_the_place_back(self, server):
        pool = Pool(server.connect, max_size=1, timeout=0.01, check=lambda conn: False)
        pool.borrow().give_back()
        server.refuses = True
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                pool.borrow()

        server.refuses = False

        with pool.connection() as conn:
            assert conn.number == 2

    def test_an_interrupted_check_closes_the_connection(self, server):
        def check(conn):
            raise KeyboardInterrupt

        pool = Pool(server.connect, max_size=1, check=check)
        pool.borrow().give_back()

        with pytest.raises(KeyboardInterrupt):
            pool.borrow()

        assert (server.live, pool.stats().live) == ([], 0)

    def test_an_old_connection_is_replaced_when_it_is_lent(self, server):
        clock = ManualClock()
        pool = Pool(server.connect, max_lifetime=60.0, clock=clock)
        pool.borrow().give_back()
        clock.advance(59.0)
        with pool.connection() as conn:
            assert conn.number == 1

        clock.advance(1.0)

        with pool.connection() as conn:
            assert conn.number == 2
        assert server.live == [2]

    def test_an_old_connection_is_closed_when_it_comes_back(self, server):
        clock = ManualClock()
        pool = Pool(server.connect, max_lifetime=60.0, clock=clock)

        with pool.connection():
            clock.advance(60.0)

        assert server.live == []


class TestLeaks:
    def test_it_says_who_has_a_connection_and_since_when(self, server):
        clock = ManualClock()
        pool = Pool(server.connect, clock=clock)
        old = pool.borrow()
        clock.advance(30.0)
        new = pool.borrow()
        clock.advance(10.0)

        leaks = pool.leaks(older_than=20.0)

        assert [leak.seconds for leak in leaks] == [40.0]
        assert leaks[0].thread == "MainThread"
        assert leaks[0].place.startswith("test_pool.py:")
        assert leaks[0].place.endswith(" in test_it_says_who_has_a_connection_and_since_when")
        assert [leak.seconds for leak in pool.leaks()] == [40.0, 10.0]
        old.give_back()
        new.give_back()
        assert pool.leaks() == ()

    def test_a_with_block_is_named_by_the_line_of_the_block(self, server):
        pool = Pool(server.connect)

        with pool.connection():
            (leak,) = pool.leaks()

        assert leak.place.startswith("test_pool.py:")

    def test_a_forgotten_loan_is_noticed_closed_and_its_place_used_again(self, server):
        pool = Pool(server.connect, max_size=1, timeout=0.01)
        with pytest.warns(ResourceWarning, match=r"never given back.* at test_pool\.py"):
            pool.borrow()

        assert (pool.stats().lost, pool.leaks()) == (1, ())
        assert server.live == []
        with pool.connection() as conn:
            assert conn.number == 2

    def test_a_block_that_is_thrown_away_half_way_gives_back(self, server):
        pool = Pool(server.connect, max_size=1)

        def rows():
            with pool.connection():
                yield 1
                yield 2

        iterator = rows()
        next(iterator)
        del iterator
        gc.collect()

        assert (pool.stats().lent, pool.stats().lost, pool.stats().idle) == (0, 0, 1)

    def test_a_loan_lost_while_the_pool_is_locked_is_settled_on_unlocking(self, server):
        pool = Pool(server.connect, max_size=1, timeout=0.01)
        loans = [pool.borrow()]

        with pytest.warns(ResourceWarning), pool._places._locked():
            loans.clear()  # the finaliser runs here, in the thread that has the lock

        assert pool.stats().live == 0

    def test_a_lost_loan_wakes_the_one_who_waits(self, server):
        clock = Watched()
        pool = Pool(server.connect, max_size=1, timeout=PATIENCE, clock=clock)
        loan = pool.borrow()
        clock.forget()
        with ThreadPoolExecutor(1) as threads:
            waiter = threads.submit(pool.borrow)
            clock.wait_until_read(READS_OF_A_WAITER)

            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                del loan
                gc.collect()

            second = waiter.result(PATIENCE)
        assert second.connection.number == 2
        second.give_back()


class TestClose:
    def test_idle_connections_are_closed_and_nobody_can_borrow(self, server):
        pool = Pool(server.connect)
        with pool.connection(), pool.connection():
            pass

        pool.close()

        assert server.live == []
        with pytest.raises(PoolClosed, match="the pool is closed"):
            pool.borrow()

    def test_it_names_those_who_still_have_one_and_closes_theirs_on_return(self, server):
        pool = Pool(server.connect)
        loan = pool.borrow()

        with pytest.raises(PoolTimeout, match=r"after 0 s 1 of 10 are out.* at test_pool\.py"):
            pool.close(timeout=0)

        assert server.live == [1]
        loan.give_back()
        assert server.live == []
        pool.close(timeout=0)

    def test_it_waits_for_the_last_one(self, server):
        clock = Watched()
        pool = Pool(server.connect, clock=clock)
        loan = pool.borrow()
        clock.forget()
        with ThreadPoolExecutor(2) as threads:
            closing = [threads.submit(pool.close, timeout=2 * PATIENCE) for _ in range(2)]
            clock.wait_until_read(4)  # each: its deadline, and what is left of it

            loan.give_back()

            for future in closing:
                assert future.result(PATIENCE) is None
        assert server.live == []

    def test_waiters_are_turned_away(self, server):
        clock = Watched()
        pool = Pool(server.connect, max_size=1, timeout=2 * PATIENCE, clock=clock)
        loan = pool.borrow()
        clock.forget()
        with ThreadPoolExecutor(1) as threads:
            waiter = threads.submit(pool.borrow)
            clock.wait_until_read(READS_OF_A_WAITER)

            with pytest.raises(PoolTimeout):
                pool.close(timeout=0)

            with pytest.raises(PoolClosed):
                waiter.result(PATIENCE)
        loan.give_back()

    def test_as_a_with_block_it_does_not_hide_the_error_of_the_block(self, server):
        error = KeyError("order 7")

        loans = []

        def work():
            with Pool(server.connect, timeout=0.01) as pool:
                loans.append(pool.borrow())
                raise error

        with pytest.raises(KeyError) as caught:
            work()

        assert caught.value is error
        assert "1 of 10 are out" in error.__notes__[0]
        loans[0].give_back()

    def test_as_a_with_block_it_tells_of_a_connection_that_is_still_out(self, server):
        with pytest.raises(PoolTimeout), Pool(server.connect, timeout=0.01) as pool:
            loan = pool.borrow()
        loan.give_back()


class TestStats:
    def test_the_numbers_of_littles_law(self, server):
        clock = ManualClock()
        pool = Pool(server.connect, clock=clock)
        for seconds in (1.0, 2.0, 3.0):
            with pool.connection():
                clock.advance(seconds)

        stats = pool.stats()

        assert (stats.borrowed, stats.returned, stats.held_seconds) == (3, 3, 6.0)
        assert stats.waited_seconds == 0.0

    def test_the_state_can_be_read_at_a_glance(self, server):
        pool = Pool(server.connect, max_size=3)
        with pool.connection(), pool.connection():
            pass
        with pool.connection():
            assert repr(pool) == "Pool(1 of 3 lent, 1 idle, 0 waiting)"


class TestThreads:
    def test_waiters_are_served_in_order_of_arrival(self, server):
        clock = Watched()
        pool = Pool(server.connect, max_size=1, timeout=PATIENCE, clock=clock)
        order = []

        def work(number):
            with pool.connection():
                order.append(number)

        loan = pool.borrow()
        clock.forget()
        with ThreadPoolExecutor(5) as threads:
            waiters = []
            for number in range(5):
                waiters.append(threads.submit(work, number))
                clock.wait_until_read(READS_OF_A_WAITER)

            loan.give_back()

            for waiter in waiters:
                waiter.result(PATIENCE)
        assert order == [0, 1, 2, 3, 4]

    def test_a_newcomer_does_not_overtake_a_waiter(self, server):
        clock = Watched()
        pool = Pool(server.connect, max_size=1, timeout=PATIENCE, clock=clock)
        loan = pool.borrow()
        clock.forget()
        with ThreadPoolExecutor(1) as threads:
            waiter = threads.submit(pool.borrow)
            clock.wait_until_read(READS_OF_A_WAITER)

            loan.give_back()

            with pytest.raises(PoolTimeout):  # handed over, never free
                pool.borrow(timeout=0.01)
            waiter.result(PATIENCE).give_back()

    def test_a_waiter_gets_a_place_to_open_when_the_connection_came_back_broken(self, server):
        clock = Watched()
        pool = Pool(server.connect, max_size=1, timeout=PATIENCE, clock=clock)
        loan = pool.borrow()
        loan.connection.broken = True
        clock.forget()
        with ThreadPoolExecutor(1) as threads:
            waiter = threads.submit(pool.borrow)
            clock.wait_until_read(READS_OF_A_WAITER)

            loan.give_back()

            second = waiter.result(PATIENCE)
        assert second.connection.number == 2
        second.give_back()

    def test_never_two_borrowers_of_one_connection_and_never_more_than_the_limit(self, server):
        pool = Pool(server.connect, max_size=4, timeout=PATIENCE)
        four_at_once = threading.Barrier(4)  # breaks unless four are lent at once
        lock, users, seen = threading.Lock(), Counter(), []

        def work():
            with pool.connection() as conn:
                with lock:
                    users[conn.number] += 1
                    seen.append(users[conn.number])
                four_at_once.wait(PATIENCE)
                with lock:
                    users[conn.number] -= 1

        with ThreadPoolExecutor(20) as threads:
            for future in [threads.submit(work) for _ in range(20)]:
                future.result(PATIENCE)

        assert len(server.opened) == 4
        assert max(seen) == 1
        assert pool.stats().idle == 4

    def test_a_timeout_in_the_moment_of_being_served_loses_no_place(self, server):
        clock = TimesOutWhenServed()
        pool = Pool(server.connect, max_size=1, timeout=10.0, clock=clock)
        loan = pool.borrow()
        clock.serve = loan.give_back

        with pytest.raises(PoolTimeout):
            pool.borrow()

        assert (pool.stats().lent, pool.stats().idle) == (0, 1)

    def test_sqlite_connections_move_between_threads(self, tmp_path):
        pool = sqlite_pool(tmp_path, max_size=1)
        with pool.connection() as conn:
            conn.execute("CREATE TABLE chairs (name TEXT)")
            conn.commit()

        def add(name):
            with pool.connection() as conn:
                conn.execute("INSERT INTO chairs VALUES (?)", (name,))
                conn.commit()

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(add, "abcd"))

        with pool.connection() as conn:
            assert conn.execute("SELECT count(*) FROM chairs").fetchone() == (4,)
        assert pool.stats().opened == 1
        pool.close()


class TimesOutWhenServed(ManualClock):
    """At the second look of a waiter its time is up, and just before that it is served."""

    serve = None
    looks = 0

    def monotonic(self):
        if self.serve is not None:
            self.looks += 1
            if self.looks == 3:
                serve, self.serve = self.serve, None
                serve()
                self.advance(11.0)
        return super().monotonic()


def sqlite_pool(folder, **settings):
    connect = partial(sqlite3.connect, folder / "shop.db", check_same_thread=False)
    return Pool(connect, **settings)
