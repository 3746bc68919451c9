"""Three questions about earlier lessons, before a new one begins.

Remembering is what keeps knowledge, so the cards come back after 1, 3, 7 and 21
days (Leitner's boxes, in course_lib.progress).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from .. import progress
from ..index import Notebook, course
from .items import Item, items_of
from .live import box, button, group, region, say, tell, words
from .markup import Interactive, bold, bullets, details, numbered, paragraph
from .questions import explained, options, solution
from .remembered import due
from .session import current

__all__ = ["recall"]

CARDS = 3
_NONE_DUE = "No card is due today. They come back when it is time."
_KNEW = "Did you know it?"
_THINK = "Answer in your head first, or on paper."


def recall() -> Interactive:
    """Up to three cards that are due, from the lessons before this one.

    Raises:
        ValueError: the lesson has not started.
        ItemError: an items.toml has mistakes.
    """
    cards = _cards(current.notebook)
    wanted = due(card.id for card in cards)
    chosen = [card for card in cards if card.id in wanted][:CARDS]
    if not chosen:
        return Interactive(paragraph(_NONE_DUE), _NONE_DUE, lambda: words(paragraph(_NONE_DUE)))
    html = paragraph(_THINK) + "".join(_html(card) for card in chosen)
    text = "\n\n".join([_THINK, *(_text(card) for card in chosen)])
    return Interactive(html, text, lambda: _form(chosen))


def _cards(notebook: Notebook) -> list[Item]:
    """The cards of the lessons this one needs, in turn, the nearest first; else its own."""
    needed = _ancestors(notebook)
    nearest = [_recallable(n) for n in reversed(course().notebooks) if n.id in needed]
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*nearest))
    return [card for card in in_turn if card] or list(_recallable(notebook))


def _ancestors(notebook: Notebook) -> set[str]:
    found: set[str] = set()
    waiting = list(notebook.needs)
    while waiting:
        id = waiting.pop()
        if id not in found:
            found.add(id)
            waiting.extend(course().notebook(id).needs)
    return found


def _recallable(notebook: Notebook) -> Iterable[Item]:
    try:
        items = items_of(notebook.id)
    except FileNotFoundError:
        return []  # a chapter that is not written yet
    return [item for item in items if "recall" in item.use]


def _html(card: Item) -> str:
    choices = numbered(options(card)) if card.choice else ""
    return bold(card.question) + choices + details("Answer", _answer(card))


def _text(card: Item) -> str:
    choices = [f"  {n}. {option}" for n, option in enumerate(options(card), 1)]
    reasons = [f"  {line}" for line in explained(card)]
    return "\n".join([card.question, *choices, f"Answer: {solution(card)}", *reasons])


def _answer(card: Item) -> str:
    return paragraph(solution(card)) + (bullets(explained(card)) if explained(card) else "")


def _form(cards: Sequence[Item]) -> Any:
    import ipywidgets

    return ipywidgets.VBox([words(paragraph(_THINK)), *(_card(card) for card in cards)])


def _card(card: Item) -> Any:
    answer, status = region(), region()
    choices = [words(numbered(options(card)))] if card.choice else []
    rating: list[Any] = []

    def reveal() -> None:
        tell(answer, _answer(card) + paragraph(_KNEW))
        for one in rating:
            one.disabled = False

    def rated(value: str, sentence: str) -> None:
        say(status, sentence, progress.record("recall", card.id, value))

    show = button("Show answer", status, reveal)
    knew = button("I knew it", status, lambda: rated("right", "Noted. It comes back later."))
    unknown = button("I did not", status, lambda: rated("wrong", "Noted. It comes back tomorrow."))
    rating += [knew, unknown]
    for one in rating:
        one.disabled = True
    return group(card.question, [*choices, show, answer, box([knew, unknown]), status])
