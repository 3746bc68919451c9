# Counts who runs; each waiting call has an event, and a word on what became of it.
class Rejected(Exception):
    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Bulkhead:
    """Counts who runs; each waiting call has an Event, and a word on what became of it."""

    def __init__(self, max_concurrent, max_waiting, wait_timeout, clock, order="fifo"):
        self.max_concurrent = max_concurrent
        self.max_waiting = max_waiting
        self.wait_timeout = wait_timeout
        self.clock = clock
        self.lifo = order == "lifo"
        self.running = 0
        self.line = []

    async def call(self, fn, *args):
        if self.running == self.max_concurrent:
            if len(self.line) >= self.max_waiting:
                raise Rejected("FULL")
            await self.wait_for_a_place()
        else:
            self.running += 1
        try:
            return await fn(*args)
        finally:
            self.end()

    async def wait_for_a_place(self):
        waiter = {"event": asyncio.Event(), "in line": True}
        self.line.append(waiter)
        woken = asyncio.create_task(waiter["event"].wait())
        timer = asyncio.create_task(self.clock.asleep(self.wait_timeout))
        try:
            await asyncio.wait([woken, timer], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if waiter["in line"]:
                self.line.remove(waiter)
            else:
                self.end()
            raise
        finally:
            woken.cancel()
            timer.cancel()
        if timer.done() and not timer.cancelled() and waiter["in line"]:
            self.line.remove(waiter)
            raise Rejected("TIMEOUT")

    def end(self):
        if not self.line:
            self.running -= 1
            return
        waiter = self.line.pop(-1 if self.lifo else 0)
        waiter["in line"] = False
        waiter["event"].set()


class AdaptiveLimit:
    """A float that grows by 1/limit with each fast call; halved after a limit of slow ones."""

    def __init__(self, min, max, target):
        self.low, self.high, self.target = min, max, target
        self.exact = float(min)
        self.slow = 0

    @property
    def limit(self):
        return int(self.exact)

    def record(self, latency):
        if latency <= self.target:
            self.slow = 0
            self.exact = min(self.high, self.exact + 1 / self.limit)
            return
        self.slow += 1
        if self.slow >= self.limit:
            self.slow = 0
            self.exact = max(float(self.low), self.exact / 2)
