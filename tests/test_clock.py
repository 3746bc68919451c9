"""The manual clock moves only when told to, for one thread or many."""

import asyncio
import threading
import time

import pytest

from course_lib.clock import Clock, ManualClock, SystemClock


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()])
def test_both_clocks_are_clocks(clock):
    assert isinstance(clock, Clock)


def test_the_system_clock_is_the_one_of_this_machine():
    clock = SystemClock()

    before = time.monotonic(), time.time()
    read = clock.monotonic(), clock.now()
    after = time.monotonic(), time.time()

    assert before[0] <= read[0] <= after[0]
    assert before[1] <= read[1] <= after[1]


def test_the_system_clock_sleeps_at_least_as_long_as_asked():
    clock = SystemClock()
    start = time.monotonic()

    clock.sleep(0.01)
    asyncio.run(clock.asleep(0.01))

    assert time.monotonic() - start >= 0.019  # clocks of some systems tick every millisecond


def test_a_new_manual_clock_begins_in_2026_and_stands_still():
    clock = ManualClock(5)

    assert (clock.monotonic(), clock.now()) == (5, 1_767_225_600)
    assert clock.monotonic() == 5


def test_advancing_moves_both_times():
    clock = ManualClock(now=1000)

    clock.advance(2.5)

    assert (clock.monotonic(), clock.now()) == (2.5, 1002.5)


def test_sleeping_moves_the_clock_and_writes_the_wait_down():
    clock = ManualClock()

    clock.sleep(60)
    asyncio.run(clock.asleep(3600))
    clock.advance(1)

    assert clock.monotonic() == 3661
    assert clock.waits == [60, 3600]


def test_an_asynchronous_sleep_lets_other_tasks_run():
    clock, order = ManualClock(), []

    async def main():
        async def other():
            order.append("other")

        task = asyncio.create_task(other())
        await clock.asleep(10)
        order.append("slept")
        await task

    asyncio.run(main())

    assert order == ["other", "slept"]


def test_setting_the_wall_clock_back_leaves_durations_alone():
    clock = ManualClock(now=1000)

    clock.set_wall_clock_back(3600)

    assert (clock.monotonic(), clock.now()) == (0, -2600)


def test_a_monotonic_clock_cannot_go_back():
    with pytest.raises(ValueError, match="cannot go back by 1 s"):
        ManualClock().advance(-1)


def test_nobody_can_sleep_a_negative_time():
    clock = ManualClock()

    with pytest.raises(ValueError, match="cannot sleep -1 s"):
        clock.sleep(-1)
    with pytest.raises(ValueError, match="cannot sleep -1 s"):
        asyncio.run(clock.asleep(-1))
    assert clock.waits == []


def test_clocks_say_what_they_are():
    assert repr(SystemClock()) == "SystemClock()"
    assert repr(ManualClock(1.5)) == "ManualClock(at 1.5 s)"


# Sleepers that wait for somebody else to move the clock


def in_thread(work):
    """Start the work; returns the thread and an event that is set when it has ended."""
    ended = threading.Event()

    def run():
        work()
        ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, ended


def until(condition):
    """Wait for what another thread does. The limit only stops a broken test."""
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0)


def test_a_sleeping_thread_wakes_when_the_clock_has_moved_far_enough():
    clock = ManualClock(sleep_advances=False)
    thread, ended = in_thread(lambda: clock.sleep(10))
    until(lambda: clock.waits == [10])

    clock.advance(9)
    assert not ended.is_set()
    clock.advance(1)

    assert ended.wait(30)
    thread.join()
    assert clock.monotonic() == 10


def test_one_advance_wakes_every_thread_that_is_due_and_no_other():
    clock = ManualClock(sleep_advances=False)
    sleepers = {seconds: in_thread(lambda s=seconds: clock.sleep(s)) for seconds in (1, 2, 50)}
    until(lambda: sorted(clock.waits) == [1, 2, 50])

    clock.advance(2)

    assert sleepers[1][1].wait(30)
    assert sleepers[2][1].wait(30)
    assert not sleepers[50][1].is_set()
    clock.advance(48)
    for thread, _ in sleepers.values():
        thread.join()


async def test_a_sleeping_task_wakes_when_the_clock_has_moved_far_enough():
    clock = ManualClock(sleep_advances=False)
    task = asyncio.create_task(clock.asleep(10))
    await asyncio.sleep(0)
    assert clock.sleeping == 1

    clock.advance(9)
    await asyncio.sleep(0)
    assert not task.done()
    clock.advance(1)

    await asyncio.wait_for(task, 30)
    assert clock.sleeping == 0


async def test_tasks_wake_in_the_order_of_their_times_as_the_clock_passes_them():
    clock, woken = ManualClock(sleep_advances=False), []

    async def sleeper(seconds):
        await clock.asleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3, 1, 2)]
    await asyncio.sleep(0)
    for _ in range(3):
        clock.advance(1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    await asyncio.gather(*tasks)
    assert woken == [1, 2, 3]


async def test_a_task_is_woken_from_another_thread():
    clock = ManualClock(sleep_advances=False)
    task = asyncio.create_task(clock.asleep(10))
    await asyncio.sleep(0)

    await asyncio.to_thread(clock.advance, 10)

    await asyncio.wait_for(task, 30)


async def test_a_cancelled_sleeper_is_forgotten():
    clock = ManualClock(sleep_advances=False)
    task = asyncio.create_task(clock.asleep(10))
    await asyncio.sleep(0)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert clock.sleeping == 0
    clock.advance(10)


async def test_sleeping_no_time_only_gives_way():
    clock = ManualClock(sleep_advances=False)

    await asyncio.wait_for(clock.asleep(0), 30)

    assert clock.waits == [0]


def test_a_sleeper_whose_loop_was_closed_does_not_disturb_the_clock():
    clock = ManualClock(sleep_advances=False)

    async def leave_one_sleeping():
        sleeper = clock.asleep(10)
        sleeper.send(None)  # begins to wait, and is then left alone
        return sleeper

    left = asyncio.run(leave_one_sleeping())

    clock.advance(10)
    left.close()


def test_many_threads_may_advance_at_once_and_nothing_is_lost():
    clock, start = ManualClock(), threading.Barrier(8)

    def push():
        start.wait()
        for _ in range(1000):
            clock.advance(1)

    threads = [threading.Thread(target=push) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert clock.monotonic() == 8000
