"""A quiz: several questions, each with its own answer, verdict and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import progress
from .items import Item, ItemError, find, items_of
from .live import button, group, region, say, words
from .markup import Interactive, bold, bullets, details, numbered, paragraph
from .questions import ANSWERING, Unanswered, Verdict, explained, options, solution
from .session import current

__all__ = ["quiz"]

_DISCUSS = "Now say your reason aloud, or discuss it with somebody. Then vote again."


def quiz(*ids: str, use: str = "checkpoint", vote: bool = False) -> Interactive:
    """Questions from items.toml: those named or, without names, all of the lesson for this use.

    Args:
        use: "checkpoint" or "lesson"; looked at only when no ids are given.
        vote: keep the first answer, ask for a discussion, and judge the second one.

    Raises:
        ItemError: an id is unknown or cannot be asked like this, or nothing is found.
    """
    items = [find(id) for id in ids] or [
        item for item in items_of(current.notebook.id) if use in item.use and item.kind in ANSWERING
    ]
    if not items:
        raise ItemError(f'The lesson has no question for the use "{use}".')
    for item in items:
        if item.kind not in ANSWERING:
            raise ItemError(f'"{item.id}" is of kind {item.kind}; a quiz cannot ask that.')
    titled = [(_title(item, n, len(items)), item) for n, item in enumerate(items, 1)]
    html = "".join(_html(title, item) for title, item in titled)
    text = "\n\n".join(_text(title, item) for title, item in titled)
    return Interactive(html, text, lambda: _form(titled, vote))


def _title(item: Item, number: int, of: int) -> str:
    return item.question if of == 1 else f"Question {number} of {of}: {item.question}"


def _html(title: str, item: Item) -> str:
    answer = paragraph(solution(item)) + bullets(explained(item))
    return bold(title) + numbered(options(item)) + details("Answer", answer)


def _text(title: str, item: Item) -> str:
    choices = [f"  {number}. {option}" for number, option in enumerate(options(item), 1)]
    return "\n".join(
        [title, *choices, f"Answer: {solution(item)}", *(f"  {line}" for line in explained(item))]
    )


def _form(titled: Sequence[tuple[str, Item]], vote: bool) -> Any:
    import ipywidgets

    return ipywidgets.VBox([_question(title, item, vote) for title, item in titled])


def _question(title: str, item: Item, vote: bool) -> Any:
    status, reasons = region(), words()
    controls, read = ANSWERING[item.kind](item, status)
    first: list[Verdict] = []

    def answer() -> None:
        try:
            verdict = read()
        except Unanswered as missing:
            say(status, missing)
            return
        if vote and not first:
            first.append(verdict)
            progress.record("vote", item.id, _outcome(verdict))
            say(status, f"Your first vote is {verdict.said}.", _DISCUSS)
            return
        trouble = progress.record("quiz", item.id, _outcome(verdict))
        before = f"First you said {first[0].said}." if first else ""
        say(status, before, _sentence(item, verdict), verdict.reason, trouble)
        reasons.value = details("Every answer, explained", bullets(explained(item)))

    return group(title, [*controls, button("Answer", status, answer), status, reasons])


def _sentence(item: Item, verdict: Verdict) -> str:
    if item.lines:  # the reason already says it, and the answer would be a long list
        return ""
    judgement = "That is right." if verdict.right else "That is not right."
    return f"You said {verdict.said.rstrip('.')}. {judgement}"


def _outcome(verdict: Verdict) -> str:
    return f"{'right' if verdict.right else 'wrong'}: {verdict.said}"
