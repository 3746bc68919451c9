"""The class report and a learner's feedback, wide and narrow, light and dark."""

from pathlib import Path
from typing import Any

import pytest

from course_lib.grading.assignments import open_assignment
from course_lib.grading.known_mistakes import known_mistakes
from course_lib.grading.marking import Mark, Marked
from course_lib.grading.pages import class_page, feedback_page
from course_lib.grading.roster import Learner
from course_lib.grading.rows import GradedRow
from course_lib.index import ROOT
from course_lib.practice.feedback import Report, Row

EXERCISE = "00-first-check"


def marked(outcomes: list[str], scenarios: list[Any], words: str) -> Marked:
    """A learner's marks; the first that is not right is reported with `words`."""
    pairs = list(zip(scenarios, outcomes, strict=True))
    marks = tuple(
        Mark(each.meaning, each.task, each.points * (outcome == "right"), each.points, outcome)
        for each, outcome in pairs
    )
    first = next((each.meaning for each, outcome in pairs if outcome != "right"), "")
    rows = (Row("Scenario", first), Row("Got", words, code=True)) if first else ()
    outcome = "wrong" if first else "right"
    report = Report(f"{EXERCISE}: {outcome}", rows, outcome=outcome, scenario=first)
    of_points = sum(mark.of_points for mark in marks)
    return Marked(EXERCISE, sum(mark.points for mark in marks), of_points, marks, report)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three learners: one right, one with a known mistake, one without a mark."""
    exercise = open_assignment(EXERCISE, ROOT)
    scenarios = list(exercise.checks.scenarios)
    known = known_mistakes(exercise.proofs / "mutants")
    words = next(words for scenario, words in known if scenario == scenarios[0].meaning)
    wrong = ["wrong", "crashed", *["left out"] * len(scenarios)][: len(scenarios)]
    rows = [
        GradedRow(Learner("Ana"), "a.py", "001", marked(["right"] * len(scenarios), scenarios, "")),
        GradedRow(Learner("Bo"), "b.ipynb", "002", marked(wrong, scenarios, words)),
        GradedRow(Learner("Cem"), "c.pdf", "003", problem=".pdf is no notebook and no .py file."),
    ]
    folder = tmp_path_factory.mktemp("marks")
    report = class_page(rows, [exercise], {EXERCISE: known}, "Nobody could see the seed.")
    (folder / "class.html").write_text(report, encoding="utf-8")
    for row in rows:
        path = folder / f"{row.page}.html"
        path.write_text(feedback_page(row, exercise.title), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["class", "001", "002", "003"])
def test_a_page_of_marks_can_be_read_by_everyone(
    pages: Path, read_by_everyone: Any, name: str
) -> None:
    asked = read_by_everyone(pages / f"{name}.html")

    assert asked == [(pages / f"{name}.html").as_uri()]
