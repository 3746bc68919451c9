"""A scripted service behind a breaker of either kind."""

from __future__ import annotations

import pytest

from course_lib.clock import ManualClock
from course_lib.errors import AsyncCircuitBreaker, CircuitBreaker, CircuitOpen, State


class Outage(Exception):
    """The service is down."""


class NotFound(Exception):
    """The service is well, the question was wrong."""


class Service:
    """A breaker on a manual clock, and a service that does what the script says."""

    Outage = Outage
    NotFound = NotFound

    def __init__(self, kind: type, **settings):
        self.clock = ManualClock()
        self.changes: list[tuple[State, State]] = []
        self.reached = 0
        settings.setdefault("is_failure", lambda error: not isinstance(error, NotFound))
        settings.setdefault("on_transition", lambda old, new: self.changes.append((old, new)))
        self.breaker = kind(clock=self.clock, **settings)

    def call(self, fn):
        def counted():
            self.reached += 1
            return fn()

        if isinstance(self.breaker, CircuitBreaker):
            return self.breaker.call(counted)
        return finish(self.breaker.call(as_coroutine(counted)))

    def succeed(self, *, seconds: float = 0.0):
        return self.call(lambda: self.clock.advance(seconds) or "answer")

    def fail(self, error: BaseException | None = None, *, seconds: float = 0.0) -> None:
        error = error or Outage("down")

        def raise_it():
            self.clock.advance(seconds)
            raise error

        with pytest.raises(type(error)) as caught:
            self.call(raise_it)
        assert caught.value is error

    def is_refused(self) -> CircuitOpen:
        before = self.reached
        with pytest.raises(CircuitOpen) as caught:
            self.succeed()
        assert self.reached == before
        return caught.value

    def play(self, script: str) -> State:
        """s: success, f: failure, i: ignored error, r: refused. Gives back the state."""
        for letter in script:
            if letter == "s":
                assert self.succeed() == "answer"
            elif letter == "f":
                self.fail()
            elif letter == "i":
                self.fail(NotFound("no such order"))
            else:
                self.is_refused()
        return self.breaker.state


def as_coroutine(fn):
    async def coroutine():
        return fn()

    return coroutine


def finish(coroutine):
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the coroutine waits")


@pytest.fixture(params=[CircuitBreaker, AsyncCircuitBreaker], ids=["threads", "async"])
def service(request):
    """A function: settings -> Service, once for each kind of breaker."""
    return lambda **settings: Service(request.param, **settings)
