"""A skeleton for the next exercise. It builds and checks at once; the proof names the gaps."""

from __future__ import annotations

import re
from pathlib import Path

from course_lib.index import ROOT, Course, Exercise, course, load
from course_lib.practice.build import build

__all__ = ["scaffold"]

_ID = re.compile(r"(?P<chapter>\d\d)(?:\.(?P<number>\d+))?-(?P<words>[a-z0-9]+(?:-[a-z0-9]+)*)")

_SOURCE = '''\
# %% [markdown] id="title"
# # {title}
#
# **Goal:** TODO. · **{minutes} minutes** · needs: TODO
#
# **Not covered:** TODO.

# %% id="setup" tags=["setup"]
from course_lib.practice import check, hint

# %% [markdown] id="task-1"
# ## Task 1
#
# TODO: say what `answer(n)` must do, with every case that a scenario asks for.

# %% id="answer" tags=["solution"]
def answer(n: int) -> int:
    """Twice `n`.

    >>> answer(2)
    4
    """
    ### BEGIN SOLUTION task 1
    return 2 * n
    ### END SOLUTION


# %% id="check" tags=["check"]
check("{id}")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three.

# %% id="hint" tags=["check"]
hint("{id}")

# %% id="playground" tags=["play"]
answer(2)
'''

_CHECKS = '''\
"""Checks of {id}."""

from course_lib.practice import scenario

NAMES = ("answer",)
HINTS = (
    "TODO: a question",
    "TODO: the idea",
    "TODO: the shape",
)


@scenario("doubles a number", task=1, next_step="Look at the example in the docstring.")
def doubles(solution, rng):
    """A number from 1 to 99."""
    return solution.answer(rng.randint(1, 99))
'''

_ALSO_RIGHT = """\
def answer(n):
    return n + n
"""

_MUTANT = """\
# fails "doubles a number" with "Expected"
def answer(n):
    return 2 * n + 1
"""

_BLOCK = """\
[[chapter.exercise]]
id = "{id}"
catalogue = "TODO"
slug = "{slug}"
title = "{title}"
level = "core"
minutes = 45
needs = [{needs}]
covers = []
extra = ""
"""


def scaffold(id: str, *, root: Path = ROOT) -> str:
    """Make the files of a new exercise, or say what course.toml needs first.

    Returns:
        What was made and what comes next, or the lines to add to course.toml.

    Raises:
        ValueError: the id is not like "01.5-circuit-breaker", or has no chapter.
        FileExistsError: one of the files is there already; nothing is overwritten.
    """
    listed = course() if root == ROOT else load((root / "course.toml").read_text(encoding="utf-8"))
    known = {exercise.id: exercise for exercise in listed.exercises}
    if id not in known:
        return (
            f"Add this to course.toml under its chapter, then run it again:\n\n{_block(id, listed)}"
        )
    exercise = known[id]
    if exercise.is_project:
        raise ValueError(f"{id} is a project; docs/add_an_exercise.md says what it is made of.")
    files = _files(exercise)
    for path in files:
        if (root / path).exists():
            raise FileExistsError(f"{path} is there already; remove it, or choose another id.")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8", newline="\n")
    build([id], root=root)
    return "\n".join(
        [
            "Made:",
            *files,
            exercise.notebook,
            "Next: write the source and the checks, then `python3 course.py build`.",
            f"The proof of {id}, in `python3 course.py test`, names what is still missing.",
        ]
    )


def _files(exercise: Exercise) -> dict[str, str]:
    facts = {"id": exercise.id, "title": exercise.title, "minutes": str(exercise.minutes)}
    return {
        exercise.source: _SOURCE.format(**facts),
        exercise.checks: _CHECKS.format(**facts),
        f"{exercise.proofs}/also_right/adds.py": _ALSO_RIGHT,
        f"{exercise.proofs}/mutants/one_too_many.py": _MUTANT,
    }


def _block(id: str, listed: Course) -> str:
    parts = _ID.fullmatch(id)
    if parts is None:
        raise ValueError(f'"{id}" is not like "01.5-circuit-breaker"; write it that way.')
    chapters = [chapter for chapter in listed.chapters if chapter.stem.startswith(parts["chapter"])]
    if not chapters:
        raise ValueError(f"course.toml has no chapter {parts['chapter']}; add the chapter first.")
    lesson = f"{parts['chapter']}.{parts['number']}" if parts["number"] else parts["chapter"]
    lessons = {notebook.id for notebook in listed.notebooks}
    words = parts["words"].replace("-", "_")
    return _BLOCK.format(
        id=id,
        slug=f"{parts['number'] or len(chapters[0].exercises) + 1}_{words}",
        title=parts["words"].replace("-", " ").capitalize(),
        needs=f'"{lesson}"' if lesson in lessons else "",
    )
