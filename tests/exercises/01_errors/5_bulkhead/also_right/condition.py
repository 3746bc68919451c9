# Each waiting call has an event under its number; who leaves hands the place to the next.
import itertools


class Rejected(RuntimeError):
    reason = ""


def rejected(reason):
    error = Rejected(f"no place: {reason}")
    error.reason = reason
    return error


class Bulkhead:
    """Tickets are numbers in a list; every change wakes all who wait, and each looks for itself."""

    def __init__(self, max_concurrent, max_waiting, wait_timeout, clock, order="fifo"):
        self.places = max_concurrent
        self.max_waiting = max_waiting
        self.wait_timeout = wait_timeout
        self.clock = clock
        self.order = order
        self.line = {}
        self.numbers = itertools.count()

    async def call(self, fn, *args):
        number = next(self.numbers)
        if self.places > 0:
            self.places -= 1
        elif len(self.line) < self.max_waiting:
            await self._wait(number)
        else:
            raise rejected("full")
        try:
            return await fn(*args)
        finally:
            self._leave()

    def _leave(self):
        if self.line:
            number = min(self.line) if self.order == "fifo" else max(self.line)
            self.line.pop(number).set()
        else:
            self.places += 1

    async def _wait(self, number):
        turn = self.line[number] = asyncio.Event()
        timer = asyncio.create_task(self._time_over(number, turn))
        try:
            await turn.wait()
        except asyncio.CancelledError:
            if self.line.pop(number, None) is None and timer.cancelling() == 0:
                if not (timer.done() and timer.result()):
                    self._leave()
            raise
        finally:
            timer.cancel()
        if timer.done() and timer.result():
            raise rejected("timeout")

    async def _time_over(self, number, turn):
        """True if the call was refused."""
        await self.clock.asleep(self.wait_timeout)
        if self.line.pop(number, None) is None:
            return False
        turn.set()
        return True


class AdaptiveLimit:
    """Windows of as many calls as the limit; each window grows, shrinks or stays."""

    def __init__(self, min, max, target):
        self.low, self.high, self.target = min, max, target
        self.limit = min
        self.window = []

    def record(self, latency):
        self.window.append(latency <= self.target)
        if len(self.window) < self.limit:
            return
        if all(self.window):
            self.limit = min(self.high, self.limit + 1)
        elif not any(self.window):
            self.limit = max(self.low, int(self.limit * 0.7))
        self.window = []
