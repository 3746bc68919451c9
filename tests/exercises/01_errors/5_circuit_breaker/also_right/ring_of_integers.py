# A ring of integers and a running count; a fresh token object for each period.
import enum
import math
import threading

from course_lib.clock import SystemClock


class Phase(enum.IntEnum):
    CLOSED = 0
    OPEN = 1
    HALF_OPEN = 2


class CircuitOpen(RuntimeError):
    retry_after = 0


class CircuitBreaker:
    """A ring of integers and a running count; a fresh token object for each period."""

    def __init__(self, *, window=20, min_calls=10, failure_rate=0.5, open_for=30.0,
                 half_open_permits=3, is_failure=lambda e: True, clock=None):
        if not 0 < min_calls <= window:
            raise ValueError(f"0 < {min_calls} <= {window} does not hold")
        self._numbers = min_calls, failure_rate, open_for, half_open_permits
        self._is_failure = is_failure
        self._clock = SystemClock() if clock is None else clock
        self._mutex = threading.Condition()
        self._ring = [0] * window
        self.on_transition = None
        self._begin(Phase.CLOSED)

    def _begin(self, phase):
        self._phase = phase
        self._token = object()
        self._used = self._failures = self._taken = self._good = 0
        self._since = self._clock.monotonic()

    def _go(self, phase):
        change = (self._phase, phase)
        self._begin(phase)
        return [change]

    @property
    def state(self):
        with self._mutex:
            return self._phase

    def call(self, fn, *a, **k):
        token = self._enter()
        try:
            result = fn(*a, **k)
        except BaseException as error:
            counts = isinstance(error, Exception) and self._is_failure(error)
            self._leave(token, 1 if counts else -1)
            raise
        self._leave(token, 0)
        return result

    def _enter(self):
        changes = []
        with self._mutex:
            if self._phase == Phase.OPEN:
                left = self._since + self._numbers[2] - self._clock.monotonic()
                if left > 0:
                    refusal = CircuitOpen("open")
                    refusal.retry_after = math.ceil(left)
                    raise refusal
                changes = self._go(Phase.HALF_OPEN)
            if self._phase == Phase.HALF_OPEN:
                if self._taken == self._numbers[3]:
                    raise CircuitOpen("probing")
                self._taken += 1
            token = self._token
        self._tell(changes)
        return token

    def _leave(self, token, failure):
        changes = []
        with self._mutex:
            if token is self._token:
                if self._phase == Phase.HALF_OPEN:
                    changes = self._probed(failure)
                elif failure >= 0:
                    changes = self._count(failure)
        self._tell(changes)

    def _probed(self, failure):
        if failure == 1:
            return self._go(Phase.OPEN)
        if failure == -1:
            self._taken -= 1
            return []
        self._good += 1
        return self._go(Phase.CLOSED) if self._good == self._numbers[3] else []

    def _count(self, failure):
        place = self._used % len(self._ring)
        if self._used >= len(self._ring):
            self._failures -= self._ring[place]
        self._ring[place] = failure
        self._used += 1
        self._failures += failure
        calls = min(self._used, len(self._ring))
        if calls < self._numbers[0] or self._failures / calls < self._numbers[1]:
            return []
        return self._go(Phase.OPEN)

    def _tell(self, changes):
        for old, new in changes:
            if self.on_transition:
                self.on_transition(old, new)
