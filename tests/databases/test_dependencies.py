"""Dependencies, keys and normal forms: textbook tables, and laws on generated ones."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.databases.dependencies import (
    Dependency,
    candidate_keys,
    closure,
    contradictions,
    decompose,
    find,
    minimal_cover,
    natural_join,
    normal_form,
    parts_of,
)

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=150)


def rules(*texts: str) -> list[Dependency]:
    return [Dependency.parse(text) for text in texts]


def sets(*texts: str) -> set[frozenset[str]]:
    return {frozenset(text.split()) for text in texts}


ORDERS = "order product quantity customer city price"
ORDER_RULES = rules(
    "order -> customer", "customer -> city", "product -> price", "order product -> quantity"
)
ORDER_ROWS = [
    dict(zip(ORDERS.split(), row, strict=True))
    for row in [
        (1, "tea", 2, "Ada", "Oslo", 4),
        (1, "cup", 1, "Ada", "Oslo", 9),
        (2, "tea", 2, "Bob", "Rome", 4),
        (3, "pot", 1, "Ada", "Oslo", 9),
        (4, "tea", 5, "Eve", "Oslo", 4),
    ]
]


def test_the_wide_table_of_the_shop_becomes_four_tables():
    parts = decompose(ORDERS.split(), ORDER_RULES)

    assert set(parts) == sets(
        "order customer", "customer city", "product price", "order product quantity"
    )
    assert candidate_keys(ORDERS.split(), ORDER_RULES) == [{"order", "product"}]


def test_the_parts_of_the_wide_table_hold_every_fact_once_and_join_to_it():
    tables = parts_of(ORDER_ROWS, decompose(ORDERS.split(), ORDER_RULES))

    cities = next(table for table in tables if set(table[0]) == {"customer", "city"})
    assert len(cities) == 3
    by_order = sorted(natural_join(tables), key=lambda row: (row["order"], row["quantity"]))
    expected = sorted(ORDER_ROWS, key=lambda row: (row["order"], row["quantity"]))
    assert by_order == expected


def test_one_changed_cell_contradicts_the_other_rows():
    rows = [dict(row) for row in ORDER_ROWS]
    rows[0]["city"] = "Bergen"

    assert contradictions(ORDER_ROWS, ORDER_RULES[1]) == []
    assert contradictions(rows, ORDER_RULES[1]) == [(0, 1), (0, 3)]


FORMS = [
    # columns, dependencies, normal form, part of the reason
    ("a b c", ["a b -> c"], "BCNF", "nothing"),
    ("a b c", ["a b -> c", "a -> c"], "1NF", "a -> c: depends on a part of a key"),
    ("a b c", ["a -> b", "b -> c"], "2NF", "b -> c: depends on columns that are no key"),
    ("street city zip", ["street city -> zip", "zip -> city"], "3NF", "zip -> city"),
    (ORDERS, [repr(rule) for rule in ORDER_RULES], "1NF", "part of a key"),
    ("a b", [], "BCNF", "nothing"),
    ("a b c", ["a -> b", "b -> a", "a -> c"], "BCNF", "nothing"),
    ("a b", ["-> b"], "1NF", "-> b"),
    # a part of a key decides c, but only by way of parts of the other keys
    ("a c d e f", ["a -> d", "a -> e", "d e -> c", "d f -> a", "e f -> a"], "1NF", "a -> c"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "texts", "name", "reason"), FORMS)
def test_the_normal_form_of_a_table(columns, texts, name, reason):
    found = normal_form(columns.split(), rules(*texts))

    assert found.name == name
    assert reason in found.because


def test_a_list_in_a_cell_is_not_even_the_first_normal_form():
    found = normal_form(["order", "products"], [], rows=[{"order": 1, "products": ["tea", "cup"]}])

    assert (found.name, found.because) == ("not 1NF", "products holds several values in one cell")


def test_a_table_can_have_several_keys():
    keys = candidate_keys(["street", "city", "zip"], rules("street city -> zip", "zip -> city"))

    assert set(keys) == sets("street city", "street zip")


def test_dependencies_found_in_data_are_the_true_ones_and_some_by_chance():
    found = set(map(repr, find(ORDER_ROWS)))
    with_one_more = find([*ORDER_ROWS, {**ORDER_ROWS[1], "order": 5, "quantity": 2}])

    true = {"order -> customer", "customer -> city", "product -> price"}
    assert found >= {*true, "order product -> quantity", "quantity -> price"}
    assert {repr(rule) for rule in with_one_more} >= true
    assert "quantity -> price" not in map(repr, with_one_more)


def test_more_rows_can_only_refute():
    two_rows = {repr(rule) for rule in find(ORDER_ROWS[:2])}

    assert "-> city" in two_rows  # everybody lives in Oslo, so far
    assert "-> city" not in map(repr, find(ORDER_ROWS))


def test_a_superfluous_rule_and_column_are_left_out():
    cover = minimal_cover(rules("a -> b", "b -> c", "a -> c", "a b -> d", "a -> a"))

    assert set(map(repr, cover)) == {"a -> b", "b -> c", "a -> d"}


def test_too_many_or_unknown_columns_are_refused():
    with pytest.raises(ValueError, match="at most 12 columns, got 13"):
        candidate_keys("abcdefghijklm", [])
    with pytest.raises(ValueError, match="a -> z names z, which the table does not have"):
        normal_form("abc", rules("a -> z"))
    with pytest.raises(ValueError, match="write it as 'a b -> c'"):
        Dependency.parse("a b c")


# --- laws ---------------------------------------------------------------------------------

NAMES = "abcde"
cells = st.integers(0, 2)
relations = st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, cells)), min_size=1, max_size=8)
sides = st.frozensets(st.sampled_from(NAMES), max_size=3)
rule_sets = st.lists(st.builds(Dependency, sides, st.sampled_from(NAMES)), max_size=6)


def as_set(rows: list[dict]) -> set[tuple]:
    return {tuple(sorted(row.items())) for row in rows}


@repeatable
@given(rows=relations)
def test_a_decomposition_by_found_dependencies_loses_nothing(rows):
    found = find(rows, max_left=3)

    tables = parts_of(rows, decompose(NAMES, found))

    assert as_set(natural_join(tables)) == as_set(rows)


@repeatable
@given(rows=relations)
def test_what_is_found_holds_and_is_as_small_as_possible(rows):
    for rule in find(rows):
        assert contradictions(rows, rule) == []
        for column in rule.left:
            assert contradictions(rows, Dependency(rule.left - {column}, rule.right))


@repeatable
@given(rows=relations)
def test_everything_that_holds_follows_from_what_is_found(rows):
    found = find(rows, max_left=2)

    for size in range(3):
        for left in combinations(NAMES, size):
            for right in set(NAMES) - set(left):
                holds = not contradictions(rows, Dependency(frozenset(left), right))
                assert not holds or right in closure(left, found)


@repeatable
@given(rules=rule_sets)
def test_a_minimal_cover_says_the_same(rules):
    cover = minimal_cover(rules)

    for size in range(len(NAMES) + 1):
        for left in combinations(NAMES, size):
            assert closure(left, cover) == closure(left, rules)
    for rule in cover:
        assert rule.right not in closure(rule.left, [other for other in cover if other != rule])


@repeatable
@given(rules=rule_sets)
def test_keys_decide_everything_and_no_part_of_them_does(rules):
    keys = candidate_keys(NAMES, rules)

    assert keys
    for key in keys:
        assert closure(key, rules) == set(NAMES)
        assert all(closure(key - {column}, rules) != set(NAMES) for column in key)


def projected(part: frozenset[str], rules: list[Dependency]) -> list[Dependency]:
    """The dependencies inside one part, by definition: every closure of its columns."""
    return [
        Dependency(frozenset(left), right)
        for size in range(len(part) + 1)
        for left in combinations(sorted(part), size)
        for right in (closure(left, rules) & part) - set(left)
    ]


@repeatable
@given(rules=rule_sets)
def test_every_part_is_in_3nf_and_no_dependency_is_torn_apart(rules):
    parts = decompose(NAMES, rules)

    kept = [rule for part in parts for rule in projected(part, rules)]
    assert all(normal_form(part, projected(part, rules)).name in ("3NF", "BCNF") for part in parts)
    assert all(rule.right in closure(rule.left, kept) for rule in rules)
    assert frozenset().union(*parts) == set(NAMES)
