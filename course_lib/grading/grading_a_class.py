"""From a folder of submissions to a folder of marks, one submission after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from course_lib.grading import gradebooks, pages
from course_lib.grading.assignments import Assignment, open_assignment
from course_lib.grading.choosing import Chosen, Undecided, choose
from course_lib.grading.handed_in import HandedIn, Submission, handed_in
from course_lib.grading.journal import Journal, key_of
from course_lib.grading.known_mistakes import known_mistakes
from course_lib.grading.marking import Marked
from course_lib.grading.on_dask import marked_on_dask
from course_lib.grading.roster import Learner, assigned
from course_lib.grading.rows import PAGE_NAME, GradedRow, page_names
from course_lib.grading.seeds import Seed
from course_lib.grading.workers import Setting, Task, marked_by
from course_lib.index import Course, load
from course_lib.practice.source import BadExercise

__all__ = ["ClassGrading", "grade"]

Progress = Callable[[int, int], None]
"""Called with how many submissions are done, and how many there are."""


@dataclass(frozen=True)
class ClassGrading:
    """What was asked for.

    `exercise`: "" asks each submission. `jobs`: processes of this machine, with Dask or
    without; `scheduler`: of Dask, None to do without.
    """

    place: Path
    out: Path
    setting: Setting
    exercise: str = ""
    roster: tuple[Learner, ...] = ()
    jobs: int = 1
    scheduler: str | None = None
    protections: str = ""


def grade(asked: ClassGrading, *, progress: Progress = lambda done, total: None) -> list[GradedRow]:
    """Mark everybody and write all files to `asked.out`; the rows, in the roster's order.

    What an earlier run has marked is not marked again.

    Raises:
        BadExercise, UnknownId: the exercise that was asked for cannot be graded.
        ValueError: there is nothing to grade, or `asked.out` holds marks of something else.
    """
    opened = _Opened(asked.setting.root)
    if asked.exercise:
        asked = replace(asked, exercise=opened.course.exercise(asked.exercise).id)
        opened.get(asked.exercise)
    with handed_in(asked.place) as submissions:
        found = assigned(submissions, asked.roster)
        if not found:
            raise ValueError(
                f"There is nothing in {asked.place}; name what your learners handed in."
            )
        _claim(asked.out, asked.exercise or "all exercises")
        for folder in ("feedback", "gradescope"):
            (asked.out / folder).mkdir(parents=True, exist_ok=True)
        with Journal(asked.out / "marked.jsonl") as journal:
            rows = _Rows(asked, opened, journal, progress).of(found)
    _write(rows, opened, asked)
    return rows


def _claim(out: Path, exercise: str) -> None:
    """Note of which exercise the marks in this folder are.

    Raises:
        ValueError: they are of another one, and would be written over.
    """
    note = out / "exercise.txt"
    known = note.read_text(encoding="utf-8").strip() if note.exists() else exercise
    if known != exercise:
        raise ValueError(f"{out} holds marks of {known}, not of {exercise}; name another --out.")
    out.mkdir(parents=True, exist_ok=True)
    _text(note, f"{exercise}\n")


class _Rows:
    """Fills a row for each learner, in any order, and writes what is theirs at once.

    Nobody's submission is kept longer than it takes to mark it.
    """

    def __init__(
        self, asked: ClassGrading, opened: _Opened, journal: Journal, progress: Progress
    ) -> None:
        self._asked = asked
        self._opened = opened
        self._journal = journal
        self._progress = progress
        self._waiting: dict[str, list[tuple[int, GradedRow]]] = {}
        self._done: dict[int, GradedRow] = {}
        self._total = 0

    def of(self, found: Sequence[tuple[Learner, Submission]]) -> list[GradedRow]:
        """The rows, in this order."""
        self._total = len(found)
        self._progress(0, self._total)
        for task, marked in self._marked(self._tasks(found)):
            if isinstance(marked, Marked):
                marked = self._journal.add(task.key, marked)
            for number, row in self._waiting.pop(task.key):
                self._settle(number, row, marked)
        return [self._done[number] for number in range(self._total)]

    def _marked(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Marked | str]]:
        setting, jobs, scheduler = self._asked.setting, self._asked.jobs, self._asked.scheduler
        if scheduler is None:
            return marked_by(tasks, setting, jobs=jobs)
        return marked_on_dask(tasks, setting, scheduler=scheduler, jobs=jobs)

    def _tasks(self, found: Sequence[tuple[Learner, Submission]]) -> Iterator[Task]:
        """Read one submission after the other; what needs no marking is settled on the way."""
        pages = page_names([learner for learner, _ in found])
        for number, (learner, submission) in enumerate(found):
            row = GradedRow(learner, submission.name, pages[number])
            try:
                chosen = self._choose(submission.read())
            except (Undecided, BadExercise) as error:
                self._settle(number, row, str(error))
                continue
            except Exception as error:  # noqa: BLE001 - of one learner; the others go on
                kind = type(error).__name__
                self._settle(number, row, f"It cannot be read ({kind}); look at it yourself.")
                continue
            if chosen.path != submission.name:
                row = replace(row, file=f"{submission.name}/{chosen.path}", among=chosen.among)
            key = self._key(chosen)
            marked = self._journal.get(key)
            if marked:
                self._settle(number, row, marked)
            elif key in self._waiting:
                self._waiting[key].append((number, row))
            else:
                self._waiting[key] = [(number, row)]
                yield Task(key, chosen.exercise, chosen.cells)

    def _choose(self, submission: HandedIn) -> Chosen:
        """The learner's answer. Raises Undecided or BadExercise: there is none."""
        opened, exercise = self._opened, self._asked.exercise
        wanted = opened.get(exercise) if exercise else None
        chosen = choose(
            submission,
            opened.course,
            opened.root,
            exercise=wanted.id if wanted else "",
            names=wanted.checks.names if wanted else (),
        )
        opened.get(chosen.exercise)
        return chosen

    def _key(self, chosen: Chosen) -> str:
        seed = Seed(self._asked.setting.secret)
        digest = self._opened.get(chosen.exercise).digest
        return key_of(chosen.cells, assignment=digest, seed=seed.name)

    def _settle(self, number: int, row: GradedRow, found: Marked | str) -> None:
        """Give a row its marks, or the sentence why there are none."""
        if isinstance(found, Marked):
            row = replace(row, marked=found)
        else:
            row = replace(row, problem=found)
        try:
            feedback, results = self._pages(row)
        except Exception as error:  # noqa: BLE001 - of one learner; the others go on
            why = f"Its page cannot be made ({type(error).__name__}); look at it yourself."
            row = replace(row, marked=None, problem=why)
            feedback, results = self._pages(row)
        _text(self._asked.out / "feedback" / f"{row.page}.html", feedback)
        _text(self._asked.out / "gradescope" / f"{row.page}.json", results)
        self._done[number] = row
        self._progress(len(self._done), self._total)

    def _pages(self, row: GradedRow) -> tuple[str, str]:
        """The learner's feedback, and their results for Gradescope."""
        id = row.marked.exercise if row.marked else self._asked.exercise
        title, part = self._opened.title(id), self._opened.part(id)
        return pages.feedback_page(row, title, part=part), gradebooks.gradescope(row, part=part)


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

    def title(self, id: str) -> str:
        found = self._assignments.get(id)
        return found.title if isinstance(found, Assignment) else "feedback"

    def part(self, id: str) -> str:
        """What a learner calls one part of it."""
        found = self._assignments.get(id)
        return "milestone" if isinstance(found, Assignment) and found.is_project else "task"

    @property
    def assignments(self) -> list[Assignment]:
        found = [each for each in self._assignments.values() if isinstance(each, Assignment)]
        return sorted(found, key=lambda assignment: assignment.id)


def _write(rows: list[GradedRow], opened: _Opened, asked: ClassGrading) -> None:
    out, assignments = asked.out, opened.assignments
    _text(out / "marks.csv", gradebooks.plain_csv(rows, assignments))
    known_to_school = rows[: len(asked.roster)] if asked.roster else rows
    for assignment in assignments:
        _text(out / f"canvas-{assignment.id}.csv", gradebooks.canvas(known_to_school, assignment))
        _text(out / f"moodle-{assignment.id}.csv", gradebooks.moodle(known_to_school, assignment))
    known = {each.id: known_mistakes(each.proofs / "mutants") for each in assignments}
    page = pages.class_page(rows, assignments, known, asked.protections)
    _text(out / "class.html", page)
    _remove_others(out, {row.page for row in rows})


def _remove_others(out: Path, named: set[str]) -> None:
    """Remove pages of an earlier run that no row names any more, and nothing else.

    Each has its twin for Gradescope; what somebody else put there has none.
    """
    for page in (out / "feedback").glob("*.html"):
        twin = out / "gradescope" / f"{page.stem}.json"
        if PAGE_NAME.fullmatch(page.stem) and page.stem not in named and twin.exists():
            page.unlink()
            twin.unlink()


def _text(path: Path, text: str) -> None:
    """Written aside, then renamed: no page is ever half there. Half a letter becomes "?"."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(text.encode("utf-8", "replace"))
    beside.replace(path)
