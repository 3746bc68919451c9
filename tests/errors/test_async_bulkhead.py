"""The bulkhead for tasks. `settle()` lets every task run as far as it can."""

from __future__ import annotations

import asyncio
import random

import pytest

from course_lib.clock import ManualClock
from course_lib.errors import AsyncBulkhead, Rejected

PATIENCE = 20.0  # seconds until a stuck test fails; a passing one needs none of them


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


class Busy:
    """A bulkhead with one place, which is taken until `finish()`."""

    def __init__(self, max_waiting, *, wait_timeout=1.0):
        self.clock = ManualClock(sleep_advances=False)
        self.bulkhead = AsyncBulkhead(1, max_waiting, wait_timeout=wait_timeout, clock=self.clock)
        self._finish = asyncio.Event()
        self.running = self.start(self._finish.wait)

    def start(self, fn, *args):
        return asyncio.create_task(self.bulkhead.call(fn, *args))

    async def finish(self):
        self._finish.set()
        await self.running


async def note(order, name):
    order.append(name)


async def test_a_call_gives_back_the_result():
    assert await AsyncBulkhead(1).call(asyncio.sleep, 0, "answer") == "answer"


async def test_a_call_raises_the_very_error_and_frees_its_place():
    bulkhead, error = AsyncBulkhead(1), KeyError("order 7")

    async def fail():
        raise error

    for _ in range(3):
        with pytest.raises(KeyError) as caught:
            await bulkhead.call(fail)
        assert caught.value is error

    assert bulkhead.running == 0


async def test_beyond_the_places_and_the_queue_it_is_refused_at_once():
    busy = Busy(max_waiting=1)
    waiter = busy.start(asyncio.sleep, 0)
    await settle()

    with pytest.raises(Rejected) as caught:
        await asyncio.wait_for(busy.bulkhead.call(asyncio.sleep, 0), PATIENCE)

    assert caught.value.reason == "full"
    assert repr(busy.bulkhead) == "AsyncBulkhead(1 of 1 running, 1 of 1 waiting)"
    await busy.finish()
    await waiter


async def test_waiters_run_in_order_of_arrival_and_a_newcomer_last():
    busy, order = Busy(max_waiting=5), []
    waiters = [busy.start(note, order, name) for name in "abc"]
    await settle()

    await busy.finish()  # "a" has been woken but has not run yet
    assert (busy.bulkhead.running, order) == (1, [])
    await busy.bulkhead.call(note, order, "newcomer")

    await asyncio.gather(*waiters)
    assert order == ["a", "b", "c", "newcomer"]


async def test_a_waiter_gives_up_after_wait_timeout_on_the_clock():
    busy = Busy(max_waiting=1, wait_timeout=60.0)
    waiter = busy.start(asyncio.sleep, 0)
    await settle()

    busy.clock.advance(59.0)
    await settle()
    assert not waiter.done()
    busy.clock.advance(1.0)

    with pytest.raises(Rejected) as caught:
        await waiter
    assert (caught.value.reason, str(caught.value)) == ("timeout", "waited 60 s for a place")
    assert (busy.bulkhead.running, busy.bulkhead.waiting) == (1, 0)
    await busy.finish()
    assert busy.bulkhead.running == 0


async def test_a_waiter_that_got_its_place_leaves_no_timer_behind():
    busy = Busy(max_waiting=1)
    waiter = busy.start(asyncio.sleep, 0)
    await settle()

    await busy.finish()
    await waiter
    await settle()

    assert busy.clock.sleeping == 0


async def test_timeout_and_place_in_the_same_moment_lose_no_place():
    busy = Busy(max_waiting=1)
    waiter = busy.start(asyncio.sleep, 0, "answer")
    await settle()

    busy.clock.advance(1.0)
    await busy.finish()

    assert await waiter == "answer"
    assert (busy.bulkhead.running, busy.bulkhead.waiting) == (0, 0)


async def test_a_cancelled_waiter_leaves_the_queue():
    busy, order = Busy(max_waiting=2), []
    first, second = busy.start(note, order, "first"), busy.start(note, order, "second")
    await settle()

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert busy.bulkhead.waiting == 1
    await busy.finish()
    await asyncio.wait_for(second, PATIENCE)

    assert order == ["second"]
    assert (busy.bulkhead.running, busy.clock.sleeping) == (0, 0)


async def test_a_waiter_cancelled_after_it_got_a_place_hands_it_on():
    busy, order = Busy(max_waiting=2), []
    first, second = busy.start(note, order, "first"), busy.start(note, order, "second")
    await settle()

    await busy.finish()  # the place is the first waiter's, which has not run yet
    first.cancel()
    await asyncio.wait_for(second, PATIENCE)

    assert first.cancelled()
    assert order == ["second"]
    assert busy.bulkhead.running == 0


async def test_a_cancelled_call_frees_its_place():
    busy = Busy(max_waiting=0)
    await settle()

    busy.running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await busy.running

    assert busy.bulkhead.running == 0


async def test_an_error_of_the_clock_is_not_a_timeout():
    class Broken(ManualClock):
        async def asleep(self, seconds):
            raise OSError("no timer")

    busy = Busy(max_waiting=1)
    busy.bulkhead._clock = Broken()
    await settle()

    with pytest.raises(OSError, match="no timer"):
        await busy.bulkhead.call(asyncio.sleep, 0)

    assert busy.bulkhead.waiting == 0
    await busy.finish()


async def test_a_plain_function_is_refused():
    bulkhead = AsyncBulkhead(1)

    with pytest.raises(TypeError, match="gave back int, not an awaitable, use Bulkhead"):
        await bulkhead.call(lambda: 1)

    assert bulkhead.running == 0


@pytest.mark.parametrize("seed", range(10))
async def test_a_hundred_tasks_with_cancellations_keep_the_limit(seed):
    rng = random.Random(seed)
    clock = ManualClock(sleep_advances=False)
    bulkhead = AsyncBulkhead(5, 30, wait_timeout=3.0, clock=clock)
    inside = peak = 0

    async def work(turns):
        nonlocal inside, peak
        inside += 1
        peak = max(peak, inside)
        try:
            for _ in range(turns):
                await asyncio.sleep(0)
        finally:
            inside -= 1

    tasks = []
    for _ in range(100):
        tasks.append(asyncio.create_task(bulkhead.call(work, rng.randrange(10))))
        for _ in range(rng.randrange(3)):
            await asyncio.sleep(0)
        if rng.random() < 0.3:
            rng.choice(tasks).cancel()
        clock.advance(rng.random())
    clock.advance(3.0)
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE)

    assert peak == 5
    assert (inside, bulkhead.running, bulkhead.waiting) == (0, 0, 0)
    assert {type(result) for result in results} <= {type(None), Rejected, asyncio.CancelledError}
