"""One question of a quiz: how it is answered, judged and explained.

Judging is plain functions of the item and the answer; the controls only collect
the answer. `ANSWERING` has one entry for each kind of question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .arranging import Arranging, judged, pool
from .items import Item

__all__ = ["ANSWERING", "Unanswered", "Verdict", "explained", "options", "solution"]

_TOUCHABLE = "28px"


class Unanswered(ValueError):
    """There is no answer yet; the message says what to do."""


@dataclass(frozen=True)
class Verdict:
    """What was answered, whether that is right, and the reason."""

    said: str
    right: bool
    reason: str


Read = Callable[[], Verdict]


def options(item: Item) -> list[str]:
    """What there is to choose from or to arrange; empty for a number."""
    return pool(item) if item.lines else [choice.text for choice in item.choice]


def solution(item: Item) -> str:
    """The right answer in words."""
    if item.lines:
        return " → ".join(line.strip() for line in item.lines)
    if item.choice:
        return "; ".join(choice.text for choice in item.choice if choice.right)
    answer = f"{item.answer:g}" if isinstance(item.answer, int | float) else str(item.answer)
    return f"{answer}, give or take {item.tolerance:g}" if item.tolerance else answer


def explained(item: Item) -> list[str]:
    """One line for each option, or the reasons of the whole."""
    if item.choice:
        return [
            f"{c.text.rstrip('.')}{' (right)' if c.right else ''}: {c.why}" for c in item.choice
        ]
    return [item.why] if isinstance(item.why, str) else list(item.why)


def judged_single(item: Item, said: str) -> Verdict:
    choice = next(choice for choice in item.choice if choice.text == said)
    return Verdict(said, choice.right, choice.why)


def judged_multi(item: Item, said: list[str]) -> Verdict:
    """Right when exactly the right ones are ticked; else the first mistake is named."""
    if not said:
        raise Unanswered("Tick at least one.")
    wrong = [choice for choice in item.choice if choice.right != (choice.text in said)]
    words = "; ".join(said)
    if not wrong:
        return Verdict(words, True, "Exactly these.")
    first = wrong[0]
    what = "belongs to it" if first.right else "does not belong to it"
    return Verdict(words, False, f"{first.text}: {what}. {first.why}")


def judged_number(item: Item, said: str) -> Verdict:
    try:
        number = float(said.replace(",", "."))
    except ValueError:
        raise Unanswered("Type a number, such as 27 or 0.5.") from None
    right = abs(number - item.answer) <= item.tolerance
    return Verdict(f"{number:g}", right, " ".join(explained(item)))


def _single(item: Item, status: Any) -> tuple[list[Any], Read]:
    import ipywidgets

    radio = ipywidgets.RadioButtons(
        options=options(item), value=None, description="Your answer:", layout={"width": "100%"}
    )

    def read() -> Verdict:
        if radio.value is None:
            raise Unanswered("Choose an answer first.")
        return judged_single(item, radio.value)

    return [radio], read


def _multi(item: Item, status: Any) -> tuple[list[Any], Read]:
    import ipywidgets

    layout = {"width": "100%", "min_height": _TOUCHABLE}
    ticks = [
        ipywidgets.Checkbox(description=text, indent=False, layout=layout) for text in options(item)
    ]
    return ticks, lambda: judged_multi(item, [one.description for one in ticks if one.value])


def _number(item: Item, status: Any) -> tuple[list[Any], Read]:
    import ipywidgets

    field = ipywidgets.Text(description="Your number:", style={"description_width": "initial"})
    return [field], lambda: judged_number(item, field.value)


def _order(item: Item, status: Any) -> tuple[list[Any], Read]:
    lines = Arranging(item, status)

    def read() -> Verdict:
        chosen = lines.chosen()
        right, sentence = judged(item, chosen)
        return Verdict(" → ".join(line.text for line in chosen), right, sentence)

    return lines.widgets, read


ANSWERING: dict[str, Callable[[Item, Any], tuple[list[Any], Read]]] = {
    "single": _single,
    "multi": _multi,
    "number": _number,
    "order": _order,
}
"""For each kind of question: its controls, and how to read and judge them."""
