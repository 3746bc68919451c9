# An object for each state; the breaker passes its calls on to the current one.
import threading
from collections import deque

from course_lib.clock import SystemClock


class CircuitOpen(Exception):
    def __init__(self, message, seconds):
        super().__init__(message)
        self.retry_after = seconds


class Closed:
    def __init__(self, breaker):
        self.breaker = breaker
        self.results = deque(maxlen=breaker.window)

    def enter(self):
        pass

    def leave(self):
        pass

    def succeeded(self):
        self.count(0)

    def failed(self):
        self.count(1)

    def count(self, failure):
        self.results.append(failure)
        if len(self.results) >= self.breaker.min_calls:
            if sum(self.results) / len(self.results) >= self.breaker.failure_rate:
                self.breaker.become(Open(self.breaker))


class Open:
    def __init__(self, breaker):
        self.breaker = breaker
        self.since = breaker.clock.monotonic()

    def enter(self):
        passed = self.breaker.clock.monotonic() - self.since
        if passed < self.breaker.open_for:
            raise CircuitOpen("open", self.breaker.open_for - passed)
        self.breaker.become(HalfOpen(self.breaker))
        self.breaker.current.enter()


class HalfOpen:
    def __init__(self, breaker):
        self.breaker = breaker
        self.running = self.good = 0

    def enter(self):
        if self.running + self.good == self.breaker.half_open_permits:
            raise CircuitOpen("all probes are out", self.breaker.open_for)
        self.running += 1

    def leave(self):
        self.running -= 1

    def succeeded(self):
        self.running -= 1
        self.good += 1
        if self.good == self.breaker.half_open_permits:
            self.breaker.become(Closed(self.breaker))

    def failed(self):
        self.breaker.become(Open(self.breaker))


class CircuitBreaker:
    def __init__(self, *, window=20, min_calls=10, failure_rate=0.5, open_for=30.0,
                 half_open_permits=3, is_failure=lambda e: True, clock=SystemClock()):
        if min_calls > window:
            raise ValueError
        self.window, self.min_calls, self.failure_rate = window, min_calls, failure_rate
        self.open_for, self.half_open_permits = open_for, half_open_permits
        self.is_failure, self.clock = is_failure, clock
        self.lock = threading.RLock()
        self.news = []
        self.current = Closed(self)
        self.on_transition = lambda old, new: None

    @property
    def state(self):
        return type(self.current).__name__

    def become(self, new):
        self.news.append((type(self.current), type(new)))
        self.current = new

    def call(self, fn, *a, **k):
        with self.lock:
            self.current.enter()
            mine = self.current
            news, self.news = self.news, []
        self.tell(news)
        ending = "leave"
        try:
            value = fn(*a, **k)
            ending = "succeeded"
        except Exception as e:
            ending = "failed" if self.is_failure(e) else "leave"
            raise
        finally:
            with self.lock:
                if self.current is mine:
                    getattr(mine, ending)()
                news, self.news = self.news, []
            self.tell(news)
        return value

    def tell(self, news):
        listener = self.on_transition
        for old, new in news:
            if listener is not None:
                listener(old, new)
