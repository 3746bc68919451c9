"""The simulated pool against Erlang's formula, Little's law and plain arithmetic."""

from __future__ import annotations

import math

import pytest

from course_lib.databases.pool_queue import erlang_c, percentile, pool_queue

HOLD = 0.05


def mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize(("size", "rate"), [(1, 10.0), (4, 60.0), (10, 150.0)])
def test_it_waits_as_long_and_as_often_as_erlang_says(size, rate):
    run = pool_queue(size, HOLD, rate, timeout=1e9, seconds=40_000 / rate)

    chance, wait = erlang_c(size, rate * HOLD)
    assert mean(run.waits) == pytest.approx(wait * HOLD, rel=0.1)
    assert mean([waited > 0 for waited in run.waits]) == pytest.approx(chance, rel=0.1)


@pytest.mark.parametrize("size", [8, 10, 20])
def test_connections_in_use_follow_littles_law(size):
    run = pool_queue(size, HOLD, 100.0, timeout=1e9, seconds=200)

    assert run.in_use == pytest.approx(100 * HOLD, rel=0.03)


@pytest.mark.parametrize(
    ("size", "offered", "chance"),
    [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (10, 8.0, 0.4092)],  # for one connection: the load itself
)
def test_erlangs_formula_has_the_values_of_the_tables(size, offered, chance):
    found, wait = erlang_c(size, offered)

    assert found == pytest.approx(chance, abs=0.0001)
    assert wait == pytest.approx(chance / (size - offered), abs=0.0001)


def test_a_pool_that_is_asked_for_too_much_waits_for_ever_in_theory():
    assert erlang_c(5, 5.0) == (1.0, math.inf)


def test_in_practice_callers_time_out_and_the_wait_stays_below_the_timeout():
    run = pool_queue(5, HOLD, 150.0, timeout=0.5)

    assert run.timed_out > run.callers * 0.2
    assert run.waits[-1] <= 0.5
    assert run.in_use == pytest.approx(5, rel=0.01)


def test_every_caller_ends_in_exactly_one_way():
    for size in (3, 8, 30):
        run = pool_queue(size, HOLD, 150.0, timeout=0.2, cores=4)

        assert run.callers == len(run.responses) + run.timed_out + run.unserved


def test_one_more_connection_helps_much_below_the_knee_and_nothing_above_it():
    waits = [mean(pool_queue(size).waits) for size in (8, 9, 20, 50)]

    assert waits[0] > 3 * waits[1]
    assert waits[2] < 1e-6
    assert waits[3] == 0


def test_more_connections_than_cores_answer_no_faster():
    small, large = (pool_queue(size, HOLD, 150.0, timeout=1e9, cores=8) for size in (8, 64))

    assert mean(large.waits) < mean(small.waits) / 10
    assert mean(large.responses) == pytest.approx(mean(small.responses), rel=0.05)


def test_with_cores_to_spare_they_make_no_difference():
    assert pool_queue(8, cores=8) == pool_queue(8) == pool_queue(8, cores=100)


def test_the_same_seed_gives_the_same_run_and_another_one_another():
    assert pool_queue(9) == pool_queue(9)
    assert pool_queue(9, seed=2) != pool_queue(9)


def test_the_size_of_the_pool_does_not_change_who_arrives():
    assert pool_queue(8).callers == pool_queue(50).callers


def test_nobody_waits_in_an_empty_pool_and_a_percentile_of_nothing_is_nan():
    run = pool_queue(1, HOLD, 0.001, seconds=1.0)

    assert (run.callers, run.waits, run.in_use) == (0, (), 0.0)
    assert math.isnan(percentile(run.waits, 50))


@pytest.mark.parametrize("percent", [0, 1, 25])
def test_low_percentiles_are_the_first_value(percent):
    assert percentile([1.0, 2.0, 3.0, 4.0], percent) == 1.0


@pytest.mark.parametrize("wrong", [{"size": 0}, {"hold": 0}, {"rate": -1}, {"cores": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must be positive"):
        pool_queue(**wrong)
