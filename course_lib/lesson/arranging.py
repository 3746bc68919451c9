"""Lines to put in order: the shuffled list, the verdict, and the controls.

Used by questions of kind "order" and by Parsons problems. The verdict names the
first wrong line only, and why: one cause, one report.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .items import Item
from .live import box, button, say

__all__ = ["Arranged", "Arranging", "judged", "pool", "verdict_on_numbers"]

INDENT = 4
NO_ROOM = "There is nothing to move that way."


@dataclass(frozen=True)
class Arranged:
    """A line in use: its text without indentation, and how many steps it is indented."""

    text: str
    steps: int | None = 0  # None: not judged


def pool(item: Item) -> list[str]:
    """All lines, also those that do not belong, in an order that only the id decides."""
    lines = [line.strip() for line in (*item.lines, *(d.text for d in item.distractors))]
    random.Random(item.id).shuffle(lines)
    if lines[: len(item.lines)] == [line.strip() for line in item.lines]:
        lines.append(lines.pop(0))  # by chance it was the answer
    return lines


def judged(item: Item, chosen: Sequence[Arranged]) -> tuple[bool, str]:
    """(is it right?, one or two sentences about the first wrong line)."""
    right = [Arranged(line.strip(), _steps(line)) for line in item.lines]
    for place, (given, wanted) in enumerate(zip(chosen, right, strict=False)):
        if given.text != wanted.text:
            return False, _wrong_line(item, given.text, place)
        if given.steps is not None and given.steps != wanted.steps:
            return False, f"Line {place + 1}, `{given.text}`, is not indented as it should be."
    if len(chosen) < len(right):
        return False, f"Right so far, but line {len(chosen) + 1} is missing."
    if len(chosen) > len(right):
        return False, _wrong_line(item, chosen[len(right)].text, len(right))
    return True, " ".join(["That is right.", *_whole_why(item)])


def _wrong_line(item: Item, text: str, place: int) -> str:
    """What to say about a line that does not stand where it belongs."""
    sentence = f"Line {place + 1}, `{text}`, does not belong there."
    for distractor in item.distractors:
        if distractor.text.strip() == text:
            return f"{sentence} {distractor.why}"
    pair = place if place < len(item.lines) - 1 else place - 1
    reason = item.why[pair] if isinstance(item.why, tuple) and pair < len(item.why) else ""
    return f"{sentence} {reason}".strip()


def _whole_why(item: Item) -> tuple[str, ...]:
    return (item.why,) if isinstance(item.why, str) else item.why


def _steps(line: str) -> int:
    return (len(line) - len(line.lstrip())) // INDENT


def verdict_on_numbers(item: Item, order: Sequence[int]) -> tuple[bool, str]:
    """The same for the numbers of the shuffled lines, counted from 1.

    Raises:
        ValueError: a number is no line, or comes twice.
    """
    lines = pool(item)
    if len(set(order)) < len(order) or not all(1 <= n <= len(lines) for n in order):
        raise ValueError(f"order= needs different numbers from 1 to {len(lines)}; got {order}.")
    return judged(item, [Arranged(lines[n - 1], None) for n in order])


@dataclass
class _Row:
    """A line on its way: where it stands is its place in the list."""

    text: str
    steps: int = 0
    used: bool = True


class Arranging:
    """A list of lines with buttons to move them; `chosen()` says what is in use."""

    def __init__(self, item: Item, status: Any) -> None:
        import ipywidgets

        self._status = status
        self._lines = [_Row(text) for text in pool(item)]
        self._code = item.kind == "parsons"
        self._list = ipywidgets.Select(
            description="Lines:",
            style={"description_width": "initial"},
            rows=len(self._lines),
            layout=ipywidgets.Layout(width="100%", height="auto"),
        )
        actions: list[tuple[str, Callable[[], str]]] = [
            ("Move up", lambda: self._move(-1)),
            ("Move down", lambda: self._move(1)),
        ]
        if self._code:
            actions += [("Indent", lambda: self._indent(1)), ("Unindent", lambda: self._indent(-1))]
        if item.distractors:
            actions.append(("Leave out or put back", self._use))
        self.widgets = [self._list, box(self._button(*action) for action in actions)]
        self._write(0)

    def chosen(self) -> list[Arranged]:
        return [Arranged(row.text, row.steps) for row in self._lines if row.used]

    def _button(self, name: str, action: Callable[[], str]) -> Any:
        return button(name, self._status, lambda: say(self._status, action()))

    def _write(self, selected: int) -> None:
        """Show the lines as they are now, with the same line selected."""
        number, rows = 0, []
        for row in self._lines:
            number += row.used
            place = f"{number}. " if row.used else "left out: "
            rows.append(f"{place}{'→ ' * row.steps}{row.text}")
        self._list.options = [(row, index) for index, row in enumerate(rows)]
        self._list.value = selected

    def _move(self, by: int) -> str:
        here = self._list.value
        there = here + by
        if not 0 <= there < len(self._lines):
            return NO_ROOM
        self._lines[here], self._lines[there] = self._lines[there], self._lines[here]
        self._write(there)
        row, used = self._lines[there], len(self.chosen())
        if not row.used:
            return f"Moved, still left out: {row.text}"
        number = sum(one.used for one in self._lines[: there + 1])
        return f"Now line {number} of {used}: {row.text}"

    def _indent(self, by: int) -> str:
        row = self._lines[self._list.value]
        row.steps = max(0, row.steps + by)
        self._write(self._list.value)
        steps = {0: "Not indented", 1: "Indented once"}.get(
            row.steps, f"Indented {row.steps} times"
        )
        return f"{steps}: {row.text}"

    def _use(self) -> str:
        row = self._lines[self._list.value]
        row.used = not row.used
        self._write(self._list.value)
        return f"{'In use' if row.used else 'Left out'}: {row.text}"
