"""A lesson as a teacher runs it: its parts, and in each what to ask, hunt and discuss."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from course_lib.proof.notebook_files import Cell, code_cells, read, source

from .questions import Question, questions_in

__all__ = ["Item", "LessonNotes", "Part", "Section", "lesson_notes"]

_CALLS = re.compile(
    r"^(?P<name>explorable|hunt|parsons|predict|production_gap|quiz|recall)\(", re.MULTILINE
)
_KINDS = {
    "hunt": "Bug hunt",
    "parsons": "Put in order",
    "predict": "Predict, vote, run",
    "quiz": "Question",
    "recall": "Recall",
}
_STOP = re.compile(r"Stop point \d+ of \d+: about (?P<minutes>\d+) minutes so far")


@dataclass(frozen=True)
class Item:
    """Something to do with a class. `text` and `code` are HTML, `question` may be missing."""

    kind: str
    text: str = ""
    code: str = ""
    question: Question | None = None


@dataclass
class Section:
    """`continued`: it began before the last stop point."""

    title: str
    continued: bool = False
    items: list[Item] = field(default_factory=list)


@dataclass
class Part:
    """Up to a stop point, after about `minutes` of the lesson; the last one has none."""

    sections: list[Section] = field(default_factory=list)
    minutes: int | None = None
    recap: str = ""

    @property
    def titles(self) -> list[str]:
        """Of the sections that it has something of."""
        return [each.title for each in self.sections if each.items or not each.continued]


@dataclass(frozen=True)
class LessonNotes:
    """`goals` is HTML: what learners can do afterwards."""

    goals: str
    parts: tuple[Part, ...]


def lesson_notes(path: Path, html: BeautifulSoup) -> LessonNotes:
    """What a teacher needs of the lesson at `path`, whose content as a page is `html`."""
    code = {cell["id"]: cell for cell in code_cells(read(path))}
    walk = _Walk(code)
    shown = html.select("[data-cell]")
    for number, tag in enumerate(shown):
        following = shown[number + 1] if number + 1 < len(shown) else None
        walk.step(tag, following)
    return LessonNotes(_goals(shown[0]) if shown else "", tuple(walk.parts))


def _goals(first: Tag) -> str:
    goals = first.find("ul")
    return str(goals) if goals else ""


class _Walk:
    """Goes through the cells in order, and sorts what it meets into parts and sections."""

    def __init__(self, code: dict[str, Cell]) -> None:
        self._code = code
        self._prose: list[Tag] = []  # of this section, up to here
        self._worked: Tag | None = None  # the code cell above
        self.parts = [Part()]

    def step(self, tag: Tag, following: Tag | None) -> None:
        cell = self._code.get(str(tag["data-cell"]))
        if cell is None:
            self._read(tag)
            return
        tags = cell.get("metadata", {}).get("tags", [])
        if "stop" in tags:
            self._stop(tag)
            return
        made = list(self._items(cell, tag, following))
        if made and self.parts[-1].sections:
            self.parts[-1].sections[-1].items += made
        if not made:
            self._worked = tag

    def _read(self, tag: Tag) -> None:
        for heading in tag.find_all(["h2", "h3"]):
            self.parts[-1].sections.append(Section(" ".join(heading.get_text().split())))
            self._prose, self._worked = [], None
        self._prose.append(tag)

    def _stop(self, tag: Tag) -> None:
        lines = [" ".join(line.get_text().split()) for line in tag.select(".output p")]
        for number, line in enumerate(lines):
            if found := _STOP.fullmatch(line):
                self.parts[-1].minutes = int(found["minutes"])
                self.parts[-1].recap = " ".join(lines[number + 1 : number + 2])
        title = self.parts[-1].sections[-1].title if self.parts[-1].sections else ""
        self.parts.append(Part([Section(title, continued=True)]))

    def _items(self, cell: Cell, tag: Tag, following: Tag | None) -> Iterator[Item]:
        call = _CALLS.search(source(cell))
        name = call["name"] if call else ""
        output = tag.find(class_="output")
        if "try" in cell.get("metadata", {}).get("tags", []):
            yield Item("Try it first", _without_headings(self._prose), _input(tag))
        elif name == "explorable" and following is not None and _is_tasks(following):
            yield Item("Explore and discuss", _without_headings([following]))
        elif name == "production_gap" and output:
            yield Item("Discuss: where ours is weaker", output.decode_contents())
        elif name in _KINDS and output:
            code = _input(self._worked) if self._worked and name in ("hunt", "predict") else ""
            for question in questions_in(output):
                yield Item(_KINDS[name], question.before, code, question)


def _is_tasks(tag: Tag) -> bool:
    return "prose" in tag.get_attribute_list("class") and tag.find("ol") is not None


def _input(cell: Tag) -> str:
    """The code of a cell, without what it showed."""
    copy = BeautifulSoup(str(cell), "html.parser")
    for output in copy.find_all(class_="output"):
        output.decompose()
    return "".join(map(str, copy.find_all("div", class_="highlight", limit=1)))


def _without_headings(tags: list[Tag]) -> str:
    copy = BeautifulSoup("".join(map(str, tags)), "html.parser")
    for heading in copy.find_all(["h1", "h2", "h3", "h4"]):
        heading.decompose()
    return str(copy)
