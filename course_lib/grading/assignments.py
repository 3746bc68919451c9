"""An exercise as the grader needs it: its scenarios and the texts of its cells.

The reference is never run in this process: it is told its scenarios in a child like
the learners', with the same limits, so that both are in the same situation.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_lib.grading.databases import needs_database
from course_lib.grading.given_cells import read_given
from course_lib.grading.notebook_cells import Cell
from course_lib.index import Course, UnknownId, load
from course_lib.labs.postgresql.programs import PostgresMissing, find
from course_lib.practice.scenarios import Checks, read_checks
from course_lib.practice.source import BadExercise, reference_text

__all__ = ["Assignment", "defined", "exercise_of", "open_assignment"]

_CALL = re.compile(r"\b(?:check|hint|solution|reset)\(\s*[\"']([^\"']+)[\"']")


@dataclass(frozen=True)
class Assignment:
    """`digest` changes with anything that a mark depends on."""

    id: str
    title: str
    checks: Checks
    checks_path: Path
    reference: str
    digest: str
    proofs: Path


def open_assignment(id: str, root: Path) -> Assignment:
    """The exercise with this id or catalogue number.

    Raises:
        UnknownId: there is none.
        BadExercise: it is broken, or cannot be graded here; the message says how it can.
    """
    exercise = load((root / "course.toml").read_text(encoding="utf-8")).exercise(id)
    if exercise.is_project:
        raise BadExercise(
            f"{exercise.id} is a project; check each with `python3 course.py check {exercise.id}`."
        )
    path = root / exercise.checks
    checks = read_checks(path)
    _require_database(checks)
    try:
        source = (root / exercise.source).read_text(encoding="utf-8")
        given = read_given(root / exercise.notebook)
    except (OSError, ValueError, KeyError) as error:
        raise BadExercise(
            f"{exercise.notebook} or its source cannot be read; run `python3 course.py build`."
        ) from error
    parts = path.read_bytes() + source.encode("utf-8") + repr(given.setup).encode("utf-8")
    return Assignment(
        id=exercise.id,
        title=exercise.title,
        checks=checks,
        checks_path=path,
        reference=reference_text(source, "solution"),
        digest=hashlib.sha256(parts).hexdigest(),
        proofs=root / exercise.proofs,
    )


def _require_database(checks: Checks) -> None:
    """Raises BadExercise: one is needed, and there is no program for it."""
    if needs_database(checks):
        try:
            find()
        except PostgresMissing as error:
            raise BadExercise(str(error)) from error


def exercise_of(cells: Iterable[Cell], course: Course, root: Path) -> str:
    """The id of the exercise that these cells belong to; "" if they do not say.

    They call `check("...")`, or define all the names that one exercise asks for.
    """
    cells = [*cells]
    for cell in cells:
        for id in _CALL.findall(cell["source"]):
            try:
                return course.exercise(id).id
            except UnknownId:
                continue
    fitting = [
        exercise.id
        for exercise in course.exercises
        if not exercise.is_project
        and (names := names_of(root / exercise.checks))
        and defined(cells, names) == len(names)
    ]
    return fitting[0] if len(fitting) == 1 else ""


@functools.cache
def names_of(checks: Path) -> tuple[str, ...]:
    """NAMES of a checks.py, read without running it; () if they are not there."""
    try:
        for node in ast.parse(checks.read_bytes()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NAMES":
                return tuple(ast.literal_eval(node.value))
    except (OSError, SyntaxError, ValueError):
        pass
    return ()


def defined(cells: Iterable[Cell], names: Iterable[str]) -> int:
    """How many of `names` are defined, as far as the text tells."""
    text = "\n".join(cell["source"] for cell in cells)
    patterns = (rf"^\s*(?:class|(?:async\s+)?def)\s+{re.escape(n)}\b" for n in names)
    return sum(bool(re.search(pattern, text, re.MULTILINE)) for pattern in patterns)
