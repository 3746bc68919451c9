import contextlib
import threading

import pytest

from course_lib.labs.faults import (
    Faults,
    cut,
    error,
    hang,
    latency,
    ok,
    slow_body,
    too_many,
    wrong_length,
)


def test_a_script_is_used_up_one_step_per_request_and_then_the_default_repeats():
    plan = Faults([ok, error(503)], default=hang())

    steps = [plan.next() for _ in range(4)]

    assert steps == [ok, error(503), hang(), hang()]


def test_an_empty_plan_lets_every_request_through():
    assert [Faults().next() for _ in range(2)] == [ok, ok]


def test_what_was_applied_is_written_down_in_order():
    plan = Faults([error(503), ok])
    plan.next()
    plan.next()

    assert plan.seen == [error(503), ok]


def test_the_same_seed_draws_the_same_mix():
    first = Faults.mix({ok: 3, error(503): 1}, seed=7)
    second = Faults.mix({ok: 3, error(503): 1}, seed=7)

    assert [first.next() for _ in range(50)] == [second.next() for _ in range(50)]


def test_another_seed_draws_another_mix():
    first = Faults.mix({ok: 1, error(503): 1}, seed=1)
    second = Faults.mix({ok: 1, error(503): 1}, seed=2)

    assert [first.next() for _ in range(50)] != [second.next() for _ in range(50)]


def test_a_mix_draws_by_weight_and_never_what_weighs_nothing():
    plan = Faults.mix({hang(): 0, ok: 3, error(503): 1}, seed=1)

    steps = [plan.next() for _ in range(4000)]

    assert hang() not in steps
    assert 900 < steps.count(error(503)) < 1100


def test_the_steps_of_seed_1_are_these_on_every_python_version():
    plan = Faults.mix({ok: 1, error(500): 1}, seed=1)

    drawn = "".join("." if plan.next() == ok else "X" for _ in range(20))

    assert drawn == ".XX...XX..X.X..X.XX."


class Hesitant(Faults):
    """Waits between choosing a step and writing it down, so that another thread could slip in."""

    def __init__(self, script):
        super().__init__(script)
        self._both_have_chosen = threading.Barrier(2)

    def _from_script(self):
        step = super()._from_script()
        with contextlib.suppress(threading.BrokenBarrierError):
            self._both_have_chosen.wait(0.2)
        return step


def test_two_threads_never_get_the_same_step_of_a_script():
    plan = Hesitant([error(500), error(503)])

    threads = [threading.Thread(target=plan.next) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert plan.seen == [error(500), error(503)]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: latency(-1), "at least 0"),
        (lambda: latency(float("inf")), "finite"),
        (lambda: error(200), "from 400 to 599"),
        (lambda: cut(-1), "at least 0"),
        (lambda: slow_body(-1), "at least 0"),
        (lambda: slow_body(0.1, chunk_bytes=0), "at least 1"),
        (lambda: wrong_length(0), "would be right"),
        (lambda: too_many(-1), "at least 0"),
        (lambda: Faults.mix({}), "at least one above 0"),
        (lambda: Faults.mix({ok: 0}), "at least one above 0"),
        (lambda: Faults.mix({ok: -1, hang(): 2}), "0 or more"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    "make", [lambda: Faults([hang]), lambda: Faults([503]), lambda: Faults.mix({"ok": 1})]
)
def test_something_that_is_no_step_is_refused_with_an_example(make):
    with pytest.raises(TypeError, match=r"is not a step; write ok, or call one such as error"):
        make()


def test_retry_after_is_in_whole_seconds():
    with pytest.raises(TypeError, match="whole seconds"):
        too_many(1.5)
