"""The breaker against a slow model that keeps every call and recomputes everything.

Calls overlap: a script begins them, moves the clock and ends them in any order,
so stale results, probes still out and slow calls come up by themselves. All
times are whole tenths of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.clock import ManualClock
from course_lib.errors import CircuitBreaker, CircuitOpen, CountWindow, TimeWindow


@dataclass(eq=False)
class Call:
    period: int
    began: int
    ended: int | None = None
    outcome: str = "running"  # then "success", "failure" or "ignored"


@dataclass
class Model:
    size: int | None  # calls, for a count window
    width: int  # tenths per bucket, for a time window
    buckets: int
    min_calls: int
    failure_rate: float
    slow_after: int | None
    slow_rate: float
    open_for: int
    permits: int

    def __post_init__(self):
        self.now, self.state, self.period, self.opened_at = 0, "closed", 0, 0
        self.ended: list[Call] = []
        self.running: list[Call] = []

    def begin(self) -> float | None:
        """None if let in, else retry_after in tenths."""
        if self.state == "open":
            if self.now < self.opened_at + self.open_for:
                return self.opened_at + self.open_for - self.now
            self.become("half-open")
        if self.state == "half-open":
            mine = [c for c in self.running + self.ended if c.period == self.period]
            if sum(c.outcome != "ignored" for c in mine) >= self.permits:
                return self.open_for
        self.running.append(Call(self.period, self.now))
        return None

    def end(self, call: Call, outcome: str) -> None:
        self.running.remove(call)
        call.ended, call.outcome = self.now, outcome
        self.ended.append(call)
        if call.period != self.period or outcome == "ignored":
            return
        calls = self.window()
        failures, slow = self.failures(calls), self.slow(calls)
        if self.state == "half-open":
            if failures or slow:
                self.become("open")
            elif len(calls) == self.permits:
                self.become("closed")
        elif len(calls) >= self.min_calls and (
            failures / len(calls) >= self.failure_rate or slow / len(calls) >= self.slow_rate
        ):
            self.become("open")

    def window(self) -> list[Call]:
        counted = [c for c in self.ended if c.period == self.period and c.outcome != "ignored"]
        if self.state == "half-open":
            return counted
        if self.size is not None:
            return counted[-self.size :]
        return [c for c in counted if c.ended // self.width > self.now // self.width - self.buckets]

    def failures(self, calls: list[Call]) -> int:
        return sum(c.outcome == "failure" for c in calls)

    def slow(self, calls: list[Call]) -> int:
        if self.slow_after is None:
            return 0
        return sum(c.ended - c.began > self.slow_after for c in calls)

    def become(self, state: str) -> None:
        self.state, self.period = state, self.period + 1
        self.opened_at = self.now


class Ignored(Exception):
    pass


models = st.builds(
    Model,
    size=st.one_of(st.none(), st.integers(4, 8)),
    width=st.integers(1, 5),
    buckets=st.integers(1, 5),
    min_calls=st.integers(1, 4),
    failure_rate=st.sampled_from([0.2, 0.28, 1 / 3, 0.5, 1.0]),
    slow_after=st.one_of(st.none(), st.integers(1, 4)),
    slow_rate=st.sampled_from([0.25, 0.5, 1.0]),
    open_for=st.integers(1, 12),
    permits=st.integers(1, 3),
)
begins = st.just(("begin", 0))
outcomes = st.sampled_from(["success", "failure", "ignored"])
ends = st.tuples(outcomes, st.integers(0, 5))
waits = st.tuples(st.just("wait"), st.integers(1, 12))
scripts = st.lists(st.one_of(begins, begins, ends, ends, waits), min_size=30, max_size=80)


@settings(derandomize=True, database=None, deadline=None, max_examples=120)
@given(model=models, script=scripts)
def test_the_breaker_does_what_the_model_does(model, script):
    clock, changes = ManualClock(), []
    breaker = CircuitBreaker(
        window=(
            TimeWindow(model.width * model.buckets / 10, buckets=model.buckets)
            if model.size is None
            else CountWindow(model.size)
        ),
        min_calls=model.min_calls,
        failure_rate=model.failure_rate,
        slow_call_duration=None if model.slow_after is None else model.slow_after / 10,
        slow_call_rate=model.slow_rate,
        open_for=model.open_for / 10,
        half_open_permits=model.permits,
        is_failure=lambda error: not isinstance(error, Ignored),
        on_transition=lambda old, new: changes.append((old.value, new.value)),
        clock=clock,
    )
    guards = {}

    for verb, number in script:
        if verb == "wait":
            clock.advance(number / 10)
            model.now += number
        elif verb == "begin":
            guard = breaker._guard()
            refused = begin(guard)
            expected = model.begin()
            assert refused == (None if expected is None else expected / 10)
            if refused is None:
                guards[id(model.running[-1])] = guard
        elif model.running:
            call = model.running[number % len(model.running)]
            end(guards.pop(id(call)), verb)
            model.end(call, verb)

        assert breaker.state.value == model.state
        if model.state != "open":
            calls, now = model.window(), breaker.snapshot()
            assert now.calls == len(calls)
            assert now.failures == model.failures(calls)
            assert now.slow_calls == model.slow(calls)

    assert len(changes) == model.period
    assert [old for old, _ in changes] == (["closed"] + [new for _, new in changes])[:-1]


def begin(guard) -> float | None:
    try:
        guard.__enter__()
    except CircuitOpen as error:
        return error.retry_after
    return None


def end(guard, outcome: str) -> None:
    error = {"success": None, "failure": ConnectionError(), "ignored": Ignored()}[outcome]
    swallowed = guard.__exit__(None if error is None else type(error), error, None)
    assert not swallowed
