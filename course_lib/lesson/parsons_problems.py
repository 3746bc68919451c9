"""Parsons problems: the right lines are there, in the wrong order, with some too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import progress
from .arranging import Arranging, judged, pool, verdict_on_numbers
from .items import Item, ItemError, find
from .live import button, group, region, say, words
from .markup import Interactive, Shown, bold, bullets, details, numbered, paragraph, preformatted

__all__ = ["parsons"]

_HOW = "Choose a line with the arrow keys, then move it with the buttons."
_BY_NUMBER = "Without the buttons: parsons({id!r}, order=[...]) takes the numbers of the lines."


def parsons(id: str, *, order: Sequence[int] | None = None) -> Shown:
    """A Parsons problem from items.toml.

    Args:
        id: its id there.
        order: instead of the controls, the numbers of the shuffled lines in your
            order; indentation is then not judged.

    Raises:
        ItemError: there is no such item, or it is of another kind.
        ValueError: `order` has a number that is no line, or one twice.
    """
    item = find(id)
    if item.kind not in ("parsons", "order"):
        raise ItemError(f'"{id}" is of kind {item.kind}; parsons() needs "parsons" or "order".')
    if order is not None:
        right, sentence = verdict_on_numbers(item, order)
        trouble = _remember(item, right)
        return Shown(paragraph(sentence) + paragraph(trouble), f"{sentence} {trouble}".strip())
    return Interactive(_html(item), _text(item), lambda: _form(item))


def _remember(item: Item, right: bool) -> str:
    return progress.record("parsons", item.id, "right" if right else "wrong")


def _html(item: Item) -> str:
    answer = preformatted("\n".join(item.lines)) + bullets(_reasons(item))
    return bold(item.question) + numbered(pool(item)) + details("Answer", answer)


def _text(item: Item) -> str:
    lines = [f"  {number}. {line}" for number, line in enumerate(pool(item), 1)]
    answer = [f"  {line}" for line in item.lines]
    reasons = [f"- {why}" for why in _reasons(item)]
    return "\n".join([item.question, *lines, "Answer:", *answer, *reasons])


def _reasons(item: Item) -> list[str]:
    whole = [item.why] if isinstance(item.why, str) else list(item.why)
    return [*whole, *(f"{each.text.strip()}: {each.why}" for each in item.distractors)]


def _form(item: Item) -> Any:
    status = region()
    lines = Arranging(item, status)

    def check() -> None:
        right, sentence = judged(item, lines.chosen())
        say(status, sentence, _remember(item, right))

    how = words(paragraph(_HOW) + details("Another way", paragraph(_BY_NUMBER.format(id=item.id))))
    return group(item.question, [how, *lines.widgets, button("Check", status, check), status])
