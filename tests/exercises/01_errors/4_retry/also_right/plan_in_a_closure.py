"""Written from the catalogue: Budget without defaults, `except retry_on`, an inner class per call."""


class Budget:
    def __init__(self, ratio, min_per_s, clock):
        self.ratio, self.rate, self.clock = ratio, min_per_s, clock
        self.tokens, self.at = 0, clock.monotonic()

    def refill(self):
        now = self.clock.monotonic()
        self.tokens += self.rate * (now - self.at)
        self.at = now

    def success(self):
        self.tokens += self.ratio

    def spend(self):
        self.refill()
        if self.tokens >= 1:
            self.tokens -= 1
            return True
        return False


def _said(error, clock):
    value = getattr(error, "retry_after", None)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        return max(0, parsedate_to_datetime(value).timestamp() - clock.now())
    except (TypeError, ValueError, IndexError):
        return None


def retry(
    fn=None,
    *,
    attempts=4,
    base=0.2,
    cap=5.0,
    deadline=None,
    retry_on=(ConnectionError, TimeoutError),
    budget=None,
    clock=SystemClock(),
    rng=random,
):
    def plan():
        start, errors = clock.monotonic(), []

        def next_wait(error):
            errors.append(error)
            k = len(errors) - 1

            def give_up():
                for e in errors[:-1]:
                    error.add_note(f"{type(e).__name__}({e})")
                raise error

            if not isinstance(error, retry_on) or len(errors) == attempts:
                give_up()
            wait = _said(error, clock)
            if wait is None:
                wait = rng.random() * min(cap, base * 2**k)
            if deadline is not None and clock.monotonic() + wait > start + deadline:
                give_up()
            if budget is not None and not budget.spend():
                give_up()
            return wait

        def won():
            if budget is not None and not errors:
                budget.success()

        return next_wait, won

    def decorator(f):
        if asyncio.iscoroutinefunction(f):

            @functools.wraps(f)
            async def g(*a, **k):
                next_wait, won = plan()
                for _ in range(attempts):
                    try:
                        r = await f(*a, **k)
                    except Exception as e:
                        w = next_wait(e)
                    else:
                        won()
                        return r
                    await clock.asleep(w)
        else:

            @functools.wraps(f)
            def g(*a, **k):
                next_wait, won = plan()
                for _ in range(attempts):
                    try:
                        r = f(*a, **k)
                    except Exception as e:
                        w = next_wait(e)
                    else:
                        won()
                        return r
                    clock.sleep(w)

        return g

    return decorator(fn)() if fn else decorator
