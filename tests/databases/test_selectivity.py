"""The cost curves: to the cent those of PostgreSQL, and crossing where they cross."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.databases.selectivity import (
    Table,
    costs,
    crossing,
    index_scan,
    pages_of,
    sequential_scan,
)

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=60)


@repeatable
@given(
    correlation=st.floats(-1, 1),
    random_page_cost=st.floats(1, 8),
    rows=st.integers(1_000, 1_000_000),
    per_page=st.integers(5, 200),
)
def test_left_of_the_crossing_the_index_is_cheaper_and_right_of_it_the_scan(
    correlation, random_page_cost, rows, per_page
):
    table = Table(rows, rows // per_page + 1, rows // 300 + 1, 1, correlation, random_page_cost)
    sequential = sequential_scan(table)

    at = crossing(table)

    if at is None:
        assert index_scan(table, 1.0) <= sequential
    else:
        assert index_scan(table, at) > sequential
        assert at * rows < 1.5 or index_scan(table, at - 1 / rows) <= sequential


PER_ROW = 0.005 + 0.0025 + 0.01 + 0.0027 * 4  # CPU, and its share of the pages of the index


def test_of_a_shuffled_table_an_index_is_worth_less_than_a_hundredth():
    rows = crossing(Table()) * 1_000_000

    by_hand = PER_ROW * rows + 4 * 20_000 * rows / (20_000 + rows)
    assert by_hand == pytest.approx(22_500, abs=10)
    assert rows == 7_721


def test_of_a_sorted_table_an_index_is_worth_more_than_half():
    rows = crossing(Table(correlation=1.0)) * 1_000_000

    assert rows == pytest.approx((22_500 - 3) / (PER_ROW + 0.01), rel=0.001)
    assert 0.58 < rows / 1_000_000 < 0.59
    assert crossing(Table(correlation=-1.0)) == crossing(Table(correlation=1.0))


def test_cheap_random_pages_move_the_crossing_to_the_right():
    assert crossing(Table(random_page_cost=1.1)) > 2 * crossing(Table(random_page_cost=4.0))


def test_a_sequential_scan_costs_the_same_for_every_fraction():
    result = costs()

    assert {sequential for _, sequential, _ in result.points} == {22_500.0}
    assert [index for _, _, index in result.points] == sorted(i for _, _, i in result.points)
    assert result.points[0][0] == pytest.approx(0.0001)
    assert result.points[-1][0] == pytest.approx(1.0)
    assert result.crossing == crossing(Table())


def test_rows_anywhere_lie_on_at_most_as_many_pages_as_there_are():
    table = Table(rows=100_000, pages=1_000)

    assert [pages_of(table, rows) for rows in (1, 100, 1_000, 100_000)] == [1, 96, 667, 1_000]


@pytest.mark.parametrize("wrong", [{"correlation": 1.5}, {"rows": 0}, {"random_page_cost": 0}])
def test_an_impossible_table_is_refused(wrong):
    with pytest.raises(ValueError, match=r"between -1 and 1|must be positive"):
        Table(**wrong)


@pytest.mark.parametrize("random_page_cost", [4.0, 1.1])
def test_postgresql_computes_the_same_costs(postgres_database, random_page_cost):
    with postgres_database.connect(autocommit=True) as connection:

        def ask(query: str) -> tuple:
            return connection.execute(query).fetchone()

        connection.execute(
            "CREATE TABLE t AS SELECT n AS id, (n::bigint * 7919) % 20011 AS shuffled,"
            " repeat('x', 60) AS pad FROM generate_series(1, 20000) n"
        )
        connection.execute("CREATE INDEX on_id ON t (id)")
        connection.execute("CREATE INDEX on_shuffled ON t (shuffled)")
        connection.execute("VACUUM ANALYZE t")
        connection.execute("SET enable_bitmapscan = off; SET enable_seqscan = off")
        connection.execute(f"SET random_page_cost = {random_page_cost}")
        rows, pages = ask("SELECT reltuples::int, relpages FROM pg_class WHERE relname = 't'")
        for column in ("id", "shuffled"):
            (index_pages,) = ask(f"SELECT relpages FROM pg_class WHERE relname = 'on_{column}'")
            (correlation,) = ask(f"SELECT correlation FROM pg_stats WHERE attname = '{column}'")
            table = Table(rows, pages, index_pages, 1, correlation, random_page_cost)
            for limit in (5, 100, 2_000, 15_000):
                query = f"EXPLAIN (FORMAT JSON) SELECT * FROM t WHERE {column} <= {limit}"
                plan = ask(query)[0][0]["Plan"]
                assert plan["Node Type"] == "Index Scan"
                expected = index_scan(table, plan["Plan Rows"] / rows)
                assert plan["Total Cost"] == pytest.approx(expected, rel=0.002, abs=0.02)
        connection.execute("SET enable_seqscan = on; SET enable_indexscan = off")
        plan = ask("EXPLAIN (FORMAT JSON) SELECT * FROM t WHERE id <= 5")[0][0]["Plan"]
        assert plan["Total Cost"] == pytest.approx(sequential_scan(table))
