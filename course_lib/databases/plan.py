"""A query plan as a small tree, and as text that does not change from run to run.

How to read it: children first, the deepest line feeds the one above. The question to
ask of every line: did as many rows come as the planner expected? If not, everything
above was chosen for another case. `show` gives the same text on every run: no times,
"2 to 10 times more" instead of estimates, and pages only where a table or an index is
read, because other steps count their look-ups in the catalogue, on the first run only.

Sources: PostgreSQL manual, "Using EXPLAIN"; SQLite, "EXPLAIN QUERY PLAN".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["PlanNode", "band", "read_postgres", "read_sqlite", "show"]

_CONDITIONS = (
    "Index Cond", "Recheck Cond", "Order By", "Hash Cond", "Merge Cond", "Join Filter",
    "Filter", "One-Time Filter", "Group Key", "Sort Key", "Presorted Key",
)  # fmt: skip
_WITHOUT_ROWS = ("BitmapAnd", "BitmapOr")  # PostgreSQL always says 0 for them
_AGGREGATES = {"Sorted": "GroupAggregate", "Hashed": "HashAggregate", "Mixed": "MixedAggregate"}


@dataclass(frozen=True)
class PlanNode:
    """One step of a plan. None: the EXPLAIN did not say so (no ANALYZE, no BUFFERS, SQLite).

    `rows`, `expected_rows` and `removed` (by a filter) are per loop, as in PostgreSQL;
    `loops` is 0 for a step that was never executed. `pages` are the pages read from
    cache or disk, all loops together, children included; so is `milliseconds`.
    """

    name: str
    table: str | None = None
    index: str | None = None
    expected_rows: float | None = None
    rows: float | None = None
    loops: int | None = None
    removed: float = 0
    pages: int | None = None
    temp_pages: int = 0
    milliseconds: float | None = None
    conditions: tuple[tuple[str, str], ...] = ()
    children: tuple[PlanNode, ...] = ()

    def walk(self) -> Iterator[PlanNode]:
        """This step and all below, from top to bottom."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_postgres(document: str | Sequence[Mapping[str, Any]]) -> PlanNode:
    """The tree of EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON): text, or what psycopg gives.

    Raises:
        ValueError: it is no such document.
    """
    found = json.loads(document) if isinstance(document, str) else document
    try:
        return _node(found[0]["Plan"])
    except (KeyError, IndexError, TypeError):
        raise ValueError("this is no plan: use EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON).") from None


def read_sqlite(rows: Iterable[tuple[int, int, Any, str]]) -> PlanNode:
    """The tree of EXPLAIN QUERY PLAN: rows of (id, parent, unused, detail)."""
    children: dict[int, list[tuple[int, str]]] = {}
    for number, parent, _, detail in rows:
        # SQLite before 3.36 says "SCAN TABLE orders"
        children.setdefault(parent, []).append((number, detail.replace(" TABLE ", " ")))

    def node(number: int, name: str) -> PlanNode:
        below = (node(*child) for child in children.get(number, []))
        return PlanNode(name, children=tuple(below))

    return node(0, "QUERY PLAN")


def show(plan: PlanNode, *, times: bool = False) -> str:
    """One line per step, children indented, conditions below their step.

    Args:
        times: with the milliseconds of each step, which differ from run to run.
    """
    return "\n".join(_lines(plan, "", times))


def band(rows: float, expected: float) -> str:
    """How far the estimate was off, in powers of ten.

    >>> band(150, 100), band(3_000, 100), band(0, 7)
    ('as expected', '10 to 100 times more than expected', '2 to 10 times fewer than expected')
    """
    rows, expected = max(rows, 1), max(expected, 1)  # no planner expects less than one row
    ratio = max(rows, expected) / min(rows, expected)
    if ratio < 2:
        return "as expected"
    steps = ((10, "2 to 10"), (100, "10 to 100"), (1_000, "100 to 1,000"))
    times = next((words for limit, words in steps if ratio < limit), "over 1,000")
    return f"{times} times {'more' if rows > expected else 'fewer'} than expected"


def _node(plan: Mapping[str, Any]) -> PlanNode:
    children = tuple(_node(child) for child in plan.get("Plans", ()))
    blocks = ("Shared Hit Blocks", "Shared Read Blocks", "Local Hit Blocks", "Local Read Blocks")
    per_loop = plan.get("Actual Total Time")
    loops = plan.get("Actual Loops")
    return PlanNode(
        name=_name(plan),
        table=_table(plan),
        index=plan.get("Index Name"),
        expected_rows=plan.get("Plan Rows"),
        rows=plan.get("Actual Rows"),
        loops=loops,
        removed=sum(plan.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Join Filter")),
        pages=sum(plan[block] for block in blocks) if blocks[0] in plan else None,
        temp_pages=plan.get("Temp Read Blocks", 0) + plan.get("Temp Written Blocks", 0),
        milliseconds=None if per_loop is None else per_loop * max(loops or 0, 1),
        conditions=tuple((word, _text(plan[word])) for word in _CONDITIONS if word in plan),
        children=children,
    )


def _name(plan: Mapping[str, Any]) -> str:
    """As in EXPLAIN's own text: "Hash Left Join", "GroupAggregate", "SubPlan 1: Limit"."""
    name: str = plan["Node Type"]
    kind = plan.get("Join Type", "Inner")
    if kind != "Inner":
        name = f"{name.removesuffix(' Join')} {kind} Join"
    if name == "Aggregate":
        name = _AGGREGATES.get(plan.get("Strategy", ""), name)
    if name == "ModifyTable":
        name = plan.get("Operation", name)
    if plan.get("Scan Direction") == "Backward":
        name += " Backward"
    if plan.get("Parallel Aware"):
        name = f"Parallel {name}"
    if "Sort Method" in plan:
        name += f" ({plan['Sort Method']})"
    return f"{plan['Subplan Name']}: {name}" if "Subplan Name" in plan else name


def _table(plan: Mapping[str, Any]) -> str | None:
    table = plan.get("Relation Name") or plan.get("CTE Name") or plan.get("Function Name")
    alias = plan.get("Alias")
    return f"{table} {alias}" if table and alias and alias != table else table


def _text(condition: Any) -> str:
    return ", ".join(condition) if isinstance(condition, list) else str(condition)


def _lines(node: PlanNode, indent: str, times: bool) -> Iterator[str]:
    name = node.name + (f" on {node.table}" if node.table else "")
    name += f" using {node.index}" if node.index else ""
    facts = "; ".join(_facts(node, times))
    yield f"{indent}{name}" + (f": {facts}" if facts else "")
    for word, condition in node.conditions:
        yield f"{indent}    {word}: {condition}"
    for child in node.children:
        yield from _lines(child, indent + "  ", times)


def _facts(node: PlanNode, times: bool) -> Iterator[str]:
    if node.loops == 0:
        yield "never executed"
        return
    if node.rows is not None and node.loops is not None and node.name not in _WITHOUT_ROWS:
        repeated = f"{node.loops:,} times " if node.loops > 1 else ""
        yield f"{repeated}{_number(node.rows)}"
        if node.expected_rows is not None:
            yield band(node.rows, node.expected_rows)
    if node.removed:
        yield f"{_number(node.removed)} removed"
    if node.pages is not None and "Scan" in node.name:
        yield f"{node.pages:,} page{'s' * (node.pages != 1)}"
    if node.temp_pages:
        yield f"{node.temp_pages:,} temporary pages"
    if times and node.milliseconds is not None:
        yield f"{node.milliseconds:.1f} ms"


def _number(rows: float) -> str:
    """With its noun; a fraction is the average of several loops."""
    number = f"{round(rows):,}" if rows >= 10 else f"{round(rows, 1):g}"
    return f"{number} row{'s' * (number != '1')}"
