"""The page about the class: how many points, where it stumbled, which mistakes it made.

Every picture is a bar in the row of a table, so its numbers can be read and heard.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from course_lib.grading.assignments import Assignment
from course_lib.grading.known_mistakes import Known, Mistake, recognised
from course_lib.grading.marking import Marked
from course_lib.grading.page_parts import Bar, Html, link, page, paragraph, table, text
from course_lib.grading.rows import GradedRow

__all__ = ["LISTED", "class_page"]

LISTED = 300
"""More learners than these are only counted; marks.csv has a line for each."""

BANDS = 10
"""Points are put together in about so many rows."""

NAMED = 20
"""So many learners of one mistake are named."""

Graded = list[tuple[GradedRow, Marked]]


def class_page(
    rows: Sequence[GradedRow],
    assignments: Sequence[Assignment],
    known: Mapping[str, Known],
    protections: str,
) -> str:
    """How the class did: marks, scenarios that failed often, and known mistakes.

    Args:
        known: of each exercise.
        protections: a sentence on what marking was protected by.
    """
    marked = [(row, row.marked) for row in rows if row.marked]
    parts = [
        _contents(rows, assignments),
        paragraph(f"{len(marked)} of {len(rows)} have a mark.", protections),
    ]
    for assignment in assignments:
        graded = [(row, each) for row, each in marked if each.exercise == assignment.id]
        parts += _assignment(assignment, graded, known[assignment.id])
    parts += _without(rows)
    return page("Class report", *parts)


def _contents(rows: Sequence[GradedRow], assignments: Sequence[Assignment]) -> str:
    links = [link(f"#{_address(each)}", f"{each.id}: {each.title}") for each in assignments]
    if any(row.marked is None for row in rows):
        links.append(link("#without", "Without a mark"))
    items = "".join(f"<li>{each}</li>" for each in links)
    return f'<nav aria-label="On this page"><ul>{items}</ul></nav>'


def _address(assignment: Assignment) -> str:
    return f"exercise-{assignment.id}"


def _assignment(assignment: Assignment, graded: Graded, known: Known) -> Iterator[str]:
    title = text(f"{assignment.id}: {assignment.title}")
    yield f'<h2 id="{text(_address(assignment))}">{title}</h2>'
    if not graded:
        yield paragraph("Nobody has a mark for this exercise.")
        return
    of_points = assignment.checks.points
    yield _in_short([marked.points for _, marked in graded], of_points)
    yield "<h3>Points</h3>"
    yield _points([marked.points for _, marked in graded], of_points)
    yield "<h3>Scenarios</h3>"
    yield from _scenarios([marked for _, marked in graded], assignment)
    yield "<h3>Known mistakes</h3>"
    yield from _mistakes(graded, known)
    yield "<h3>Learners</h3>"
    yield _learners(graded)


def _in_short(points: Sequence[int], of_points: int) -> str:
    every = points.count(of_points)
    return paragraph(
        f"The middle mark is {statistics.median(points):g} of {of_points} points.",
        f"{every} of {len(points)} {'has' if every == 1 else 'have'} them all.",
    )


def _points(points: Sequence[int], of_points: int) -> str:
    bands = list(_bands(of_points))
    counts = [sum(low <= each <= high for each in points) for low, high in bands]
    most = max(counts)
    rows = [
        (_bar(_span(low, high), ("blue", count), whole=most), count)
        for (low, high), count in zip(bands, counts, strict=True)
    ]
    caption = f"How many learners have how many of {of_points} points"
    return table(caption, ("Points", "Learners"), rows)


def _bands(of_points: int) -> Iterator[tuple[int, int]]:
    """From all points down to none; all and none stand alone.

    >>> list(_bands(4))
    [(4, 4), (3, 3), (2, 2), (1, 1), (0, 0)]
    >>> list(_bands(25))
    [(25, 25), (22, 24), (19, 21), (16, 18), (13, 15), (10, 12), (7, 9), (4, 6), (1, 3), (0, 0)]
    """
    size = max(1, -(-of_points // BANDS))
    yield of_points, of_points
    high = of_points - 1
    while high > 0:
        yield max(1, high - size + 1), high
        high -= size
    yield 0, 0


def _span(low: int, high: int) -> str:
    return str(high) if low == high else f"{low} to {high}"


def _bar(words: object, *parts: tuple[str, int], whole: int) -> Bar:
    return Bar(text(words), parts, whole)


_KEY = Html(
    '<span class="quiet">Of each bar, from the left: '
    '<svg class="key" aria-hidden="true"><rect class="blue" width="100%" height="100%"/></svg>'
    " passed, "
    '<svg class="key" aria-hidden="true"><rect class="orange" width="100%" height="100%"/></svg>'
    " did not pass, "
    '<svg class="key" aria-hidden="true"><rect class="grey" width="100%" height="100%"/></svg>'
    " left out.</span>"
)


def _scenarios(results: Sequence[Marked], assignment: Assignment) -> Iterator[str]:
    first = Counter(marked.report.scenario for marked in results)
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for marked in results:
        for mark in marked.marks:
            outcomes[mark.meaning][mark.outcome] += 1
    rows = []
    task = "milestone" if assignment.is_project else "task"
    for each in assignment.checks.scenarios:
        passed = outcomes[each.meaning]["right"]
        left_out = outcomes[each.meaning]["left out"]
        failed = len(results) - passed - left_out
        parts = ("blue", passed), ("orange", failed), ("grey", left_out)
        bar = _bar(each.meaning, *parts, whole=len(results)).html
        numbers = f"{passed} passed, {failed} did not, {left_out} left out; {task} {each.task}"
        rows.append((_with(bar, numbers), first[each.meaning]))
    rows.sort(key=lambda row: -row[1])
    yield paragraph(
        "The most common stumbling block comes first: there the learner's page says what to mend.",
        "A scenario is left out when one that it builds on did not pass.",
        _KEY,
    )
    heads = ("Scenario", "First to fail")
    s = "" if len(results) == 1 else "s"
    yield table(f"What {len(results)} learner{s} did in each scenario", heads, rows)


def _with(words: object, quiet: str) -> Html:
    return Html(f'{text(words)}<span class="quiet">{text(quiet)}</span>')


def _mistakes(graded: Graded, known: Known) -> Iterator[str]:
    made: dict[Mistake, list[GradedRow]] = defaultdict(list)
    for row, marked in graded:
        mistake = recognised(marked, known)
        if mistake:
            made[mistake].append(row)
    failed = sum(bool(_first_to_fail(marked)) for _, marked in graded)
    others = failed - sum(map(len, made.values()))
    if not made:
        yield paragraph("No known mistake was found.")
    else:
        most = max(map(len, made.values()))
        ordered = sorted(made, key=lambda mistake: (-len(made[mistake]), mistake))
        rows = [
            (_mistake(each, known[each], made[each], most), len(made[each])) for each in ordered
        ]
        caption = "Mistakes that learners probably made, the most common first"
        yield table(caption, ("Mistake, and what was told", "Learners"), rows)
    if others:
        yield paragraph(
            f"{others} more failed at a scenario in a way that fits no known mistake:",
            "look at their pages.",
        )


def _first_to_fail(marked: Marked) -> str:
    """The scenario; "" where there is none, or where nothing is written yet."""
    return "" if marked.report.outcome == "not started" else marked.report.scenario


def _mistake(mistake: Mistake, names: Iterable[str], rows: list[GradedRow], most: int) -> Html:
    scenario, words = mistake
    told = _with(" or ".join(names), f"in “{scenario}”, with “{words}”")
    who = f"<details><summary>Who</summary><ul>{_who(rows)}</ul></details>"
    return Html(_bar(told, ("orange", len(rows)), whole=most).html + who)


def _who(rows: list[GradedRow]) -> str:
    items = [f"<li>{_name(row)}</li>" for row in rows[:NAMED]]
    if len(rows) > NAMED:
        items.append(f"<li>and {len(rows) - NAMED} more</li>")
    return "".join(items)


def _name(row: GradedRow) -> Html:
    return link(f"feedback/{row.page}.html", row.learner.name or row.file)


def _learners(graded: Graded) -> str:
    if len(graded) > LISTED:
        return paragraph(
            f"There are {len(graded)}, so they are not listed here:",
            "marks.csv has a line for each, with the name of the feedback page.",
        )
    rows = [
        (_with(_name(row), _first_to_fail(marked) or marked.report.headline), marked.points)
        for row, marked in sorted(graded, key=lambda each: each[1].points)
    ]
    heads = ("Learner, and the first scenario to fail", "Points")
    return table("Everybody's page, the fewest points first", heads, rows)


def _without(rows: Sequence[GradedRow]) -> Iterator[str]:
    without = [(_name(row), row.file, row.problem) for row in rows if row.marked is None]
    if without:
        yield '<h2 id="without">Without a mark</h2>'
        heads = ("Name", "File", "Why")
        yield table(f"The {len(without)} without a mark, and why", heads, without, scrolls=True)
