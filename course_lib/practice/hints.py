"""Help on an exercise: hints one at a time, one right answer, and a fresh start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from course_lib.index import ROOT, Exercise, UnknownId
from course_lib.practice.feedback import Card, Row
from course_lib.practice.memory import recall, remember
from course_lib.practice.opened import find_exercise, open_exercise
from course_lib.practice.source import BadExercise, solution_text

__all__ = ["hint", "learners_copy", "reset", "solution"]


def hint(id: str, *, root: Path = ROOT) -> Card:
    """Open one more of the hints, and show all that are open. Never raises.

    An exercise has three; a project has one for each milestone, and one for the whole.
    """
    return _kindly(lambda: _hint(id, root))


def solution(id: str, *, show: bool = False, root: Path = ROOT) -> Card:
    """One right answer. Asks once whether you want it, unless you have solved it or say `show`."""
    return _kindly(lambda: _solution(id, show, root))


def reset(id: str, *, root: Path = ROOT) -> Card:
    """Put the empty exercise back into work/; yours is kept beside it. Never raises."""
    return _kindly(lambda: _reset(find_exercise(id, root), root))


def _kindly(make: Callable[[], Card]) -> Card:
    try:
        return make()
    except (UnknownId, BadExercise) as error:
        return Card(str(error))
    except OSError as error:
        name = Path(error.filename).name if isinstance(error.filename, str) else "a file"
        return Card(f"{name} cannot be read or written: {error.strerror or error}.")


def _hint(id: str, root: Path) -> Card:
    opened = open_exercise(id, root)
    id = opened.exercise.id
    most = len(opened.checks.hints)
    before = recall("hint", id)
    if before is None:
        count, problem = most, "Your progress cannot be read, so all hints are open."
    else:
        count = min(_opened(before) + 1, most)
        problem = remember("hint", id, str(count)) if _opened(before) < count else ""
    rows = [Row(f"Hint {n}", text) for n, text in enumerate(opened.checks.hints[:count], 1)]
    last = f'That was the last hint. One right answer: solution("{id}").'
    closing = last if count == most else f'{most - count} more: call hint("{id}") again.'
    headline = f"{id}: hint {count} of {most}"
    return Card(headline, tuple(rows), tuple(filter(None, (closing, problem))))


def _opened(values: list[str]) -> int:
    """How many hints are open; a record from elsewhere may hold anything."""
    return max((int(value) for value in values if value in _NUMBERS), default=0)


_NUMBERS = {str(number) for number in range(1, 10)}


def _solution(id: str, show: bool, root: Path) -> Card:
    opened = open_exercise(id, root)
    id = opened.exercise.id
    solved = "right" in (recall("check", id) or [])
    asked = bool(recall("solution", id))
    if not (show or solved or asked):
        problem = remember("solution", id, "asked")
        count = _opened(recall("hint", id) or [])
        return Card(
            f"{id}: not solved yet",
            (Row("Hints open", f"{count} of {len(opened.checks.hints)}"),),
            (
                f'Try hint("{id}") first. If you want the answer now, that is fine too:',
                f'call solution("{id}") again, or solution("{id}", show=True).',
                *filter(None, [problem]),
            ),
        )
    problem = remember("solution", id, "shown")
    closing = "There are other right answers. Where does yours differ, and why?"
    code = Row("Code", solution_text(opened.source), code=True)
    if opened.exercise.is_project:
        code = Row("Package", opened.exercise.source)
    return Card(f"{id}: one right answer", (code,), tuple(filter(None, (closing, problem))))


def learners_copy(exercise: Exercise, root: Path = ROOT) -> Path:
    """The learner's notebook or project in work/, or the exercise itself when there is none."""
    name = exercise.folder if exercise.is_project else exercise.notebook
    mine = root / "work" / name
    return mine if mine.exists() else root / name


def _reset(exercise: Exercise, root: Path) -> Card:
    if exercise.is_project:
        return _reset_project(exercise, root)
    starter = (root / exercise.notebook).read_bytes()
    mine = root / "work" / exercise.notebook
    if mine.exists() and mine.read_bytes() == starter:
        return Card(f"{exercise.id}: nothing to reset, it is as it came")
    mine.parent.mkdir(parents=True, exist_ok=True)
    kept = _keep(mine) if mine.exists() else None
    _replace(mine, starter)
    rows = (Row("Your version", _from_root(kept, root)),) if kept else ()
    return Card(
        f"{exercise.id}: the empty exercise is back",
        (Row("Exercise", _from_root(mine, root)), *rows),
        ("If it is open in JupyterLab: File, Reload Notebook from Disk.",),
    )


def _reset_project(exercise: Exercise, root: Path) -> Card:
    mine = root / "work" / exercise.folder
    kept = mine
    number = 0
    while kept.exists():
        number += 1
        kept = mine.with_name(f"{mine.name}.{number}.mine")
    if kept != mine:
        mine.rename(kept)
    shutil.copytree(root / exercise.folder, mine, ignore=_NOT_THE_LEARNERS)
    rows = (Row("Your version", _from_root(kept, root)),) if kept != mine else ()
    return Card(
        f"{exercise.id}: the empty project is back",
        (Row("Project", _from_root(mine, root)), *rows),
    )


_NOT_THE_LEARNERS = shutil.ignore_patterns("checks.py", "__pycache__", ".*")


def _keep(mine: Path) -> Path:
    """Copy the learner's file to the first free `exercise.<n>.mine.ipynb`."""
    content = mine.read_bytes()
    number = 1
    while True:
        kept = mine.with_name(f"{mine.stem}.{number}.mine{mine.suffix}")
        try:
            with kept.open("xb") as file:  # x: never over a file that is there
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            return kept
        except FileExistsError:
            number += 1


def _replace(path: Path, content: bytes) -> None:
    """Write the whole file or nothing of it."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    os.replace(new, path)


def _from_root(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
