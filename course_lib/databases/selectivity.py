"""Why a planner reads the whole table although there is an index: two cost curves.

A sequential scan costs the same for one row and for all. An index scan costs more with
every row: in a table without order nearly every row is a page of its own, and a page out
of order costs `random_page_cost` times as much. Where the curves cross, the plan flips.
Is the table sorted as the index is (`correlation` 1), an index pays much longer.

This is PostgreSQL's model (`cost_seqscan`, `cost_index` in costsize.c; manual, 19.7.2
and 14.1) with one simplification: every page is fetched once, as if the cache held the
table. Costs are in units of one sequential page. Used by lesson 03.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

__all__ = ["Costs", "Table", "costs", "crossing", "index_scan", "pages_of", "sequential_scan"]

CPU_TUPLE, CPU_INDEX_TUPLE, CPU_OPERATOR = 0.01, 0.005, 0.0025
"""cpu_tuple_cost, cpu_index_tuple_cost and cpu_operator_cost, at their defaults."""


@dataclass(frozen=True)
class Table:
    """A table with an index on the column in question.

    Args:
        rows, pages: size of the table; a page is 8 KiB.
        index_pages, index_height: of the index; the height counts levels above the leaves.
        correlation: -1 to 1; how far the order of the rows is that of the column.
        random_page_cost: a page out of order, against 1.0 for the next page; 4.0 is
            the default, 1.1 is usual for SSDs.
    """

    rows: int = 1_000_000
    pages: int = 10_000
    index_pages: int = 2_700
    index_height: int = 2
    correlation: float = 0.0
    random_page_cost: float = 4.0

    def __post_init__(self) -> None:
        if not -1 <= self.correlation <= 1:
            raise ValueError(f"correlation lies between -1 and 1, got {self.correlation}.")
        if min(self.rows, self.pages, self.index_pages) < 1 or self.random_page_cost <= 0:
            raise ValueError("rows, pages and random_page_cost must be positive.")


@dataclass(frozen=True)
class Costs:
    """Both curves: `points` are (fraction of the rows, sequential, index), and their crossing.

    `crossing` is the fraction from which the sequential scan is cheaper; None: never.
    """

    points: tuple[tuple[float, float, float], ...]
    crossing: float | None


def sequential_scan(table: Table) -> float:
    """Every page once, in order, and one comparison for every row."""
    return table.pages + table.rows * (CPU_TUPLE + CPU_OPERATOR)


def index_scan(table: Table, fraction: float) -> float:
    """Down the tree, along the leaves, and to the table for each row.

    Between no order and full order PostgreSQL goes by the square of the correlation.
    """
    rows = max(1.0, round(fraction * table.rows))
    leaves = math.ceil(rows * table.index_pages / table.rows)
    descent = (math.ceil(math.log2(table.rows)) + (table.index_height + 1) * 50) * CPU_OPERATOR
    in_index = descent + leaves * table.random_page_cost + rows * (CPU_INDEX_TUPLE + CPU_OPERATOR)
    scattered = pages_of(table, rows) * table.random_page_cost
    in_order = table.random_page_cost + math.ceil(fraction * table.pages) - 1
    fetches = scattered + table.correlation**2 * (min(in_order, scattered) - scattered)
    return in_index + fetches + rows * CPU_TUPLE


def pages_of(table: Table, rows: float) -> float:
    """Different pages that hold so many rows, if the rows lie anywhere.

    Mackert and Lohman 1989, for a cache that holds the table: 2PN / (2P + N), at most P.
    """
    return min(table.pages, math.ceil(2 * table.pages * rows / (2 * table.pages + rows)))


def crossing(table: Table) -> float | None:
    """The fraction from which the sequential scan is cheaper, to one row; None: never."""
    if index_scan(table, 1.0) <= sequential_scan(table):
        return None
    return _first(lambda row: index_scan(table, row / table.rows) > sequential_scan(table), table)


def costs(
    correlation: float = 0.0,
    random_page_cost: float = 4.0,
    *,
    table: Table = Table(),
    points: int = 50,
) -> Costs:
    """Both curves for fractions from 0.01 % to 100 %, evenly spaced on a logarithmic scale."""
    asked = replace(table, correlation=correlation, random_page_cost=random_page_cost)
    fractions = [10 ** (-4 + 4 * step / (points - 1)) for step in range(points)]
    curve = tuple((f, sequential_scan(asked), index_scan(asked, f)) for f in fractions)
    return Costs(curve, crossing(asked))


def _first(is_dearer: Callable[[int], bool], table: Table) -> float:
    """The smallest number of rows for which it is dearer, by halving; as a fraction."""
    cheap, dear = 0, table.rows
    while dear - cheap > 1:
        middle = (cheap + dear) // 2
        cheap, dear = (cheap, middle) if is_dearer(middle) else (middle, dear)
    return dear / table.rows
