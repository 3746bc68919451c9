"""Marks in the forms that gradebooks read.

Columns as published in November 2026:
- Canvas: Student, ID, SIS User ID, SIS Login ID, Section, then one column an assignment
  and a row "Points Possible" (https://community.canvaslms.com, "How do I import grades
  in the Gradebook?"). ID is Canvas's own number, so start from the course's export.
- Moodle: any columns, mapped at the import; here Email address, ID number, the mark and
  Feedback comments (https://docs.moodle.org, "Grade import").
- Gradescope: results.json with score, output and tests, one a learner
  (https://gradescope-autograders.readthedocs.io/en/latest/specs/).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from course_lib.grading.assignments import Assignment
from course_lib.grading.rows import GradedRow

__all__ = ["canvas", "gradescope", "moodle", "plain_csv"]

_FORMULA = re.compile(r"(^|;)(?=[\s\"]*[=+\-@＝＋－＠])")
"""Where one begins; half the world's spreadsheets part cells at `;`, with quotes or without."""


def plain_csv(rows: Iterable[GradedRow], assignments: Sequence[Assignment]) -> str:
    """Everything, with a column for each scenario."""
    columns = [
        (assignment.id, scenario.meaning)
        for assignment in assignments
        for scenario in assignment.checks.scenarios
    ]
    many = len(assignments) > 1
    heads = [f"{id}: {meaning}" if many else meaning for id, meaning in columns]
    table: list[Sequence[object]] = [
        ["name", "file", "exercise", "points", "of", "note", "feedback", *heads]
    ]
    for row in rows:
        marked = row.marked
        start: list[object] = [row.learner.name, row.file]
        if marked is None:
            table.append([*start, "", "", "", row.problem, "", *("" for _ in columns)])
            continue
        got = {(marked.exercise, mark.meaning): mark.points for mark in marked.marks}
        page = f"feedback/{row.page}.html"
        note = _headline(row) + (f"; one of {row.among} answers" if row.among > 1 else "")
        points = [got.get(column, "") for column in columns]
        table.append(
            [*start, marked.exercise, marked.points, marked.of_points, note, page, *points]
        )
    return _csv(table)


def canvas(rows: Iterable[GradedRow], assignment: Assignment) -> str:
    """For one exercise. Who has no mark gets an empty cell, which Canvas leaves alone."""
    table: list[Sequence[object]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment.id],
        ["    Points Possible", "", "", "", "", assignment.checks.points],
    ]
    for row in rows:
        get = row.learner.get
        ids = [get("id"), get("sis_user_id"), get("sis_login_id"), get("section")]
        table.append([row.learner.name, *ids, _points(row, assignment)])
    return _csv(table)


def moodle(rows: Iterable[GradedRow], assignment: Assignment) -> str:
    """For one exercise. Moodle imports nothing at all if it does not know somebody."""
    table: list[Sequence[object]] = [
        ["Full name", "Email address", "ID number", assignment.id, "Feedback comments"]
    ]
    for row in rows:
        get = row.learner.get
        points = _points(row, assignment)
        words = row.problem or (_headline(row) if points != "" else "")
        table.append([row.learner.name, get("email"), get("id"), points, words])
    return _csv(table)


def gradescope(row: GradedRow, *, part: str = "task") -> str:
    """results.json of one learner. `part`: what a part of the exercise is called."""
    if row.marked is None:
        return _json({"score": 0, "output": row.problem, "output_format": "text"})
    tests = [
        {
            "name": f"{part.capitalize()} {mark.task}: {mark.meaning}",
            "score": mark.points,
            "max_score": mark.of_points,
            "status": "passed" if mark.outcome == "right" else "failed",
            "output": mark.outcome,
        }
        for mark in row.marked.marks
    ]
    shown = {"output": row.marked.report.text, "output_format": "text", "visibility": "visible"}
    return _json({"score": row.marked.points, **shown, "tests": tests})


def _headline(row: GradedRow) -> str:
    return row.marked.report.headline if row.marked else ""


def _points(row: GradedRow, assignment: Assignment) -> object:
    marked = row.marked
    return marked.points if marked and marked.exercise == assignment.id else ""


def _json(fields: dict[str, Any]) -> str:
    return json.dumps(fields, indent=2, ensure_ascii=False).encode("utf-8", "replace").decode()


def _csv(table: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_cell(c) for c in row] for row in table)
    return text.getvalue()


def _cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front."""
    if not isinstance(value, str):
        return value
    text = "".join(letter for letter in value if letter.isprintable())
    text = text.encode("utf-8", "replace").decode("utf-8")
    return _FORMULA.sub(r"\1'", text)
