"""What differs between another answer to an exercise and a right one."""

from __future__ import annotations

import ast
import difflib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.practice.answers import read_variant

__all__ = ["Change", "changes", "first_words"]


@dataclass(frozen=True)
class Change:
    """`before` is of a right answer; an empty one means that `after` is all of the file."""

    file: str
    before: str
    after: str


def changes(path: Path, right: Mapping[str, str]) -> list[Change]:
    """What the answer in this file changes, place by place.

    Args:
        right: text of each right answer that is a whole file, by its name.
    """
    if path.suffix == ".toml":
        edits = read_variant(path).edits
        return [Change(e.file, e.old.strip("\n"), e.new.strip("\n")) for e in edits]
    lines = _answer_lines(path.read_text(encoding="utf-8"))
    name, places = _nearest(lines, right)
    if not places or sum(len(after) for _, after in places) > len(lines) / 2:
        return [Change(path.name, "", "\n".join(lines))]
    return [Change(name, "\n".join(before), "\n".join(after)) for before, after in places]


def _answer_lines(text: str) -> list[str]:
    """The lines without the comment at the start, which is not the answer itself."""
    return [*itertools.dropwhile(lambda line: line.startswith("# "), text.splitlines())]


Place = tuple[Sequence[str], Sequence[str]]


def _nearest(lines: list[str], right: Mapping[str, str]) -> tuple[str, list[Place]]:
    """The right answer from which the fewest lines differ, and where they do."""
    found = [(name, _places(_answer_lines(text), lines)) for name, text in right.items()]
    return min(found, key=lambda each: sum(len(b) + len(a) for b, a in each[1]), default=("", []))


def _places(one: Sequence[str], other: Sequence[str]) -> list[Place]:
    """The places where they differ, each with a line of what is the same around it."""
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    places: list[Place] = []
    for group in matcher.get_grouped_opcodes(1):
        _, start, _, begin, _ = group[0]
        _, _, end, _, stop = group[-1]
        places.append((one[start:end], other[begin:stop]))
    return places


def first_words(path: Path) -> str:
    """What the author says about the answer: its first comment or docstring, in one line."""
    text = path.read_text(encoding="utf-8")
    said = _comment(text)
    if not said and path.suffix != ".toml":
        said = ast.get_docstring(ast.parse(text)) or ""
    return " ".join(said.split("\n\n")[0].split())


def _comment(text: str) -> str:
    """The comment with which the text begins, as one line."""
    words = []
    for line in text.splitlines():
        if not line.startswith("# "):
            break
        words.append(line.removeprefix("# ").strip())
    return " ".join(words)
