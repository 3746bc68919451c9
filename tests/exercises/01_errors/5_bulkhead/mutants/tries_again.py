# fails "gives back the result, or the very same error" with "calls of fn: 2"
class Rejected(Exception):
    """The call was refused, and its function was not called. `reason`: "full" or "timeout"."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the bulkhead refused the call: {reason}")
        self.reason = reason


class Bulkhead:
    """At most so many calls run, so many more wait, and the others are refused at once.

    Args:
        max_concurrent: calls that run at the same time, 1 or more.
        max_waiting: calls that wait for a place, 0 or more.
        wait_timeout: seconds a call waits at most, more than 0.
        clock: waiting goes through `clock.asleep(seconds)`.
        order: who begins when a place is free: "fifo", the first of the line, or "lifo".
    """

    def __init__(
        self,
        max_concurrent: int,
        max_waiting: int,
        wait_timeout: float,
        clock: Clock,
        order: str = "fifo",
    ) -> None:
        self._free = max_concurrent  # above 0 only while nobody waits
        self._line: deque[asyncio.Future[None]] = deque()
        self._max_waiting = max_waiting
        self._wait_timeout = wait_timeout
        self._clock = clock
        self._next = self._line.popleft if order == "fifo" else self._line.pop

    async def call(self, fn: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """The result of `await fn(*args)`, or its error.

        Raises:
            Rejected: the call was refused and `fn` was not called.
        """
        await self._get_place()
        try:
            try:
                return await fn(*args)
            except ConnectionError:
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


class AdaptiveLimit:
    """A number of calls that grows while they are fast and shrinks when they are slow.

    Args:
        min: the limit to start with, 1 or more, and the lowest.
        max: the highest limit.
        target: seconds; a call that took at most as long was fast.
    """

    def __init__(self, min: int, max: int, target: float) -> None:
        self._min, self._max, self._target = min, max, target
        self._exact = float(min)  # a fast call adds only a part of one

    @property
    def limit(self) -> int:
        """How many calls should run at the same time now."""
        return int(self._exact)

    def record(self, latency: float) -> None:
        """A call ended that took so many seconds."""
        if latency <= self._target:
            self._exact = min(self._max, self._exact + 1 / self.limit)
        else:
            self._exact = max(self._min, self.limit * 0.9)
