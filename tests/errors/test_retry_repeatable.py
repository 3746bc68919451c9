"""Which requests may be sent again, and how a deadline is handed down."""

from __future__ import annotations

import pytest

from course_lib.clock import ManualClock
from course_lib.errors import Deadline, DeadlinePassed, may_repeat


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ({"method": "GET", "status": 503}, True),
        ({"method": "get", "status": None}, True),
        ({"method": "PUT", "status": None}, True),
        ({"method": "DELETE", "status": 500}, True),
        ({"method": "GET", "status": 404}, False),
        ({"method": "GET", "status": 501}, False),
        ({"method": "DELETE", "status": 401}, False),
        ({"method": "POST", "status": 503}, False),
        ({"method": "POST", "status": None}, False),
        ({"method": "PATCH", "status": 504}, False),
        ({"method": "POST", "status": 504, "key": True}, True),
        ({"method": "POST", "status": 422, "key": True}, False),
        ({"method": "POST", "status": 429}, True),
        ({"method": "POST", "sent": False}, True),
    ],
)
def test_it_must_help_and_must_not_harm(request_, answer):
    assert may_repeat(**request_) is answer


def test_each_layer_gets_what_is_left():
    clock = ManualClock()
    deadline = Deadline(3.0, clock=clock)

    clock.advance(1.0)
    first = deadline.left()
    clock.advance(1.5)

    assert (first, deadline.left(), deadline.left(at_most=0.2)) == (2.0, 0.5, 0.2)


def test_at_the_deadline_nothing_may_begin():
    clock = ManualClock()
    deadline = Deadline(0.3, clock=clock)

    for _ in range(3):
        clock.advance(0.1)

    with pytest.raises(DeadlinePassed, match=r"the deadline of 0\.3 s passed 0 s ago"):
        deadline.left()


def test_a_passed_deadline_is_a_timeout():
    assert issubclass(DeadlinePassed, TimeoutError)


def test_a_wall_clock_that_jumps_does_not_matter():
    clock = ManualClock()
    deadline = Deadline(3.0, clock=clock)

    clock.set_wall_clock_back(3600)

    assert deadline.left() == 3.0


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_a_deadline_lies_ahead(seconds):
    with pytest.raises(ValueError, match="seconds must be more than 0"):
        Deadline(seconds)


def test_it_shows_what_is_left():
    assert repr(Deadline(3.0, clock=ManualClock())) == "Deadline(3 of 3 s left)"
