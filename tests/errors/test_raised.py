"""The facts about an error, against errors that Python itself has chained."""

from __future__ import annotations

import gc
import weakref

from course_lib.errors.raised import MOST_LINKS, Place, Raised


def caught(fn):
    try:
        fn()
    except BaseException as error:  # noqa: BLE001  any error is what we look at
        return Raised.of(error, skip=1)
    raise AssertionError("nothing was raised")


def inner():
    raise KeyError("price")


def outer():
    inner()


def test_the_traceback_runs_from_the_outermost_place_to_the_one_that_raised():
    first = outer.__code__.co_firstlineno

    places = caught(outer).traceback

    assert places == (
        Place("outer", first + 1, "inner()"),
        Place("inner", inner.__code__.co_firstlineno + 1, 'raise KeyError("price")'),
    )


def test_a_cause_is_named_and_is_the_context_too():
    def translate():
        try:
            inner()
        except KeyError as error:
            raise ValueError("no price") from error

    raised = caught(translate)

    assert (str(raised), str(raised.cause)) == ("ValueError: no price", "KeyError: 'price'")
    assert raised.context == raised.cause


def test_an_error_inside_a_handler_has_a_context_and_no_cause():
    def clumsy():
        try:
            inner()
        except KeyError:
            raise ValueError("no price")  # noqa: B904  the missing `from` is the case

    raised = caught(clumsy)

    assert raised.cause is None
    assert raised.context.type == "KeyError"


def test_notes_are_kept_in_order():
    error = ValueError("x")
    error.add_note("first")
    error.add_note("second")

    assert Raised.of(error).notes == ("first", "second")


def test_a_group_tells_of_its_members():
    group = ExceptionGroup("two parts", [ValueError("a"), ExceptionGroup("more", [OSError("b")])])

    raised = Raised.of(group)

    assert str(raised) == "ExceptionGroup: two parts"
    assert [str(each) for each in raised.errors] == ["ValueError: a", "ExceptionGroup: more"]
    assert str(raised.errors[1].errors[0]) == "OSError: b"


def test_a_long_chain_is_cut():
    error = ValueError("0")
    for number in range(1, 50):
        later = ValueError(str(number))
        later.__cause__, error = error, later

    raised, links = Raised.of(error), 0
    while raised.cause is not None:
        raised, links = raised.cause, links + 1

    assert links == MOST_LINKS


def test_an_error_whose_text_breaks_is_still_told():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    assert str(Raised.of(Broken())) == "Broken: its text cannot be read"


def test_an_error_without_text_is_its_type():
    assert str(Raised.of(StopIteration())) == "StopIteration"


def test_the_facts_keep_nothing_alive():
    class Big:
        pass

    def fail():
        big = Big()
        watched.append(weakref.ref(big))
        raise ValueError

    watched = []
    raised = caught(fail)
    gc.collect()

    assert raised.type == "ValueError"
    assert watched[0]() is None
