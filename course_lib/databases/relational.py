"""What a SELECT does, as a few small functions over lists of dicts.

The rule: every step takes rows and gives new rows, so steps can be stacked. SQL works
in this order, whatever order it is written in: join, select (WHERE), group, select
(HAVING), window (`window_functions`), project, order by. NULL is None; see `null_logic`.

An engine does the same with indexes, hash tables and a plan. Here everything is a loop.
Source: Codd 1970; PostgreSQL manual, "SELECT". NULLs are last, as in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from course_lib.databases.null_logic import Truth

__all__ = [
    "Aggregate",
    "Order",
    "Row",
    "avg_of",
    "count",
    "count_of",
    "group",
    "join",
    "max_of",
    "min_of",
    "order_by",
    "project",
    "select",
    "sum_of",
]

Row = dict[str, Any]
Aggregate = Callable[[Sequence[Row]], Any]
Order = Sequence[tuple[str, int]]
"""(column, 1 or -1) pairs, the most important first."""


def select(rows: Sequence[Row], condition: Callable[[Row], Truth]) -> list[Row]:
    """WHERE: the rows for which the condition is true; neither false nor unknown (None)."""
    return [row for row in rows if condition(row) is True]


def project(rows: Sequence[Row], /, **columns: str | Callable[[Row], Any]) -> list[Row]:
    """The SELECT list: new column = name of an old one, or a function of the row.

    >>> project([{"price": 4, "count": 2}], total=lambda row: row["price"] * row["count"])
    [{'total': 8}]
    """
    return [
        {name: row[what] if isinstance(what, str) else what(row) for name, what in columns.items()}
        for row in rows
    ]


def order_by(rows: Sequence[Row], order: Order) -> list[Row]:
    """Sorted, ties as they were. NULL counts as larger than everything."""
    ordered = list(rows)
    for column, direction in reversed(order):
        ordered.sort(key=lambda row: _sort_key(row[column]), reverse=direction == -1)
    return ordered


def join(
    left: Sequence[Row],
    right: Sequence[Row],
    on: Callable[[Row], Truth] = lambda row: True,
    *,
    how: str = "inner",
    columns: Sequence[str] = (),
) -> list[Row]:
    """Every pair for which `on(both rows in one)` is true; without `on`, every pair.

    Args:
        how: "inner"; "left", "right" or "full" add the rows of that side, or of both,
            that have no partner, filled up with NULL.
        columns: names of columns to fill, for a side that may have no rows at all.

    Raises:
        ValueError: the two sides share the name of a column, or `how` is unknown.
    """
    if how not in ("inner", "left", "right", "full"):
        raise ValueError(f"how must be 'inner', 'left', 'right' or 'full', got {how!r}.")
    left_names, right_names = _columns(left), _columns(right)
    shared = [name for name in left_names if name in right_names]
    if shared:
        raise ValueError(f"both sides have {', '.join(shared)}: give one of them another name.")
    pairs = [(a, b) for a in left for b in right if on({**a, **b}) is True]
    joined = [{**a, **b} for a, b in pairs]
    nulls = dict.fromkeys([*left_names, *right_names, *columns])
    if how in ("left", "full"):
        partners = {id(a) for a, _ in pairs}
        joined += [{**nulls, **a} for a in left if id(a) not in partners]
    if how in ("right", "full"):
        partners = {id(b) for _, b in pairs}
        joined += [{**nulls, **b} for b in right if id(b) not in partners]
    return joined


def group(rows: Sequence[Row], by: Sequence[str], /, **aggregates: Aggregate) -> list[Row]:
    """GROUP BY: one row for each different combination; NULLs form one group.

    Without columns in `by`, one row for all rows, even if there are none.

    >>> group([{"city": "Oslo", "n": 1}, {"city": "Oslo", "n": None}], ["city"],
    ...       rows=count(), known=count_of("n"), total=sum_of("n"))
    [{'city': 'Oslo', 'rows': 2, 'known': 1, 'total': 1}]
    """
    groups: dict[tuple[Any, ...], list[Row]] = {} if by else {(): []}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in by), []).append(row)
    return [
        dict(zip(by, key, strict=True)) | {name: of(found) for name, of in aggregates.items()}
        for key, found in groups.items()
    ]


def count() -> Aggregate:
    """count(*): rows."""
    return len


def count_of(column: str) -> Aggregate:
    """count(column): values that are not NULL."""
    return lambda rows: len(_known(rows, column))


def sum_of(column: str) -> Aggregate:
    """sum(column) of the known values; NULL, not 0, if there are none."""
    return lambda rows: sum(_known(rows, column)) if _known(rows, column) else None


def avg_of(column: str) -> Aggregate:
    """avg(column) of the known values: NULL is left out, not counted as 0."""

    def average(rows: Sequence[Row]) -> Any:
        known = _known(rows, column)
        return sum(known) / len(known) if known else None

    return average


def min_of(column: str) -> Aggregate:
    """min(column) of the known values."""
    return lambda rows: min(_known(rows, column), default=None)


def max_of(column: str) -> Aggregate:
    """max(column) of the known values."""
    return lambda rows: max(_known(rows, column), default=None)


def _columns(rows: Sequence[Row]) -> list[str]:
    return list(rows[0]) if rows else []


def _known(rows: Sequence[Row], column: str) -> list[Any]:
    return [row[column] for row in rows if row[column] is not None]


def _sort_key(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)
