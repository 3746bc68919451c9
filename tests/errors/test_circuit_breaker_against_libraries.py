"""Our breaker beside pybreaker and purgatory.

Both count failures in a row. Ours does the same with `window == min_calls == n`
and `failure_rate=1.0`: the last n calls all failed. There the three must agree,
call by call. Where their rules differ from ours, a test below says how.
"""

from __future__ import annotations

import types
from datetime import UTC, datetime

import purgatory
import purgatory.domain.model as purgatory_model
import pybreaker
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.clock import ManualClock
from course_lib.errors import CircuitBreaker, CircuitOpen

OPEN_FOR = 10
REFUSALS = (CircuitOpen, pybreaker.CircuitBreakerError, purgatory_model.OpenedState)
scripts = st.text("ssffffw", min_size=10, max_size=60)  # success, failure, wait
repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=80)


class Outage(Exception):
    pass


class NotFound(Exception):
    pass


def ours(clock, n, permits=1, **settings):
    return CircuitBreaker(
        window=n,
        min_calls=n,
        failure_rate=1.0,
        open_for=OPEN_FOR,
        half_open_permits=permits,
        clock=clock,
        **settings,
    )


def fail():
    raise Outage


def trace(script, clock, call, state, refusal, *, wait):
    """After each letter: what the caller got, and the state."""
    seen = []
    for letter in script:
        result = "answer"
        try:
            if letter == "w":
                clock.advance(wait)
            else:
                call(fail if letter == "f" else int)
        except Outage:
            result = "outage"
        except refusal:
            result = "refused"
        seen.append((result, state()))
    return seen


@pytest.fixture
def wall(monkeypatch):
    """One manual clock for all: both libraries read the wall clock."""
    return patched(monkeypatch)


def patched(monkeypatch):
    clock = ManualClock()
    now = types.SimpleNamespace(now=lambda tz: datetime.fromtimestamp(clock.now(), UTC))
    monkeypatch.setattr(pybreaker, "datetime", now)
    monkeypatch.setattr(purgatory_model, "time", types.SimpleNamespace(time=clock.now))
    return clock


def a_pybreaker(n, permits=1, **settings):
    return pybreaker.CircuitBreaker(
        fail_max=n,
        reset_timeout=OPEN_FOR,
        success_threshold=permits,
        throw_new_error_on_trip=False,
        **settings,
    )


class APurgatory:
    """purgatory's breaker with a `call`."""

    def __init__(self, n, **settings):
        factory = purgatory.SyncCircuitBreakerFactory(n, OPEN_FOR, **settings)
        self.breaker = factory.get_breaker("shop")

    def call(self, fn):
        with self.breaker:
            return fn()

    @property
    def state(self):
        return {"closed": "closed", "opened": "open", "half-opened": "half-open"}[
            self.breaker.context.state
        ]


@repeatable
@given(n=st.integers(1, 4), permits=st.integers(1, 3), script=scripts)
def test_pybreaker_agrees_on_failures_in_a_row(n, permits, script):
    with pytest.MonkeyPatch.context() as monkeypatch:
        wall = patched(monkeypatch)
        theirs, clock = a_pybreaker(n, permits), ManualClock()
        mine = ours(clock, n, permits)

        expected = trace(
            script,
            wall,
            theirs.call,
            lambda: theirs.current_state,
            pybreaker.CircuitBreakerError,
            wait=5,
        )

        assert trace(script, clock, mine.call, lambda: mine.state.value, CircuitOpen, wait=5) == (
            expected
        )


@repeatable
@given(n=st.integers(1, 4), script=scripts)
def test_purgatory_agrees_on_failures_in_a_row(n, script):
    with pytest.MonkeyPatch.context() as monkeypatch:
        wall = patched(monkeypatch)
        theirs, clock = APurgatory(n), ManualClock()
        mine = ours(clock, n)

        # Waits of 4 s never end exactly at 10 s, where the two differ.
        expected = trace(
            script, wall, theirs.call, lambda: theirs.state, purgatory_model.OpenedState, wait=4
        )

        assert trace(script, clock, mine.call, lambda: mine.state.value, CircuitOpen, wait=4) == (
            expected
        )


def attempt(call, fn):
    try:
        return call(fn)
    except (Outage, NotFound, KeyboardInterrupt, *REFUSALS) as error:
        return type(error).__name__


def test_neither_sees_a_service_that_fails_every_second_time(wall):
    row, grim = a_pybreaker(3), APurgatory(3)
    mine = CircuitBreaker(window=10, min_calls=10, failure_rate=0.5)

    for call in (row.call, grim.call, mine.call):
        for fn in (fail, int) * 5:
            attempt(call, fn)

    assert (row.current_state, grim.state, mine.state.value) == ("closed", "closed", "open")


def test_both_take_an_ignored_error_for_a_success_ours_for_nothing(wall):
    def not_found():
        raise NotFound

    row = a_pybreaker(2, exclude=[NotFound])
    grim = APurgatory(2, exclude=[NotFound])
    mine = ours(wall, 2, is_failure=lambda error: not isinstance(error, NotFound))

    for call in (row.call, grim.call, mine.call):
        for fn in (fail, not_found, fail):
            attempt(call, fn)

    assert (row.current_state, grim.state, mine.state.value) == ("closed", "closed", "open")


def test_both_count_an_interrupted_program_as_an_outage(wall):
    def interrupted():
        raise KeyboardInterrupt

    row, grim, mine = a_pybreaker(1), APurgatory(1), ours(wall, 1)

    for call in (row.call, grim.call, mine.call):
        assert attempt(call, interrupted) == "KeyboardInterrupt"

    assert (row.current_state, grim.state, mine.state.value) == ("open", "open", "closed")


def test_both_stay_open_an_hour_longer_when_the_wall_clock_is_set_back(wall):
    row, grim, mine = a_pybreaker(1), APurgatory(1), ours(wall, 1)
    for call in (row.call, grim.call, mine.call):
        assert attempt(call, fail) == "Outage"

    wall.set_wall_clock_back(3600)
    wall.advance(OPEN_FOR + 1)

    assert attempt(row.call, str) == "CircuitBreakerError"
    assert attempt(grim.call, str) == "OpenedState"
    assert attempt(mine.call, str) == ""


def test_purgatory_refuses_at_the_very_moment_ours_lets_in(wall):
    grim, mine = APurgatory(1), ours(wall, 1)
    for call in (grim.call, mine.call):
        attempt(call, fail)

    wall.advance(OPEN_FOR)

    assert attempt(grim.call, str) == "OpenedState"
    assert attempt(mine.call, str) == ""


def test_purgatory_does_not_limit_the_probes(wall):
    grim, mine = APurgatory(1), ours(wall, 1)
    reached = {"theirs": 0, "ours": 0}

    def probes(call, name, depth):
        """Probes that are all out at the same time, one begun inside the other."""

        def probe():
            reached[name] += 1
            if depth > 1:
                attempt(call, probes(call, name, depth - 1))

        return probe

    for call, name in ((grim.call, "theirs"), (mine.call, "ours")):
        attempt(call, fail)
        wall.advance(OPEN_FOR + 1)
        attempt(call, probes(call, name, 5))

    assert reached == {"theirs": 5, "ours": 1}
