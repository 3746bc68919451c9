"""The gradebook's rows, before they take the form of one gradebook or another."""

from __future__ import annotations

import re
from dataclasses import dataclass

from course_lib.grading.marking import Marked
from course_lib.grading.roster import Learner

__all__ = ["PAGE_NAME", "GradedRow", "page_names"]

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")

PAGE_NAME = re.compile(r"[0-9]{3,}(?:-[a-zA-Z0-9_-]{1,60})?")
"""Every name that `page_names` gives."""


@dataclass(frozen=True)
class GradedRow:
    """One learner: marks, or `problem`, a sentence why there are none.

    `page` is the name of the learner's feedback, without its ending. `among`: so many answers
    were handed in, and `file` is the one that was marked.
    """

    learner: Learner
    file: str
    page: str
    marked: Marked | None = None
    problem: str = ""
    among: int = 1


def page_names(learners: list[Learner]) -> list[str]:
    """A name for each learner's page that is safe on every system, and no other's.

    >>> page_names([Learner("Ana Ruiz"), Learner("../Ana Ruiz"), Learner("")])
    ['001-Ana_Ruiz', '002-Ana_Ruiz', '003']
    """
    names = []
    for number, learner in enumerate(learners, 1):
        safe = "".join(letter if letter in _SAFE else "_" for letter in learner.name[:60])
        names.append("-".join(part for part in (f"{number:03}", safe.strip("_")) if part))
    return names
