"""Which rows of two lists meet in a join, and how often each of them counts.

The rule: a key that appears m times on the left and n times on the right gives m x n
rows. A sum over a column of the left then counts each of its rows n times. Sum before
the join, or join to a table in which the key is unique. Used by lesson 03.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from course_lib.databases.null_logic import eq

__all__ = ["FanOut", "fan_out"]

Key = str | int | None


@dataclass(frozen=True)
class FanOut:
    """What a join of the two lists gives.

    `lines` are the pairs of positions that meet; `rows` counts the rows by kind of join:
    inner, left, right, full, cross. `counted` says for each left position how often a
    sum after an inner join counts it; 1 everywhere means that the sum is right.
    """

    lines: tuple[tuple[int, int], ...]
    rows: dict[str, int]
    counted: tuple[int, ...]

    @property
    def is_right(self) -> bool:
        """Whether sums over the left list survive the inner join."""
        return all(times == 1 for times in self.counted)


def fan_out(left: Sequence[Key], right: Sequence[Key]) -> FanOut:
    """Join two lists of keys. NULL (None) meets nothing, not even NULL.

    >>> fan_out(["a", "b"], ["a", "a", "c"]).rows
    {'inner': 2, 'left': 3, 'right': 3, 'full': 4, 'cross': 6}
    """
    lines = tuple(
        (i, j)
        for i, key in enumerate(left)
        for j, other in enumerate(right)
        if eq(key, other) is True
    )
    of_left, of_right = Counter(i for i, _ in lines), Counter(j for _, j in lines)
    alone_left = len(left) - len(of_left)
    alone_right = len(right) - len(of_right)
    rows = {
        "inner": len(lines),
        "left": len(lines) + alone_left,
        "right": len(lines) + alone_right,
        "full": len(lines) + alone_left + alone_right,
        "cross": len(left) * len(right),
    }
    return FanOut(lines, rows, tuple(of_left[i] for i in range(len(left))))
