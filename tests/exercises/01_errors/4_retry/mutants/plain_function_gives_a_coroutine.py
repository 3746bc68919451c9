# fails "a decorated coroutine function is awaited and retried" with "a coroutine function"
class Budget:
    def __init__(self, ratio=0.1, min_per_s=1.0, clock=None):
        self.ratio, self.min_per_s = ratio, min_per_s
        self.clock = clock or SystemClock()
        self.tokens = 0.0
        self.last = self.clock.monotonic()

    def pay(self, attempt):
        if attempt == 1:
            self.tokens += self.ratio

    def take(self):
        now = self.clock.monotonic()
        self.tokens += (now - self.last) * self.min_per_s
        self.last = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def said(error, clock):
    value = getattr(error, "retry_after", None)
    if value is None:
        return None
    try:
        return float(value)
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - clock.now())


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

    def wait_after(error, attempt, started):
        if not isinstance(error, retry_on) or attempt == attempts:
            return None
        wait = said(error, clock)
        if wait is None:
            wait = rng.uniform(0, min(cap, base * 2 ** (attempt - 1)))
        if deadline is not None and clock.monotonic() - started + wait > deadline:
            return None
        if budget and not budget.take():
            return None
        return wait

    def decorate(fn):
        @functools.wraps(fn)
        def plain(*args, **kwargs):
            started, notes = clock.monotonic(), []
            for attempt in range(1, attempts + 1):
                try:
                    result = fn(*args, **kwargs)
                    if budget:
                        budget.pay(attempt)
                    return result
                except Exception as error:
                    wait = wait_after(error, attempt, started)
                    if wait is None:
                        for note in notes:
                            error.add_note(note)
                        raise
                    notes.append(repr(error))
                clock.sleep(wait)

        @functools.wraps(fn)
        async def coroutine(*args, **kwargs):
            started, notes = clock.monotonic(), []
            for attempt in range(1, attempts + 1):
                try:
                    result = await fn(*args, **kwargs)
                    if budget:
                        budget.pay(attempt)
                    return result
                except Exception as error:
                    wait = wait_after(error, attempt, started)
                    if wait is None:
                        for note in notes:
                            error.add_note(note)
                        raise
                    notes.append(repr(error))
                await clock.asleep(wait)

        @functools.wraps(fn)
        def started_later(*args, **kwargs):
            return coroutine(*args, **kwargs)

        return started_later if inspect.iscoroutinefunction(fn) else plain

    return decorate if fn is None else decorate(fn)()
