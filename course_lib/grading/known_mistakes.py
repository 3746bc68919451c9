"""Mistakes that the exercise's authors foresaw, found again in what learners were told.

Every wrong answer in the exercise's proof says at which scenario it fails and with which
words. A learner who fails there with these words probably made the same mistake; several
that say the same cannot be told apart and are named together.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from course_lib.grading.marking import Marked
from course_lib.practice.answers import answers_in, promise
from course_lib.practice.source import BadExercise

__all__ = ["Known", "Mistake", "known_mistakes", "recognised"]

Mistake = tuple[str, str]
"""The scenario, and words of the message."""

Known = Mapping[Mistake, list[str]]
"""The names of the wrong answers that make each mistake."""


def known_mistakes(folder: Path) -> dict[Mistake, list[str]]:
    """The mistakes in a folder of wrong answers, each with the names of those that make it."""
    found: dict[Mistake, list[str]] = {}
    for path in answers_in(folder):
        with contextlib.suppress(BadExercise):  # the proof says so; marks do not need it
            found.setdefault(promise(path), []).append(path.stem.replace("_", " "))
    return found


def recognised(marked: Marked, known: Known) -> Mistake | None:
    """The mistake that was probably made; of several that fit, the one with the longest words."""
    fitting = [
        mistake
        for mistake in known
        if mistake[0] == marked.report.scenario and mistake[1] in marked.report.text
    ]
    return max(fitting, key=lambda mistake: len(mistake[1]), default=None)
