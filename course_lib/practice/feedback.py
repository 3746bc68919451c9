"""What a check, a hint or a solution shows: the same as HTML and as text.

Everything is escaped, nothing is said by colour alone, and the sentence that
matters stands in an `<output>`, which screen readers announce.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

from course_lib.practice.values import clip

__all__ = ["Card", "Report", "Row"]

MOST_CHARACTERS = 600


@dataclass(frozen=True)
class Row:
    """One labelled line. `code` is shown as code; `value` may be shortened to fit."""

    label: str
    text: str
    code: bool = False
    value: bool = False


@dataclass(frozen=True, repr=False)
class Card:
    """A headline, labelled rows and closing sentences."""

    headline: str
    rows: tuple[Row, ...] = ()
    closing: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        rows = [_row_text(row) for row in self.rows]
        return "\n".join([self.headline, *rows, *self.closing])

    def _repr_html_(self) -> str:
        rows = "".join(map(_row_html, self.rows))
        rows = f"<dl>{rows}</dl>" if rows else ""
        closing = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.closing)
        headline = html.escape(self.headline)
        return f"<div><p><output><strong>{headline}</strong></output></p>{rows}{closing}</div>"


def _row_text(row: Row) -> str:
    gap = "\n" if "\n" in row.text else " "
    return f"{row.label}:{gap}{row.text}"


def _row_html(row: Row) -> str:
    text = html.escape(row.text)
    if row.code:
        text = f"<pre><code>{text}</code></pre>" if "\n" in row.text else f"<code>{text}</code>"
    return f"<dt>{html.escape(row.label)}</dt><dd>{text}</dd>"


@dataclass(frozen=True, repr=False)
class Report(Card):
    """The result of a check.

    `outcome` is "not started", "wrong", "crashed" or "right"; `scenario` is the
    meaning of the first one that did not pass. `text` has at most 600 characters.
    """

    id: str = ""
    outcome: str = ""
    scenario: str = ""
    points: int = 0
    of_points: int = 0

    @property
    def right(self) -> bool:
        return self.outcome == "right"


@dataclass(frozen=True, repr=False)
class ProjectReport(Report):
    """The result of a whole project: a Report for each milestone, in order."""

    milestones: tuple[Report, ...] = ()

    @property
    def text(self) -> str:
        parts = [report.text for report in self.milestones]
        return "\n\n".join([self.headline, *parts, *self.closing])

    def _repr_html_(self) -> str:
        whole = Card(self.headline, (), self.closing)._repr_html_()
        return whole + "".join(report._repr_html_() for report in self.milestones)


def fit(rows: tuple[Row, ...], *others: str) -> tuple[Row, ...]:
    """Shorten the values among `rows` so that the whole text keeps its bound."""
    values = [row for row in rows if row.value]
    if not values:
        return rows
    around = sum(len(text) + 1 for text in others)
    around += sum(len(_row_text(row)) + 1 for row in rows)
    around -= sum(len(row.text) for row in values)
    share = max((MOST_CHARACTERS - around) // len(values), 12)
    return tuple(_shortened(row, share) for row in rows)


def _shortened(row: Row, most: int) -> Row:
    return Row(row.label, clip(row.text, most), row.code, row.value) if row.value else row
