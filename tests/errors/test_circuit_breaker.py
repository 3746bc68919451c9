"""The rules of the circuit breaker, for both kinds."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import gc
import logging
import pickle
import threading

import pytest

from course_lib.clock import ManualClock, SystemClock
from course_lib.errors import (
    AsyncCircuitBreaker,
    CircuitBreaker,
    CircuitOpen,
    CountWindow,
    State,
    TimeWindow,
)

CLOSED, OPEN, HALF_OPEN = State.CLOSED, State.OPEN, State.HALF_OPEN
QUICK = {"window": 4, "min_calls": 4, "failure_rate": 0.5, "open_for": 30.0}
SLOW = {"window": 4, "min_calls": 4, "slow_call_duration": 1.0, "slow_call_rate": 0.5}


class TestClosed:
    def test_a_call_gives_back_the_result_of_the_function(self, service):
        assert service().succeed() == "answer"

    def test_it_stays_closed_below_min_calls_even_if_every_call_fails(self, service):
        shop = service(min_calls=10)

        assert shop.play("f" * 9) is CLOSED

    def test_it_opens_at_min_calls(self, service):
        assert service(min_calls=10).play("f" * 10) is OPEN

    def test_it_opens_exactly_at_the_failure_rate(self, service):
        assert service(window=10, failure_rate=0.5).play("ssssssffff") is CLOSED
        assert service(window=10, failure_rate=0.5).play("sssssfffff") is OPEN

    def test_seven_of_25_is_a_rate_of_028(self, service):
        shop = service(window=25, min_calls=25, failure_rate=0.28)

        assert shop.play("s" * 18 + "f" * 7) is OPEN

    def test_a_success_can_be_the_call_that_opens(self, service):
        assert service(window=4, min_calls=4, failure_rate=0.5).play("fffs") is OPEN

    def test_old_outcomes_leave_the_window(self, service):
        shop = service(window=4, min_calls=4, failure_rate=0.5)

        assert shop.play("fsssfsssfsss") is CLOSED

    def test_three_failures_among_many_successes_do_not_open(self, service):
        assert service().play(("f" + "s" * 100) * 3) is CLOSED

    def test_failures_of_last_week_do_not_count_in_a_time_window(self, service):
        shop = service(window=TimeWindow(10.0), min_calls=4)
        shop.play("fff")

        shop.clock.advance(7 * 24 * 3600)

        assert shop.play("f") is CLOSED

    def test_ignored_errors_pass_through_and_count_neither_way(self, service):
        shop = service(**QUICK)

        assert shop.play("i" * 10) is CLOSED
        assert shop.breaker.snapshot().calls == 0

    def test_programming_errors_count_like_any_exception(self, service):
        shop = service(**QUICK)

        for _ in range(4):
            shop.fail(TypeError("a wrong argument"))

        assert shop.breaker.state is OPEN

    @pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
    def test_the_end_of_the_program_or_task_never_counts(self, service, end):
        shop = service(is_failure=lambda error: True, **QUICK)

        for _ in range(10):
            shop.fail(end())

        assert shop.breaker.snapshot().calls == 0

    def test_stop_iteration_passes_through(self):
        breaker, error = CircuitBreaker(), StopIteration("no more orders")

        def fail():
            raise error

        with pytest.raises(StopIteration) as caught:
            breaker.call(fail)

        assert caught.value is error
        assert breaker.snapshot().failures == 1

    def test_arguments_reach_the_function(self):
        breaker = CircuitBreaker()

        assert breaker.call(lambda *args, **named: (args, named), 1, fn=2, self=3) == (
            (1,),
            {"fn": 2, "self": 3},
        )


class TestSlowCalls:
    def test_slow_successes_open_at_the_slow_call_rate(self, service):
        shop = service(**SLOW)
        for seconds in (0.0, 0.0, 1.1):
            shop.succeed(seconds=seconds)
        assert shop.breaker.state is CLOSED

        shop.succeed(seconds=1.1)

        assert shop.breaker.state is OPEN

    def test_a_call_of_exactly_the_limit_is_not_slow(self, service):
        shop = service(**SLOW)

        shop.succeed(seconds=1.0)

        assert shop.breaker.snapshot().slow_calls == 0

    def test_float_dust_does_not_make_a_call_slow(self, service):
        shop = service(slow_call_duration=0.1)
        shop.clock.advance(0.7)  # 0.8 - 0.7 is 0.10000000000000009

        shop.succeed(seconds=0.1)

        assert shop.breaker.snapshot().slow_calls == 0

    def test_a_slow_failure_counts_as_both(self, service):
        shop = service(**SLOW)

        shop.fail(seconds=2.0)

        now = shop.breaker.snapshot()
        assert (now.calls, now.failures, now.slow_calls) == (1, 1, 1)

    def test_nothing_is_slow_by_default(self, service):
        shop = service(min_calls=1)

        shop.succeed(seconds=3600.0)

        assert shop.breaker.state is CLOSED

    def test_a_slow_probe_opens_again(self, service):
        shop = service(**SLOW)
        shop.play("ffff")
        shop.clock.advance(30.0)

        shop.succeed(seconds=1.1)

        assert shop.breaker.state is OPEN


class TestOpen:
    def test_a_refused_call_does_not_reach_the_service(self, service):
        shop = service(**QUICK)
        shop.play("ffff")

        shop.is_refused()

        assert shop.reached == 4

    def test_the_refusal_says_how_long_to_wait(self, service):
        shop = service(**QUICK)
        shop.play("ffff")
        shop.clock.advance(12.0)

        error = shop.is_refused()

        assert error.retry_after == 18.0
        assert str(error) == "circuit is open, retry after 18 s"

    def test_a_call_is_let_in_exactly_at_open_for(self, service):
        shop = service(**QUICK)
        shop.play("ffff")

        shop.clock.advance(29.999)
        shop.is_refused()
        shop.clock.advance(0.001)

        assert shop.play("s") is HALF_OPEN

    def test_ten_waits_of_a_tenth_are_one_second(self, service):
        shop = service(**QUICK | {"open_for": 1.0})
        shop.play("ffff")

        for _ in range(10):
            shop.clock.advance(0.1)  # adds up to 0.9999999999999999

        assert shop.play("s") is HALF_OPEN

    def test_waiting_retry_after_is_always_enough(self, service):
        for tenths in range(1, 60):
            shop = service(**QUICK | {"open_for": 0.1 * tenths})
            shop.clock.advance(0.1 * tenths * 0.7)
            shop.play("ffff")
            shop.clock.advance(0.03 * tenths)

            shop.clock.sleep(shop.is_refused().retry_after)

            assert shop.play("s") is HALF_OPEN

    def test_setting_the_wall_clock_has_no_effect(self, service):
        shop = service(**QUICK)
        shop.play("ffff")

        shop.clock.set_wall_clock_back(3600.0)
        shop.is_refused()
        shop.clock.advance(30.0)

        assert shop.play("s") is HALF_OPEN

    def test_looking_at_the_state_changes_nothing(self, service):
        shop = service(**QUICK)
        shop.play("ffff")

        shop.clock.advance(30.0)

        assert shop.breaker.state is OPEN
        assert shop.changes == [(CLOSED, OPEN)]


@pytest.fixture
def half_open(service):
    """A breaker that lets its first of three probes in next."""
    shop = service(half_open_permits=3, **QUICK)
    shop.play("ffff")
    shop.clock.advance(30.0)
    return shop


class TestHalfOpen:
    def test_it_closes_when_all_probes_succeed_not_before(self, half_open):
        assert half_open.play("ss") is HALF_OPEN
        assert half_open.play("s") is CLOSED

    def test_it_closes_with_an_empty_window(self, half_open):
        half_open.play("sss")

        assert half_open.breaker.snapshot().calls == 0
        assert half_open.play("fff") is CLOSED

    def test_one_failed_probe_opens_with_a_fresh_timer(self, half_open):
        half_open.clock.advance(5.0)

        assert half_open.play("sf") is OPEN
        assert half_open.is_refused().retry_after == 30.0

    def test_each_half_open_period_has_its_own_probes(self, half_open):
        half_open.play("ssf")
        half_open.clock.advance(30.0)

        assert half_open.play("ss") is HALF_OPEN
        assert half_open.play("s") is CLOSED

    def test_an_ignored_error_gives_its_permit_back(self, half_open):
        assert half_open.play("i" * 10) is HALF_OPEN
        assert half_open.play("siss") is CLOSED

    @pytest.mark.parametrize(
        "end", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit]
    )
    def test_an_interrupted_probe_gives_its_permit_back(self, half_open, end):
        for _ in range(10):
            half_open.fail(end())

        assert half_open.breaker.state is HALF_OPEN
        assert half_open.play("sss") is CLOSED

    def test_calls_beyond_the_permits_are_refused(self, half_open):
        refusals = []

        def third_probe():
            refusals.append(half_open.is_refused())

        half_open.call(lambda: half_open.call(lambda: half_open.call(third_probe)))

        assert [error.retry_after for error in refusals] == [30.0]
        assert half_open.breaker.state is CLOSED

    def test_probes_still_out_do_not_undo_an_opening(self, half_open):
        half_open.call(lambda: half_open.play("f"))

        assert half_open.breaker.state is OPEN

    def test_a_probe_of_an_earlier_half_open_period_does_not_count(self, half_open):
        def outlives_its_period():
            half_open.play("f")
            half_open.clock.advance(30.0)
            half_open.play("ss")

        half_open.call(outlives_its_period)

        assert half_open.play("") is HALF_OPEN
        assert half_open.play("s") is CLOSED

    def test_a_stale_probe_gives_no_permit_to_the_new_period(self, half_open):
        def outlives_its_period():
            half_open.play("f")
            half_open.clock.advance(30.0)
            raise half_open.NotFound

        with contextlib.suppress(half_open.NotFound):
            half_open.call(outlives_its_period)
        refused = []

        def beyond():
            refused.append(half_open.is_refused())

        half_open.call(lambda: half_open.call(lambda: half_open.call(beyond)))

        assert len(refused) == 1


class TestStaleResults:
    @pytest.mark.parametrize("ending", ["s", "f", "i"])
    def test_a_call_of_the_closed_period_says_nothing_in_half_open(self, service, ending):
        shop = service(half_open_permits=1, **QUICK)

        def slow_call():
            shop.play("ffff")
            shop.clock.advance(30.0)
            shop.play("i")
            assert shop.breaker.state is HALF_OPEN
            if ending == "f":
                raise shop.Outage
            if ending == "i":
                raise shop.NotFound

        with contextlib.suppress(shop.Outage, shop.NotFound):
            shop.call(slow_call)

        assert shop.breaker.state is HALF_OPEN
        assert shop.breaker.snapshot().calls == 0

    def test_a_call_of_an_earlier_closed_period_does_not_count(self, service):
        shop = service(half_open_permits=1, **QUICK)

        def slow_call():
            shop.play("ffff")
            shop.clock.advance(30.0)
            assert shop.play("s") is CLOSED
            raise shop.Outage

        with contextlib.suppress(shop.Outage):
            shop.call(slow_call)

        assert shop.breaker.snapshot().calls == 0


class TestTransitions:
    def test_each_change_is_reported_once_and_in_order(self, service):
        shop = service(half_open_permits=1, **QUICK)

        shop.play("ffff")
        shop.clock.advance(30.0)
        shop.play("f")
        shop.clock.advance(30.0)
        shop.play("s")

        assert shop.changes == [
            (CLOSED, OPEN),
            (OPEN, HALF_OPEN),
            (HALF_OPEN, OPEN),
            (OPEN, HALF_OPEN),
            (HALF_OPEN, CLOSED),
        ]

    def test_the_listener_can_be_set_later(self, service):
        shop = service(on_transition=None, **QUICK)
        seen = []
        shop.breaker.on_transition = lambda old, new: seen.append(new)

        shop.play("ffff")

        assert seen == [OPEN]

    def test_half_open_is_reported_before_the_probe_runs(self, service):
        shop = service(**QUICK)
        shop.play("ffff")
        shop.clock.advance(30.0)

        seen_by_probe = shop.call(lambda: list(shop.changes))

        assert seen_by_probe[-1] == (OPEN, HALF_OPEN)

    def test_the_listener_may_read_and_call_the_breaker(self, service):
        shop = service(half_open_permits=1, **QUICK)

        def listener(old, new):
            shop.changes.append((old, new))
            if new is OPEN:
                assert shop.breaker.snapshot().state is OPEN
                shop.clock.advance(30.0)
                shop.succeed()

        shop.breaker.on_transition = listener

        shop.play("ffff")

        assert shop.changes == [(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)]

    def test_a_listener_that_raises_changes_nothing_and_is_logged(self, service, caplog):
        shop = service(half_open_permits=1, **QUICK)
        shop.breaker.on_transition = lambda old, new: 1 / 0

        shop.play("ffff")
        shop.clock.advance(30.0)

        assert shop.succeed() == "answer"
        assert shop.breaker.state is CLOSED
        assert [r.getMessage() for r in caplog.records] == [
            "on_transition raised at CLOSED -> OPEN",
            "on_transition raised at OPEN -> HALF_OPEN",
            "on_transition raised at HALF_OPEN -> CLOSED",
        ]
        assert all(r.levelno == logging.ERROR and r.exc_info for r in caplog.records)

    def test_an_interrupt_in_the_listener_keeps_no_permit(self, half_open):
        def listener(old, new):
            raise KeyboardInterrupt

        half_open.breaker.on_transition = listener
        with pytest.raises(KeyboardInterrupt):
            half_open.succeed()
        half_open.breaker.on_transition = None

        assert half_open.play("ss") is HALF_OPEN
        assert half_open.play("s") is CLOSED


class TestIsFailure:
    def test_it_decides_what_counts(self, service):
        shop = service(is_failure=lambda error: isinstance(error, TimeoutError), **QUICK)

        for _ in range(4):
            shop.fail(ValueError("our own mistake"))
        assert shop.breaker.snapshot().calls == 0

        for _ in range(4):
            shop.fail(TimeoutError())
        assert shop.breaker.state is OPEN

    def test_any_true_value_counts_once(self, service):
        shop = service(is_failure=lambda error: 7)

        shop.fail()

        assert shop.breaker.snapshot().failures == 1

    def test_if_it_raises_the_call_counts_as_failed_and_keeps_its_error(self, service, caplog):
        shop = service(is_failure=lambda error: error.status >= 500, **QUICK)

        shop.play("ffff")

        assert shop.breaker.state is OPEN
        assert "is_failure raised about Outage('down')" in caplog.text

    def test_if_it_is_interrupted_the_permit_comes_back(self, service):
        def interrupted(error):
            raise KeyboardInterrupt

        shop = service(half_open_permits=1, **QUICK)
        shop.play("ffff")
        shop.clock.advance(30.0)
        shop.breaker._is_failure = interrupted

        with pytest.raises(KeyboardInterrupt):
            shop.call(lambda: 1 / 0)

        assert shop.play("s") is CLOSED


class TestWrongKindOfFunction:
    async def fetch(self):
        return "answer"

    def test_the_plain_breaker_refuses_a_coroutine_function(self):
        breaker = CircuitBreaker()

        for fetch in (self.fetch, functools.partial(self.fetch)):
            with pytest.raises(
                TypeError, match=r"is a coroutine function, use AsyncCircuitBreaker"
            ):
                breaker.call(fetch)

        assert breaker.snapshot().calls == 0

    def test_the_plain_breaker_refuses_a_coroutine_from_a_lambda(self):
        breaker = CircuitBreaker()

        with pytest.raises(TypeError, match=r"gave back the coroutine .*fetch, use Async"):
            breaker.call(lambda: self.fetch())

        assert breaker.snapshot().failures == 1

    async def test_the_async_breaker_refuses_a_plain_function(self):
        with pytest.raises(TypeError, match="gave back int, not an awaitable, use CircuitBreaker"):
            await AsyncCircuitBreaker().call(lambda: 1)

    async def test_the_async_breaker_sees_the_failure_of_a_coroutine(self):
        breaker = AsyncCircuitBreaker(window=1, min_calls=1)

        async def fail():
            raise ConnectionError

        with pytest.raises(ConnectionError):
            await breaker.call(fail)

        assert breaker.state is OPEN


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            ({"window": 0}, "window must be a whole number of at least 1, got 0"),
            ({"window": True}, "window must be a whole number of at least 1, got True"),
            ({"window": 2.5}, "window must be a whole number of at least 1, got 2.5"),
            ({"window": "20"}, "window must be a whole number of at least 1, got '20'"),
            ({"min_calls": 0}, "min_calls must be a whole number of at least 1, got 0"),
            ({"window": 5}, "min_calls must be at most the window of 5 calls, got 10"),
            ({"failure_rate": 0}, "failure_rate must be above 0 and at most 1, got 0"),
            ({"failure_rate": 50}, "failure_rate must be above 0 and at most 1, got 50"),
            ({"failure_rate": True}, "failure_rate must be above 0 and at most 1, got True"),
            (
                {"failure_rate": float("nan")},
                "failure_rate must be above 0 and at most 1, got nan",
            ),
            ({"slow_call_rate": 1.1}, "slow_call_rate must be above 0 and at most 1, got 1.1"),
            (
                {"slow_call_duration": -1},
                "slow_call_duration must be more than 0 seconds and finite, got -1",
            ),
            ({"open_for": 0}, "open_for must be more than 0 seconds and finite, got 0"),
            (
                {"open_for": float("inf")},
                "open_for must be more than 0 seconds and finite, got inf",
            ),
            ({"open_for": None}, "open_for must be more than 0 seconds and finite, got None"),
            (
                {"half_open_permits": 0},
                "half_open_permits must be a whole number of at least 1, got 0",
            ),
        ],
    )
    def test_a_wrong_number_is_refused_with_one_sentence(self, settings, sentence):
        with pytest.raises(ValueError) as caught:
            CircuitBreaker(**settings)

        assert str(caught.value) == sentence

    def test_a_time_window_has_no_size_for_min_calls_to_exceed(self):
        CircuitBreaker(window=TimeWindow(1.0), min_calls=1000)

    def test_two_breakers_do_not_share_the_window_they_were_given(self):
        window = CountWindow(20)
        first, second = CircuitBreaker(window=window), CircuitBreaker(window=window)

        first.call(int)

        assert (first.snapshot().calls, second.snapshot().calls) == (1, 0)

    def test_the_clock_of_the_machine_is_the_default(self):
        assert isinstance(CircuitBreaker()._clock, SystemClock)


class TestWhatANotebookShows:
    def test_the_snapshot_has_state_calls_failures_and_rate(self, service):
        shop = service()
        shop.play("sssf")

        now = shop.breaker.snapshot()

        assert (now.state, now.calls, now.failures, now.failure_rate) == (CLOSED, 4, 1, 0.25)

    def test_after_opening_it_shows_the_numbers_that_opened_it(self, service):
        shop = service(**QUICK)
        shop.play("ssff")

        assert repr(shop.breaker).endswith("CircuitBreaker(OPEN, 2 of 4 calls failed, 0 slow)")

    def test_it_says_what_production_libraries_add(self):
        assert len(CircuitBreaker.production_gap) > 3
        assert AsyncCircuitBreaker.production_gap == CircuitBreaker.production_gap

    def test_a_refusal_survives_copy_and_pickle(self):
        error = CircuitOpen("circuit is open, retry after 3 s", retry_after=3.0)

        for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            assert (str(twin), twin.retry_after) == (str(error), 3.0)


class TestAsync:
    async def test_a_cancelled_probe_gives_its_permit_back(self):
        clock = ManualClock()
        breaker = AsyncCircuitBreaker(window=1, min_calls=1, half_open_permits=1, clock=clock)
        with pytest.raises(ZeroDivisionError):
            await breaker.call(divide)
        clock.advance(30.0)
        probe = asyncio.create_task(breaker.call(asyncio.Event().wait))
        await asyncio.sleep(0)
        with pytest.raises(CircuitOpen):
            await breaker.call(asyncio.sleep, 0)

        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe

        await breaker.call(asyncio.sleep, 0)
        assert breaker.state is CLOSED

    async def test_at_most_three_of_twenty_tasks_are_probes(self):
        clock, gate = ManualClock(), asyncio.Event()
        breaker = AsyncCircuitBreaker(window=1, min_calls=1, clock=clock)
        with pytest.raises(ZeroDivisionError):
            await breaker.call(divide)
        clock.advance(30.0)

        tasks = [asyncio.create_task(breaker.call(gate.wait)) for _ in range(20)]
        await asyncio.sleep(0)
        gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)

        assert results.count(True) == 3
        assert sum(isinstance(result, CircuitOpen) for result in results) == 17
        assert breaker.state is CLOSED

    async def test_a_timeout_inside_the_call_counts(self):
        breaker = AsyncCircuitBreaker(window=1, min_calls=1)

        async def with_timeout():
            async with asyncio.timeout(0):
                await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            await breaker.call(with_timeout)

        assert breaker.state is OPEN

    def test_a_call_that_is_thrown_away_gives_its_permit_back(self):
        clock = ManualClock()
        breaker = AsyncCircuitBreaker(window=1, min_calls=1, half_open_permits=1, clock=clock)
        with pytest.raises(ZeroDivisionError):
            breaker.call(divide).send(None)
        clock.advance(30.0)
        probe = breaker.call(asyncio.sleep, 0)
        probe.send(None)

        del probe
        gc.collect()

        with pytest.raises(StopIteration):
            breaker.call(as_soon_as_possible).send(None)
        assert breaker.state is CLOSED

    def test_a_call_may_be_thrown_away_while_the_breaker_decides(self):
        """The garbage collector may run at any line, also under the lock."""
        abandoned = []

        class Collecting(ManualClock):
            def monotonic(self):
                if abandoned:
                    abandoned.pop().close()
                return super().monotonic()

        clock = Collecting()
        breaker = AsyncCircuitBreaker(window=1, min_calls=1, half_open_permits=1, clock=clock)
        with pytest.raises(ZeroDivisionError):
            breaker.call(divide).send(None)
        clock.advance(30.0)
        probe = breaker.call(asyncio.sleep, 0)
        probe.send(None)
        abandoned.append(probe)

        # In a thread of its own: without a re-entrant lock it would wait for itself.
        next_probe = breaker.call(as_soon_as_possible)
        thread = threading.Thread(target=finish, args=[next_probe], daemon=True)
        thread.start()
        thread.join(20.0)

        assert not thread.is_alive()
        assert breaker.state is CLOSED


def finish(coroutine):
    with contextlib.suppress(StopIteration):
        coroutine.send(None)


async def divide():
    return 1 / 0


async def as_soon_as_possible():
    return "answer"
