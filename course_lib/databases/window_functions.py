"""Window functions: a value from the neighbours of a row, without losing the row.

The rule: `group` gives one row per group, `window` keeps every row. A function sees its
partition, in order; ranks look at all of it, `framed` aggregates at the frame only.

Source: PostgreSQL manual, 3.5 "Window Functions" and 9.22.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from course_lib.databases.relational import Aggregate, Order, Row, order_by
from course_lib.databases.window_frames import Frame, frames, peer_groups

__all__ = [
    "Partition",
    "WindowFunction",
    "dense_rank",
    "framed",
    "lag",
    "lead",
    "percent_rank",
    "rank",
    "row_number",
    "window",
]


@dataclass(frozen=True)
class Partition:
    """The sorted rows of one partition; of each row its group of peers and its frame."""

    rows: list[Row]
    groups: list[int]
    frames: list[range]


WindowFunction = Callable[[Partition, int], Any]
"""(partition, position of the current row in it) -> value."""


def window(
    rows: Sequence[Row],
    /,
    *,
    partition: Sequence[str] = (),
    order: Order = (),
    frame: Frame = Frame(),  # noqa: B008 - frozen
    **functions: WindowFunction,
) -> list[Row]:
    """Every row with one more column for each function: OVER (PARTITION BY ... ORDER BY ...).

    The rows come back partition by partition, in the order of the window.

    >>> from course_lib.databases.relational import sum_of
    >>> sales = [{"day": 1, "n": 5}, {"day": 2, "n": 3}]
    >>> window(sales, order=[("day", 1)], total=framed(sum_of("n")), before=lag("n"))
    [{'day': 1, 'n': 5, 'total': 5, 'before': None}, {'day': 2, 'n': 3, 'total': 8, 'before': 5}]
    """
    partitions: dict[tuple[Any, ...], list[Row]] = {}
    for row in order_by(rows, order):
        partitions.setdefault(tuple(row[column] for column in partition), []).append(row)
    result = []
    for found in partitions.values():
        part = _partition(found, order, frame)
        for position, row in enumerate(found):
            values = {name: function(part, position) for name, function in functions.items()}
            result.append({**row, **values})
    return result


def _partition(rows: list[Row], order: Order, frame: Frame) -> Partition:
    keys: list[Any] = [tuple(row[column] for column, _ in order) for row in rows]
    groups = peer_groups(keys)
    if len(order) == 1:
        keys = [key for (key,) in keys]
    descending = bool(order) and order[0][1] == -1
    return Partition(rows, groups, frames(keys, frame, descending=descending))


def framed(aggregate: Aggregate) -> WindowFunction:
    """The aggregate over the rows of the frame."""
    return lambda part, position: aggregate([part.rows[i] for i in part.frames[position]])


def row_number() -> WindowFunction:
    """1, 2, 3, ...: peers get different numbers, in any order."""
    return lambda part, position: position + 1


def rank() -> WindowFunction:
    """1, 2, 2, 4: peers share a rank, and the next one is left out."""
    return lambda part, position: part.groups.index(part.groups[position]) + 1


def dense_rank() -> WindowFunction:
    """1, 2, 2, 3: peers share a rank, and none is left out."""
    return lambda part, position: part.groups[position] + 1


def percent_rank() -> WindowFunction:
    """Share of the other rows that come before: (rank - 1) / (rows - 1), 0.0 for one row."""

    def share(part: Partition, position: int) -> float:
        before = part.groups.index(part.groups[position])
        return before / max(1, len(part.rows) - 1)

    return share


def lag(column: str, offset: int = 1) -> WindowFunction:
    """The value of the row `offset` rows earlier in the partition, whatever the frame; or NULL."""

    def value(part: Partition, position: int) -> Any:
        other = position - offset
        return part.rows[other][column] if 0 <= other < len(part.rows) else None

    return value


def lead(column: str, offset: int = 1) -> WindowFunction:
    """The value of the row `offset` rows later; or NULL."""
    return lag(column, -offset)
