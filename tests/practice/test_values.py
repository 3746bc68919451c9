"""Comparing and showing values that may lie."""

import math
from collections import Counter, OrderedDict, defaultdict, namedtuple
from enum import IntEnum

import numpy
import pytest

from course_lib.practice.values import (
    Foreign,
    difference,
    foreign_in,
    plain,
    same,
    show,
    text_of,
    type_name,
)


class EqualToEverything:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1


class Unshowable:
    def __repr__(self):
        raise RuntimeError("no")


class LyingText(str):
    __slots__ = ()

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1


def test_plain_values_come_back_as_equal_copies():
    value = {"a": [1, (2.5, "x"), {3}], b"k": None, True: {"deep": []}}

    copy = plain(value)

    assert copy == value
    assert copy["a"] is not value["a"]


@pytest.mark.parametrize("liar", [EqualToEverything(), Unshowable(), object()])
def test_anything_else_is_foreign_and_equal_to_nothing(liar):
    assert isinstance(plain(liar), Foreign)
    assert not same("x", plain(liar))
    assert foreign_in(plain({"deep": [(1, liar)]}))


def test_what_a_class_says_of_itself_does_not_matter():
    assert plain(LyingText("x")) == "x"
    assert type(plain(LyingText("x"))) is str
    assert not same("y", plain(LyingText("x")))


def test_addresses_do_not_reach_the_text():
    assert plain(object()).text == "<object object> (type object)"


def test_a_repr_that_fails_is_said_so():
    assert plain(Unshowable()).text == "an object of type Unshowable whose repr fails"


def test_a_repr_that_gives_no_plain_text_is_not_used():
    class Sly:
        def __repr__(self):
            return LyingText("x")

    assert plain(Sly()).text == "an object of type Sly"


def test_a_metaclass_cannot_answer_for_the_name():
    class Meta(type):
        @property
        def __name__(cls):
            raise RuntimeError("no")

    assert type_name(Meta("Thing", (), {})()) == "Thing"


def test_a_value_that_contains_itself_ends():
    loop = []
    loop.append(loop)

    assert foreign_in(plain(loop))


def test_more_items_than_a_check_compares_are_foreign():
    assert foreign_in(plain([0] * 20_001))


def test_an_integer_of_forty_thousand_digits_is_foreign():
    assert plain(10**40_000).text == "an integer of 132878 bits"


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 1, True),
        (1, True, False),
        (1, 1.0, False),
        (0.1 + 0.2, 0.3, True),
        (0.3, 0.3001, False),
        (math.nan, math.nan, True),
        (math.inf, math.inf, True),
        ([1, 2], (1, 2), False),
        ([1, 2], [1], False),
        ({"a": math.nan}, {"a": math.nan}, True),
        ({(float("nan"),), None}, {None, (float("nan"),)}, True),
        ({math.nan, 1}, {math.nan, 2}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({1, 2}, {2, 1}, True),
        ({1}, {True}, False),
        ({1: "a"}, {True: "a"}, False),
    ],
)
def test_same_means_equal_values_of_equal_types(left, right, expected):
    assert same(left, right) is expected


def test_the_first_entry_that_differs_is_named():
    found = difference({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}})

    assert found == ("'b'", {"c": 2}, {"c": 3})


def test_an_entry_that_is_missing_or_too_many_is_named():
    assert show(difference({"a": 1}, {}).got) == "nothing"
    assert difference({}, {"b": 2}).where == "'b'"


def test_in_a_long_list_the_item_is_named():
    expected = list(range(100))
    got = [*expected[:50], -1, *expected[51:]]

    assert difference(expected, got) == ("item 50", 50, -1)


def test_shown_values_are_short_and_on_one_line():
    for value in ("x" * 10**7, b"y" * 10**6, [["a\nb"] * 1000] * 1000, {1: "z" * 10**6}):
        text = show(value)
        assert len(text) <= 120
        assert "\n" not in text


def test_the_text_of_an_error_is_one_short_line():
    class Rude(Exception):
        def __str__(self):
            raise ValueError

    assert text_of(ValueError("two\nlines")) == "ValueError: two lines"
    assert text_of(Rude()) == "Rude: (its text cannot be shown)"
    assert len(text_of(ValueError("x" * 10**6))) < 600


class LyingInt(int):
    """Holds one number and says another."""

    __int__ = __index__ = lambda self: 99

    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class LyingDict(dict):
    def items(self):
        return [("x", 1)]


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (LyingInt(6), 6),
        (LyingDict(a=1), {"a": 1}),
        (Point(1, 2), (1, 2)),
        (IntEnum("Level", "LOW HIGH").HIGH, 2),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (defaultdict(list, {1: [2]}), {1: [2]}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (frozenset({1}), {1}),
        (numpy.int64(4), 4),
        (numpy.float32(0.5), 0.5),
        (numpy.float64(0.1), 0.1),
        (numpy.bool_(True), True),
        (numpy.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        ({numpy.str_("n"): numpy.arange(2)}, {"n": [0, 1]}),
    ],
    ids=repr,
)
def test_what_holds_the_same_in_another_class_is_the_same(value, held):
    assert same(held, plain(value))
    assert repr(plain(value)) == repr(held)


def test_a_key_that_has_no_plain_form_is_foreign():
    assert foreign_in(plain({frozenset({1}): 2}))
    assert foreign_in(plain({frozenset({1})}))
