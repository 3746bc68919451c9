# Each try calls the next one; an object holds the settings of all.
from datetime import datetime


class Budget:
    def __init__(self, ratio=0.1, min_per_s=1.0, clock=None):
        self.ratio = ratio
        self.min_per_s = min_per_s
        self.clock = SystemClock() if clock is None else clock
        self.empty_at = self.clock.monotonic()
        self.extra = 0.0

    def on_success(self, attempt):
        if attempt == 0:
            self.extra += self.ratio

    def allows(self):
        now = self.clock.monotonic()
        self.extra += self.min_per_s * (now - self.empty_at)
        self.empty_at = now
        if self.extra >= 1:
            self.extra -= 1
            return True
        return False


class Unlimited:
    def on_success(self, attempt):
        pass

    def allows(self):
        return True


def seconds_from(value, now):
    if isinstance(value, str):
        if value.strip().isdigit():
            return int(value)
        try:
            date = datetime.strptime(value, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
        except ValueError:
            return None
        return max(date.timestamp() - now, 0)
    return value


def retry(fn=None, **settings):
    if fn is None:
        return functools.partial(decorated, settings)
    return Story(**settings).run(fn, 0)


def decorated(settings, fn):
    if inspect.iscoroutinefunction(fn):

        async def wrapper(*args, **kwargs):
            return await Story(**settings).run_async(lambda: fn(*args, **kwargs), 0)
    else:

        def wrapper(*args, **kwargs):
            return Story(**settings).run(lambda: fn(*args, **kwargs), 0)

    wrapper.__name__ = fn.__name__
    return wrapper


class Story:
    def __init__(
        self,
        attempts=4,
        base=0.2,
        cap=5.0,
        deadline=None,
        retry_on=(ConnectionError, TimeoutError),
        budget=None,
        clock=None,
        rng=None,
    ):
        self.attempts, self.base, self.cap = attempts, base, cap
        self.retry_on = retry_on
        self.budget = budget or Unlimited()
        self.clock = clock or SystemClock()
        self.rng = rng or random.Random()
        self.until = float("inf") if deadline is None else self.clock.monotonic() + deadline
        self.errors = []

    def run(self, fn, k):
        try:
            result = fn()
        except Exception as error:
            wait = self.wait(error, k)
        else:
            self.budget.on_success(k)
            return result
        self.clock.sleep(wait)
        return self.run(fn, k + 1)

    async def run_async(self, fn, k):
        try:
            result = await fn()
        except Exception as error:
            wait = self.wait(error, k)
        else:
            self.budget.on_success(k)
            return result
        await self.clock.asleep(wait)
        return await self.run_async(fn, k + 1)

    def wait(self, error, k):
        wait = seconds_from(getattr(error, "retry_after", None), self.clock.now())
        if wait is None:
            wait = self.rng.random() * min(self.cap, self.base * 2**k)
        again = (
            isinstance(error, self.retry_on)
            and k + 1 < self.attempts
            and self.clock.monotonic() + wait <= self.until
            and self.budget.allows()
        )
        if not again:
            for number, (kind, text) in enumerate(self.errors, 1):
                error.add_note(f"{number}. {kind}: {text}")
            raise error
        self.errors.append((type(error).__name__, str(error)))
        return wait
