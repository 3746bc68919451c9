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
from course_lib.grading.notebook_cells import Cell, read_handed_in
from course_lib.grading.project_files import file_cells, starter
from course_lib.index import Course, Exercise, load
from course_lib.labs.postgresql.programs import PostgresMissing, find
from course_lib.practice.scenarios import Checks
from course_lib.practice.source import BadExercise, reference_text

__all__ = ["Assignment", "defined", "exercise_of", "open_assignment"]

_CALL = r"\b(?:check|hint|solution|reset)\(\s*[\"']([^\"']+)[\"']"
_CALLED = re.compile(
    rf"""{_CALL}
    |\#.*
    |\"{{3}} (?: \\[\s\S] | (?!\"{{3}})[^\\] )*+ (?:\"{{3}})?
    |'{{3}} (?: \\[\s\S] | (?!'{{3}})[^\\] )*+ (?:'{{3}})?
    |\" (?: \\[\s\S] | [^\"\\\n] )*+ \"?
    |' (?: \\[\s\S] | [^'\\\n] )*+ '?""",
    re.VERBOSE,
)
"""A call, or else a comment or a text, which is read over with all calls in it."""

_MENTIONED = re.compile(_CALL)

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

    They call `check("...")`, in the cell that was given for this or elsewhere; or define all
    the names that one exercise asks for; or mention the call in words. The last call counts.
    """
    cells = [*cells]
    naming = [cell for cell in cells if _MENTIONED.search(cell["source"])]
    code = [cell for cell in naming if cell["kind"] == "code"]
    given = [cell for cell in code if "check" in cell["tags"]]
    return (
        _last(_CALLED, given, course)
        or _last(_CALLED, code, course)
        or _defining(cells, course, root)
        or _last(_MENTIONED, naming, course)
    )


def _last(calls: re.Pattern[str], cells: list[Cell], course: Course) -> str:
    """The id of the last exercise that is named like this; "" for none."""
    known = {e.id: e.id for e in course.exercises if not e.is_project}
    known |= {e.catalogue: e.id for e in course.exercises if not e.is_project}
    for cell in reversed(cells):
        found = [known[call[1]] for call in calls.finditer(cell["source"]) if call[1] in known]
        if found:
            return found[-1]
    return ""


def _defining(cells: list[Cell], course: Course, root: Path) -> str:
    """The id of the only exercise of which all names are defined."""
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
    """NAMES of a checks.py that learners define themselves; () if they are not there.

    It is read without being run, and so is the notebook beside it.
    """
    try:
        names = _tuples(ast.parse(checks.read_bytes())).get("NAMES", ())
        notebook = checks.with_name("exercise.ipynb")
        given = read_handed_in(notebook.name, notebook.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ()
    setup = defined(cell for cell in given if "setup" in cell["tags"])
    return tuple(name for name in names if name not in setup)


def _tuples(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """The tuples of texts that a module begins with, by name; one may be unpacked in another."""
    found: dict[str, tuple[str, ...]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            texts: list[str] = []
            for item in node.value.elts:
                if isinstance(item, ast.Starred):
                    texts += found.get(ast.unparse(item.value), ())
                elif isinstance(item, ast.Constant):
                    texts.append(str(item.value))
            found[ast.unparse(node.targets[0])] = tuple(texts)
    return found


def defined(cells: Iterable[Cell]) -> set[str]:
    """The functions and classes that the cells define, as far as their lines tell."""
    return {name for cell in cells for name in _DEFINES.findall(cell["source"])}
