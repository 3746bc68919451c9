"""The budget: what pays in, what it grants, and twenty threads at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from course_lib.clock import ManualClock
from course_lib.errors import RetryBudget

THREADS = 20
PATIENCE = 20.0


def test_it_starts_empty():
    assert not RetryBudget(clock=ManualClock()).take()


def test_ten_successes_at_a_tenth_pay_one_retry():
    budget = RetryBudget(ratio=0.1, min_per_s=0.0)

    for _ in range(10):
        budget.pay_in()

    assert [budget.take(), budget.take()] == [True, False]


def test_nine_successes_do_not():
    budget = RetryBudget(ratio=0.1, min_per_s=0.0)

    for _ in range(9):
        budget.pay_in()

    assert not budget.take()


def test_tokens_arrive_with_time():
    clock = ManualClock()
    budget = RetryBudget(min_per_s=2.0, clock=clock)

    clock.advance(0.25)
    early = budget.take()
    clock.advance(0.25)

    assert (early, budget.take(), budget.take()) == (False, True, False)


def test_ten_looks_at_a_tenth_of_a_second_lose_nothing():
    clock = ManualClock()
    budget = RetryBudget(min_per_s=1.0, clock=clock)

    for _ in range(10):
        clock.advance(0.1)
        budget.tokens  # noqa: B018  looking fills it

    assert budget.take()


def test_a_quiet_night_saves_up_no_flood():
    clock = ManualClock()
    budget = RetryBudget(min_per_s=1.0, max_tokens=5, clock=clock)

    clock.advance(8 * 3600)

    assert [budget.take() for _ in range(6)] == [True] * 5 + [False]


def test_a_wall_clock_that_jumps_adds_nothing():
    clock = ManualClock()
    budget = RetryBudget(min_per_s=1.0, clock=clock)

    clock.set_wall_clock_back(-3600)

    assert not budget.take()


class SlowBudget(RetryBudget):
    """Other threads get their turn between reading and changing the tokens."""

    @property
    def _tokens(self):
        value = self.__dict__["_tokens"]
        time.sleep(0.0005)
        return value

    @_tokens.setter
    def _tokens(self, value):
        self.__dict__["_tokens"] = value


def test_twenty_threads_share_five_tokens_and_no_more():
    budget = SlowBudget(ratio=1.0, min_per_s=0.0)
    for _ in range(5):
        budget.pay_in()
    start = threading.Barrier(THREADS)

    def one(_):
        start.wait(PATIENCE)
        return budget.take()

    with ThreadPoolExecutor(THREADS) as pool:
        granted = list(pool.map(one, range(THREADS)))

    assert granted.count(True) == 5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ratio": 0}, "ratio must be above 0"),
        ({"ratio": 1.5}, "ratio"),
        ({"min_per_s": -1}, "min_per_s"),
        ({"max_tokens": 0.5}, "max_tokens must be at least 1 and finite, got 0.5"),
        ({"max_tokens": float("inf")}, "max_tokens"),
    ],
)
def test_a_wrong_number_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        RetryBudget(**settings)


def test_it_shows_its_tokens():
    assert repr(RetryBudget(clock=ManualClock())) == "RetryBudget(0 of 100 tokens)"
