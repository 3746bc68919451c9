"""The questions of a chapter, read from its items.toml and checked.

Answers live there and not in a code cell, so a lesson does not give them away.
Each mistake in the file is one sentence; all of them come at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from ..index import ROOT, Notebook, course

__all__ = ["BUG_CLASSES", "Choice", "Item", "ItemError", "find", "items_of", "load_items"]

BUG_CLASSES = (
    "swallowed error",
    "wrong error type",
    "leaked resource",
    "partial write",
    "unbounded growth",
    "unbounded wait",
    "wrong clock",
    "retry of unsafe operation",
    "retry amplification",
    "check-then-act",
    "lost update",
    "deadlock",
    "blocked event loop",
    "orphan task",
    "injection",
    "broken access control",
    "weak secret handling",
    "confused identity",
    "off-by-one at a boundary",
    "encoding/locale",
    "float or money",
    "stale or stampeding cache",
    "duplicate or reordered message",
    "test that cannot fail",
)
"""The 24 classes of bugs that every hunt and every wrong solution is sorted into."""

_USES = {"lesson", "checkpoint", "recall"}
_NEEDED = {
    "single": ("question", "choice"),
    "multi": ("question", "choice"),
    "number": ("question", "answer", "why"),
    "order": ("question", "lines"),
    "parsons": ("question", "lines"),
    "card": ("question", "answer"),
    "hunt": ("question", "story", "choice", "bug_class", "lesson_learned"),
}


class ItemError(ValueError):
    """An items.toml that cannot be used; the message has one sentence a mistake."""


@dataclass(frozen=True)
class Choice:
    """One option, or one line that does not belong, and why."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Item:
    """One question. Which fields are filled depends on `kind`."""

    id: str
    lesson: str
    kind: str
    use: tuple[str, ...] = ()
    question: str = ""
    choice: tuple[Choice, ...] = ()
    answer: Any = None
    tolerance: float = 0.0
    lines: tuple[str, ...] = ()  # in the right order
    distractors: tuple[Choice, ...] = ()
    why: str | tuple[str, ...] = ()  # one text, or one for each pair of neighbours in `lines`
    story: str = ""
    bug_class: str = ""
    lesson_learned: str = ""


_FIELDS = {field.name for field in fields(Item)}


def items_of(lesson: str) -> tuple[Item, ...]:
    """The questions of one lesson, in the order of the file.

    Raises:
        UnknownId: there is no such lesson.
        FileNotFoundError: its chapter has no items.toml.
        ItemError: the file has mistakes.
    """
    notebook = course().notebook(lesson)
    return tuple(item for item in _read(notebook) if item.lesson == lesson)


def find(id: str) -> Item:
    """The question with this id, whose lesson stands before the first "-".

    Raises:
        ItemError: its chapter has no such question, or the file has mistakes.
    """
    known = {item.id: item for item in items_of(id.partition("-")[0])}
    if id not in known:
        raise ItemError(f'There is no question "{id}"; the lesson has {", ".join(known)}.')
    return known[id]


def _read(notebook: Notebook) -> tuple[Item, ...]:
    text = (ROOT / notebook.items).read_text(encoding="utf-8")
    return load_items(text, source=notebook.items)


def load_items(text: str, *, source: str = "items.toml") -> tuple[Item, ...]:
    """The questions in the text of an items.toml. Raises ItemError."""
    try:
        rows = tomllib.loads(text).get("item", [])
    except tomllib.TOMLDecodeError as error:
        raise ItemError(f"{source}: {error}.") from error
    ids = [row.get("id") for row in rows]
    mistakes = [
        f'"{id}" is used twice.' for id in sorted({str(i) for i in ids if ids.count(i) > 1})
    ]
    for row in rows:
        name = row.get("id", "an item without id")
        mistakes += [f'"{name}" {mistake}' for mistake in _mistakes(row)]
    if mistakes:
        raise ItemError("\n".join(f"{source}: {mistake}" for mistake in mistakes))
    return tuple(_item(row) for row in rows)


def _item(row: dict[str, Any]) -> Item:
    lists = {
        "choice": tuple(Choice(**each) for each in row.get("choice", ())),
        "distractors": tuple(Choice(**each) for each in row.get("distractors", ())),
        "use": tuple(row.get("use", ())),
        "lines": tuple(row.get("lines", ())),
    }
    why = row.get("why", ())
    return Item(**{**row, **lists, "why": why if isinstance(why, str) else tuple(why)})


def _mistakes(row: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one item, each a sentence that begins after its name."""
    kind = row.get("kind")
    if kind not in _NEEDED:
        yield f"has the kind {kind!r}; use one of {', '.join(_NEEDED)}."
        return
    if unknown := set(row) - _FIELDS:
        yield f"has unknown fields: {', '.join(sorted(unknown))}."
    for name in ("lesson", *_NEEDED[kind]):
        if row.get(name) in (None, "", []):
            yield f"needs {name}."
    if not str(row.get("id", "")).startswith(f"{row.get('lesson')}-"):
        yield f"needs an id that begins with {row.get('lesson')}-."
    if strange := set(row.get("use", ())) - _USES:
        yield f"has the use {', '.join(sorted(strange))}; use {', '.join(sorted(_USES))}."
    yield from _choice_mistakes(kind, row.get("choice", ()))
    yield from _line_mistakes(row)
    if kind == "number" and not isinstance(row.get("answer"), int | float):
        yield "needs a number as its answer."
    if kind == "hunt" and row.get("bug_class") not in BUG_CLASSES:
        yield f"has the bug class {row.get('bug_class')!r}, which is none of the 24."


def _choice_mistakes(kind: str, choices: list[dict[str, Any]]) -> Iterator[str]:
    for number, choice in enumerate(choices, 1):
        if unknown := set(choice) - {"text", "why", "right"}:
            yield f"has unknown fields in choice {number}: {', '.join(sorted(unknown))}."
        if not choice.get("text") or not choice.get("why"):
            yield f"needs text and why in choice {number}."
    right = sum(bool(choice.get("right")) for choice in choices)
    if kind in ("single", "hunt") and choices and right != 1:
        yield f"has {right} right choices; one has to be right."
    if kind == "multi" and choices and not right:
        yield "has no right choice."
    if len({choice.get("text") for choice in choices}) < len(choices):
        yield "has two choices with the same text."


def _line_mistakes(row: dict[str, Any]) -> Iterator[str]:
    lines, why = row.get("lines", []), row.get("why", [])
    distractors = row.get("distractors", [])
    if any(set(each) != {"text", "why"} for each in distractors):
        yield "needs text and why, and nothing else, in each of its distractors."
        return
    texts = [*lines, *(each["text"] for each in distractors)]
    if len(set(texts)) < len(texts):
        yield "has two lines with the same text."
    if lines and isinstance(why, list) and why and len(why) != len(lines) - 1:
        yield f"has {len(why)} reasons for {len(lines) - 1} pairs of lines."
