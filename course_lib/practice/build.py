"""Exercises from their sources: jupytext reads, nbgrader's preprocessors strip.

The same source gives the same bytes, so CI can compare. No cell has outputs, and
every cell keeps the id that its author gave it. nbgrader recognises the cells by
their metadata (its schema 3), so a class that uses nbgrader can grade them there.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from course_lib.index import ROOT, Exercise, course, load
from course_lib.practice import projects
from course_lib.practice.opened import find_exercise
from course_lib.practice.source import BEGIN, TODO, BadExercise

__all__ = ["STUB", "build", "build_exercise", "source_notebook"]

STUB = "raise NotImplementedError"
KINDS = ("setup", "solution", "check", "play")

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def build(ids: Iterable[str] | None = None, *, check: bool = False, root: Path = ROOT) -> list[str]:
    """Write what learners get, notebooks and projects, or with `check` only compare it.

    Returns:
        The files that were written, or that are not what the build would write.

    Raises:
        UnknownId: no exercise has one of these ids.
        BadExercise: a source cannot be built; nothing has been written then.
    """
    text = (root / "course.toml").read_text(encoding="utf-8")
    listed = course() if root == ROOT else load(text)
    wanted = listed.exercises if ids is None else [listed.exercise(id) for id in ids]
    made: dict[str, str] = {}
    for exercise in wanted:
        if exercise.is_project:
            made |= projects.built(exercise, root)
        else:
            made[exercise.notebook] = build_exercise(exercise, root=root)
    stale = {path: text for path, text in made.items() if _stored(root / path) != text}
    if not check:
        projects.write(stale, root)
    return list(stale)


def _stored(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def build_exercise(exercise: Exercise | str, *, root: Path = ROOT) -> str:
    """The text of the exercise's notebook.

    Raises:
        BadExercise: the source is missing, or a cell in it is not as it must be.
    """
    import nbformat

    if isinstance(exercise, str):
        exercise = find_exercise(exercise, root)
    notebook = source_notebook(exercise, root=root)
    _strip(notebook, exercise)
    return str(nbformat.writes(notebook, version=4)).rstrip("\n") + "\n"


def source_notebook(exercise: Exercise, *, root: Path = ROOT) -> Any:
    """The notebook with its solutions, each cell marked as nbgrader wants it.

    Raises:
        BadExercise: the source is missing, or a cell in it is not as it must be.
    """
    notebook = _read(root / exercise.source)
    _require_ids(notebook.cells, exercise)
    for cell in notebook.cells:
        _prepare(cell, exercise)
    return notebook


def _read(path: Path) -> Any:
    import jupytext

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadExercise(f"{path.as_posix()} cannot be read: {error.strerror}.") from error
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata = _METADATA
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _require_ids(cells: list[Any], exercise: Exercise) -> None:
    for number, cell in enumerate(cells, 1):
        if not cell.metadata.get("id"):
            raise BadExercise(
                f'{exercise.source}: cell {number} has no id; write `# %% id="name"`.'
            )
    for id, times in Counter(cell.metadata["id"] for cell in cells).items():
        if times > 1:
            raise BadExercise(f'{exercise.source}: {times} cells have the id "{id}"; rename one.')


def _prepare(cell: Any, exercise: Exercise) -> None:
    """Give the cell its id, its tags and what nbgrader wants to know of it."""
    id, tags = cell.metadata["id"], [*cell.metadata.get("tags", [])]
    problem = _problem(cell, tags, exercise)
    if problem:
        raise BadExercise(f'{exercise.source}: cell "{id}" {problem}')
    cell.id = id
    cell.metadata = {"tags": tags} if tags else {}
    if cell.cell_type == "code" and "play" not in tags:
        solution = "solution" in tags
        cell.metadata["nbgrader"] = {
            "grade": False,
            "grade_id": id,
            "locked": not solution,
            "schema_version": 3,
            "solution": solution,
            "task": False,
        }
        if solution:
            cell.source = _with_todos(cell.source)


def _problem(cell: Any, tags: list[str], exercise: Exercise) -> str:
    if cell.cell_type != "code":
        return ""
    if len({*tags} & {*KINDS}) != 1:
        return f"needs one tag of {', '.join(KINDS)}."
    if "solution" in tags and BEGIN not in cell.source:
        return f"is a solution without a `{BEGIN}` line."
    if "solution" not in tags and BEGIN in cell.source:
        return 'holds a solution; give it tags=["solution"].'
    if "check" in tags and f'"{exercise.id}"' not in cell.source:
        return f'does not call check("{exercise.id}").'
    return ""


def _with_todos(source: str) -> str:
    """What a BEGIN SOLUTION line says after its mark becomes the stub's TODO comment.

    A region under a TODO comment that the author wrote keeps that one.
    """
    lines: list[str] = []
    for line in source.splitlines():
        if line.lstrip().startswith(BEGIN):
            indent, words = line[: len(line) - len(line.lstrip())], line.split(BEGIN, 1)[1]
            written = bool(lines) and lines[-1].lstrip().startswith(TODO)
            if words.strip() or not written:
                lines.append(f"{indent}{TODO}: {words.strip(' :') or 'your code'}")
        lines.append(line)
    return "\n".join(lines)


def _strip(notebook: Any, exercise: Exercise) -> None:
    """nbgrader's own steps, on the notebook alone: no database, no course folder."""
    from nbgrader import preprocessors

    quiet = logging.Logger("build", level=logging.CRITICAL)  # what it says, we raise
    steps = (
        preprocessors.LockCells(log=quiet),
        preprocessors.ClearSolutions(log=quiet, code_stub={"python": STUB}),
        preprocessors.ClearOutput(log=quiet),
        preprocessors.CheckCellMetadata(log=quiet),
        preprocessors.ComputeChecksums(log=quiet),
    )
    for step in steps:
        try:
            step.preprocess(notebook, {})
        except Exception as error:  # nbgrader raises RuntimeError, ValueError and its own
            raise BadExercise(f"{exercise.source}: {error}") from error
