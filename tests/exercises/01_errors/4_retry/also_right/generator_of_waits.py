# A generator takes each error and gives the next wait; it ends when there is no retry.
import calendar
import email.utils
import threading
from dataclasses import dataclass, field


@dataclass
class Budget:
    ratio: float = 0.1
    min_per_s: float = 1.0
    clock: object = None
    tokens: float = 0.0
    lock: object = field(default_factory=threading.Lock)

    def __post_init__(self):
        self.clock = self.clock or SystemClock()
        self.last = self.clock.monotonic()

    def change(self, amount):
        with self.lock:
            now = self.clock.monotonic()
            self.tokens = min(10.0, self.tokens + (now - self.last) * self.min_per_s)
            self.last = now
            if self.tokens + amount < 0:
                return False
            self.tokens += amount
            return True


def waits(attempts, base, cap, deadline, budget, clock, rng):
    """Send in an error, get a wait. The generator ends when there is no retry."""
    end = None if deadline is None else clock.monotonic() + deadline
    error = yield
    for k in range(attempts - 1):
        wait = said(error, clock.now())
        if wait is None:
            wait = rng.uniform(0, min(cap, base * 2**k))
        if end is not None and clock.monotonic() + wait > end:
            return
        if budget and not budget.change(-1):
            return
        error = yield wait


def said(error, now):
    value = getattr(error, "retry_after", None)
    if isinstance(value, (int, float)):
        return value
    try:
        return int(value)
    except (TypeError, ValueError):
        parts = email.utils.parsedate(value or "")
        return max(0, calendar.timegm(parts) - now) if parts else None


class Attempts:
    def __init__(self, *settings, retry_on, budget):
        self.plan, self.retry_on, self.budget = waits(*settings), retry_on, budget
        self.history = []
        next(self.plan)

    def __enter__(self):
        self.wait = None
        return self

    def __exit__(self, kind, error, traceback):
        if error is None:
            if not self.history and self.budget:
                self.budget.change(self.budget.ratio)
            return False
        if isinstance(error, self.retry_on) and isinstance(error, Exception):
            try:
                self.wait = self.plan.send(error)
            except StopIteration:
                pass
        if self.wait is None:
            for old in self.history:
                error.add_note("before: " + repr(old))
            return False
        self.history.append(error)
        return True


def retry(
    fn=None,
    *,
    attempts=4,
    base=0.2,
    cap=5.0,
    deadline=None,
    retry_on=(ConnectionError, TimeoutError),
    budget=None,
    clock=None,
    rng=None,
):
    clock, rng = clock or SystemClock(), rng or random.Random()

    def begin():
        settings = (attempts, base, cap, deadline, budget, clock, rng)
        return Attempts(*settings, retry_on=retry_on, budget=budget)

    def wrap(fn):
        @functools.wraps(fn)
        def plain(*args, **kwargs):
            attempt = begin()
            while True:
                with attempt:
                    return fn(*args, **kwargs)
                clock.sleep(attempt.wait)

        @functools.wraps(fn)
        async def coroutine(*args, **kwargs):
            attempt = begin()
            while True:
                with attempt:
                    return await fn(*args, **kwargs)
                await clock.asleep(attempt.wait)

        return coroutine if inspect.iscoroutinefunction(fn) else plain

    return wrap(fn)() if fn else wrap
