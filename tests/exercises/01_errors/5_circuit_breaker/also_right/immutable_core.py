"""Pure functions on a frozen state; the lock guards one comparison and one assignment."""
import threading
from dataclasses import dataclass, replace

from course_lib.clock import SystemClock


class CircuitOpen(Exception):
    def __init__(self, *, retry_after):
        super().__init__(retry_after)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Facts:
    name: str = "CLOSED"
    number: int = 0
    outcomes: tuple = ()
    until: float = 0.0
    started: int = 0
    good: int = 0


@dataclass(frozen=True)
class Rules:
    window: int
    min_calls: int
    failure_rate: float
    open_for: float
    permits: int


def look_at_clock(facts, now):
    if facts.name == "OPEN" and now >= facts.until:
        return Facts("HALF OPEN", facts.number + 1)
    return facts


def entered(facts, rules, now):
    facts = look_at_clock(facts, now)
    if facts.name == "OPEN":
        return facts, facts.until - now
    if facts.name == "HALF OPEN":
        if facts.started >= rules.permits:
            return facts, 0.0
        return replace(facts, started=facts.started + 1), None
    return facts, None


def left(facts, rules, now, number, outcome):
    if number != facts.number:
        return facts
    if facts.name == "HALF OPEN":
        if outcome == "neither":
            return replace(facts, started=facts.started - 1)
        if outcome == "bad":
            return Facts("OPEN", number + 1, until=now + rules.open_for)
        if facts.good + 1 == rules.permits:
            return Facts("CLOSED", number + 1)
        return replace(facts, good=facts.good + 1)
    if outcome == "neither":
        return facts
    outcomes = (*facts.outcomes, outcome)[-rules.window :]
    if len(outcomes) >= rules.min_calls:
        if outcomes.count("bad") / len(outcomes) >= rules.failure_rate:
            return Facts("OPEN", number + 1, until=now + rules.open_for)
    return replace(facts, outcomes=outcomes)


class CircuitBreaker:
    on_transition = None

    def __init__(self, *, window=20, min_calls=10, failure_rate=0.5, open_for=30.0,
                 half_open_permits=3, is_failure=lambda e: True, clock=None):
        if min_calls > window:
            raise ValueError("min_calls > window")
        self._rules = Rules(window, min_calls, failure_rate, open_for, half_open_permits)
        self._is_failure = is_failure
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._facts = Facts()

    def _swap(self, seen, new):
        if new is seen:
            return True
        with self._lock:
            if self._facts is not seen:
                return False
            self._facts = new
        if new.name != seen.name and self.on_transition:
            self.on_transition(seen.name, new.name)
        return True

    @property
    def state(self):
        while True:
            seen = self._facts
            new = look_at_clock(seen, self._clock.monotonic())
            if self._swap(seen, new):
                return new.name

    def call(self, fn, *a, **k):
        while True:
            seen = self._facts
            new, wait = entered(seen, self._rules, self._clock.monotonic())
            if self._swap(seen, new):
                break
        if wait is not None:
            raise CircuitOpen(retry_after=wait)
        outcome = "neither"
        try:
            result = fn(*a, **k)
            outcome = "good"
            return result
        except Exception as error:
            outcome = "bad" if self._is_failure(error) else "neither"
            raise
        finally:
            while True:
                seen = self._facts
                after = left(seen, self._rules, self._clock.monotonic(), new.number, outcome)
                if self._swap(seen, after):
                    break
