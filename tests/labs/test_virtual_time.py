import threading
import time as real_time

import pytest

from course_lib.clock import Clock
from course_lib.labs.virtual_time import Stuck, VirtualTime


def test_threads_run_in_the_order_of_simulated_time():
    seen = []

    def wait(name, seconds):
        time.sleep(seconds)
        seen.append((time.monotonic(), name))

    with VirtualTime() as time:
        time.start(wait, "late", 3)
        time.start(wait, "early", 1)
        time.run(until=10)

    assert seen == [(1.0, "early"), (3.0, "late")]


def test_threads_due_at_the_same_moment_run_in_the_order_they_went_to_sleep():
    seen = []

    def wait(name, *naps):
        for nap in naps:
            time.sleep(nap)
        seen.append(name)

    with VirtualTime() as time:
        time.start(wait, "asleep since 0.15", 0.15, 0.15)
        time.start(wait, "asleep since 0.1", 0.1, 0.2)  # as floats this is later than 0.3
        time.start(wait, "asleep since 0", 0.3)
        time.run(until=1)

    assert seen == ["asleep since 0", "asleep since 0.1", "asleep since 0.15"]


def test_only_one_thread_runs_at_a_time():
    counter = {"value": 0}

    def add_without_a_lock():
        for _ in range(50):
            value = counter["value"]
            sum(range(1000))  # room for another thread, were there one
            counter["value"] = value + 1
            time.sleep(0.5)

    with VirtualTime() as time:
        for _ in range(8):
            time.start(add_without_a_lock)
        time.run(until=100)

    assert counter["value"] == 400


def test_twenty_simulated_seconds_of_ten_threads_always_give_the_same_result():
    def one_run():
        seen = []

        def work(number):
            while True:
                time.sleep(0.07 * number)
                seen.append((number, time.monotonic()))

        with VirtualTime() as time:
            for number in range(1, 11):
                time.start(work, number)
            time.run(until=20)
            return list(seen)

    first = one_run()

    assert len(first) > 800
    assert all(one_run() == first for _ in range(3))


def test_run_stops_at_its_limit_and_goes_on_from_there():
    seen = []

    def work():
        while True:
            time.sleep(1)
            seen.append(time.monotonic())

    with VirtualTime() as time:
        time.start(work)
        time.run(until=2)
        assert seen == [1.0, 2.0]
        time.run(until=3.5)
        assert (seen, time.monotonic()) == ([1.0, 2.0, 3.0], 3.5)


def test_now_is_the_monotonic_time_on_a_calendar():
    with VirtualTime(now=1000.0) as time:
        time.run(until=5)

        assert time.now() == 1005.0


def test_a_thread_may_start_another():
    seen = []

    def parent():
        time.sleep(1)
        time.start(lambda: seen.append(time.monotonic()))

    with VirtualTime() as time:
        time.start(parent)
        time.run(until=2)

    assert seen == [1.0]


def test_what_a_job_raises_comes_out_of_run():
    def fail():
        time.sleep(1)
        raise KeyError("no such product")

    with VirtualTime() as time:
        time.start(fail)
        with pytest.raises(KeyError, match="no such product"):
            time.run(until=2)


def test_waiting_for_a_lock_that_a_sleeping_thread_holds_stops_with_one_sentence():
    lock = threading.Lock()

    def call_while_holding_the_lock():
        with lock:
            time.sleep(2)

    with VirtualTime(patience=0.2) as time:
        time.start(call_while_holding_the_lock)
        time.start(call_while_holding_the_lock)
        with pytest.raises(Stuck) as raised:
            time.run(until=5)

    message = str(raised.value)
    assert "at simulated second 0 the thread virtual-worker-2 did not come back" in message
    assert "(in call_while_holding_the_lock, line " in message
    assert "it waits for a lock that a sleeping thread holds" in message


def test_a_stuck_simulation_stays_stuck():
    never = threading.Event()

    with VirtualTime(patience=0.1) as time:
        time.start(never.wait)
        for _ in range(2):
            with pytest.raises(Stuck):
                time.run(until=5)
        never.set()


def test_leaving_ends_sleeping_threads_and_runs_their_cleanup():
    cleaned = []

    def work():
        try:
            time.sleep(100)
        finally:
            cleaned.append("yes")

    with VirtualTime() as time:
        time.start(work)
        time.run(until=1)

    assert cleaned == ["yes"]


def test_a_broad_handler_does_not_keep_a_thread_alive():
    def work():
        while True:
            try:
                time.sleep(100)
            except Exception:  # noqa: BLE001  too broad, on purpose
                pass

    with VirtualTime() as time:
        time.start(work)
        time.run(until=1)


def test_a_thread_that_never_ran_is_ended_without_running():
    seen = []

    with VirtualTime() as time:
        time.start(seen.append, "ran")

    assert seen == []


def test_a_thread_that_will_not_end_is_reported():
    release = threading.Event()

    def work():
        try:
            time.sleep(100)
        except BaseException:  # noqa: BLE001  too broad, on purpose
            release.wait()

    time = VirtualTime(patience=0.1)
    time.start(work)
    time.run(until=1)
    with pytest.raises(RuntimeError, match="virtual-worker-1 would not end"):
        time.close()
    release.set()
    time.close()


def test_it_costs_no_real_time():
    begin = real_time.monotonic()

    with VirtualTime() as time:
        time.start(time.sleep, 3600)
        time.run(until=7200)

    assert real_time.monotonic() - begin < 60


def test_sleeping_outside_its_threads_is_refused_with_the_mend():
    with VirtualTime() as time:
        with pytest.raises(RuntimeError, match=r"call run\(until="):
            time.sleep(1)


async def test_sleeping_in_a_task_is_refused_with_the_mend():
    with VirtualTime() as time:
        with pytest.raises(RuntimeError, match="use ManualClock for tasks"):
            await time.asleep(1)


def test_a_closed_clock_starts_nothing():
    with VirtualTime() as time:
        pass

    with pytest.raises(RuntimeError, match="make a new one"):
        time.start(print)


def test_a_negative_sleep_is_an_error_in_the_job():
    with VirtualTime() as time:
        time.start(time.sleep, -1)
        with pytest.raises(ValueError, match="cannot sleep -1"):
            time.run(until=1)


def test_it_is_a_clock():
    with VirtualTime() as time:
        assert isinstance(time, Clock)
