"""A bug hunt: show that the code is wrong, name the kind of mistake, mend it.

The observation that shows the fault is a function in the chapter's hunts.py. It
runs the code that the reader sees, before and after it is mended.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import progress
from ..index import ROOT, course
from .items import BUG_CLASSES, Item, ItemError, find
from .live import button, group, region, say, words
from .markup import Interactive, bold, bullets, details, numbered, paragraph
from .questions import explained

__all__ = ["hunt"]

_MEND = (
    "Mend the code in the cell above, run it, and run this cell again. "
    "It then says whether the fault is gone."
)

Observe = Callable[[Any], tuple[bool, str]]


@dataclass(frozen=True)
class _Hunt:
    """The question, and what the failing observation saw in the code as it is now."""

    item: Item
    sound: bool
    seen: str


def hunt(id: str, *, code: Any) -> Interactive:
    """A hunt from items.toml for the bug in this class or function.

    Run again after the code was mended, it says so.

    Raises:
        ItemError: there is no such hunt, or hunts.py has no observation for it.
    """
    item = find(id)
    if item.kind != "hunt":
        raise ItemError(f'"{id}" is of kind {item.kind}; hunt() needs "hunt".')
    now = _Hunt(item, *_observed(_observation(item), code))
    if now.sound:
        progress.record("hunt", item.id, "mended")
    return Interactive(_html(now), _text(now), lambda: _form(now))


def _observation(item: Item) -> Observe:
    """The function of the chapter's hunts.py that shows this fault."""
    path = (ROOT / course().notebook(item.lesson).items).with_name("hunts.py")
    name = "observe_" + re.sub(r"\W", "_", item.id)
    spec = importlib.util.spec_from_file_location("hunts", path)
    if spec is None or spec.loader is None or not path.exists():
        raise ItemError(f"{path.relative_to(ROOT).as_posix()} is missing; it has to have {name}().")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    observe: Observe | None = getattr(module, name, None)
    if observe is None:
        raise ItemError(f"{path.relative_to(ROOT).as_posix()} has no {name}().")
    return observe


def _observed(observe: Observe, code: Any) -> tuple[bool, str]:
    try:
        return observe(code)
    except Exception as error:  # noqa: BLE001  the learner's code may do anything
        return False, f"The observation stopped with {type(error).__name__}: {error}"


def _html(now: _Hunt) -> str:
    answer = (
        bullets(explained(now.item))
        + paragraph(f"It shows: {now.seen}")
        + paragraph(f"Class of bug: {now.item.bug_class}.")
        + paragraph(now.item.lesson_learned)
    )
    choices = numbered(choice.text for choice in now.item.choice)
    story = paragraph(now.item.story) + bold(now.item.question)
    return _mended(now) + story + choices + details("Answer", answer) + paragraph(_MEND)


def _text(now: _Hunt) -> str:
    item = now.item
    lines = [f"Mended. {now.seen}"] if now.sound else []
    lines += [item.story, item.question]
    lines += [f"  {number}. {choice.text}" for number, choice in enumerate(item.choice, 1)]
    lines += ["Answer:", *(f"  {line}" for line in explained(item))]
    lines += [f"It shows: {now.seen}", f"Class of bug: {item.bug_class}.", item.lesson_learned]
    return "\n".join([*lines, _MEND])


def _mended(now: _Hunt) -> str:
    return bold("Mended.") + paragraph(now.seen) if now.sound else ""


def _form(now: _Hunt) -> Any:
    import ipywidgets

    item, observed, named = now.item, region(), region()
    seen = ipywidgets.RadioButtons(
        options=[choice.text for choice in item.choice],
        value=None,
        description="Observe:",
        layout={"width": "100%"},
    )
    kind = ipywidgets.Dropdown(
        options=[("choose one", ""), *((name, name) for name in BUG_CLASSES)],
        description="Class of bug:",
        style={"description_width": "initial"},
        layout={"width": "26em", "max_width": "100%", "min_height": "32px"},
    )

    def observe() -> None:
        if seen.value is None:
            say(observed, "Choose an observation first.")
            return
        choice = next(choice for choice in item.choice if choice.text == seen.value)
        outcome = "right" if choice.right else "wrong"
        trouble = progress.record("observation", item.id, f"{outcome}: {choice.text}")
        told = f"It ran. {now.seen}" if choice.right else "That does not show it."
        say(observed, told, choice.why, _MEND if choice.right else "", trouble)

    def name_it() -> None:
        if not kind.value:
            say(named, "Choose a class of bug first.")
            return
        right = kind.value == item.bug_class
        trouble = progress.record(
            "bug class", item.id, f"{'right' if right else 'wrong'}: {kind.value}"
        )
        verdict = f"Yes, {item.bug_class}." if right else f"Not {kind.value}. Look again."
        say(named, verdict, item.lesson_learned if right else "", trouble)

    run = button("Run this observation", observed, observe)
    classify = button("Name it", named, name_it)
    story = words(_mended(now) + paragraph(item.story))
    return group(item.question, [story, seen, run, observed, kind, classify, named])
