"""The boundary: one answer, one record, one count, whatever breaks."""

from __future__ import annotations

import asyncio
import logging

import pytest

from course_lib.errors import Boundary, InvalidInput, NotFound, Problem, ShopError, Unavailable


class Records(logging.Handler):
    """Keeps the records."""

    def __init__(self):
        super().__init__()
        self.all: list[logging.LogRecord] = []

    def emit(self, record):
        self.all.append(record)


class Broken(logging.Handler):
    """A log whose disk is full."""

    def emit(self, record):
        raise OSError("no space left")


class Bench:
    """A boundary with its own log and metric, and numbers I1, I2, ..."""

    def __init__(self, handler=None, **settings):
        self.log = handler or Records()
        self.counts: list[tuple[int, str]] = []
        self.logger = logging.Logger("shop")  # of its own: no other test hears it
        self.logger.addHandler(self.log)
        numbers = iter(range(1, 100))
        settings.setdefault("new_id", lambda: f"I{next(numbers)}")
        settings.setdefault("count", lambda *labels: self.counts.append(labels))
        self.boundary = Boundary(logger=self.logger, **settings)

    def answer(self, error):
        """What a wrapped handler gives back when it raises this."""

        def handler():
            raise error

        return self.boundary.wrap(handler, respond=Problem.as_dict)()

    def answer_async(self, error):
        async def handler():
            raise error

        return asyncio.run(self.boundary.wrap(handler, respond=Problem.as_dict)())


@pytest.fixture(params=["answer", "answer_async"], ids=["plain", "async"])
def how(request):
    return request.param


def test_a_result_passes_through_unchanged_and_is_not_logged():
    bench = Bench()
    assert bench.boundary.wrap(divmod, respond=Problem.as_dict)(7, 2) == (3, 1)
    assert bench.log.all == []
    assert bench.counts == []


def test_an_awaited_result_passes_through():
    async def double(number):
        return 2 * number

    assert asyncio.run(Bench().boundary.wrap(double, respond=Problem.as_dict)(21)) == 42


def test_a_known_error_has_one_record_below_error(how):
    bench = Bench()
    body = getattr(bench, how)(NotFound("order", 17))
    assert (body["status"], body["detail"]) == (404, "no order 17")
    (record,) = bench.log.all
    assert (record.levelno, record.exc_info) == (logging.INFO, None)
    assert record.getMessage() == "404 not_found NotFound: no order 17"
    assert bench.counts == [(404, "not_found")]


def test_a_dependency_that_is_down_is_a_warning_with_its_cause():
    bench, error = Bench(), Unavailable("stock database")
    error.__cause__ = OSError("refused")
    assert bench.answer(error)["status"] == 503
    (record,) = bench.log.all
    assert record.levelno == logging.WARNING
    assert record.exc_info[1].__cause__ is error.__cause__


def test_an_unknown_error_has_one_error_record_with_the_same_number(how):
    bench, error = Bench(), KeyError("password of ada")
    body = getattr(bench, how)(error)
    assert (body["status"], body["incident"]) == (500, "I1")
    assert "password" not in str(body)
    (record,) = bench.log.all
    assert (record.levelno, record.incident, record.exc_info[1]) == (logging.ERROR, "I1", error)
    assert "I1" in record.getMessage()
    assert bench.counts == [(500, "internal_error")]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_interruptions_pass_through_unlogged(kind):
    bench = Bench()
    with pytest.raises(kind):
        bench.answer(kind())
    assert bench.log.all == []


def test_cancellation_passes_through_a_coroutine():
    bench = Bench()
    with pytest.raises(asyncio.CancelledError):
        bench.answer_async(asyncio.CancelledError())
    assert bench.log.all == []


def test_the_nearest_class_wins_and_subclasses_are_served():
    class WrongEmail(InvalidInput):
        """Nobody registered this one."""

    gone = Problem(410, "about:blank", "Gone", "", "gone")
    bench = Bench(translators={LookupError: lambda error: gone})
    assert bench.answer(KeyError("x"))["status"] == 410
    assert bench.answer(WrongEmail("email", "needs an @"))["status"] == 422
    assert bench.answer(ValueError("x"))["status"] == 500


def test_a_translator_of_a_subclass_beats_the_one_of_its_base_class():
    teapot = Problem(418, "about:blank", "Teapot", "", "teapot")
    bench = Bench(translators={NotFound: lambda error: teapot})
    assert bench.answer(NotFound("tea", 1))["status"] == 418
    assert bench.answer(InvalidInput("tea", "is cold"))["status"] == 422


def broken_translator(error):
    raise RuntimeError("secret template missing")


@pytest.mark.parametrize("translator", [broken_translator, lambda error: None])
def test_a_broken_translator_is_answered_with_500_and_logged_with_the_first_error(translator):
    bench, first = Bench(translators={OSError: translator}), OSError("disk")
    body = bench.answer(first)
    assert (body["status"], body["incident"]) == (500, "I1")
    (record,) = bench.log.all
    assert record.levelno == logging.ERROR
    assert record.exc_info[1].__cause__ is first


def test_a_translator_that_raises_the_error_again_makes_no_circle():
    def again(error):
        raise error

    bench, error = Bench(translators={OSError: again}), OSError("disk")
    assert bench.answer(error)["status"] == 500
    assert error.__cause__ is None


def test_a_class_with_an_impossible_status_is_a_bug():
    class Odd(ShopError):
        status, code = 200, "odd"

    assert Bench().answer(Odd("x"))["status"] == 500


@pytest.mark.parametrize("error", [KeyError("x"), NotFound("order", 1)], ids=["500", "404"])
def test_a_log_that_fails_costs_the_record_and_not_the_answer(error, capsys):
    body = Bench(handler=Broken()).answer(error)
    assert body["status"] in (500, 404)
    assert f"{body['status']} {type(error).__name__}" in capsys.readouterr().err


def test_a_metric_that_fails_costs_the_count_and_not_the_answer():
    def broken_count(status, code):
        raise OSError("no socket")

    bench = Bench(count=broken_count)
    assert bench.answer(KeyError("x"))["incident"] == "I1"
    assert len(bench.log.all) == 1


def test_numbers_that_cannot_be_made_are_replaced():
    def broken_id():
        raise OSError("no random numbers")

    bench = Bench(new_id=broken_id)
    body = bench.answer(KeyError("x"))
    assert body["incident"] == bench.log.all[0].incident != ""


def test_an_error_whose_text_cannot_be_made_is_still_answered(capsys):
    class Mute(NotFound):
        def __str__(self):
            raise RuntimeError("no text")

    assert Bench().answer(Mute("order", 1))["status"] == 404
    assert "404 Mute" in capsys.readouterr().err


def test_nobody_can_write_a_log_line_of_their_own():
    bench = Bench()
    bench.answer(InvalidInput("name", "is wrong\n500 internal_error I9"))
    assert "\n" not in bench.log.all[0].getMessage()


def test_a_plain_handler_that_gives_back_a_coroutine_is_a_bug_and_is_answered():
    async def work():
        raise NotFound("order", 1)

    bench = Bench()
    body = bench.boundary.wrap(lambda: work(), respond=Problem.as_dict)()
    assert body["status"] == 500
    assert isinstance(bench.log.all[0].exc_info[1], TypeError)


def test_a_wrapped_handler_keeps_its_name():
    def show_order():
        """Show it."""

    assert Bench().boundary.wrap(show_order, respond=Problem.as_dict).__name__ == "show_order"


def test_two_incidents_have_two_numbers_by_default():
    boundary = Boundary(logger=Bench().logger)
    numbers = {boundary.problem(KeyError("x")).incident for _ in range(100)}
    assert len(numbers) == 100
