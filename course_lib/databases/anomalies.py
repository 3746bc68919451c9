"""What one edit does to a table that keeps the same fact in several rows.

The rule: a fact that stands in one cell cannot contradict itself. `edit` changes one
cell and then asks each functional dependency which rows now say different things.

Source: Codd 1971, "Further normalization of the data base relational model".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_lib.databases.dependencies import Dependency

__all__ = ["Contradiction", "Edit", "contradictions_in", "edit"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Contradiction:
    """`about` ("customer ada") has several values of `column`.

    `says` has each value with the lines that hold it, counted from 1, in their order.
    """

    about: str
    column: str
    says: tuple[tuple[Any, tuple[int, ...]], ...]

    @property
    def lines(self) -> tuple[int, ...]:
        return tuple(sorted(line for _, lines in self.says for line in lines))

    def __str__(self) -> str:
        values = ", ".join(f"{value} in {_lines(lines)}" for value, lines in self.says)
        return f"{self.about} has the {self.column} {values}"


@dataclass(frozen=True)
class Edit:
    """The table after one cell was changed, and what no longer agrees.

    `line` counts from 1; `before` is what the cell held.
    """

    rows: tuple[dict[str, Any], ...]
    line: int
    column: str
    before: Any
    contradictions: tuple[Contradiction, ...]

    def __repr__(self) -> str:
        return f"Edit(line {self.line}, {self.column}, {len(self.contradictions)} contradictions)"


def edit(
    rows: Sequence[Row], rules: Sequence[Dependency], *, line: int, column: str, value: Any
) -> Edit:
    """Set one cell of a copy of the table. `rows` stays as it is.

    Args:
        rules: what must hold, such as `customer -> city`.
        line: which row, counted from 1.

    Raises:
        ValueError: there is no such line or column.
    """
    if not 1 <= line <= len(rows) or column not in rows[line - 1]:
        raise ValueError(f"there is no cell {column!r} in line {line} of {len(rows)}.")
    changed = [dict(row) for row in rows]
    before = changed[line - 1][column]
    changed[line - 1][column] = value
    found = [clash for rule in rules for clash in contradictions_in(changed, rule)]
    return Edit(tuple(changed), line, column, before, tuple(found))


def contradictions_in(rows: Sequence[Row], rule: Dependency) -> list[Contradiction]:
    """Each value of the rule's left side for which the rows disagree on its right side."""
    left = sorted(rule.left)
    said: dict[tuple[Any, ...], dict[Any, list[int]]] = {}
    for line, row in enumerate(rows, start=1):
        values = said.setdefault(tuple(row[name] for name in left), {})
        values.setdefault(row[rule.right], []).append(line)
    return [
        Contradiction(
            " and ".join(f"{name} {value}" for name, value in zip(left, key, strict=True)),
            rule.right,
            tuple((value, tuple(lines)) for value, lines in values.items()),
        )
        for key, values in said.items()
        if len(values) > 1
    ]


def _lines(numbers: Sequence[int]) -> str:
    *others, last = map(str, numbers)
    return f"lines {', '.join(others)} and {last}" if others else f"line {last}"
