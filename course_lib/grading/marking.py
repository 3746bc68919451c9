"""One submission's marks: what the learner's code did, compared with the reference.

The same cells, assignment and seed always give the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from course_lib.grading.assignments import Assignment
from course_lib.grading.notebook_cells import Cell
from course_lib.grading.observing import Observing, Unready
from course_lib.grading.seeds import Seed
from course_lib.grading.warm_process import WarmProcess
from course_lib.practice import reports
from course_lib.practice.feedback import Report, Row
from course_lib.practice.running import Told
from course_lib.practice.scenarios import Checks, Scenario
from course_lib.practice.source import BadExercise
from course_lib.practice.values import Difference, difference, foreign_in

__all__ = ["Mark", "Marked", "Marker"]


@dataclass(frozen=True)
class Mark:
    """One scenario. `outcome`: right, wrong, crashed, not started, or left out."""

    meaning: str
    task: int
    points: int
    of_points: int
    outcome: str


@dataclass(frozen=True)
class Marked:
    """One submission's result; `report` is what the learner is shown."""

    exercise: str
    points: int
    of_points: int
    marks: tuple[Mark, ...]
    report: Report

    def to_json(self) -> str:
        return json.dumps(self, default=vars, ensure_ascii=True, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Marked:
        """Raises ValueError, TypeError or KeyError: it is no result."""
        fields = json.loads(text)
        shown = fields["report"]
        rows = tuple(Row(**row) for row in shown.pop("rows"))
        report = Report(**{**shown, "rows": rows, "closing": tuple(shown["closing"])})
        marks = tuple(Mark(**mark) for mark in fields["marks"])
        return cls(**{**fields, "marks": marks, "report": report})


class Marker:
    """Marks submissions of one assignment with one warm process.

    Raises:
        BadExercise: the reference does not pass its own scenarios here.
    """

    def __init__(self, warm: WarmProcess, assignment: Assignment, seed: Seed) -> None:
        self._warm = warm
        self._assignment = assignment
        self._seed = seed
        self._expected = self._tell_reference()

    def _tell_reference(self) -> dict[str, object]:
        assignment = self._assignment
        label = f"{assignment.id}: the reference"
        try:
            with Observing(self._warm, assignment, assignment.reference, self._seed) as observing:
                told = {each: observing.tell(each) for each in assignment.checks.scenarios}
        except Unready as error:
            raise BadExercise(f"{label} cannot be run in the sandbox: {error.found}") from error
        for scenario, found in told.items():
            if not found.ended or foreign_in(found.value):
                raise BadExercise(f'{label} in "{scenario.meaning}" stops: {found.error}')
        return {scenario.meaning: found.value for scenario, found in told.items()}

    def mark(self, cells: list[Cell]) -> Marked:
        """The marks for these cells.

        Raises:
            GraderFault: they could not be marked, and that is not the learner's doing.
        """
        try:
            with Observing(self._warm, self._assignment, cells, self._seed) as observing:
                return self._judge(observing)
        except Unready as error:
            return self._nothing(self._unready(error))

    def _judge(self, observing: Observing) -> Marked:
        marks: list[Mark] = []
        passed: set[str] = set()
        first: tuple[Scenario, Told, Difference | None] | None = None
        printed = 0
        checks = self._assignment.checks
        for scenario in checks.scenarios:
            if not passed.issuperset(scenario.needs):
                marks.append(_mark(scenario, "left out"))
                continue
            told = observing.tell(scenario)
            printed += told.printed
            found = self._difference(scenario, told)
            if told.ended and found is None:
                passed.add(scenario.meaning)
            else:
                first = first or (scenario, told, found)
            marks.append(_mark(scenario, _outcome(told, found)))
        points = sum(mark.points for mark in marks)
        report = self._report(first, points, printed, len(checks.scenarios) - len(passed))
        return self._marked(points, marks, report)

    def _difference(self, scenario: Scenario, told: Told) -> Difference | None:
        return difference(self._expected[scenario.meaning], told.value) if told.ended else None

    def _report(
        self,
        first: tuple[Scenario, Told, Difference | None] | None,
        points: int,
        printed: int,
        failed: int,
    ) -> Report:
        id, checks = self._assignment.id, self._assignment.checks
        if first is None:
            report = reports.right(id, checks, printed=printed, points=points)
            every = (sentence.replace(_OTHER_INPUTS, "") for sentence in report.closing)
            return replace(report, closing=tuple(every))
        report = reports.failed(
            id, self._part(first[0]), *first, later=failed - 1, points=points, printed=printed
        )
        return replace(report, of_points=checks.points)

    def _part(self, scenario: Scenario) -> Checks:
        """All checks; of a project, those of one milestone, which the report then names."""
        checks = self._assignment.checks
        return checks.milestone(scenario.task) if self._assignment.is_project else checks

    def _unready(self, error: Unready) -> Report:
        id, checks, found = self._assignment.id, self._assignment.checks, error.found
        if error.state == "absent":
            return reports.absent(id, checks, found["name"], found["near"])
        if error.state == "unreadable":
            place = ("", found["number"], 1, found["text"])
            return reports.unreadable(id, SyntaxError(found["reason"], place), cell=found["cell"])
        if error.state == "not run":
            return reports.not_run(id, checks, Told(error=found["error"], line=found["line"]))
        return reports.ended(id, f"it {found['why']}")

    def _nothing(self, report: Report) -> Marked:
        """No scenario could be told."""
        checks = self._assignment.checks
        outcome = "not started" if report.outcome == "not started" else "left out"
        marks = [_mark(scenario, outcome) for scenario in checks.scenarios]
        return self._marked(0, marks, replace(report, of_points=checks.points))

    def _marked(self, points: int, marks: list[Mark], report: Report) -> Marked:
        of_points = self._assignment.checks.points
        return Marked(self._assignment.id, points, of_points, tuple(marks), report)


_OTHER_INPUTS = " Marking uses other inputs."


def _mark(scenario: Scenario, outcome: str) -> Mark:
    points = scenario.points if outcome == "right" else 0
    return Mark(scenario.meaning, scenario.task, points, scenario.points, outcome)


def _outcome(told: Told, found: Difference | None) -> str:
    if found is not None:
        return "wrong"
    if told.ended:
        return "right"
    return "not started" if told.not_written else "crashed"
