"""The breaker under real threads. Events and barriers give the order, never a sleep."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from course_lib.clock import ManualClock
from course_lib.errors import CircuitBreaker, CircuitOpen, CountWindow, State

CLOSED, OPEN, HALF_OPEN = State.CLOSED, State.OPEN, State.HALF_OPEN
THREADS = 20
PATIENCE = 20.0  # seconds until a stuck test fails; a passing one needs none of them


def fail():
    raise ConnectionError


def together(work):
    """Run `work(number)` in 20 threads that start in the same moment."""
    start = threading.Barrier(THREADS)

    def one(number):
        start.wait(PATIENCE)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


class PatientPermits(CircuitBreaker):
    """Other threads get their turn between reading and changing the permits."""

    @property
    def _permits(self):
        value = self.__dict__["_permits"]
        time.sleep(0.001)
        return value

    @_permits.setter
    def _permits(self, value):
        self.__dict__["_permits"] = value


def test_exactly_three_of_twenty_threads_are_probes():
    clock, everybody_decided = ManualClock(), threading.Event()
    breaker = PatientPermits(window=1, min_calls=1, half_open_permits=3, clock=clock)
    with pytest.raises(ConnectionError):
        breaker.call(fail)
    clock.advance(30.0)
    decided = threading.Semaphore(0)

    def probe():
        decided.release()
        assert everybody_decided.wait(PATIENCE)
        return "probe"

    def one(number):
        try:
            return breaker.call(probe)
        except CircuitOpen:
            decided.release()
            return "refused"

    def referee():
        for _ in range(THREADS):
            assert decided.acquire(timeout=PATIENCE)
        everybody_decided.set()

    watching = threading.Thread(target=referee)
    watching.start()
    results = together(one)
    watching.join(PATIENCE)

    assert sorted(results) == ["probe"] * 3 + ["refused"] * 17
    assert breaker.state is CLOSED


class LosesUpdates(CountWindow):
    """Without a lock around it, two threads would add to the same old total."""

    def record(self, outcome, *, at):
        total = self._total
        time.sleep(0)
        self._total = total + outcome
        return self._total

    def fresh(self):
        return LosesUpdates(self.size)


def test_no_outcome_is_lost():
    breaker = CircuitBreaker(window=LosesUpdates(1000), min_calls=1000)

    def one(number):
        for call in range(50):
            try:
                breaker.call(fail if call < 10 else int)
            except ConnectionError:
                pass

    together(one)

    now = breaker.snapshot()
    assert (now.calls, now.failures) == (1000, 200)


def test_the_function_runs_outside_the_lock():
    breaker = CircuitBreaker()
    all_inside = threading.Barrier(THREADS)

    together(lambda number: breaker.call(all_inside.wait, PATIENCE))

    assert breaker.snapshot().calls == THREADS


def test_a_later_change_waits_until_the_earlier_one_is_reported():
    clock, changes = ManualClock(), []
    breaker = CircuitBreaker(window=1, min_calls=1, half_open_permits=1, clock=clock)
    reporting, go_on = threading.Event(), threading.Event()

    def listener(old, new):
        if new is OPEN:
            reporting.set()
            assert go_on.wait(PATIENCE)
        changes.append((old, new))

    breaker.on_transition = listener
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(breaker.call, fail)
        assert reporting.wait(PATIENCE)
        clock.advance(30.0)

        answer = breaker.call(str)

        seen_meanwhile = list(changes)
        go_on.set()
        assert isinstance(opening.exception(PATIENCE), ConnectionError)
    assert (answer, seen_meanwhile) == ("", [])
    assert changes == [(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)]


def test_twenty_threads_report_every_change_once_and_in_order():
    clock, changes = ManualClock(), []

    def listener(old, new):
        time.sleep(0)  # somebody else's turn: reports must not overtake each other
        changes.append((old, new))

    breaker = CircuitBreaker(window=2, min_calls=2, half_open_permits=2, open_for=1.0, clock=clock)
    breaker.on_transition = listener

    def one(number):
        for call in range(50):
            try:
                breaker.call(fail if (number + call) % 3 == 0 else int)
            except (ConnectionError, CircuitOpen):
                clock.advance(0.5)

    together(one)

    assert len(changes) == breaker._period > 20
    assert [old for old, _ in changes] == [CLOSED] + [new for _, new in changes[:-1]]
    assert changes[-1][1] is breaker.state


def test_nothing_stays_stuck_after_a_storm_of_interrupts():
    clock = ManualClock()
    breaker = CircuitBreaker(window=2, min_calls=2, half_open_permits=2, clock=clock)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            breaker.call(fail)
    clock.advance(30.0)

    def interrupted():
        raise KeyboardInterrupt

    def one(number):
        for _ in range(20):
            try:
                breaker.call(interrupted)
            except (KeyboardInterrupt, CircuitOpen):
                pass

    together(one)

    assert breaker.state is HALF_OPEN
    breaker.call(int)
    breaker.call(int)
    assert breaker.state is CLOSED
