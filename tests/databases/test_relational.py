"""The small algebra against SQLite, on generated tables with NULLs and ties."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.databases import null_logic as null
from course_lib.databases.relational import (
    avg_of,
    count,
    count_of,
    group,
    join,
    max_of,
    min_of,
    order_by,
    project,
    select,
    sum_of,
)
from course_lib.databases.window_frames import Frame, frames
from course_lib.databases.window_functions import (
    dense_rank,
    framed,
    lag,
    lead,
    percent_rank,
    rank,
    row_number,
    window,
)

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=60)
numbers = st.one_of(st.none(), st.integers(-3, 3))
words = st.sampled_from([None, "a", "b"])


def tables(**columns) -> st.SearchStrategy[list[dict]]:
    rows = st.lists(st.fixed_dictionaries(columns), max_size=8)
    return rows.map(lambda rows: [{"id": number, **row} for number, row in enumerate(rows)])


def sqlite(query: str, **tables: list[dict]) -> list[dict]:
    """What SQLite answers; each table has the columns of its first row, or none."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        for name, (columns, rows) in tables.items():
            connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            places = ", ".join(f":{column}" for column in columns)
            connection.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
        return [dict(row) for row in connection.execute(query)]


def bag(rows: list[dict]) -> Counter:
    """Rows without their order, as a relation is."""
    return Counter(tuple(sorted(row.items())) for row in rows)


T = ("id", "n", "m", "w")
rows_of_t = tables(n=numbers, m=numbers, w=words)

CONDITIONS = {
    "n = m": lambda r: null.eq(r["n"], r["m"]),
    "n <> m": lambda r: null.ne(r["n"], r["m"]),
    "n < m": lambda r: null.lt(r["n"], r["m"]),
    "n >= m": lambda r: null.ge(r["n"], r["m"]),
    "n > 0 OR m <= 0": lambda r: null.any_of(null.gt(r["n"], 0), null.le(r["m"], 0)),
    "NOT (n > 0 AND m > 0)": lambda r: null.not_(
        null.all_of(null.gt(r["n"], 0), null.gt(r["m"], 0))
    ),
    "n IS NULL": lambda r: null.is_null(r["n"]),
    "n IN (1, m)": lambda r: null.in_(r["n"], [1, r["m"]]),
    "n NOT IN (1, m)": lambda r: null.not_(null.in_(r["n"], [1, r["m"]])),
}


@pytest.mark.parametrize("sql", CONDITIONS)
@repeatable
@given(rows=rows_of_t)
def test_where_keeps_the_same_rows(sql, rows):
    expected = sqlite(f"SELECT * FROM t WHERE {sql}", t=(T, rows))

    assert select(rows, CONDITIONS[sql]) == expected


TRUTHS = [True, False, None]


@pytest.mark.parametrize(("a", "b"), list(itertools.product(TRUTHS, TRUTHS)))
def test_and_or_and_not_have_the_truth_table_of_sql(a, b):
    with closing(sqlite3.connect(":memory:")) as connection:
        row = connection.execute("SELECT ?1 AND ?2, ?1 OR ?2, NOT ?1", (a, b)).fetchone()
    expected = tuple(None if value is None else bool(value) for value in row)

    assert (null.all_of(a, b), null.any_of(a, b), null.not_(a)) == expected


def test_not_in_with_an_unknown_finds_nothing():
    rows = [{"n": 1}, {"n": 2}]

    assert select(rows, lambda r: null.not_(null.in_(r["n"], [1, None]))) == []
    assert select(rows, lambda r: null.not_(null.in_(r["n"], [1]))) == [{"n": 2}]


U = ("uid", "k", "v")
rows_of_u = st.lists(st.fixed_dictionaries({"k": numbers, "v": words}), max_size=8).map(
    lambda rows: [{"uid": number, **row} for number, row in enumerate(rows)]
)


new_in_3_39 = pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 39), reason="an older SQLite")


@pytest.mark.parametrize(
    "how",
    ["inner", "left", *(pytest.param(how, marks=new_in_3_39) for how in ("right", "full"))],
)
@repeatable
@given(left=rows_of_t, right=rows_of_u)
def test_joins_give_the_same_rows(how, left, right):
    expected = sqlite(
        f"SELECT * FROM t {how} JOIN u ON n = k AND (w <> v OR w = 'a')",
        t=(T, left),
        u=(U, right),
    )

    joined = join(
        left,
        right,
        lambda r: null.all_of(
            null.eq(r["n"], r["k"]), null.any_of(null.ne(r["w"], r["v"]), null.eq(r["w"], "a"))
        ),
        how=how,
        columns=[*T, *U],
    )

    assert bag(joined) == bag(expected)


def test_a_join_without_a_condition_is_every_pair():
    assert len(join([{"a": 1}, {"a": 2}], [{"b": 1}, {"b": 2}, {"b": 3}])) == 6


def test_a_partner_that_appears_twice_doubles_the_row():
    orders, shipments = [{"id": 1, "total": 50}], [{"order_id": 1}, {"order_id": 1}]

    joined = join(orders, shipments, lambda r: null.eq(r["id"], r["order_id"]))

    assert group(joined, [], revenue=sum_of("total")) == [{"revenue": 100}]


def test_a_join_refuses_columns_of_the_same_name_and_unknown_kinds():
    with pytest.raises(ValueError, match="both sides have id: give one of them another name"):
        join([{"id": 1}], [{"id": 1}])
    with pytest.raises(ValueError, match="got 'outer'"):
        join([], [], how="outer")


@pytest.mark.parametrize("by", [[], ["w"], ["w", "n"]])
@repeatable
@given(rows=rows_of_t)
def test_groups_and_aggregates_are_the_same(by, rows):
    ours = group(
        rows, by, rows=count(), known=count_of("m"), total=sum_of("m"),
        mean=avg_of("m"), least=min_of("m"), most=max_of("w"),
    )  # fmt: skip

    grouping = f"GROUP BY {', '.join(by)}" if by else ""
    expected = sqlite(
        f"SELECT {''.join(f'{c}, ' for c in by)} count(*) AS rows, count(m) AS known,"
        f" sum(m) AS total, avg(m) AS mean, min(m) AS least, max(w) AS most FROM t {grouping}",
        t=(T, rows),
    )
    assert bag(ours) == bag(expected)


def test_project_computes_and_renames():
    rows = [{"price": 4, "name": "tea"}]

    assert project(rows, item="name", double=lambda r: r["price"] * 2) == [
        {"item": "tea", "double": 8}
    ]


DIRECTIONS = {1: "ASC NULLS LAST", -1: "DESC NULLS FIRST"}


@pytest.mark.parametrize(("n", "w"), list(itertools.product([1, -1], [1, -1])))
@repeatable
@given(rows=rows_of_t)
def test_order_by_sorts_nulls_as_the_largest(n, w, rows):
    sql = f"SELECT * FROM t ORDER BY w {DIRECTIONS[w]}, n {DIRECTIONS[n]}, id"

    assert order_by(rows, [("w", w), ("n", n)]) == sqlite(sql, t=(T, rows))


@pytest.mark.parametrize("direction", [1, -1])
@repeatable
@given(rows=rows_of_t)
def test_window_functions_are_the_same(direction, rows):
    over = f"OVER (PARTITION BY w ORDER BY n {DIRECTIONS[direction]})"
    by_id = f"OVER (PARTITION BY w ORDER BY n {DIRECTIONS[direction]}, id {DIRECTIONS[1]})"
    expected = sqlite(
        f"SELECT id, rank() {over} AS rank, dense_rank() {over} AS dense,"
        f" percent_rank() {over} AS share, sum(m) {over} AS total,"
        f" row_number() {by_id} AS number, lag(m) {by_id} AS before, lead(m, 2) {by_id} AS after"
        " FROM t",
        t=(T, rows),
    )

    peers = window(
        rows, partition=["w"], order=[("n", direction)],
        rank=rank(), dense=dense_rank(), share=percent_rank(), total=framed(sum_of("m")),
    )  # fmt: skip
    both = window(
        peers, partition=["w"], order=[("n", direction), ("id", 1)],
        number=row_number(), before=lag("m"), after=lead("m", 2),
    )  # fmt: skip

    names = ["id", "rank", "dense", "share", "total", "number", "before", "after"]
    assert bag(project(both, **{name: name for name in names})) == bag(expected)


bounds = st.one_of(st.none(), st.integers(-3, 3))
modes = st.sampled_from(["rows", "groups", "range"])


@st.composite
def some_frames(draw) -> Frame:
    start, end = draw(bounds), draw(bounds)
    if start is not None and end is not None:
        start, end = sorted((start, end))
    return Frame(draw(modes), start, end)


@pytest.mark.parametrize("direction", [1, -1])
@settings(repeatable, max_examples=250)
@given(rows=rows_of_t, frame=some_frames())
def test_every_frame_holds_the_same_rows(direction, rows, frame):
    # An order without ties inside `rows`, which count single rows.
    ordered = order_by(order_by(rows, [("id", 1)]), [("n", direction)])
    tie = ", id" if frame.mode == "rows" else ""
    expected = sqlite(
        f"SELECT id, group_concat(id) OVER (ORDER BY n {DIRECTIONS[direction]}{tie} {frame}) AS ids"
        " FROM t",
        t=(T, rows),
    )

    found = frames([row["n"] for row in ordered], frame, descending=direction == -1)
    ours = {
        row["id"]: {ordered[position]["id"] for position in frame_of_row}
        for row, frame_of_row in zip(ordered, found, strict=True)
    }

    theirs = {row["id"]: {int(n) for n in (row["ids"] or "").split(",") if n} for row in expected}
    assert ours == theirs


def test_the_default_frame_jumps_where_there_are_ties():
    rows = [{"day": 1, "n": 1}, {"day": 2, "n": 2}, {"day": 2, "n": 3}]

    default = window(rows, order=[("day", 1)], total=framed(sum_of("n")))
    by_rows = window(rows, order=[("day", 1)], frame=Frame("rows"), total=framed(sum_of("n")))

    assert [row["total"] for row in default] == [1, 6, 6]
    assert [row["total"] for row in by_rows] == [1, 3, 6]


def test_without_an_order_the_frame_is_the_whole_partition():
    rows = [{"w": "a", "n": 1}, {"w": "b", "n": 5}, {"w": "a", "n": 2}]

    totals = window(rows, partition=["w"], total=framed(sum_of("n")))

    assert [row["total"] for row in totals] == [3, 3, 5]


@pytest.mark.parametrize(
    ("frame", "sql"),
    [
        (Frame(), "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"),
        (Frame("rows", -2, 1), "ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING"),
        (Frame("groups", 1, None), "GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING"),
    ],
)
def test_a_frame_reads_as_sql(frame, sql):
    assert str(frame) == sql


def test_an_impossible_frame_is_refused():
    with pytest.raises(ValueError, match="starts at 1, after its end at 0"):
        Frame("rows", 1, 0)
    with pytest.raises(ValueError, match="got 'row'"):
        Frame("row")
    with pytest.raises(TypeError, match="a distance needs one ORDER BY column of numbers"):
        frames(["a", "b"], Frame("range", -1, 0))
