# Every change ends in one method, which lets in as many as fit; a timer task refuses.
import math
from enum import Enum


class Reason(Enum):
    FULL = "full"
    TIMEOUT = "timeout"


class Rejected(Exception):
    def __init__(self, reason):
        super().__init__(str(reason))
        self.reason = reason


class Ticket:
    """A call in the bulkhead: waiting, inside or gone."""

    def __init__(self):
        self.state = "waiting"
        self.changed = asyncio.get_running_loop().create_future()

    def become(self, state):
        self.state = state
        if not self.changed.done():
            self.changed.set_result(state)


class Bulkhead:
    """Every change ends in `_admit`, which lets in as many as fit. A timer task refuses."""

    def __init__(self, max_concurrent, max_waiting, wait_timeout, clock, order="fifo"):
        self._settings = (max_concurrent, max_waiting, wait_timeout, clock, order)
        self._tickets = []

    def _in(self, state):
        return [ticket for ticket in self._tickets if ticket.state == state]

    def _admit(self):
        places, _, _, _, order = self._settings
        waiting = self._in("waiting")
        while waiting and len(self._in("inside")) < places:
            waiting.pop(0 if order == "fifo" else -1).become("inside")

    async def call(self, fn, *args):
        places, line, seconds, clock, _ = self._settings
        if len(self._in("inside")) >= places and len(self._in("waiting")) >= line:
            raise Rejected(Reason.FULL)
        ticket = Ticket()
        self._tickets.append(ticket)
        self._admit()
        timer = None
        try:
            if ticket.state == "waiting":
                timer = asyncio.create_task(self._refuse_later(ticket, clock, seconds))
                await ticket.changed
            if ticket.state == "refused":
                raise Rejected(Reason.TIMEOUT)
            return await fn(*args)
        finally:
            if timer:
                timer.cancel()
            self._tickets.remove(ticket)
            self._admit()

    async def _refuse_later(self, ticket, clock, seconds):
        await clock.asleep(seconds)
        if ticket.state == "waiting":
            ticket.become("refused")


class AdaptiveLimit:
    """One slow call already takes a fifth away, at least one; once in a window of calls."""

    def __init__(self, min, max, target):
        self.bounds, self.target = (min, max), target
        self.limit = min
        self.fast = 0
        self.quiet = 0

    def record(self, latency):
        low, high = self.bounds
        if latency <= self.target:
            self.quiet = 0
            self.fast += 1
            if self.fast >= self.limit and self.limit < high:
                self.limit, self.fast = self.limit + 1, 0
            return
        self.fast = 0
        if self.quiet > 0:
            self.quiet -= 1
            return
        self.quiet = self.limit
        self.limit = max(low, math.floor(self.limit * 0.75))
