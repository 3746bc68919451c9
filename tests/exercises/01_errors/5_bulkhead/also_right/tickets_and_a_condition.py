"""asyncio.Condition with tickets; each waiter has a waking task on the clock."""


class Rejected(Exception):
    def __init__(self, reason):
        self.reason = reason


class Bulkhead:
    def __init__(self, max_concurrent, max_waiting, wait_timeout, clock, order="fifo"):
        self.max = max_concurrent
        self.max_waiting = max_waiting
        self.wait_timeout = wait_timeout
        self.clock = clock
        self.order = order
        self.inside = 0
        self.line = []
        self.changed = asyncio.Condition()

    def my_turn(self, ticket):
        front = self.line[0 if self.order == "fifo" else -1]
        return self.inside < self.max and front is ticket

    async def call(self, fn, *args):
        if self.inside < self.max and not self.line:
            self.inside += 1
        elif len(self.line) - self.promised() >= self.max_waiting:
            raise Rejected("full")
        else:
            await self.wait()
        try:
            return await fn(*args)
        finally:
            self.inside -= 1
            self.poke()

    def promised(self):
        return min(len(self.line), self.max - self.inside)

    def poke(self):
        asyncio.get_running_loop().create_task(self.notify())

    async def notify(self):
        async with self.changed:
            self.changed.notify_all()

    async def wait(self):
        ticket = object()
        self.line.append(ticket)
        end = self.clock.monotonic() + self.wait_timeout
        alarm = asyncio.create_task(self.ring())
        try:
            async with self.changed:
                while not self.my_turn(ticket):
                    if self.clock.monotonic() >= end:
                        raise Rejected("timeout")
                    await self.changed.wait()
            self.inside += 1
        finally:
            alarm.cancel()
            self.line.remove(ticket)
            self.poke()

    async def ring(self):
        await self.clock.asleep(self.wait_timeout)
        await self.notify()


class AdaptiveLimit:
    def __init__(self, min, max, target):
        self.lo, self.hi, self.target, self._l = min, max, target, min

    @property
    def limit(self):
        return self._l

    def record(self, latency):
        fast = latency <= self.target
        self._l = min(self.hi, self._l + 1) if fast else max(self.lo, self._l // 2)
