# %% [markdown] id="title"
# # A circuit breaker you could trust
#
# **Goal:** write a circuit breaker that stays right with twenty threads, slow calls and cancelled
# calls. · **75 minutes** · needs: [Circuit breakers and
# bulkheads](../../../notebooks/01_errors/5_circuit_breakers_and_bulkheads.ipynb)
#
# **Not covered:** `async` functions, slow calls as failures, windows of time, one breaker for
# many processes.

# %% [markdown] id="how"
# ## How to work
#
# There are five tasks. Each adds one thing, and you can check after each. The check stops at the
# first thing that is not right yet. It says what was done, what was expected and what came back.
#
# Read all five tasks first. It takes four minutes and saves twenty.

# %% id="setup" tags=["setup"]
import threading
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

from course_lib.clock import Clock, ManualClock, SystemClock
from course_lib.practice import check, hint, reset, solution

# %% [markdown] id="task-1"
# ## Task 1: let calls through
#
# `breaker.call(fn, 1, 2, unit="s")` calls `fn(1, 2, unit="s")` and gives back its result. If `fn`
# raises, the caller gets that error: the very same object. That holds for every error, your own
# typing mistakes included.
#
# A new breaker is closed. `breaker.state` says so.
#
# Write the states as you like: the `State` below, or plain text. Upper case, lower case, hyphen
# or underscore do not matter.

# %% [markdown] id="task-2"
# ## Task 2: count, and open
#
# - Remember the outcomes of the last `window` calls, and only of those. An outcome counts when
#   its call ends. A call that returns is a success, whatever it returns.
# - With fewer than `min_calls` outcomes the breaker stays closed, even if every call failed.
# - Otherwise it opens when `failures / calls >= failure_rate`. Equal is enough: 7 failures of 25
#   calls reach a rate of 0.28.
# - Look at the rate after every outcome, after a success too. The success may be the call that
#   completes `min_calls`.
# - A `min_calls` larger than the window could never be reached. Raise `ValueError`. Other odd
#   settings are not checked.

# %% [markdown] id="task-3"
# ## Task 3: refuse while open
#
# - An open breaker does not call `fn`. It raises `CircuitOpen`.
# - `error.retry_after` is a number: the seconds until a call may be let in again. You may round
#   up to whole seconds, but not down: the caller would come too early.
# - The time counts from the moment the breaker opened. A refused call does not prolong it.
# - Exactly `open_for` seconds after the opening, a call is let in.
# - Measure with `clock.monotonic()`. `clock.now()` may jump, and a jump must change nothing.
#
# You may change `CircuitOpen`, as long as it stays an exception with `retry_after`.

# %% [markdown] id="task-4"
# ## Task 4: probe while half-open
#
# The call that is let in makes the breaker half-open. Nothing happens at the moment the time is
# up, so when `state` says so is free: with that call, or already when somebody reads `state`.
#
# - A half-open period has `half_open_permits` probes. A probe that succeeds has used its permit
#   up.
# - Further calls are refused. Nobody knows how long it will take, so any `retry_after` of 0 or
#   more will do.
# - When that many probes have succeeded, the breaker closes. The window is empty then: the past
#   is forgotten, the probes too.
# - As soon as one probe fails, the breaker opens again, for a full `open_for`.
# - From here on several calls are inside the service at the same time. So hold no lock while `fn`
#   runs: other threads must get through, and `fn` itself may use the breaker.

# %% [markdown] id="task-5"
# ## Task 5: what really happens in production
#
# - **Errors that do not count.** If `is_failure(error)` is false, the error passes through. It is
#   neither a failure nor a success, and takes no place in the window.
#
#   A probe that ends so gives its permit back. Whether a `CircuitOpen` counts that `fn` itself
#   raises (it may use another breaker) is free.
# - **Cancelled calls.** `KeyboardInterrupt`, `SystemExit` and `asyncio.CancelledError` pass
#   through too, and never count, whatever `is_failure` says. Such a probe also gives its permit
#   back.
# - **Late results.** A result counts only in the period in which its call began. Every change of
#   state ends a period. An older result changes nothing, even if the breaker has the same state
#   again.
# - **Reports.** After each change of state, `on_transition(old, new)` is called, once and in
#   order. It can be set at any time, and `None` means nobody listens. No lock is held meanwhile:
#   it may read the breaker and call through it, or through another one.
#
#   A change that such a call causes is reported too. What happens if it raises is free. So is the
#   order of reports from different threads.
# - **Two breakers** share nothing.
# - **Threads.** All of this holds when twenty threads call at the same moment.


# %% id="breaker" tags=["solution"]
class State(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitOpen(Exception):
    """Refused. `retry_after`: seconds until a call may pass, 0 or more."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"circuit open, try again in {retry_after:g} s")
        self.retry_after = retry_after


class CircuitBreaker:
    """Stops calling a service when too many recent calls failed. Thread-safe.

    Args:
        window: how many outcomes are remembered.
        min_calls: with fewer outcomes than this, it never opens.
        failure_rate: it opens when this share of the remembered calls failed.
        open_for: seconds without any call to the service.
        half_open_permits: number of probes that must succeed before it closes.
        is_failure: says of an error whether the service is to blame.
        clock: gives durations, `clock.monotonic()`; None is the real clock.

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
        # TODO: keep the settings; what must be remembered? (all tasks)
        ### BEGIN SOLUTION
        if min_calls > window:
            raise ValueError(f"min_calls must be at most the window of {window}, got {min_calls}")
        self._min_calls = min_calls
        self._failure_rate = failure_rate
        self._open_for = open_for
        self._half_open_permits = half_open_permits
        self._is_failure = is_failure
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()  # guards all that follows
        self._failed: deque[bool] = deque(maxlen=window)
        self._unreported: deque[tuple[State, State]] = deque()
        self._reporting = False
        self._begin(State.CLOSED)
        ### END SOLUTION

    @property
    def state(self) -> State:
        """CLOSED, OPEN or HALF_OPEN."""
        # TODO: tasks 1 and 4
        ### BEGIN SOLUTION
        return self._state
        ### END SOLUTION

    def call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The result of `fn(*args, **kwargs)`, or its error.

        Raises:
            CircuitOpen: the call was refused and `fn` was not called.
        """
        # TODO: tasks 1 to 5; write helper methods below as you need them
        ### BEGIN SOLUTION
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
        ### END SOLUTION


# %% id="check" tags=["check"]
check("01.5-circuit-breaker")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("01.5-circuit-breaker")` shows a
# worked answer, and `reset("01.5-circuit-breaker")` gives you the empty task back. Your version
# is kept beside it.

# %% id="hint" tags=["check"]
hint("01.5-circuit-breaker")

# %% [markdown] id="playground"
# ## Try it by hand
#
# Write a script, one letter a second: `s` the service answers, `f` it fails, `.` nobody calls.
# The second line shows the state after each: `-` closed, `O` open, `h` half-open. Bet on the line
# before you run the cell. Then change the script, or the numbers.


# %% id="ribbon" tags=["play"]
def answer():
    return "served"


def fail():
    raise ConnectionError("no answer")


def ribbon(script, **settings):
    clock = ManualClock()
    breaker = CircuitBreaker(clock=clock, **settings)
    line = ""
    for letter in script:
        if letter != ".":
            try:
                breaker.call(fail if letter == "f" else answer)
            except (ConnectionError, CircuitOpen):
                pass
        state = str(breaker.state).lower()
        line += "-" if "closed" in state else "h" if "half" in state else "O"
        clock.advance(1)
    print(script)
    print(line)


# %% id="play" tags=["play"]
try:
    settings = {
        "window": 4,
        "min_calls": 4,
        "open_for": 5.0,
        "half_open_permits": 2,
    }
    ribbon("ssfsfff...s...ssf.....ssss", **settings)
except NotImplementedError:
    print("Nothing to play with yet: write the breaker first.")

# %% [markdown] id="question"
# ## To think about
#
# A payment provider bills you for every call, also for those that fail. Which of the five numbers
# would you change first, in which direction? What does that cost you on a quiet night? There is
# no single right answer, and no check.
