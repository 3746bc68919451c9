# %% [markdown] id="title"
# # A bulkhead that never loses a place
#
# **Goal:** write a bulkhead for coroutines, with a short line of waiting calls, and a limit that
# adapts itself. · **60 minutes** · needs: [Circuit breakers and
# bulkheads](../../../notebooks/01_errors/5_circuit_breakers_and_bulkheads.ipynb)
#
# **Not covered:** threads, several event loops, priorities, one limit for many processes.

# %% [markdown] id="how"
# ## How to work
#
# There are five tasks. Each adds one thing, and you can check after each. The check stops at the
# first thing that is not right yet. It says what was done, what was expected and what came back.
#
# Read all five tasks first. It takes four minutes and saves twenty.
#
# Everything runs in one event loop. Between two `await`s nobody else runs, so you need no lock.

# %% id="setup" tags=["setup"]
import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from course_lib.clock import Clock
from course_lib.practice import check, hint, reset, solution

# %% [markdown] id="task-1"
# ## Task 1: so many, and no more
#
# - `await bulkhead.call(fn, 1, 2)` awaits `fn(1, 2)`, once, and gives back its result. If `fn`
#   raises, the caller gets that error: the very same object.
# - At most `max_concurrent` calls of `fn` run at the same time.
# - A call that finds no place is refused: it raises `Rejected`, and `fn` is not called. Its
#   `reason` is `"full"`. That is all you need while `max_waiting` is 0.
# - However a call ends, its place is free again: by a result, an error, or because its task is
#   cancelled. Wrong arguments for `fn` are such an error, too. `asyncio.CancelledError` is never
#   swallowed.
# - Two bulkheads share nothing.

# %% [markdown] id="task-2"
# ## Task 2: a line
#
# - A call that finds no place waits in a line, if fewer than `max_waiting` calls wait there.
#   Otherwise it is refused at once, as in task 1.
# - When a call ends, the one that has waited longest begins. This is called FIFO: first in, first
#   out.
# - A call that has begun does not wait any more. Its place in the line is free.

# %% [markdown] id="task-3"
# ## Task 3: not for ever
#
# - A call that has waited `wait_timeout` seconds is refused. Its `reason` is `"timeout"`. It
#   leaves the line. Each call has its own time, from the moment it began to wait.
# - Measure with the `clock`. `asyncio.wait_for` looks at the clock of the event loop, so a test
#   could not move it. Here is how to wait for a future, but no longer than the clock says:
#
# ```python
# # somebody else calls turn.set_result(None)
# turn = asyncio.get_running_loop().create_future()
# timer = asyncio.ensure_future(clock.asleep(seconds))
# await asyncio.wait({turn, timer}, return_when=asyncio.FIRST_COMPLETED)
# ```
#
# - `asyncio.wait` ends as soon as one of the two is done. It cancels neither. So cancel the timer
#   when the call does not wait any more, whatever the reason.
# - If the time is over at the very moment at which a place becomes free, the call may begin or be
#   refused. Both are right. But the place must not get lost.

# %% [markdown] id="task-4"
# ## Task 4: everything at the same moment
#
# - A call that is cancelled while it waits leaves the line. Its place in the line is free. If its
#   time is over at that very moment, it may be refused instead.
# - It may be cancelled just when its turn has come, before it begins. Then the next in the line
#   gets the turn.
# - A newcomer does not overtake. If a call's turn has come but it has not begun yet, a newcomer
#   finds that place taken.
# - With `order="lifo"`, the call that began to wait *last* begins first. Under overload this is
#   often better: who has waited longest has probably given up. The other rules stay, and a call
#   for which there is no place in the line is still refused.

# %% [markdown] id="task-5"
# ## Task 5: a limit that adapts
#
# How large should `max_concurrent` be? `AdaptiveLimit` finds out from the times of the calls. It
# stands alone: it is not connected to the bulkhead, nor to another limit.
#
# - `record(latency)` is called with the seconds that a call took. At most `target` is *fast*, more
#   is *slow*.
# - `limit` is an `int`. It starts at `min`, and is never below `min` or above `max`.
# - A fast call raises it by at most 1, and never lowers it. After at most twice `limit` fast calls
#   in a row it is higher, unless it is `max` already.
# - A slow call never raises it. After `limit` slow calls in a row it is lower by at least 20 per
#   cent, or it is `min`. How much a single slow call changes is free.
#
# This is how TCP (the protocol below HTTP) finds its speed: grow slowly, shrink fast. It is called
# AIMD.


# %% id="bulkhead" tags=["solution"]
class Rejected(Exception):
    """The call was refused and not made. `reason`: "full" or "timeout"."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the bulkhead refused the call: {reason}")
        self.reason = reason


class Bulkhead:
    """At most so many calls run, so many more wait; the others are refused.

    Args:
        max_concurrent: calls that run at the same time, 1 or more.
        max_waiting: calls that wait for a place, 0 or more.
        wait_timeout: seconds a call waits at most, more than 0.
        clock: waiting goes through `clock.asleep(seconds)`.
        order: who begins when a place is free: "fifo", the first of the line,
            or "lifo".
    """

    def __init__(
        self,
        max_concurrent: int,
        max_waiting: int,
        wait_timeout: float,
        clock: Clock,
        order: str = "fifo",
    ) -> None:
        # TODO: keep the settings; what must be remembered? (tasks 1, 2, 4)
        ### BEGIN SOLUTION
        self._free = max_concurrent  # above 0 only while nobody waits
        self._line: deque[asyncio.Future[None]] = deque()
        self._max_waiting = max_waiting
        self._wait_timeout = wait_timeout
        self._clock = clock
        self._next = self._line.popleft if order == "fifo" else self._line.pop
        ### END SOLUTION

    async def call(self, fn: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """The result of `await fn(*args)`, or its error.

        Raises:
            Rejected: the call was refused and `fn` was not called.
        """
        # TODO: tasks 1 to 4; write helper methods below as you need them
        ### BEGIN SOLUTION
        await self._get_place()
        try:
            return await fn(*args)
        finally:
            self._pass_on()

    async def _get_place(self) -> None:
        if self._free:
            self._free -= 1
            return
        if len(self._line) >= self._max_waiting:
            raise Rejected("full")
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await self._wait_for(turn)
        except BaseException:
            if turn.done():
                self._pass_on()  # we were given a place, and will not use it
            else:
                self._line.remove(turn)
            raise

    async def _wait_for(self, turn: asyncio.Future[None]) -> None:
        timer = asyncio.ensure_future(self._clock.asleep(self._wait_timeout))
        try:
            await asyncio.wait({turn, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        if not turn.done():
            raise Rejected("timeout")

    def _pass_on(self) -> None:
        """Hand our place to the next in the line. It is never free in between."""
        if self._line:
            self._next().set_result(None)
        else:
            self._free += 1
        ### END SOLUTION


class AdaptiveLimit:
    """A number of calls that grows while they are fast, and shrinks if not.

    Args:
        min: the limit to start with, 1 or more, and the lowest.
        max: the highest limit.
        target: seconds; a call that took at most as long was fast.
    """

    def __init__(self, min: int, max: int, target: float) -> None:
        # TODO: task 5
        ### BEGIN SOLUTION
        self._min, self._max, self._target = min, max, target
        self._exact = float(min)  # a fast call adds only a part of one
        ### END SOLUTION

    @property
    def limit(self) -> int:
        """How many calls should run at the same time now."""
        # TODO: task 5
        ### BEGIN SOLUTION
        return int(self._exact)
        ### END SOLUTION

    def record(self, latency: float) -> None:
        """A call ended that took so many seconds."""
        # TODO: task 5
        ### BEGIN SOLUTION
        if latency <= self._target:
            self._exact = min(self._max, self._exact + 1 / self.limit)
        else:
            self._exact = max(self._min, self.limit * 0.9)
        ### END SOLUTION


# %% id="check" tags=["check"]
check("01.5-bulkhead")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("01.5-bulkhead")` shows a worked
# answer, and `reset("01.5-bulkhead")` gives you the empty task back. Your version is kept beside
# it.

# %% id="hint" tags=["check"]
hint("01.5-bulkhead")

# %% [markdown] id="playground"
# ## Try it by hand
#
# A service can do `capacity` calls at once in 0.1 seconds each. With more, each takes longer.
#
# In the middle of the story its capacity falls to a third. The line shows the limit after every 25
# calls. Bet on its shape before you run the cell. Then change the target, or the capacity.


# %% id="story" tags=["play"]
def story(capacity, target, calls=1000):
    limit, shown = AdaptiveLimit(min=2, max=100, target=target), []
    for number in range(calls):
        can = capacity if number < calls / 2 else capacity / 3
        limit.record(0.1 * max(1.0, limit.limit / can))
        if number % 25 == 24:
            shown.append(limit.limit)
    print(f"capacity {capacity}, target {target} s:", *shown)


# %% id="play" tags=["play"]
try:
    story(capacity=30, target=0.12)
    story(capacity=30, target=0.5)
except NotImplementedError:
    print("Nothing to play with yet: write AdaptiveLimit first.")

# %% [markdown] id="question"
# ## To think about
#
# A shop has two kinds of callers: people who pay, and robots that read the catalogue. Would you
# give them one bulkhead or two? And if it is one: fifo or lifo? There is no single right answer,
# and no check.
