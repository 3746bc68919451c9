"""What one learner is shown: the points, what to mend first, and a line for each scenario."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from course_lib.grading.class_report import class_page
from course_lib.grading.marking import Mark, Marked
from course_lib.grading.page_parts import Bar, Html, page, paragraph, table, text
from course_lib.grading.rows import GradedRow

__all__ = ["class_page", "feedback_page"]

_OUTCOMES = {
    "right": "passed",
    "wrong": "not right yet",
    "crashed": "crashed",
    "not started": "not started",
    "left out": "left out",
}
_MEANS = {
    "wrong": "your code ran, and something else came out than was asked for.",
    "crashed": "your code raised an error, or ran too long.",
    "not started": "the code for it is still to be written.",
    "left out": "it builds on a scenario that did not pass; mend that one first.",
}


def feedback_page(row: GradedRow, title: str, *, part: str = "task") -> str:
    """The learner's page about the exercise with this title.

    Args:
        part: what a part of the exercise is called.
    """
    heading = f"{row.learner.name or row.file}: {title}"
    file = [paragraph(*_handed_in(row))] if row.file else []
    if row.marked is None:
        return page(heading, paragraph(f"There is no mark: {row.problem}"), *file)
    return page(heading, _points(row.marked), *file, _result(row.marked, part))


def _handed_in(row: GradedRow) -> Iterator[object]:
    yield Html(f"Handed in as <code>{text(row.file)}</code>.")
    if row.among > 1:
        yield f"It is one of {row.among} answers, and the others were not marked."


def _points(marked: Marked) -> str:
    passed = sum(mark.outcome == "right" for mark in marked.marks)
    words = text(f"{marked.points} of {marked.of_points} points")
    bar = Bar(Html(f"<strong>{words}</strong>"), (("blue", marked.points),), marked.of_points)
    return f"<div>{bar.html}</div>" + paragraph(
        f"{passed} of {len(marked.marks)} scenarios passed. A scenario is a story that is told to "
        "your code and to a reference; what happens is compared."
    )


@functools.lru_cache(1_000)
def _result(marked: Marked, part: str) -> str:
    """The same for all learners with the same result, of whom there are many."""
    return "\n".join([*_first(marked), *_marks(marked, part)])


def _first(marked: Marked) -> Iterator[str]:
    yield f"<h2>{'The result' if marked.report.right else 'What to mend first'}</h2>"
    yield f'<div class="result">{marked.report._repr_html_()}</div>'


def _marks(marked: Marked, part: str) -> Iterator[str]:
    yield "<h2>Every scenario</h2>"
    rows = [_mark(mark, part) for mark in marked.marks]
    caption = f"Marks: {marked.points} of {marked.of_points} points"
    yield table(caption, ("Scenario", "Outcome", "Points"), rows)
    outcomes = {mark.outcome for mark in marked.marks}
    means = [
        f"<dt>{_OUTCOMES[each].capitalize()}</dt><dd>{words}</dd>"
        for each, words in _MEANS.items()
        if each in outcomes
    ]
    if means:
        yield f"<dl>{''.join(means)}</dl>"


def _mark(mark: Mark, part: str) -> tuple[object, ...]:
    where = f'<span class="quiet">{part} {mark.task}</span>'
    return (
        Html(f"{text(mark.meaning)}{where}"),
        _OUTCOMES[mark.outcome],
        f"{mark.points} of {mark.of_points}",
    )
