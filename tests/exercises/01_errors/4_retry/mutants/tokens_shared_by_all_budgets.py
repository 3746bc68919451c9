# fails "two budgets share nothing" with "nobody"
class Budget:
    """Tokens for retries, shared by many calls. Starts empty.

    Args:
        ratio: tokens that each success of a first attempt pays in.
        min_per_s: tokens that arrive each second.
        clock: time is read from `clock.monotonic()`; None is the real clock.
    """

    def __init__(
        self, ratio: float = 0.1, min_per_s: float = 1.0, clock: Clock | None = None
    ) -> None:
        self._ratio = ratio
        self._min_per_s = min_per_s
        self._clock = clock or SystemClock()
        Budget._tokens = 0.0
        self._filled_at = self._clock.monotonic()

    def pay_in(self) -> None:
        """A first attempt succeeded."""
        Budget._tokens += self._ratio

    def take(self) -> bool:
        """Whether there was a token for a retry. It is taken."""
        now = self._clock.monotonic()
        Budget._tokens += (now - self._filled_at) * self._min_per_s
        self._filled_at = now
        if self._tokens < 1:
            return False
        Budget._tokens -= 1
        return True


def retry(
    fn: Callable[..., Any] | None = None,
    *,
    attempts: int = 4,
    base: float = 0.2,
    cap: float = 5.0,
    deadline: float | None = None,
    retry_on: tuple[type[Exception], ...] = (ConnectionError, TimeoutError),
    budget: Budget | None = None,
    clock: Clock | None = None,
    rng: random.Random | None = None,
) -> Any:
    """The result of `fn()`, tried several times; without `fn`, a decorator.

    Args:
        attempts: calls in all, at least 1.
        base: window of the first wait, in seconds.
        cap: largest window of a wait, in seconds.
        deadline: no wait ends later than this many seconds after the start; None: no limit.
        retry_on: classes of errors that are worth a retry.
        budget: pays for the retries; None: no limit.
        clock: measures and waits; None is the real clock.
        rng: draws the waits; None is a new `random.Random()`.

    >>> retry(lambda: 7 * 6)
    42
    """
    clock = clock or SystemClock()
    window = functools.partial(_window, base, cap, rng or random.Random())
    begin = functools.partial(_Call, attempts, deadline, retry_on, budget, clock, window)

    def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        def retried(*args: Any, **kwargs: Any) -> Any:
            call = begin()
            while True:
                try:
                    return call.succeeded(fn(*args, **kwargs))
                except Exception as error:
                    wait = call.failed(error)
                    if wait is None:
                        raise
                clock.sleep(wait)

        @functools.wraps(fn)
        async def retried_coroutine(*args: Any, **kwargs: Any) -> Any:
            call = begin()
            while True:
                try:
                    return call.succeeded(await fn(*args, **kwargs))
                except Exception as error:
                    wait = call.failed(error)
                    if wait is None:
                        raise
                await clock.asleep(wait)

        return retried_coroutine if inspect.iscoroutinefunction(fn) else retried

    return decorate if fn is None else decorate(fn)()


def _window(base: float, cap: float, rng: random.Random, k: int) -> float:
    """Full jitter: a moment between 0 and the end of the window."""
    return rng.uniform(0, min(cap, base * 2**k))


class _Call:
    """One call of `retry`: how many attempts it had, and what became of them."""

    def __init__(
        self,
        attempts: int,
        deadline: float | None,
        retry_on: tuple[type[Exception], ...],
        budget: Budget | None,
        clock: Clock,
        window: Callable[[int], float],
    ) -> None:
        self._attempts, self._deadline, self._retry_on = attempts, deadline, retry_on
        self._budget, self._clock, self._window = budget, clock, window
        self._started = clock.monotonic()
        self._notes: list[str] = []  # one for each attempt that failed

    def succeeded(self, result: Any) -> Any:
        if self._budget and not self._notes:
            self._budget.pay_in()
        return result

    def failed(self, error: Exception) -> float | None:
        """Seconds until the next attempt; None: the error has its notes, let it out."""
        wait = self._next_wait(error)
        if wait is None:
            for note in self._notes:
                error.add_note(note)
        self._notes.append(f"attempt {len(self._notes) + 1}: {type(error).__name__}: {error}")
        return wait

    def _next_wait(self, error: Exception) -> float | None:
        """Seconds, or None for no retry. The budget is asked last, as it loses a token."""
        if not isinstance(error, self._retry_on) or len(self._notes) + 1 >= self._attempts:
            return None
        wait = _said_by_server(error, self._clock.now())
        if wait is None:
            wait = self._window(len(self._notes))
        ends = self._clock.monotonic() - self._started + wait
        if self._deadline is not None and ends > self._deadline:
            return None
        if self._budget and not self._budget.take():
            return None
        return wait


def _said_by_server(error: Exception, now: float) -> float | None:
    """The `retry_after` of the error in seconds; None if there is nothing to read."""
    said = getattr(error, "retry_after", None)
    if isinstance(said, int | float):
        return said
    if not isinstance(said, str):
        return None
    if said.isdigit():
        return float(said)
    try:
        moment = parsedate_to_datetime(said).timestamp()
    except ValueError:
        return None
    return max(0.0, moment - now)
