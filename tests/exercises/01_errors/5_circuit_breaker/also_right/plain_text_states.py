# States are text; a number for each period tells late outcomes from current ones.
import threading
from collections import deque

from course_lib.clock import SystemClock


class CircuitOpen(Exception):
    def __init__(self, retry_after):
        super().__init__(f"open for another {retry_after} s")
        self.retry_after = retry_after


class CircuitBreaker:
    on_transition = None

    def __init__(
        self,
        *,
        window=20,
        min_calls=10,
        failure_rate=0.5,
        open_for=30.0,
        half_open_permits=3,
        is_failure=lambda e: True,
        clock=None,
    ):
        if min_calls > window:
            raise ValueError("min_calls is larger than window")
        self.min_calls = min_calls
        self.failure_rate = failure_rate
        self.open_for = open_for
        self.half_open_permits = half_open_permits
        self.is_failure = is_failure
        self.clock = clock or SystemClock()
        self.lock = threading.Lock()
        self.outcomes = deque(maxlen=window)
        self.state = "closed"
        self.period = 0
        self.opened_at = 0.0
        self.probes = 0
        self.successes = 0

    def call(self, fn, *args, **kwargs):
        period = self._before()
        ok = None
        try:
            result = fn(*args, **kwargs)
            ok = True
            return result
        except Exception as error:
            if self.is_failure(error):
                ok = False
            raise
        finally:
            self._after(period, ok)

    def _before(self):
        change = None
        with self.lock:
            now = self.clock.monotonic()
            if self.state == "open":
                if now - self.opened_at < self.open_for:
                    raise CircuitOpen(self.opened_at + self.open_for - now)
                change = self._move("half-open")
            if self.state == "half-open":
                if self.probes >= self.half_open_permits:
                    raise CircuitOpen(0)
                self.probes += 1
            period = self.period
        self._report(change)
        return period

    def _after(self, period, ok):
        change = None
        with self.lock:
            if period != self.period:
                return
            if self.state == "half-open":
                if ok is None:
                    self.probes -= 1
                elif ok:
                    self.successes += 1
                    if self.successes == self.half_open_permits:
                        change = self._move("closed")
                else:
                    change = self._move("open")
            elif ok is not None:
                self.outcomes.append(ok)
                calls = len(self.outcomes)
                failures = self.outcomes.count(False)
                if calls >= self.min_calls and failures / calls >= self.failure_rate:
                    change = self._move("open")
        self._report(change)

    def _move(self, new):
        change = (self.state, new)
        self.state = new
        self.period += 1
        self.probes = self.successes = 0
        self.outcomes.clear()
        if new == "open":
            self.opened_at = self.clock.monotonic()
        return change

    def _report(self, change):
        if change and self.on_transition:
            self.on_transition(*change)
