"""Reading the state may change it; permits are a semaphore that each half-open period makes anew."""
import contextlib
import threading
from enum import Enum

from course_lib.clock import SystemClock

State = Enum("State", ["closed", "open", "half_open"])


class CircuitOpen(Exception):
    def __init__(self, breaker_name="breaker", retry_after=0.0):
        self.breaker_name = breaker_name
        self.retry_after = retry_after

    def __str__(self):
        return f"{self.breaker_name}: {self.retry_after}"


class CircuitBreaker:
    def __init__(self, *, window=20, min_calls=10, failure_rate=0.5, open_for=30.0,
                 half_open_permits=3, is_failure=lambda e: True, clock=None, on_transition=None):
        if min_calls > window:
            raise ValueError(min_calls)
        self.__dict__.update(
            window=window, min_calls=min_calls, failure_rate=failure_rate, open_for=open_for,
            half_open_permits=half_open_permits, is_failure=is_failure,
            clock=clock or SystemClock(), on_transition=on_transition,
        )
        self._guard = threading.RLock()
        self._todo = []
        self._enter(State.closed)
        self._todo.clear()

    def _enter(self, state):
        self._todo.append((getattr(self, "_state", None), state))
        self._state = state
        self._history = []
        self._opened = self.clock.monotonic()
        self._permits = threading.BoundedSemaphore(self.half_open_permits)
        self._good = 0

    @contextlib.contextmanager
    def _exclusive(self):
        todo = []
        try:
            with self._guard:
                if self._state is State.open:
                    if self.clock.monotonic() - self._opened >= self.open_for:
                        self._enter(State.half_open)
                try:
                    yield
                finally:
                    todo, self._todo = self._todo, []
        finally:
            for change in todo:
                if self.on_transition is not None:
                    self.on_transition(*change)

    @property
    def state(self):
        with self._exclusive():
            return self._state

    def call(self, fn, *args, **kwargs):
        with self._exclusive():
            if self._state is State.open:
                passed = self.clock.monotonic() - self._opened
                raise CircuitOpen(retry_after=max(0.0, self.open_for - passed))
            permits = self._permits
            if self._state is State.half_open and not permits.acquire(blocking=False):
                raise CircuitOpen(retry_after=1)
        try:
            result = fn(*args, **kwargs)
        except Exception as error:
            if self.is_failure(error):
                self._failed(permits)
            else:
                self._forget(permits)
            raise
        except BaseException:
            self._forget(permits)
            raise
        self._succeeded(permits)
        return result

    def _forget(self, permits):
        with self._exclusive():
            if permits is self._permits and self._state is State.half_open:
                permits.release()

    def _failed(self, permits):
        with self._exclusive():
            if permits is not self._permits:
                return
            if self._state is State.half_open:
                self._enter(State.open)
            else:
                self._note("F")

    def _succeeded(self, permits):
        with self._exclusive():
            if permits is not self._permits:
                return
            if self._state is State.half_open:
                self._good += 1
                if self._good == self.half_open_permits:
                    self._enter(State.closed)
            else:
                self._note("S")

    def _note(self, letter):
        self._history = [*self._history, letter][-self.window:]
        share = self._history.count("F") / len(self._history)
        if len(self._history) >= self.min_calls and share >= self.failure_rate:
            self._enter(State.open)
