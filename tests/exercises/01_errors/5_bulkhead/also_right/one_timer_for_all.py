"""One janitor task for all who wait; an async context manager for the place; a heap-free list."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field


class Rejected(Exception):
    def __init__(self, *, reason):
        self.reason = reason
        super().__init__(reason)


@dataclass(eq=False)
class Waiter:
    until: float
    future: asyncio.Future = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Bulkhead:
    def __init__(self, max_concurrent, max_waiting, wait_timeout, clock, order="fifo"):
        self.free, self.room, self.timeout, self.clock = (
            max_concurrent,
            max_waiting,
            wait_timeout,
            clock,
        )
        self.index = {"fifo": 0, "lifo": -1}[order]
        self.waiters = []
        self.janitor = None

    async def call(self, fn, *args):
        async with self.place():
            return await fn(*args)

    @asynccontextmanager
    async def place(self):
        await self.enter()
        try:
            yield
        finally:
            self.leave()

    async def enter(self):
        if self.free > 0:
            self.free -= 1
            return
        if len(self.waiters) == self.room:
            raise Rejected(reason="full")
        me = Waiter(self.clock.monotonic() + self.timeout)
        self.waiters.append(me)
        if self.janitor is None:
            self.janitor = asyncio.create_task(self.clean())
        try:
            verdict = await me.future
        except asyncio.CancelledError:
            if me in self.waiters:
                self.drop(me)
            elif me.future.done() and not me.future.cancelled() and me.future.result() == "in":
                self.leave()
            raise
        if verdict == "timeout":
            raise Rejected(reason="timeout")

    def drop(self, waiter):
        self.waiters.remove(waiter)
        if not self.waiters and self.janitor:
            self.janitor.cancel()
            self.janitor = None

    async def clean(self):
        while self.waiters:
            wait = min(w.until for w in self.waiters) - self.clock.monotonic()
            if wait > 0:
                await self.clock.asleep(wait)
            for w in [w for w in self.waiters if w.until <= self.clock.monotonic()]:
                self.waiters.remove(w)
                if not w.future.done():
                    w.future.set_result("timeout")
        self.janitor = None

    def leave(self):
        while self.waiters:
            w = self.waiters[self.index]
            self.drop(w)
            if not w.future.done():
                w.future.set_result("in")
                return
        self.free += 1


class AdaptiveLimit:
    def __init__(self, min, max, target):
        self.min, self.max, self.target = min, max, target
        self.limit = min
        self.slow = self.fast = 0

    def record(self, latency):
        if latency > self.target:
            self.fast, self.slow = 0, self.slow + 1
            if self.slow >= self.limit:
                self.limit, self.slow = max(self.min, self.limit * 4 // 5), 0
        else:
            self.slow, self.fast = 0, self.fast + 1
            if self.fast >= self.limit:
                self.limit, self.fast = min(self.max, self.limit + 1), 0
