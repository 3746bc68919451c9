"""The bulkhead: its places against a model, then with real threads."""

from __future__ import annotations

import copy
import functools
import pickle
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.clock import ManualClock
from course_lib.errors import AsyncBulkhead, Bulkhead, Rejected
from course_lib.errors.bulkhead import BulkheadCore, _Waiter

PATIENCE = 20.0  # seconds until a stuck test fails; a passing one needs none of them


class Watched(ManualClock):
    """A manual clock that says when it was read: a waiter reads it before it sleeps."""

    def __init__(self):
        super().__init__()
        self._read = threading.Semaphore(0)

    def monotonic(self):
        self._read.release()
        return super().monotonic()

    def wait_until_read(self, times):
        for _ in range(times):
            assert self._read.acquire(timeout=PATIENCE)


READS_PER_WAITER = 2  # one for its deadline, one before it sleeps


class Busy:
    """A bulkhead with one place, which is taken until `finish()`."""

    def __init__(self, max_waiting, *, wait_timeout=PATIENCE):
        self.clock = Watched()
        self.bulkhead = Bulkhead(1, max_waiting, wait_timeout=wait_timeout, clock=self.clock)
        self.pool = ThreadPoolExecutor(10)
        self._finish, started = threading.Event(), threading.Event()
        self.running = self.pool.submit(self.bulkhead.call, self._work, started)
        assert started.wait(PATIENCE)

    def _work(self, started):
        started.set()
        assert self._finish.wait(PATIENCE)

    def wait_in_line(self, fn, *args):
        future = self.pool.submit(self.bulkhead.call, fn, *args)
        self.clock.wait_until_read(READS_PER_WAITER)
        return future

    def finish(self):
        self._finish.set()
        self.running.result(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._finish.set()
        self.clock.advance(1000.0)
        self.pool.shutdown()


class TestCalls:
    def test_a_call_gives_back_the_result(self):
        assert Bulkhead(1).call(divmod, 7, 2) == (3, 1)

    def test_a_call_raises_the_very_error_and_frees_its_place(self):
        bulkhead, error = Bulkhead(1), KeyError("order 7")

        def fail():
            raise error

        for _ in range(3):
            with pytest.raises(KeyError) as caught:
                bulkhead.call(fail)
            assert caught.value is error

        assert bulkhead.running == 0

    def test_without_a_place_to_wait_it_is_refused_at_once(self):
        with Busy(max_waiting=0) as busy, pytest.raises(Rejected) as caught:
            busy.bulkhead.call(int)

        assert caught.value.reason == "full"
        assert str(caught.value) == "1 of 1 calls run and 0 of 0 wait"

    def test_when_the_queue_is_full_it_is_refused_at_once(self):
        with Busy(max_waiting=2) as busy:
            waiters = [busy.wait_in_line(int) for _ in range(2)]

            with pytest.raises(Rejected, match="2 of 2 wait"):
                busy.bulkhead.call(int)

            assert repr(busy.bulkhead) == "Bulkhead(1 of 1 running, 2 of 2 waiting)"
            busy.finish()
            assert [waiter.result(PATIENCE) for waiter in waiters] == [0, 0]

    def test_waiters_run_in_order_of_arrival(self):
        order = []
        with Busy(max_waiting=5) as busy:
            waiters = [busy.wait_in_line(order.append, number) for number in range(5)]

            busy.finish()

            for waiter in waiters:
                waiter.result(PATIENCE)
        assert order == [0, 1, 2, 3, 4]

    def test_a_newcomer_does_not_overtake_a_woken_waiter(self):
        gate = threading.Event()
        with Busy(max_waiting=1) as busy:
            waiter = busy.wait_in_line(gate.wait, PATIENCE)

            busy.finish()

            assert busy.bulkhead.running == 1  # handed over, never free
            newcomer = busy.wait_in_line(str)
            assert not newcomer.done()
            gate.set()
            assert waiter.result(PATIENCE) is True
            assert newcomer.result(PATIENCE) == ""

    def test_never_more_than_the_limit_and_always_up_to_it(self):
        bulkhead = Bulkhead(4, 16, wait_timeout=PATIENCE)
        four_inside = threading.Barrier(4)  # breaks unless four run at once
        lock, inside, peak = threading.Lock(), 0, 0

        def work():
            nonlocal inside, peak
            with lock:
                inside += 1
                peak = max(peak, inside)
            four_inside.wait(PATIENCE)
            with lock:
                inside -= 1

        with ThreadPoolExecutor(20) as pool:
            for future in [pool.submit(bulkhead.call, work) for _ in range(20)]:
                future.result(PATIENCE)

        assert peak == 4
        assert (bulkhead.running, bulkhead.waiting) == (0, 0)

    def test_twenty_thousand_calls_leave_no_place_behind(self):
        bulkhead = Bulkhead(3, 5, wait_timeout=PATIENCE)

        def work(number):
            for call in range(2_500):
                try:
                    bulkhead.call(divmod, 1, call % 2)
                except ZeroDivisionError:
                    pass

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))

        assert (bulkhead.running, bulkhead.waiting) == (0, 0)


class TestWaiting:
    def test_a_waiter_gives_up_after_wait_timeout_on_the_clock(self):
        with Busy(max_waiting=1, wait_timeout=0.05) as busy:
            waiter = busy.wait_in_line(int)

            busy.clock.advance(0.05)

            error = waiter.exception(PATIENCE)
            assert isinstance(error, Rejected)
            assert (error.reason, str(error)) == ("timeout", "waited 0.05 s for a place")
            assert (busy.bulkhead.running, busy.bulkhead.waiting) == (1, 0)

    def test_a_waiter_waits_on_while_the_clock_stands_still(self):
        with Busy(max_waiting=1, wait_timeout=0.001) as busy:
            waiter = busy.wait_in_line(int)

            busy.clock.wait_until_read(3)  # it slept 1 ms three times, and asked again

            assert not waiter.done()
            busy.finish()
            assert waiter.result(PATIENCE) == 0

    def test_with_a_timeout_of_zero_nobody_waits(self):
        with Busy(max_waiting=1, wait_timeout=0) as busy, pytest.raises(Rejected) as caught:
            busy.bulkhead.call(int)

        assert caught.value.reason == "timeout"

    def test_a_waiter_that_gave_up_gets_no_place(self):
        with Busy(max_waiting=1, wait_timeout=0.05) as busy:
            impatient = busy.wait_in_line(int)
            busy.clock.advance(0.05)
            assert isinstance(impatient.exception(PATIENCE), Rejected)

            busy.finish()

            assert busy.bulkhead.running == 0

    def test_an_interrupted_waiter_leaves_the_queue(self):
        class Interrupted(ManualClock):
            def monotonic(self):
                raise KeyboardInterrupt

        with Busy(max_waiting=1) as busy:
            busy.bulkhead._clock = Interrupted()

            with pytest.raises(KeyboardInterrupt):
                busy.bulkhead.call(int)

            assert busy.bulkhead.waiting == 0
            busy.finish()
            assert busy.bulkhead.running == 0


class TestWrongArguments:
    async def fetch(self):
        return "answer"

    def test_a_coroutine_function_is_refused(self):
        bulkhead = Bulkhead(1)

        for fetch in (self.fetch, functools.partial(self.fetch)):
            with pytest.raises(TypeError, match="is a coroutine function, use AsyncBulkhead"):
                bulkhead.call(fetch)

        assert bulkhead.running == 0

    def test_a_coroutine_from_a_lambda_is_refused(self):
        bulkhead = Bulkhead(1)

        with pytest.raises(TypeError, match=r"gave back the coroutine .*fetch, use AsyncBulkhead"):
            bulkhead.call(lambda: self.fetch())

        assert bulkhead.running == 0

    @pytest.mark.parametrize("kind", [Bulkhead, AsyncBulkhead])
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"max_concurrent": 0}, "max_concurrent must be a whole number of at least 1, got 0"),
            (
                {"max_concurrent": True},
                "max_concurrent must be a whole number of at least 1, got True",
            ),
            (
                {"max_concurrent": 1, "max_waiting": -1},
                "max_waiting must be a whole number of at least 0, got -1",
            ),
            (
                {"max_concurrent": 1, "wait_timeout": -0.5},
                "wait_timeout must be 0 or more seconds and finite, got -0.5",
            ),
            (
                {"max_concurrent": 1, "wait_timeout": float("nan")},
                "wait_timeout must be 0 or more seconds and finite, got nan",
            ),
        ],
    )
    def test_a_wrong_number_is_refused_with_one_sentence(self, kind, arguments, sentence):
        with pytest.raises(ValueError) as caught:
            kind(**arguments)

        assert str(caught.value) == sentence

    def test_a_refusal_survives_copy_and_pickle(self):
        error = Rejected("waited 1 s for a place", reason="timeout")

        for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            assert (str(twin), twin.reason) == (str(error), "timeout")

    def test_it_says_what_production_libraries_add(self):
        assert Bulkhead.production_gap == AsyncBulkhead.production_gap
        assert Bulkhead.production_gap


@settings(derandomize=True, database=None, deadline=None, max_examples=80)
@given(
    max_concurrent=st.integers(1, 3),
    max_waiting=st.integers(0, 3),
    script=st.lists(
        st.tuples(st.sampled_from(["arrive", "arrive", "leave", "give up"]), st.integers(0, 5)),
        min_size=20,
        max_size=60,
    ),
)
def test_the_places_go_to_whom_the_model_gives_them(max_concurrent, max_waiting, script):
    """The model: a list of names that run and a list of names that wait."""
    core = BulkheadCore(max_concurrent, max_waiting)
    runs, waits = [], deque()  # the model
    waiters, woken = {}, []

    for name, (verb, number) in enumerate(script):
        if verb == "arrive":
            try:
                if core._take_place():
                    runs.append(name)
                else:
                    waiters[name] = _Waiter(functools.partial(woken.append, name))
                    core._queue.append(waiters[name])
                    waits.append(name)
                    assert len(runs) == max_concurrent
            except Rejected as refused:
                outcome = (refused.reason, len(runs), len(waits))
                assert outcome == ("full", max_concurrent, max_waiting)
        elif verb == "leave" and runs:
            leaver = runs.pop(number % len(runs))
            if leaver in waiters and number % 2:
                core._stop_waiting(waiters[leaver])  # interrupted between "go" and going
            else:
                core._give_place()
            if waits:
                runs.append(waits.popleft())
        elif verb == "give up" and waits:
            quitter = waits[number % len(waits)]
            waits.remove(quitter)
            core._stop_waiting(waiters[quitter])

        assert (core.running, core.waiting) == (len(runs), len(waits))
        assert {n for n, w in waiters.items() if w.admitted} == set(woken)
        assert all(waiters[n].admitted for n in runs if n in waiters)
        assert not any(waiters[n].admitted for n in waits)
