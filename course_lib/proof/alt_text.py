"""Gate: nobody needs to see a picture, or a table's lay-out, to follow.

WCAG 2.2, success criteria 1.1.1 (text for every picture) and 1.3.1 (a table
says which cells are headings). In a notebook only HTML keeps both: alt text
in image metadata is lost on export, and a table in Markdown has neither a
caption nor a scope.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from course_lib.proof.gates import Gate, exercise_notebooks, finished, lesson_notebooks
from course_lib.proof.notebook_files import Cell, markdown_text, output_texts, read, where

__all__ = ["Seen", "everything_has_words", "look"]

SHORTEST, LONGEST = 20, 300

_EMPTY_START = re.compile(
    r"^(an? |the )?(image|picture|figure|graph|plot|chart) of\b", re.IGNORECASE
)
_MARKDOWN_PICTURE = re.compile(r"!\[(.*?)\]\(")
_MARKDOWN_TABLE = re.compile(r"^[ |]*:?-+:?[ ]*\|", re.MULTILINE)  # the line below its headings
_PICTURES = ("image/png", "image/jpeg", "image/svg+xml")


@dataclass
class Seen:
    """Pictures (their alt, None when absent) and tables of some HTML."""

    alts: list[str | None] = field(default_factory=list)
    tables: list[dict[str, int]] = field(default_factory=list)
    details: int = 0


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()
        self._open: list[dict[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "img":
            self.seen.alts.append(given.get("alt"))
        if tag == "details":
            self.seen.details += 1
        if tag == "table":
            self._open.append({"caption": 0, "th": 0, "unscoped": 0})
            self.seen.tables.append(self._open[-1])
        if self._open and tag in ("caption", "th"):
            self._open[-1][tag] += 1
            self._open[-1]["unscoped"] += tag == "th" and not given.get("scope")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and self._open:
            self._open.pop()


def look(html: str) -> Seen:
    """The pictures and tables in `html`.

    >>> look('<img alt="A line that rises"><table><th scope="col">x</th></table>').alts
    ['A line that rises']
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.seen


def everything_has_words(root: Path) -> Gate:
    """Covers pictures and tables, in text cells and in stored outputs."""
    problems: list[str] = []
    covered = 0
    for path in [*lesson_notebooks(root), *exercise_notebooks(root)]:
        name = path.relative_to(root).as_posix()
        try:
            cells = read(path)["cells"]
        except ValueError:
            continue  # the structure gate says so
        for number, cell in enumerate(cells, 1):
            count, found = _cell(cell)
            covered += count
            problems += [f"{name}: {where(cell, number)} {what}" for what in found]
    return finished(
        root, "alt text", covered=covered, unit="pictures and tables", problems=problems
    )


def _cell(cell: Cell) -> tuple[int, list[str]]:
    text = markdown_text(cell)
    seen = look(text)
    alts = [*seen.alts, *_MARKDOWN_PICTURE.findall(text)]
    found = [what for alt in alts for what in _alt(alt)]
    found += _tables(seen)
    count = len(alts) + len(seen.tables)
    if _MARKDOWN_TABLE.search(text):
        found.append(
            "has a table in Markdown, which can carry no caption; write <table>, <caption> "
            'and <th scope="col">.'
        )
    found += _bare_pictures(cell)
    for kind, html in output_texts(cell):
        if kind == "text/html":
            shown = look(html)
            count += len(shown.alts) + len(shown.tables)
            found += _html(shown)
    return count, found


def _html(seen: Seen) -> Iterator[str]:
    for alt in seen.alts:
        yield from _alt(alt)
    if seen.alts and not (seen.details or seen.tables):
        yield "shows a picture without a longer text or a table beside it; give figure() `long=`."
    yield from _tables(seen)


def _alt(alt: str | None) -> Iterator[str]:
    words = (alt or "").strip()
    if not SHORTEST <= len(words) <= LONGEST:
        yield (
            f"has a picture whose alt text has {len(words)} characters; "
            f"say what to see in {SHORTEST} to {LONGEST}."
        )
    if _EMPTY_START.match(words):
        yield f'has an alt text that begins "{words[:20]}"; begin with what is to be seen.'


def _tables(seen: Seen) -> Iterator[str]:
    for table in seen.tables:
        if not table["caption"]:
            yield "shows a table without a caption; say what it lists."
        if not table["th"] or table["unscoped"]:
            yield "shows a table whose headings have no scope; use <th scope=...>."


def _bare_pictures(cell: Cell) -> Iterator[str]:
    for output in cell.get("outputs", []):
        data: dict[str, Any] = output.get("data", {})
        pictures = [mime for mime in _PICTURES if mime in data]
        if pictures and "<img" not in "".join(data.get("text/html", "")):
            yield f"shows a bare {pictures[0]} without words; show it with figure(fig, alt=...)."
