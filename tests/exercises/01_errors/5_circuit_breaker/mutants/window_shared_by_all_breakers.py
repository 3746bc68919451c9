# fails "two breakers share nothing" with "of the second"
class State(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitOpen(Exception):
    """The call was refused. `retry_after`: seconds until a call may be let in, 0 or more."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"the circuit is open, try again in {retry_after:g} s")
        self.retry_after = retry_after


class CircuitBreaker:
    """Calls a service, and stops calling it when too many recent calls failed. Thread-safe.

    Args:
        window: how many outcomes are remembered.
        min_calls: with fewer outcomes than this, it never opens.
        failure_rate: it opens when this share of the remembered calls failed.
        open_for: seconds without any call to the service.
        half_open_permits: number of probes that must succeed before it closes.
        is_failure: says of an error whether the service is to blame.
        clock: durations are read from `clock.monotonic()`; None is the real clock.

    Raises:
        ValueError: `min_calls` is larger than `window`.

    >>> breaker = CircuitBreaker(window=2, min_calls=2, clock=ManualClock())
    >>> breaker.call(max, 3, 5)
    5
    >>> breaker.state
    <State.CLOSED: 'closed'>
    """

    on_transition: Callable[[State, State], object] | None = None

    def __init__(
        self,
        *,
        window: int = 20,
        min_calls: int = 10,
        failure_rate: float = 0.5,
        open_for: float = 30.0,
        half_open_permits: int = 3,
        is_failure: Callable[[Exception], bool] = lambda error: True,
        clock: Clock | None = None,
    ) -> None:
        if min_calls > window:
            raise ValueError(f"min_calls must be at most the window of {window}, got {min_calls}")
        self._min_calls = min_calls
        self._failure_rate = failure_rate
        self._open_for = open_for
        self._half_open_permits = half_open_permits
        self._is_failure = is_failure
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()  # guards all that follows
        CircuitBreaker._failed = deque(maxlen=window)
        self._unreported: deque[tuple[State, State]] = deque()
        self._reporting = False
        self._begin(State.CLOSED)

    @property
    def state(self) -> State:
        """CLOSED, OPEN or HALF_OPEN."""
        return self._state

    def call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The result of `fn(*args, **kwargs)`, or its error.

        Raises:
            CircuitOpen: the call was refused and `fn` was not called.
        """
        permit = self._before()
        ok = None  # neither success nor failure, until we know better
        try:
            self._report()
            result = fn(*args, **kwargs)
            ok = True
            return result
        except Exception as error:
            if self._is_failure(error):
                ok = False
            raise
        finally:
            self._after(permit, ok)
            self._report()

    def _before(self) -> object:
        """A permit, which is the token of the current period, or CircuitOpen."""
        with self._lock:
            if self._state is State.OPEN:
                wait = self._open_until - self._clock.monotonic()
                if wait > 0:
                    raise CircuitOpen(wait)
                self._change_to(State.HALF_OPEN)
            if self._state is State.HALF_OPEN:
                if self._permits == 0:
                    raise CircuitOpen(0.0)  # a probe may end at any moment
                self._permits -= 1
            return self._period

    def _after(self, permit: object, ok: bool | None) -> None:
        """Count the outcome of a call, if it began in this period."""
        with self._lock:
            if permit is not self._period:
                return
            if self._state is State.CLOSED:
                self._after_call(ok)
            else:
                self._after_probe(ok)

    def _after_call(self, ok: bool | None) -> None:
        if ok is None:
            return
        self._failed.append(not ok)
        calls, failures = len(self._failed), sum(self._failed)
        # A division, as in the contract: 0.28 * 25 is a little more than 7.
        if calls >= self._min_calls and failures / calls >= self._failure_rate:
            self._change_to(State.OPEN)

    def _after_probe(self, ok: bool | None) -> None:
        if ok is None:
            self._permits += 1
        elif not ok:
            self._change_to(State.OPEN)
        else:
            self._missing -= 1
            if self._missing == 0:
                self._change_to(State.CLOSED)

    def _change_to(self, state: State) -> None:
        self._unreported.append((self._state, state))
        self._begin(state)

    def _begin(self, state: State) -> None:
        """A new period, with nothing left of the old one."""
        self._state = state
        self._period = object()  # a token: no two periods have the same
        self._failed.clear()
        self._open_until = self._clock.monotonic() + self._open_for
        self._permits = self._half_open_permits  # probes that may still start
        self._missing = self._half_open_permits  # probes that must still succeed

    def _report(self) -> None:
        """Tell the listener, one change after the other. The lock is not held meanwhile."""
        while True:
            with self._lock:
                if self._reporting or not self._unreported:
                    return  # if another thread is reporting, it will report ours too
                self._reporting = True
                change = self._unreported.popleft()
            listener = self.on_transition
            try:
                if listener:
                    listener(*change)
            finally:
                with self._lock:
                    self._reporting = False
