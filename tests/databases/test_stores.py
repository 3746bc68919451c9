"""The chooser of stores: weights, musts, reasons, and no silent answer to a misspelt need."""

from __future__ import annotations

import pytest

from course_lib.databases.stores import FAMILIES, NEEDS, choose, conflict


def names(**weights):
    return [ranked.family.name for ranked in choose(weights)]


def test_every_family_says_how_it_meets_every_need():
    for family in FAMILIES:
        assert list(family.fits) == list(NEEDS)
        assert all(fit in (0, 1, 2) and why for fit, why in family.fits.values())


def test_every_need_has_a_family_that_is_made_for_it():
    assert all(any(family.fits[need][0] == 2 for family in FAMILIES) for need in NEEDS)


def test_the_points_are_weights_times_fits():
    best = choose({"rules": 3, "sums": 1})[0]

    assert (best.points, best.most) == (3 * 2 + 1 * 1, 2 * (3 + 1))
    assert best.reasons == (
        "rules 3 x 2: transactions and constraints over any rows",
        "sums 1 x 1: reads whole rows",
    )


@pytest.mark.parametrize(
    ("weights", "first"),
    [
        ({"rules": 3, "sums": 1}, "relational"),  # a bank
        ({"links": 3, "shapes": 1, "writes": 1}, "graph"),  # a social network
        ({"time": 3, "writes": 3}, "time series"),  # sensors
        ({"similar": 3}, "vector"),
        ({"sums": 3}, "columnar"),
    ],
)
def test_known_cases_have_a_known_first_place(weights, first):
    assert names(**weights)[0] == first


def test_a_family_that_misses_a_must_comes_after_all_that_miss_none():
    ranked = choose({"writes": 3, "links": 2})

    *others, last = ranked
    assert (last.family.name, last.points, last.unmet) == ("graph", 4, ("writes",))
    assert [each.unmet for each in others] == [()] * 6
    assert min(each.points for each in others) < last.points


def test_of_equals_the_relational_one_comes_first():
    assert names()[0] == "relational"
    ranked = choose({"shapes": 2, "rules": 2})
    assert [(each.family.name, each.points) for each in ranked[:2]] == [
        ("relational", 6),
        ("document", 6),
    ]


@pytest.mark.parametrize("ask", [choose, conflict])
@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"grahp": 3}, "unknown need 'grahp': use one of rules, links"),
        ({"links": 4}, "0, 1, 2 or 3, got 4"),
        ({"links": True}, "0, 1, 2 or 3, got True"),
        ({"links": "high"}, "0, 1, 2 or 3, got 'high'"),
    ],
)
def test_an_unknown_need_or_weight_is_refused(ask, weights, told):
    with pytest.raises(ValueError, match=told):
        ask(weights)


def test_needs_that_no_family_is_made_for_together_are_named():
    assert conflict({"rules": 3, "writes": 2, "time": 1}) == (
        "No family is made for all of rules, writes."
    )
    assert conflict({"time": 3, "writes": 3}) == ""
    assert conflict({}) == ""
