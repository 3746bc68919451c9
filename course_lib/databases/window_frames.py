"""Which rows a window function sees: the frame of every row.

The rule: a frame is a run of neighbours in the order of the window. ROWS counts rows,
GROUPS counts groups of equal rows (peers), RANGE measures the distance of values. With
ORDER BY and no frame, SQL means RANGE from the start to the current row, and that
includes all its peers: the surprise in running totals with ties.

Source: PostgreSQL manual, 4.2.8 "Window Function Calls". Left out: EXCLUDE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Frame", "frames", "peer_groups"]


@dataclass(frozen=True)
class Frame:
    """`mode` is "rows", "groups" or "range". A bound is a number of rows, groups or units.

    Negative: preceding; 0: the current row, and its peers unless the mode is "rows";
    positive: following; None: unbounded. The default is the default of SQL.

    >>> print(Frame("rows", -2, 0))
    ROWS BETWEEN 2 PRECEDING AND CURRENT ROW
    """

    mode: str = "range"
    start: float | None = None
    end: float | None = 0

    def __post_init__(self) -> None:
        if self.mode not in ("rows", "groups", "range"):
            raise ValueError(f"mode must be 'rows', 'groups' or 'range', got {self.mode!r}.")
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ValueError(f"the frame starts at {self.start}, after its end at {self.end}.")

    def __str__(self) -> str:
        start, end = _bound(self.start, "PRECEDING"), _bound(self.end, "FOLLOWING")
        return f"{self.mode.upper()} BETWEEN {start} AND {end}"


def frames(keys: Sequence[Any], frame: Frame, *, descending: bool = False) -> list[range]:
    """The positions in the frame of each row of one partition.

    Args:
        keys: the ORDER BY value of each row, sorted; NULL is None, at either end. Without
            ORDER BY, all keys are the same. Distances in mode "range" need numbers.
        descending: whether the keys fall. Only distances need to know.

    Raises:
        TypeError: a distance is asked for, and the keys are no numbers.

    >>> frames([10, 20, 20, 30], Frame())
    [range(0, 1), range(0, 3), range(0, 3), range(0, 4)]
    """
    if frame.mode == "rows":
        places: list[Any] = list(range(len(keys)))
    elif frame.mode == "groups" or not (frame.start or frame.end):
        places = peer_groups(keys)
    else:
        return _by_distance(keys, frame, descending)
    return [_frame(places, place, frame) for place in places]


def peer_groups(keys: Sequence[Any]) -> list[int]:
    """The number of the group of equal keys that each row is in, from 0."""
    groups = [0] if keys else []
    for before, after in pairwise(keys):
        groups.append(groups[-1] + (before != after))
    return groups


def _by_distance(keys: Sequence[Any], frame: Frame, descending: bool) -> list[range]:
    """NULL is at no distance from anything: its frame holds its peers, and what is unbounded."""
    sign = -1 if descending else 1
    known = [position for position, key in enumerate(keys) if key is not None]
    if not all(isinstance(keys[position], int | float) for position in known):
        raise TypeError("a distance needs one ORDER BY column of numbers: use rows or groups.")
    first = known[0] if known else 0
    places = [sign * keys[position] for position in known]
    found = []
    for position, key in enumerate(keys):
        if key is None:
            inside = range(first) if position < first else range(first + len(known), len(keys))
        else:
            near = _frame(places, sign * key, frame)
            inside = range(first + near.start, first + near.stop)
        found.append(_unbounded(inside, frame, len(keys)))
    return found


def _unbounded(inside: range, frame: Frame, size: int) -> range:
    start = 0 if frame.start is None else inside.start
    return range(start, size if frame.end is None else inside.stop)


def _frame(places: Sequence[Any], place: Any, frame: Frame) -> range:
    """The positions whose place lies between `place + start` and `place + end`."""

    def first(is_behind: Callable[[Any], bool], default: int) -> int:
        return next((i for i, other in enumerate(places) if is_behind(other)), default)

    size, (low, high) = len(places), (frame.start, frame.end)
    start = 0 if low is None else first(lambda other: other >= place + low, size)
    stop = size if high is None else first(lambda other: other > place + high, size)
    return range(start, max(start, stop))


def _bound(offset: float | None, unbounded: str) -> str:
    if offset is None:
        return f"UNBOUNDED {unbounded}"
    if offset == 0:
        return "CURRENT ROW"
    return f"{abs(offset):g} {'PRECEDING' if offset < 0 else 'FOLLOWING'}"
