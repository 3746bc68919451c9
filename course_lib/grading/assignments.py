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
from course_lib.grading.given_cells import read_exercise
from course_lib.grading.notebook_cells import Cell
from course_lib.grading.project_files import file_cells, starter
from course_lib.index import Course, Exercise, UnknownId, load
from course_lib.labs.postgresql.programs import PostgresMissing, find
from course_lib.practice.scenarios import Checks
from course_lib.practice.source import BadExercise, reference_text

__all__ = ["Assignment", "defined", "exercise_of", "open_assignment"]

_CALL = re.compile(r"\b(?:check|hint|solution|reset)\(\s*[\"']([^\"']+)[\"']")

_DEFINES = re.compile(r"(?:^|[\r\n])[ \t\f]*(?:class|(?:async[ \t]+)?def)[ \t]+(\w+)")


@dataclass(frozen=True)
class Assignment:
    """`digest` changes with anything that a mark depends on."""

    id: str
    title: str
    checks: Checks
    checks_path: Path
    reference: list[Cell]
    digest: str
    proofs: Path
    is_project: bool = False


def open_assignment(id: str, root: Path) -> Assignment:
    """The exercise with this id or catalogue number.

    Raises:
        UnknownId: there is none.
        BadExercise: it is broken, or cannot be graded here; the message says how it can.
    """
    exercise = load((root / "course.toml").read_text(encoding="utf-8")).exercise(id)
    path = root / exercise.checks
    try:
        checks, given = read_exercise(path)
        reference = _reference(exercise, root)
    except BadExercise:
        raise
    except (OSError, ValueError, KeyError) as error:
        raise BadExercise(
            f"{exercise.folder} or its source cannot be read; run `python3 course.py build`."
        ) from error
    _require_database(checks)
    parts = [path.read_text(encoding="utf-8"), repr(reference), repr(given.setup)]
    if exercise.is_project:
        parts.append(repr(starter(root / exercise.folder)))
    return Assignment(
        id=exercise.id,
        title=exercise.title,
        checks=checks,
        checks_path=path,
        reference=reference,
        digest=hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest(),
        proofs=root / exercise.proofs,
        is_project=exercise.is_project,
    )


def _reference(exercise: Exercise, root: Path) -> list[Cell]:
    if exercise.is_project:
        return file_cells(starter(root / exercise.source))
    text = reference_text((root / exercise.source).read_text(encoding="utf-8"), "solution")
    cell: Cell = {"name": "reference", "kind": "code", "tags": ["solution"], "id": ""}
    return [cell | {"solution": True, "source": text}]


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
                found = course.exercise(id)
            except UnknownId:
                continue
            if not found.is_project:
                return found.id
    written = defined(cells)
    fitting = [
        exercise.id
        for exercise in course.exercises
        if not exercise.is_project
        and (names := names_of(root / exercise.checks))
        and written.issuperset(names)
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


def defined(cells: Iterable[Cell]) -> set[str]:
    """The functions and classes that the cells define, as far as their lines tell."""
    return {name for cell in cells for name in _DEFINES.findall(cell["source"])}
