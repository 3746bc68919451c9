"""Pages to read in a browser: one for each learner, one about the class.

Plain HTML without scripts or anything from elsewhere; every word of a learner's is escaped.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Sequence

from course_lib.grading.assignments import Assignment
from course_lib.grading.known_mistakes import Mistake, common_mistakes
from course_lib.grading.marking import Marked
from course_lib.grading.rows import GradedRow

__all__ = ["class_page", "feedback_page"]

_STYLE = """\
body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto;
       padding: 0 1rem; color: #1a1a1a; background: #ffffff; }
table { border-collapse: collapse; }
caption { text-align: left; font-weight: bold; padding: 0.5rem 0; }
th, td { border: 1px solid #595959; padding: 0.3rem 0.6rem; text-align: left; }
dt { font-weight: bold; }
code, pre { font-family: ui-monospace, monospace; white-space: pre-wrap;
            overflow-wrap: anywhere; }
"""

Cells = Sequence[object]


def feedback_page(row: GradedRow, title: str) -> str:
    """What one learner is shown: the report of their own check, and the marks."""
    heading = f"{row.learner.name or row.file}: {title}"
    if row.marked is None:
        return _page(heading, f"<p>There is no mark: {_text(row.problem)}</p>")
    marked = row.marked
    marks = [
        (f"{mark.task}", mark.meaning, mark.outcome, f"{mark.points} of {mark.of_points}")
        for mark in marked.marks
    ]
    caption = f"Marks: {marked.points} of {marked.of_points} points"
    heads = ("Task", "Scenario", "Outcome", "Points")
    notes = _note(marked)
    return _page(heading, marked.report._repr_html_() + notes + _table(caption, heads, marks))


def _note(marked: Marked) -> str:
    if not any(mark.outcome == "left out" for mark in marked.marks):
        return ""
    return "<p>Left out: an earlier scenario must pass before this one means anything.</p>"


def class_page(
    rows: Sequence[GradedRow],
    assignments: Sequence[Assignment],
    known: dict[str, dict[Mistake, list[str]]],
    protections: str,
) -> str:
    """How the class did: marks, scenarios that failed often, and known mistakes.

    Args:
        known: of each exercise.
        protections: a sentence on what marking was protected by.
    """
    parts = [f"<p>{_text(protections)}</p>"]
    for assignment in assignments:
        results = [r.marked for r in rows if r.marked and r.marked.exercise == assignment.id]
        parts.append(f"<h2>{_text(assignment.id)}: {_text(assignment.title)}</h2>")
        parts.append(_points(results))
        parts.append(_scenarios(results, assignment))
        parts.append(_mistakes(results, known[assignment.id]))
    without = [(row.learner.name, row.file, row.problem) for row in rows if row.marked is None]
    if without:
        parts.append("<h2>Without a mark</h2>")
        parts.append(_table("Who has no mark, and why", ("Name", "File", "Why"), without))
    return _page("Class report", "".join(parts))


def _points(results: Sequence[Marked]) -> str:
    counts = Counter(marked.points for marked in results)
    table = [(points, counts[points]) for points in sorted(counts, reverse=True)]
    most = results[0].of_points if results else 0
    return _table(f"Points of {most}", ("Points", "Learners"), table)


def _scenarios(results: Sequence[Marked], assignment: Assignment) -> str:
    first = Counter(marked.report.scenario for marked in results)
    passed = Counter(
        mark.meaning for marked in results for mark in marked.marks if mark.outcome == "right"
    )
    table = [
        (each.task, each.meaning, passed[each.meaning], first[each.meaning])
        for each in assignment.checks.scenarios
    ]
    table.sort(key=lambda row: -int(row[3]))
    heads = ("Task", "Scenario", "Learners who passed", "Learners who failed here first")
    return _table("Scenarios, the most common stumbling block first", heads, table)


def _mistakes(results: Iterable[Marked], known: dict[Mistake, list[str]]) -> str:
    found = common_mistakes(results, known)
    if not found:
        return "<p>No known mistake was found.</p>"
    return _table("Known mistakes", ("Probably", "Learners"), found)


def _table(caption: str, heads: Sequence[str], rows: Iterable[Cells]) -> str:
    head = "".join(f'<th scope="col">{_text(each)}</th>' for each in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<table><caption>{_text(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _page(heading: str, body: str) -> str:
    title = _text(heading)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title>\n<style>\n{_STYLE}</style></head>\n"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>\n"
    )


def _text(value: object) -> str:
    return html.escape(str(value).encode("utf-8", "replace").decode("utf-8"))
