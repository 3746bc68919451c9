"""One edit, and which rows no longer agree."""

from __future__ import annotations

import pytest

from course_lib.databases.anomalies import contradictions_in, edit
from course_lib.databases.dependencies import Dependency, contradictions

RULES = [Dependency.parse(text) for text in ("order -> customer", "customer -> city")]
ROWS = [
    {"order": 1, "customer": "ada", "city": "Cardiff"},
    {"order": 2, "customer": "bao", "city": "Osaka"},
    {"order": 3, "customer": "ada", "city": "Cardiff"},
    {"order": 3, "customer": "ada", "city": "Cardiff"},
]


def test_one_changed_copy_of_a_fact_contradicts_the_other_copies():
    found = edit(ROWS, RULES, line=1, column="city", value="Lyon")

    [clash] = found.contradictions
    assert str(clash) == "customer ada has the city Lyon in line 1, Cardiff in lines 3 and 4"
    assert clash.lines == (1, 3, 4)
    assert found.before == "Cardiff"


def test_a_fact_that_stands_once_cannot_contradict_itself():
    assert edit(ROWS, RULES, line=2, column="city", value="Lyon").contradictions == ()


def test_another_customer_in_one_line_of_an_order_breaks_both_rules():
    found = edit(ROWS, RULES, line=4, column="customer", value="bao")

    assert [str(clash) for clash in found.contradictions] == [
        "order 3 has the customer ada in line 3, bao in line 4",
        "customer bao has the city Osaka in line 2, Cardiff in line 4",
    ]


def test_an_edit_to_the_same_value_changes_nothing():
    assert edit(ROWS, RULES, line=1, column="city", value="Cardiff").rows == tuple(ROWS)


def test_the_table_that_was_given_stays_as_it_is():
    edit(ROWS, RULES, line=1, column="city", value="Lyon")

    assert ROWS[0]["city"] == "Cardiff"


def test_a_rule_of_two_columns_names_both():
    rows = [{"order": 1, "product": "tea", "pieces": n} for n in (2, 5)]

    [clash] = contradictions_in(rows, Dependency.parse("order product -> pieces"))

    assert str(clash) == "order 1 and product tea has the pieces 2 in line 1, 5 in line 2"


def test_it_finds_a_contradiction_exactly_where_pairs_of_rows_disagree():
    changed = edit(ROWS, RULES, line=1, column="city", value="Lyon").rows

    for rule in RULES:
        pairs = contradictions(changed, rule)
        lines = {line for clash in contradictions_in(changed, rule) for line in clash.lines}
        assert lines == {position + 1 for pair in pairs for position in pair}


@pytest.mark.parametrize(("line", "column"), [(0, "city"), (5, "city"), (1, "street")])
def test_a_cell_that_is_not_there_is_refused(line, column):
    with pytest.raises(ValueError, match="there is no cell"):
        edit(ROWS, RULES, line=line, column=column, value="Lyon")
