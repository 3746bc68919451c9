"""Plans as text: recorded ones, and real ones that must look the same on every run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from course_lib.databases.plan import PlanNode, band, read_postgres, read_sqlite, show


def node(kind: str, rows: float, expected: float, *children: dict, loops: int = 1, **more) -> dict:
    """A step as PostgreSQL writes it; spaces in the names of `more` are underscores."""
    return {
        "Node Type": kind,
        "Plan Rows": expected,
        "Actual Rows": rows,
        "Actual Loops": loops,
        "Actual Total Time": 1.5,
        "Shared Hit Blocks": 2,
        "Shared Read Blocks": 1,
        "Local Hit Blocks": 0,
        "Local Read Blocks": 0,
        "Plans": list(children),
        **{name.replace("_", " "): value for name, value in more.items()},
    }


def shown(plan: dict, **options) -> str:
    return show(read_postgres([{"Plan": plan, "Planning Time": 0.1}]), **options)


def test_a_plan_is_indented_with_conditions_below_their_step():
    scan = node(
        "Seq Scan", 21, 3, Relation_Name="orders", Alias="o",
        Filter="(customer_id = 7)", Rows_Removed_by_Filter=199979,
    )  # fmt: skip
    plan = node("Sort", 21, 3, scan, Sort_Key=["placed_at", "id DESC"], Sort_Method="quicksort")

    assert shown(plan) == (
        "Sort (quicksort): 21 rows; 2 to 10 times more than expected\n"
        "    Sort Key: placed_at, id DESC\n"
        "  Seq Scan on orders o: 21 rows; 2 to 10 times more than expected;"
        " 199,979 rows removed; 3 pages\n"
        "      Filter: (customer_id = 7)"
    )


def test_a_repeated_step_shows_its_average_and_one_that_never_ran_says_so():
    inner = node(
        "Index Scan", 2.5, 2, loops=4, Relation_Name="lines", Alias="lines", Index_Name="lines_pkey"
    )
    never = node("Seq Scan", 0, 9, loops=0, Relation_Name="customers", Alias="c")

    assert shown(node("Nested Loop", 10, 8, inner, never)) == (
        "Nested Loop: 10 rows; as expected\n"
        "  Index Scan on lines using lines_pkey: 4 times 2.5 rows; as expected; 3 pages\n"
        "  Seq Scan on customers c: never executed"
    )


def test_times_are_shown_when_asked_for_and_cover_all_loops():
    plan = node("Seq Scan", 1, 1, loops=4, Relation_Name="orders", Alias="orders")

    assert "ms" not in shown(plan)
    assert shown(plan, times=True).endswith("3 pages; 6.0 ms")


def test_an_explain_without_analyze_has_no_rows_and_no_pages():
    plan = {"Node Type": "Seq Scan", "Relation Name": "orders", "Plan Rows": 7}

    assert shown(plan) == "Seq Scan on orders"
    assert read_postgres(json.dumps([{"Plan": plan}])).expected_rows == 7


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ({"Node Type": "Hash Join", "Join Type": "Left"}, "Hash Left Join"),
        ({"Node Type": "Nested Loop", "Join Type": "Inner"}, "Nested Loop"),
        ({"Node Type": "Nested Loop", "Join Type": "Anti"}, "Nested Loop Anti Join"),
        ({"Node Type": "Aggregate", "Strategy": "Hashed"}, "HashAggregate"),
        ({"Node Type": "Aggregate", "Strategy": "Plain"}, "Aggregate"),
        ({"Node Type": "ModifyTable", "Operation": "Update"}, "Update"),
        ({"Node Type": "Index Scan", "Scan Direction": "Backward"}, "Index Scan Backward"),
        ({"Node Type": "Index Scan", "Scan Direction": "Forward"}, "Index Scan"),
        ({"Node Type": "Seq Scan", "Parallel Aware": True}, "Parallel Seq Scan"),
        ({"Node Type": "Limit", "Subplan Name": "CTE r"}, "CTE r: Limit"),
        ({"Node Type": "CTE Scan", "CTE Name": "r", "Alias": "r"}, "CTE Scan on r"),
    ],
)
def test_steps_have_the_names_of_the_text_format(step, name):
    assert shown(step) == name


@pytest.mark.parametrize(
    ("rows", "expected", "words"),
    [
        (100, 100, "as expected"),
        (199, 100, "as expected"),
        (200, 100, "2 to 10 times more than expected"),
        (999, 100, "2 to 10 times more than expected"),
        (1_000, 100, "10 to 100 times more than expected"),
        (100, 10_000, "100 to 1,000 times fewer than expected"),
        (0, 5_000, "over 1,000 times fewer than expected"),
        (0, 1, "as expected"),
    ],
)
def test_the_error_of_an_estimate_is_named_by_powers_of_ten(rows, expected, words):
    assert band(rows, expected) == words


@pytest.mark.parametrize("document", ["[]", "[{}]", '{"Plan": 1}', "[[]]", '[{"Plan": {}}]'])
def test_what_is_no_plan_is_refused(document):
    with pytest.raises(ValueError, match=r"use EXPLAIN \(ANALYZE, BUFFERS, FORMAT JSON\)"):
        read_postgres(document)


def test_a_plan_can_be_searched():
    plan = read_postgres([{"Plan": node("Sort", 1, 1, node("Index Scan", 1, 1, Index_Name="i"))}])

    assert [step.index for step in plan.walk()] == [None, "i"]
    assert (plan.pages, plan.children[0].rows, plan.temp_pages) == (3, 1, 0)


def test_the_plan_of_sqlite_is_a_tree_too():
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id, placed_at);"
            "CREATE INDEX by_customer ON orders (customer_id)"
        )
        question = "SELECT placed_at FROM orders WHERE customer_id = 7 ORDER BY placed_at"
        plan = read_sqlite(connection.execute(f"EXPLAIN QUERY PLAN {question}"))

    assert show(plan) == (
        "QUERY PLAN\n"
        "  SEARCH orders USING INDEX by_customer (customer_id=?)\n"
        "  USE TEMP B-TREE FOR ORDER BY"
    )


def test_an_older_sqlite_reads_the_same():
    rows = [(3, 0, 0, "COMPOUND QUERY"), (4, 3, 0, "SCAN TABLE orders"), (9, 0, 0, "SCAN t")]

    assert show(read_sqlite(rows)) == ("QUERY PLAN\n  COMPOUND QUERY\n    SCAN orders\n  SCAN t")


def explained(server_database, query: str) -> PlanNode:
    with server_database.connect(autocommit=True) as connection:
        answer = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}")
        return read_postgres(answer.fetchone()[0])


def test_a_real_plan_looks_the_same_in_a_new_session_and_on_a_warm_cache(postgres_database):
    with postgres_database.connect(autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT n AS id, n % 100 AS customer_id,"
            " (n * 7919) % 10000 AS placed_at FROM generate_series(1, 10000) n"
        )
        connection.execute("CREATE INDEX by_customer ON orders (customer_id)")
        connection.execute("VACUUM ANALYZE orders")
    query = "SELECT * FROM orders WHERE customer_id = 7 ORDER BY placed_at LIMIT 5"

    first, second = (show(explained(postgres_database, query)) for _ in range(2))

    assert first == second
    lines = first.splitlines()
    assert lines[0] == "Limit: 5 rows; as expected"
    assert lines[3] == "    Bitmap Heap Scan on orders: 100 rows; as expected; 56 pages"
    assert (
        lines[-2].strip() == "Bitmap Index Scan using by_customer: 100 rows; as expected; 2 pages"
    )
