# %% [markdown] id="title"
# # A retry that does not make it worse
#
# **Goal:** write a retry with jitter, a deadline and a budget, for plain and for coroutine
# functions. · **60 minutes** · needs: [Retries that do not make it
# worse](../../../notebooks/01_errors/4_retries_that_do_not_make_it_worse.ipynb)
#
# **Not covered:** threads that share a budget, hedged requests, metrics, which HTTP methods may
# be repeated.

# %% [markdown] id="how"
# ## How to work
#
# There are five tasks. Each adds one thing, and you can check after each. The check stops at the
# first thing that is not right yet. It says what was done, what was expected and what came back.
#
# Read all five tasks first. It takes four minutes and saves twenty.
#
# All waiting goes through `clock.sleep(seconds)`, and durations come from `clock.monotonic()`.
# A wait of 0 seconds may be left out. All chance comes from `rng`, a `random.Random`.

# %% id="setup" tags=["setup"]
import asyncio
import functools
import inspect
import random
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from course_lib.clock import Clock, ManualClock, SystemClock
from course_lib.practice import check, hint, reset, solution

# %% [markdown] id="task-1"
# ## Task 1: call again
#
# - `retry(fn)` calls `fn()` and gives back its result, whatever it is. `None` is a result.
# - If `fn` raises one of the classes in `retry_on`, it is called again. There are `attempts` calls
#   in all, the first one included. `retry_on` is a tuple of classes of `Exception`.
# - After the last attempt, its error comes out: the very same object.
# - Any other error comes out at once, as the same object. `KeyboardInterrupt`, `SystemExit` and
#   `asyncio.CancelledError` are never retried.
# - The error that finally comes out tells what happened before it. It gets one note for each
#   earlier attempt, oldest first, with the type and the message of that attempt's error. Use
#   `error.add_note(text)`. This holds whatever ended the retries.

# %% [markdown] id="task-2"
# ## Task 2: wait, longer each time, and with jitter
#
# - Before each retry it sleeps. `k` is 0 before the first retry, 1 before the second.
# - The wait is anywhere between 0 and `min(cap, base * 2**k)`, each moment equally likely, and
#   drawn anew for each retry. This is called full jitter.
# - It does not sleep after the last attempt, or when it will not call again.
# - The same seed of `rng` gives the same waits.

# %% [markdown] id="task-3"
# ## Task 3: the deadline, and what the server says
#
# - `deadline` is in seconds from the start of this call of `retry`. The time inside `fn` counts.
#   `None` means no deadline.
# - If a wait would end after the deadline, it does not sleep: the error comes out now. A wait
#   that ends exactly at the deadline is free: you may make it or not.
# - If the error has an attribute `retry_after` that can be read, it is the exact wait: no jitter,
#   and not cut at `cap`.
# - It can be read when it is a number of seconds, digits in text such as `"7"`, or the text of
#   an HTTP date such as `"Thu, 01 Jan 2026 00:01:30 GMT"`. A date is compared with `clock.now()`.
#   A date in the past means 0 seconds. Other forms of a date, and negative numbers, are free.
# - `None`, or text such as `"soon"`, cannot be read. Then the wait is as in task 2.
# - `retry_after` cannot move the deadline either.

# %% [markdown] id="task-4"
# ## Task 4: the budget
#
# A `Budget` is shared by many calls. It holds tokens and starts empty.
#
# - Each call of `retry` whose *first* attempt succeeds pays in `ratio` of a token. Later attempts
#   pay nothing.
# - `min_per_s` tokens arrive each second, a part of a token in a part of a second.
# - Each retry takes one token. With less than one token there is no retry: the error comes out
#   now.
# - The token is taken before the sleep. A retry that does not happen takes none: ask the
#   attempts and the deadline first.
# - Two budgets share nothing.
# - How `retry` talks to `Budget` is up to you, and so are the defaults of `Budget`. An upper limit
#   is free: the check never saves up more than ten tokens. Its numbers have no rounding errors.

# %% [markdown] id="task-5"
# ## Task 5: as a decorator, and for coroutine functions
#
# - Without a function, `retry(attempts=3)` is a decorator. The decorated function passes its
#   arguments on and keeps its `__name__`.
# - Each call of a decorated function is a call of its own: new attempts, a new deadline.
# - If the decorated function is a coroutine function (`async def`), so is the result. It waits
#   with `await clock.asleep(seconds)`. Tasks 1 to 4 hold for it too.
# - A task that is cancelled while it runs or waits ends at once with `CancelledError`.
# - In the form `retry(fn)`, the function is always a plain one.


# %% id="retry" tags=["solution"]
class Budget:
    """Tokens for retries, shared by many calls. Starts empty.

    Args:
        ratio: tokens that each success of a first attempt pays in.
        min_per_s: tokens that arrive each second.
        clock: time is read from `clock.monotonic()`; None is the real clock.
    """

    def __init__(
        self,
        ratio: float = 0.1,
        min_per_s: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        # TODO: keep the settings, and write what `retry` needs (task 4)
        ### BEGIN SOLUTION
        self._ratio = ratio
        self._min_per_s = min_per_s
        self._clock = clock or SystemClock()
        self._tokens = 0.0
        self._filled_at = self._clock.monotonic()

    def pay_in(self) -> None:
        """A first attempt succeeded."""
        self._tokens += self._ratio

    def take(self) -> bool:
        """Whether there was a token for a retry. It is taken."""
        now = self._clock.monotonic()
        self._tokens += (now - self._filled_at) * self._min_per_s
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
        ### END SOLUTION


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
        deadline: no wait ends later than this many seconds after the start;
            None: no limit.
        retry_on: classes of errors that are worth a retry.
        budget: pays for the retries; None: no limit.
        clock: measures and waits; None is the real clock.
        rng: draws the waits; None is a new `random.Random()`.

    >>> retry(lambda: 7 * 6)
    42
    """
    # TODO: tasks 1 to 5; write helpers below as you need them
    ### BEGIN SOLUTION
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
    ### END SOLUTION


# %% id="check" tags=["check"]
check("01.4-retry")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("01.4-retry")` shows a worked
# answer, and `reset("01.4-retry")` gives you the empty task back. Your version is kept beside it.

# %% id="hint" tags=["check"]
hint("01.4-retry")

# %% [markdown] id="playground"
# ## Try it by hand
#
# Write a script, one letter a call: `f` the service fails, `s` it answers, `r` it fails and says
# "come back in 3 seconds". Each call takes half a second. Bet on the waits before you run the
# cell. Then change the script, the deadline or the seed.


# %% id="story" tags=["play"]
class ComeBackLater(ConnectionError):
    retry_after = 3


def story(script, **settings):
    clock, calls = ManualClock(), iter(script)

    def service():
        clock.advance(0.5)
        letter = next(calls)
        if letter != "s":
            refused = ComeBackLater("busy")
            raise refused if letter == "r" else ConnectionError("no answer")
        return "answered"

    try:
        outcome = retry(service, clock=clock, rng=random.Random(1), **settings)
    except ConnectionError as error:
        outcome = f"{error}, with {len(getattr(error, '__notes__', []))} notes"
    waits = [round(wait, 2) for wait in clock.waits]
    print(f"{outcome} at {clock.monotonic():.2f} s; waits:", waits)


# %% id="play" tags=["play"]
try:
    story("ffs")
    story("ffff")
    story("frs")
    story("ffffffff", attempts=8, deadline=4.0)
except NotImplementedError:
    print("Nothing to play with yet: write the retry first.")

# %% [markdown] id="question"
# ## To think about
#
# The budget protects the service. It also means that a customer sees an error which one more try
# might have spared him. For which calls of a shop would you have no budget at all? Which calls
# would you never retry, budget or not?
#
# There is no single right answer, and no check.
