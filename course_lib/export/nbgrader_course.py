"""A course folder for nbgrader: its settings, and an instructor's notebook for each exercise.

Each task is one graded cell that gives a number, which nbgrader takes as partial credit.
It takes any word on stderr as failure. So the scenarios are told in a cell before these,
and the graded cells only name what was counted.
Source: https://nbgrader.readthedocs.io/en/stable/user_guide/autograding.html
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_lib.export.files import unlinked
from course_lib.index import ROOT, Exercise, load
from course_lib.practice.build import STUB, source_notebook
from course_lib.practice.scenarios import Checks, read_checks

__all__ = ["nbgrader_course"]

_MORE_SECONDS = 30
"""For the cell that tells all scenarios, on top of their own limits."""

_CONFIG = '''\
"""Settings of nbgrader for this folder; nbgrader reads them wherever it is started in it."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
COURSE = Path(os.environ.get("COURSE_FOLDER", {course!r}))
if not (COURSE / "course.toml").is_file():
    sys.exit(f"The course is not in {{COURSE}}; set COURSE_FOLDER to the folder with course.toml.")



def first(place, variable):
    """Put a folder in front of those that an environment variable lists."""
    others = os.environ.get(variable)
    os.environ[variable] = os.pathsep.join([str(place), others] if others else [str(place)])


first(COURSE, "PYTHONPATH")  # kernels import course_lib from there
first(Path(sys.executable).parent, "PATH")  # nbgrader starts the program alembic
os.environ["COURSE_HOME"] = str(HERE / "course_home")  # not the instructor's own progress

c = get_config()  # noqa: F821 - nbgrader gives it
c.CourseDirectory.root = str(HERE)
c.CourseDirectory.course_id = "break-it-first"
c.ClearSolutions.code_stub = {{"python": {stub!r}}}
c.Execute.timeout = {seconds}  # one cell tells all scenarios, each with a limit of its own
c.OverwriteCells.add_missing_cells = True  # a graded cell that a learner deleted comes back
'''

_README = """\
# An nbgrader course

Made by `course.py export nbgrader`. Work in this folder, with the Python that has nbgrader:

```
nbgrader generate_assignment ASSIGNMENT
nbgrader autograde ASSIGNMENT
nbgrader generate_feedback ASSIGNMENT
nbgrader export
```

An assignment is a folder in `source/`. `generate_assignment` writes it to `release/`, which is for
learners. What they hand in belongs in `submitted/STUDENT/ASSIGNMENT/`. It must be the notebook
from `release/`: the course's own has no graded cells, and nbgrader ends with a `KeyError`.

The notebooks import the course. `nbgrader_config.py` says where it is for the kernels that nbgrader
starts; set `COURSE_FOLDER` when this folder moves to another machine. Learners need the course too:
its own JupyterLab (`python3 course.py lab`) has it. On a JupyterHub put the course's folder on
`PYTHONPATH`, and install what `requirements.lock` lists.

nbgrader runs learners' code and the checks in one kernel of your user. Somebody who wants to can
read your files there, or forge points. `course.py grade` takes the same notebooks and keeps the two
apart.
"""


def nbgrader_course(exercises: Sequence[Exercise], *, root: Path = ROOT) -> dict[str, str]:
    """The files of a course folder, by their paths inside it.

    Raises:
        ValueError: nbgrader is not installed; the message says how to mend that.
        BadExercise: an exercise cannot be built.
    """
    if not all(map(importlib.util.find_spec, ("nbgrader", "jupytext"))):
        raise ValueError(
            "This export is made with nbgrader, which is not installed; "
            "run `python3 course.py install test` first."
        )
    files = {
        "nbgrader_config.py": _CONFIG.format(
            course=str(root.resolve()), stub=STUB, seconds=_seconds(root)
        ),
        "README.md": _README,
    }
    for exercise in exercises:
        path = f"source/{exercise.id}/{exercise.slug}.ipynb"
        files[path] = _instructors_notebook(exercise, root)
    return files


def _seconds(root: Path) -> int:
    """Enough for the slowest exercise, exported or not: folders can be added to later."""
    course = load((root / "course.toml").read_text(encoding="utf-8"))
    limits = [
        sum(told.limit for told in read_checks(root / exercise.checks).scenarios)
        for exercise in course.exercises
        if not exercise.is_project
    ]
    return round(max(limits)) + _MORE_SECONDS


def _instructors_notebook(exercise: Exercise, root: Path) -> str:
    """The notebook with its solutions and with graded cells, as `generate_assignment` takes it."""
    import nbformat

    notebook = source_notebook(exercise, root=root)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = unlinked(cell.source)
    notebook.cells += _marks(exercise, read_checks(root / exercise.checks))
    _require_valid(notebook)
    return str(nbformat.writes(notebook, version=4)).rstrip("\n") + "\n"


def _marks(exercise: Exercise, checks: Checks) -> list[Any]:
    from nbformat import v4

    words = v4.new_markdown_cell("## Marks\n\nThe last cells count the points of each task.")
    words.id = "marks"
    count = (
        "from course_lib.export.points import check_by_task\n\n"
        f'points_by_task = check_by_task("{exercise.id}")'
    )
    cells = [words, _locked_cell("marks-count", count)]
    for task in checks.tasks:
        most = sum(told.points for told in checks.scenarios if told.task == task)
        source = f"# Task {task}: points, at most {most}.\npoints_by_task[{task}]"
        cells.append(_locked_cell(f"marks-task-{task}", source, points=most))
    return cells


def _locked_cell(id: str, source: str, *, points: int = 0) -> Any:
    """A cell of nbgrader's schema 3 that learners cannot change; with points it is graded."""
    from nbformat import v4

    cell = v4.new_code_cell(source, id=id)
    cell.metadata = {
        "tags": ["check"],
        "nbgrader": {
            "grade": points > 0,
            "grade_id": id,
            "locked": True,
            "schema_version": 3,
            "solution": False,
            "task": False,
            **({"points": points} if points else {}),
        },
    }
    return cell


def _require_valid(notebook: Any) -> None:
    """nbgrader's own look at the metadata of all cells."""
    import logging

    from nbgrader.preprocessors import CheckCellMetadata

    CheckCellMetadata(log=logging.Logger("export", level=logging.CRITICAL)).preprocess(notebook, {})
