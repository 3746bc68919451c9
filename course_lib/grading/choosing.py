"""Which of a learner's files is the answer, and to which exercise."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from course_lib.grading.assignments import defined, exercise_of
from course_lib.grading.handed_in import File, HandedIn
from course_lib.grading.modules_beside import modules_beside
from course_lib.grading.notebook_cells import Cell, read_handed_in
from course_lib.grading.project_files import found_at, package_cells, starter
from course_lib.index import Course, Exercise
from course_lib.practice.learner import Unreadable

__all__ = ["Chosen", "Undecided", "choose"]


class Undecided(Exception):
    """Nothing here can be marked; the message is a sentence for the learner's row."""


@dataclass(frozen=True)
class Chosen:
    """The file at `path`, its cells, and the id of the exercise.

    It is one of `among` answers. `begun`: it differs from what learners are given.
    """

    path: str
    cells: list[Cell]
    exercise: str
    among: int = 1
    begun: bool = True


def choose(
    handed_in: HandedIn,
    course: Course,
    root: Path,
    *,
    exercise: str = "",
    names: Sequence[str] = (),
) -> Chosen:
    """The file that is the answer.

    Args:
        exercise: the only one that is marked, by its id; "" asks the files.
        names: what its learners define.

    Raises:
        Undecided: there is none, or nobody can say which.
    """
    if handed_in.problem:
        raise Undecided(handed_in.problem)
    if exercise and course.exercise(exercise).is_project:
        return _this_project(handed_in, course.exercise(exercise), root)
    found = [] if exercise else _projects(handed_in, course, root)
    files = [file for file in handed_in.files if not _belongs(file, found)]
    notebooks, problems = _notebooks(files, course, root)
    found += notebooks
    if not found:
        raise Undecided((*problems, "There is no notebook and no .py file in it.")[0])
    chosen = _of_one(found, exercise, names) if exercise else _of_any(found)
    if course.exercise(chosen.exercise).is_project:
        return chosen
    modules = modules_beside(chosen.cells, chosen.path, handed_in.files)
    return replace(chosen, cells=[*chosen.cells, *modules])


def _this_project(handed_in: HandedIn, project: Exercise, root: Path) -> Chosen:
    given = starter(root / project.folder)
    folder = found_at(handed_in.files, given, share=0)
    if folder is None:
        raise Undecided(f"No file of {project.id} is in it; hand in the folder {project.slug}.")
    cells = package_cells(handed_in.files, folder, given)
    return Chosen(folder or handed_in.name, cells, project.id)


def _projects(handed_in: HandedIn, course: Course, root: Path) -> list[Chosen]:
    """The projects of which most files are there."""
    found = []
    for project in course.exercises:
        if project.is_project and len(handed_in.files) > 1:
            given = starter(root / project.folder)
            folder = found_at(handed_in.files, given, share=0.5)
            if folder is not None:
                cells = package_cells(handed_in.files, folder, given)
                found.append(Chosen(folder or handed_in.name, cells, project.id))
    return found


def _belongs(file: File, projects: list[Chosen]) -> bool:
    """Whether it is no notebook and no script, or a part of one of these projects."""
    if file.path.lower().endswith(".sql"):
        return True
    names = {cell["name"] for project in projects for cell in project.cells}
    return any(file.path == name or file.path.endswith(f"/{name}") for name in names)


def _notebooks(files: Iterable[File], course: Course, root: Path) -> tuple[list[Chosen], list[str]]:
    """Those that can be read, and what is wrong with the others."""
    found: list[Chosen] = []
    problems: list[str] = []
    for file in files:
        try:
            cells = read_handed_in(file.path.rpartition("/")[2], file.data)
        except Unreadable as error:
            problems.append(str(error))
        else:
            id = exercise_of(cells, course, root)
            begun = not id or _sources(cells) != _given(root / course.exercise(id).notebook)
            found.append(Chosen(file.path, cells, id, begun=begun))
    return found, problems


def _sources(cells: Iterable[Cell]) -> tuple[str, ...]:
    return tuple(cell["source"] for cell in cells)


@functools.cache
def _given(notebook: Path) -> tuple[str, ...]:
    """What learners are given; () if it cannot be read."""
    try:
        return _sources(read_handed_in(notebook.name, notebook.read_bytes()))
    except (OSError, Unreadable):
        return ()


def _of_one(found: list[Chosen], exercise: str, names: Sequence[str]) -> Chosen:
    """The file that says it is of this exercise, or else defines most of its names."""

    def rank(chosen: Chosen) -> tuple[bool, bool, int, bool, int]:
        count = len(defined(chosen.cells) & {*names})
        notebook = chosen.path.lower().endswith(".ipynb")
        this = chosen.exercise == exercise
        return (this, this and chosen.begun, count, notebook, -len(chosen.path))

    best = max(found, key=rank)
    if best.exercise not in ("", exercise) and not defined(best.cells) & {*names}:
        raise Undecided(f"This is an answer to {best.exercise}, not to {exercise}.")
    rivals = [each for each in found if each.begun and each.exercise in ("", exercise)]
    answers = [each for each in rivals if defined(each.cells) & {*names}]
    return Chosen(best.path, best.cells, exercise, max(1, _different(answers)))


def _of_any(found: list[Chosen]) -> Chosen:
    known = [chosen for chosen in found if chosen.exercise]
    known = [chosen for chosen in known if chosen.begun] or known
    exercises = sorted({chosen.exercise for chosen in known})
    if not known:
        raise Undecided("It does not say which exercise it answers; name it with --exercise.")
    if len(exercises) > 1:
        raise Undecided(f"It answers {' and '.join(exercises)}; name one with --exercise.")
    best = min(known, key=lambda chosen: (not chosen.path.endswith(".ipynb"), len(chosen.path)))
    return replace(best, among=_different(known))


def _different(found: Iterable[Chosen]) -> int:
    """How many there are; copies count once."""
    return len({_sources(chosen.cells) for chosen in found})
