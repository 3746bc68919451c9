"""The rules of a retry, each for a plain function and for a coroutine function."""

from __future__ import annotations

import asyncio
import functools
import inspect

import pytest

from course_lib.clock import ManualClock
from course_lib.errors import Retry, RetryBudget, RetryPolicy, exponential, fixed

HTTP_DATE = "Thu, 01 Jan 2026 00:01:30 GMT"  # 90 s after the start of a ManualClock


class Refused(ConnectionError):
    """The service said when to come back."""

    def __init__(self, retry_after):
        super().__init__("refused")
        self.retry_after = retry_after


class Service:
    """Plays a script: an exception is raised, anything else is given back."""

    def __init__(self, kind, **settings):
        self.kind = kind
        self.clock = ManualClock()
        self.calls = 0
        settings.setdefault("backoff", exponential(base=0.2, cap=2.0))
        self.retry = Retry(clock=self.clock, **settings)

    def play(self, *script, seconds=0.0):
        steps = iter(script)

        def service():
            self.calls += 1
            self.clock.advance(seconds)
            step = next(steps)
            if isinstance(step, BaseException):
                raise step
            return step

        if self.kind == "threads":
            return self.retry.call(service)

        async def coroutine():
            return service()

        return asyncio.run(self.retry.acall(coroutine))

    @property
    def waits(self):
        return [round(wait, 6) for wait in self.clock.waits]


@pytest.fixture(params=["threads", "async"])
def service(request):
    return lambda **settings: Service(request.param, **settings)


def down(count):
    return [ConnectionError(f"down {number}") for number in range(1, count + 1)]


def test_a_success_is_given_back_without_a_wait(service):
    shop = service()

    assert shop.play("answer") == "answer"
    assert (shop.calls, shop.waits) == (1, [])


def test_it_waits_longer_each_time_until_one_succeeds(service):
    shop = service(attempts=5)

    assert shop.play(*down(3), "answer") == "answer"
    assert shop.waits == [0.2, 0.4, 0.8]


def test_five_attempts_wait_four_times(service):
    shop = service(attempts=5)

    with pytest.raises(ConnectionError):
        shop.play(*down(5))

    assert (shop.calls, shop.waits) == (5, [0.2, 0.4, 0.8, 1.6])


def test_the_last_error_is_raised_with_a_note_for_each_earlier_one(service):
    shop, errors = service(attempts=3), down(3)

    with pytest.raises(ConnectionError) as caught:
        shop.play(*errors)

    assert caught.value is errors[2]
    assert caught.value.__notes__ == [
        "attempt 1: ConnectionError: down 1",
        "attempt 2: ConnectionError: down 2",
    ]


def test_an_error_that_is_not_listed_is_raised_at_once_with_the_notes(service):
    shop, missing = service(), KeyError("order 17")

    with pytest.raises(KeyError) as caught:
        shop.play(*down(1), missing)

    assert caught.value is missing
    assert missing.__notes__ == ["attempt 1: ConnectionError: down 1"]
    assert shop.calls == 2


def test_a_first_error_that_is_raised_has_no_notes(service):
    missing = KeyError("order 17")

    with pytest.raises(KeyError):
        service().play(missing)

    assert not hasattr(missing, "__notes__")


def test_a_note_is_cut_at_200_characters(service):
    last = ConnectionError()

    with pytest.raises(ConnectionError):
        service(attempts=2).play(ConnectionError("x" * 5000), last)

    assert len(last.__notes__[0]) == 200


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_interruption_passes_at_once_however_broad_retry_on_is(stop):
    for retry_on in (Exception, lambda error: True):
        shop = Service("threads", retry_on=retry_on)

        with pytest.raises(stop):
            shop.play(stop())

        assert (shop.calls, shop.waits) == (1, [])


@pytest.mark.parametrize("mistake", [TypeError("typo"), AttributeError("typo"), NameError("typo")])
def test_a_programming_error_is_never_retried(service, mistake):
    shop = service(retry_on=Exception)

    with pytest.raises(type(mistake)) as caught:
        shop.play(mistake)

    assert caught.value is mistake
    assert shop.calls == 1


def test_retry_on_may_be_one_class_several_or_a_function(service):
    for retry_on in (OSError, (ValueError, OSError), lambda error: "down" in str(error)):
        assert service(retry_on=retry_on).play(*down(2), "answer") == "answer"


def test_no_wait_reaches_the_deadline(service):
    shop = service(attempts=10, deadline=1.4)  # 0.2 + 0.4 fit; 0.8 more ends at 1.4

    with pytest.raises(ConnectionError):
        shop.play(*down(10))

    assert shop.waits == [0.2, 0.4]


def test_a_wait_that_ends_at_the_deadline_is_not_made_although_floats_are_not_exact():
    policy = RetryPolicy(deadline=0.8, backoff=fixed(0.1))
    failed = {"attempt": 1, "now": 0.0, "previous": 0.0}

    assert 0.7 + 0.1 < 0.8
    assert policy.next_wait(ConnectionError(), elapsed=0.7, **failed) is None
    assert policy.next_wait(ConnectionError(), elapsed=0.69, **failed) == 0.1


def test_a_wait_that_ends_before_the_deadline_is_made(service):
    shop = service(attempts=4, deadline=1.41)

    with pytest.raises(ConnectionError):
        shop.play(*down(4))

    assert shop.waits == [0.2, 0.4, 0.8]


def test_the_time_that_calls_take_counts_towards_the_deadline(service):
    shop = service(attempts=10, deadline=3.0)

    with pytest.raises(ConnectionError):
        shop.play(*down(10), seconds=1.0)  # 1.0, wait 0.2, 2.2, wait 0.4, 3.6

    assert (shop.calls, shop.waits) == (3, [0.2, 0.4])


def test_the_deadline_does_not_care_about_the_wall_clock(service):
    shop = service(attempts=3, deadline=1.0)
    shop.clock.set_wall_clock_back(-3600)

    assert shop.play(*down(2), "answer") == "answer"


@pytest.mark.parametrize(("said", "wait"), [(60, 60.0), ("7", 7.0), (HTTP_DATE, 90.0), (0, 0.0)])
def test_what_the_server_says_is_the_exact_wait(service, said, wait):
    shop = service(deadline=None)

    assert shop.play(Refused(said), "answer") == "answer"
    assert shop.waits == [wait]


def test_a_date_in_the_past_means_now(service):
    shop = service()
    shop.clock.set_wall_clock_back(-3600)

    assert shop.play(Refused(HTTP_DATE), "answer") == "answer"
    assert shop.waits == [0.0]


def test_what_cannot_be_read_means_the_usual_backoff(service):
    shop = service(attempts=5)

    for odd in ("soon", -1, None):
        assert shop.play(Refused(odd), "answer") == "answer"

    assert shop.waits == [0.2, 0.2, 0.2]


def test_even_the_server_cannot_move_the_deadline(service):
    shop = service(deadline=30.0)

    with pytest.raises(Refused):
        shop.play(Refused(HTTP_DATE))

    assert (shop.calls, shop.waits) == (1, [])


def test_the_last_attempt_obeys_no_retry_after(service):
    shop = service(attempts=1)

    with pytest.raises(Refused):
        shop.play(Refused(1))

    assert shop.waits == []


def test_an_empty_budget_means_no_retry(service):
    shop = service(budget=RetryBudget(min_per_s=0.0))

    with pytest.raises(ConnectionError):
        shop.play(*down(4))

    assert (shop.calls, shop.waits) == (1, [])


def test_only_first_attempts_that_succeed_pay_in(service):
    budget = RetryBudget(ratio=1.0, min_per_s=0.0, max_tokens=10)
    shop = service(budget=budget)

    shop.play("answer")
    shop.play("answer")
    paid_in = budget.tokens
    shop.play(*down(1), "answer")

    assert (paid_in, budget.tokens) == (2.0, 1.0)


def test_a_retry_that_the_deadline_forbids_costs_no_token(service):
    budget = RetryBudget(ratio=1.0, min_per_s=0.0)
    shop = service(budget=budget, deadline=10.0)
    shop.play("answer")

    with pytest.raises(Refused):
        shop.play(Refused(60))

    assert budget.tokens == 1.0


def test_a_retry_that_cannot_help_costs_no_token(service):
    budget = RetryBudget(ratio=1.0, min_per_s=0.0)
    shop = service(budget=budget, attempts=1)
    shop.play("answer")

    with pytest.raises(ConnectionError):
        shop.play(*down(1))

    assert budget.tokens == 1.0


def test_arguments_go_through(service):
    assert Retry().call(lambda *args, **named: (args, named), 1, 2, fn=3) == ((1, 2), {"fn": 3})


async def test_arguments_of_a_coroutine_function_go_through():
    async def echo(*args, **named):
        return args, named

    assert await Retry().acall(echo, 1, 2, fn=3) == ((1, 2), {"fn": 3})


def test_a_decorated_function_keeps_name_docstring_and_signature():
    @Retry()
    def price(order: int, *, currency: str = "EUR") -> int:
        """In cents."""
        return order

    assert (price.__name__, price.__doc__) == ("price", "In cents.")
    assert list(inspect.signature(price).parameters) == ["order", "currency"]
    assert price(7) == 7


async def test_a_decorated_coroutine_function_stays_one_and_is_retried():
    clock, script = ManualClock(), [*down(2)]

    @Retry(clock=clock)
    async def price():
        if script:
            raise script.pop()
        return 7

    assert inspect.iscoroutinefunction(price)
    assert price.__name__ == "price"
    assert await price() == 7
    assert len(clock.waits) == 2


def test_each_call_of_a_decorated_function_has_its_own_attempts():
    script = [*down(2), None, *down(2), None]

    @Retry(attempts=3, clock=ManualClock())
    def price():
        step = script.pop(0)
        if step:
            raise step

    price()
    price()

    assert script == []


def test_generator_functions_are_refused():
    def plain():
        yield

    async def asynchronous():
        yield

    for generator in (plain, asynchronous):
        with pytest.raises(TypeError, match="generator function"):
            Retry()(generator)


async def nothing():
    pass


def test_a_coroutine_function_needs_acall():
    for fn in (nothing, functools.partial(nothing), lambda: nothing()):
        with pytest.raises(TypeError, match=r"use Retry\.acall"):
            Retry(retry_on=Exception).call(fn)


async def test_a_plain_function_needs_call():
    with pytest.raises(TypeError, match=r"use Retry\.call"):
        await Retry(retry_on=Exception).acall(lambda: 7)


async def test_a_task_can_be_cancelled_while_it_waits():
    clock = ManualClock(sleep_advances=False)

    async def fail():
        raise ConnectionError

    task = asyncio.create_task(Retry(clock=clock).acall(fail))
    while not clock.sleeping:
        await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(clock.waits) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"attempts": 0}, "attempts must be a whole number of at least 1, got 0"),
        ({"attempts": None}, "attempts must be a whole number of at least 1, got None"),
        ({"deadline": 0}, "deadline must be more than 0 seconds and finite, got 0"),
        ({"deadline": float("nan")}, "deadline must be more than 0 seconds"),
        ({"retry_on": KeyboardInterrupt}, "must not list KeyboardInterrupt"),
        ({"retry_on": (OSError, asyncio.CancelledError)}, "must not list CancelledError"),
        ({"retry_on": TypeError}, "must not list TypeError"),
        ({"retry_on": BaseException}, "must not list BaseException"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(settings, words):
    with pytest.raises(ValueError, match=words):
        Retry(**settings)


def test_it_shows_its_limits():
    assert repr(Retry()) == "Retry(4 attempts, 30 s)"
    assert repr(Retry(2, deadline=None)) == "Retry(2 attempts, no deadline)"
