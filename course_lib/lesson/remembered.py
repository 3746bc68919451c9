"""Reading the learner's record without ever stopping a lesson.

Writing is safe already (`progress.record` returns a sentence). Reading raises
when the file cannot be opened; a lesson then goes on as on its first day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from .. import progress

__all__ = ["answers", "due", "finished", "notice", "setting"]


def answers(kind: str, item: str) -> list[str]:
    """The values recorded for one item, oldest first."""
    try:
        return [event.value for event in progress.events(kind, item)]
    except (OSError, sqlite3.Error):
        return []


def due(cards: Iterable[str]) -> list[str]:
    """The cards to ask today, in the order given."""
    cards = list(cards)
    try:
        return progress.due(cards)
    except (OSError, sqlite3.Error):
        return cards


def finished() -> set[str]:
    """The lessons and exercises that are done."""
    try:
        return progress.finished(progress.events())
    except (OSError, sqlite3.Error):
        return set()


def notice() -> str:
    """One sentence the learner has not been shown yet, or ""."""
    try:
        return progress.notice()
    except (OSError, sqlite3.Error):
        return ""


def setting(name: str) -> str:
    """A choice of the learner, empty when there is none."""
    try:
        return progress.setting(name)
    except (OSError, sqlite3.Error):
        return ""
