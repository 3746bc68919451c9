"""The order of an online rename: found by trying all of them."""

from __future__ import annotations

import sqlite3
from itertools import combinations

import pytest

from course_lib.databases.expand_contract import (
    RENAME_AT_ONCE,
    STEPS,
    VERSIONS,
    compatibility,
    roll_out,
)

pytestmark = pytest.mark.skipif(
    sqlite3.sqlite_version_info < (3, 35), reason="an older SQLite, without DROP COLUMN"
)
NAMES = [version.name for version in VERSIONS]


def works(first: str, second: str) -> str:
    """One letter for each step: start, expand, backfill, contract."""
    return "".join("+" if moment.works else "-" for moment in compatibility(first, second))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("old", "old", "+++-"),
        ("writes both", "writes both", "-++-"),
        ("reads new", "reads new", "--+-"),
        ("new", "new", "--++"),
        ("old", "writes both", "-++-"),
        ("writes both", "reads new", "--+-"),
        ("reads new", "new", "--+-"),
        ("old", "reads new", "----"),
        ("old", "new", "----"),
        ("writes both", "new", "----"),
    ],
)
def test_which_versions_can_run_beside_each_other(first, second, expected):
    assert works(first, second) == works(second, first) == expected


def test_no_two_neighbours_can_be_left_out():
    """From each version the rollout can reach the next, and never the one after it."""
    for here, name in enumerate(NAMES):
        reachable = [other for other in NAMES[here + 1 :] if "+" in works(name, other)]
        assert reachable == NAMES[here + 1 : here + 2]


def test_a_rename_in_one_step_suits_one_version_before_and_another_one_after():
    old = compatibility("old", "old", steps=RENAME_AT_ONCE)
    new = compatibility("new", "new", steps=RENAME_AT_ONCE)
    both = compatibility("old", "new", steps=RENAME_AT_ONCE)

    assert [moment.works for moment in old] == [True, False]
    assert [moment.works for moment in new] == [False, True]
    assert [moment.works for moment in both] == [False, False]
    assert old[1].problem.startswith("old fails: ")
    assert "full_name" in old[1].problem


def test_of_all_orders_only_one_is_safe():
    versions, steps = NAMES[1:], [name for name, _ in STEPS[1:]]
    safe = []
    for places in combinations(range(6), 3):
        left, right = iter(versions), iter(steps)
        moves = [next(left) if place in places else next(right) for place in range(6)]
        moments = roll_out(moves)
        if len(moments) == 6 and moments[-1].works:
            safe.append(moves)

    assert safe == [["expand", "writes both", "backfill", "reads new", "new", "contract"]]


def test_a_row_that_is_written_after_the_backfill_is_missed():
    moments = roll_out(["expand", "backfill", "writes both", "reads new"])

    assert [moment.works for moment in moments] == [True, True, True, False]
    assert moments[-1].problem == "reads new reads NULL where old wrote 'Customer 3'"


def test_the_rollout_stops_at_the_first_problem():
    moments = roll_out(["writes both", "expand"])

    assert [moment.move for moment in moments] == ["writes both"]
    assert moments[0].problem.startswith("writes both fails: ")


def test_an_unknown_move_is_refused():
    with pytest.raises(ValueError, match="'jump' is no step and no version: use one of old"):
        roll_out(["jump"])
