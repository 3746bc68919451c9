"""Rows of a join, against the relational algebra."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.databases.join_fan_out import fan_out
from course_lib.databases.null_logic import eq
from course_lib.databases.relational import join

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=60)
keys = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=6)


@repeatable
@given(left=keys, right=keys)
def test_the_counts_are_those_of_the_joins(left, right):
    found = fan_out(left, right)

    a, b = [{"k": key} for key in left], [{"j": key} for key in right]
    for how in ("inner", "left", "right", "full"):
        assert found.rows[how] == len(join(a, b, lambda r: eq(r["k"], r["j"]), how=how))
    assert found.rows["cross"] == len(join(a, b))
    assert len(found.lines) == sum(found.counted) == found.rows["inner"]


@pytest.mark.parametrize(
    ("left", "right", "counted", "is_right"),
    [
        (["a", "b"], ["a", "b"], (1, 1), True),
        (["a", "a", "b"], ["a", "b", "c"], (1, 1, 1), True),
        (["a", "b"], ["a", "a", "b"], (2, 1), False),
        (["a", "b"], ["a"], (1, 0), False),
        ([None], [None], (0,), False),
    ],
)
def test_a_sum_is_right_if_every_row_meets_exactly_one(left, right, counted, is_right):
    found = fan_out(left, right)

    assert (found.counted, found.is_right) == (counted, is_right)


def test_the_lines_join_positions():
    assert fan_out(["a", "b"], ["b", "a", "b"]).lines == ((0, 1), (1, 0), (1, 2))
