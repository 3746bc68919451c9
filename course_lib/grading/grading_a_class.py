"""From a folder of submissions to a folder of marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.grading import gradebooks, pages
from course_lib.grading.assignments import Assignment, open_assignment
from course_lib.grading.choosing import Chosen, Undecided, choose
from course_lib.grading.handed_in import HandedIn, handed_in
from course_lib.grading.journal import Journal, key_of
from course_lib.grading.known_mistakes import known_mistakes
from course_lib.grading.roster import Learner, assigned
from course_lib.grading.rows import GradedRow, page_names
from course_lib.grading.seeds import Seed
from course_lib.grading.workers import Setting, Task, marked_by
from course_lib.index import Course, load
from course_lib.practice.source import BadExercise

__all__ = ["ClassGrading", "grade"]

Progress = Callable[[int, int], None]
"""Called with how many submissions are done, and how many there are."""


@dataclass(frozen=True)
class ClassGrading:
    """What was asked for. `exercise`: "" asks each submission."""

    place: Path
    out: Path
    setting: Setting
    exercise: str = ""
    roster: tuple[Learner, ...] = ()
    jobs: int = 1
    protections: str = ""


def grade(asked: ClassGrading, *, progress: Progress = lambda done, total: None) -> list[GradedRow]:
    """Mark everybody and write all files to `asked.out`; the rows, in the roster's order.

    What an earlier run has marked is not marked again.

    Raises:
        BadExercise, UnknownId: the exercise that was asked for cannot be graded.
        ValueError: there is nothing to grade.
    """
    found = assigned(handed_in(asked.place), asked.roster)
    if not found:
        raise ValueError(f"There is nothing in {asked.place}; name what your learners handed in.")
    opened = _Opened(asked.setting.root)
    chosen = [_choose(submission, opened, asked.exercise) for _, submission in found]
    asked.out.mkdir(parents=True, exist_ok=True)
    with Journal(asked.out / "marked.jsonl") as journal:
        problems = _mark_all(chosen, opened, asked, journal, progress)
        names = page_names([learner for learner, _ in found])
        rows = [
            _row(learner, submission.name, page, each, opened, asked, journal, problems)
            for (learner, submission), page, each in zip(found, names, chosen, strict=True)
        ]
    _write(rows, opened, asked)
    return rows


class _Opened:
    """The exercises that were met so far, each opened once."""

    def __init__(self, root: Path) -> None:
        self.course: Course = load((root / "course.toml").read_text(encoding="utf-8"))
        self.root = root
        self._assignments: dict[str, Assignment | BadExercise] = {}

    def get(self, id: str) -> Assignment:
        """Raises BadExercise: it cannot be graded here."""
        if id not in self._assignments:
            try:
                self._assignments[id] = open_assignment(id, self.root)
            except BadExercise as error:
                self._assignments[id] = error
        found = self._assignments[id]
        if isinstance(found, BadExercise):
            raise found
        return found

    @property
    def assignments(self) -> list[Assignment]:
        found = [each for each in self._assignments.values() if isinstance(each, Assignment)]
        return sorted(found, key=lambda assignment: assignment.id)


def _choose(submission: HandedIn, opened: _Opened, exercise: str) -> Chosen | str:
    """The learner's answer, or a sentence why there is none."""
    wanted = opened.get(exercise) if exercise else None
    try:
        chosen = choose(
            submission,
            opened.course,
            opened.root,
            exercise=wanted.id if wanted else "",
            names=wanted.checks.names if wanted else (),
        )
        opened.get(chosen.exercise)
    except (Undecided, BadExercise) as error:
        return str(error)
    return chosen


def _key(chosen: Chosen, opened: _Opened, asked: ClassGrading) -> str:
    seed = Seed(asked.setting.secret)
    digest = opened.get(chosen.exercise).digest
    return key_of(chosen.cells, assignment=digest, seed=seed.name)


def _mark_all(
    chosen: Sequence[Chosen | str],
    opened: _Opened,
    asked: ClassGrading,
    journal: Journal,
    progress: Progress,
) -> dict[str, str]:
    """Fill the journal; by key, why something could not be marked."""
    tasks: dict[str, Task] = {}
    for each in chosen:
        if isinstance(each, Chosen):
            key = _key(each, opened, asked)
            if journal.get(key) is None:
                tasks[key] = Task(key, each.exercise, each.cells)
    problems: dict[str, str] = {}
    progress(0, len(tasks))
    results = marked_by(tasks.values(), asked.setting, jobs=asked.jobs)
    for done, (task, marked) in enumerate(results, 1):
        if isinstance(marked, str):
            problems[task.key] = marked
        else:
            journal.add(task.key, marked)
        progress(done, len(tasks))
    return problems


def _row(
    learner: Learner,
    file: str,
    page: str,
    chosen: Chosen | str,
    opened: _Opened,
    asked: ClassGrading,
    journal: Journal,
    problems: dict[str, str],
) -> GradedRow:
    if isinstance(chosen, str):
        return GradedRow(learner, file, page, problem=chosen)
    key = _key(chosen, opened, asked)
    path = file if chosen.path == file else f"{file}/{chosen.path}"
    return GradedRow(learner, path, page, journal.get(key), problems.get(key, ""))


def _write(rows: list[GradedRow], opened: _Opened, asked: ClassGrading) -> None:
    out, assignments = asked.out, opened.assignments
    _text(out / "marks.csv", gradebooks.plain_csv(rows, assignments))
    for assignment in assignments:
        _text(out / f"canvas-{assignment.id}.csv", gradebooks.canvas(rows, assignment))
        _text(out / f"moodle-{assignment.id}.csv", gradebooks.moodle(rows, assignment))
    titles = {each.id: each.title for each in assignments}
    for row in rows:
        title = titles.get(row.marked.exercise if row.marked else asked.exercise, "feedback")
        _text(out / "feedback" / f"{row.page}.html", pages.feedback_page(row, title))
        _text(out / "gradescope" / f"{row.page}.json", gradebooks.gradescope(row))
    known = {each.id: known_mistakes(each.proofs / "mutants") for each in assignments}
    page = pages.class_page(rows, assignments, known, asked.protections)
    _text(out / "class.html", page)


def _text(path: Path, text: str) -> None:
    """Written aside, then renamed: no page is ever half there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8", newline="")
    beside.replace(path)
