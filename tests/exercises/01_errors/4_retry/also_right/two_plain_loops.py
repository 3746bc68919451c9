# One loop for functions and one for coroutines; both ask the same inner function for the pause.
class Budget:
    def __init__(self, ratio=0.1, min_per_s=1.0, clock=None):
        self.ratio, self.min_per_s = ratio, min_per_s
        self.clock = clock or SystemClock()
        self.paid = 0.0
        self.spent = 0
        self.born = self.clock.monotonic()

    def tokens(self):
        arrived = (self.clock.monotonic() - self.born) * self.min_per_s
        return self.paid + arrived - self.spent


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
    clock = clock or SystemClock()
    rng = rng or random.Random()

    def pause(error, attempt, started):
        """Seconds, or None."""
        if attempt == attempts:
            return None
        seconds = server_says(error, clock)
        if seconds is None:
            seconds = rng.random() * min(cap, base * 2 ** (attempt - 1))
        if deadline is not None and clock.monotonic() + seconds >= started + deadline:
            return None
        if budget is not None:
            if budget.tokens() < 1:
                return None
            budget.spent += 1
        return seconds

    def call_plain(function, args, kwargs):
        started, notes = clock.monotonic(), []
        for attempt in range(1, attempts + 1):
            try:
                result = function(*args, **kwargs)
            except retry_on as error:
                seconds = pause(error, attempt, started)
                if seconds is None:
                    add_all(error, notes)
                    raise
                notes.append(f"{type(error).__name__}({error})")
            except Exception as error:
                add_all(error, notes)
                raise
            else:
                if attempt == 1 and budget is not None:
                    budget.paid += budget.ratio
                return result
            if seconds > 0:
                clock.sleep(seconds)

    async def call_coroutine(function, args, kwargs):
        started, notes = clock.monotonic(), []
        for attempt in range(1, attempts + 1):
            try:
                result = await function(*args, **kwargs)
            except retry_on as error:
                seconds = pause(error, attempt, started)
                if seconds is None:
                    add_all(error, notes)
                    raise
                notes.append(f"{type(error).__name__}({error})")
            except Exception as error:
                add_all(error, notes)
                raise
            else:
                if attempt == 1 and budget is not None:
                    budget.paid += budget.ratio
                return result
            if seconds > 0:
                await clock.asleep(seconds)

    if fn is not None:
        return call_plain(fn, (), {})

    def decorate(function):
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args, **kwargs):
                return await call_coroutine(function, args, kwargs)
        else:

            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return call_plain(function, args, kwargs)

        return wrapper

    return decorate


def add_all(error, notes):
    for note in notes:
        error.add_note(note)


def server_says(error, clock):
    said = getattr(error, "retry_after", None)
    if said is None:
        return None
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - clock.now())
    except (TypeError, ValueError):
        return None
