"""The words of a check: one Report for everything that can be found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from course_lib.practice.feedback import ProjectReport, Report, Row, fit
from course_lib.practice.memory import remember
from course_lib.practice.running import Told
from course_lib.practice.scenarios import Checks, Scenario
from course_lib.practice.values import Difference, clip, show

__all__ = ["absent", "broken", "failed", "recorded", "right", "unreadable"]

TOO_LONG = "ran too long"
"""In the headline when a scenario was stopped by its limit."""


def right(id: str, checks: Checks, *, printed: int, points: int, left_out: int = 0) -> Report:
    """Every scenario that was told passed; `left_out` others need a service that is missing."""
    every = f"Every scenario{' that could be told' if left_out else ''} passed."
    return Report(
        f"{_name(id, checks)}: right, {points} of {checks.points} points",
        closing=(
            f"{every} Marking uses other inputs.",
            *_printed_note(printed),
            *(() if checks.part else [f'Next: compare your answer with solution("{id}").']),
        ),
        id=id,
        outcome="right",
        points=points,
        of_points=checks.points,
    )


def _name(id: str, checks: Checks) -> str:
    return f"{id}, {checks.part}" if checks.part else id


def failed(
    id: str,
    checks: Checks,
    scenario: Scenario,
    told: Told,
    found: Difference | None,
    *,
    later: int,
    points: int,
    printed: int,
) -> Report:
    """The first scenario that did not pass; `found` where its value differs, if it has one."""
    outcome, words, findings = _findings(told, found)
    task = "" if checks.part else f", task {scenario.task}"
    headline = f"{_name(id, checks)}: {words}{task}"
    closing = _printed_note(printed)
    if later and outcome != "not started":
        closing += (f"{later} more scenario{'s' if later > 1 else ''} did not pass yet.",)
    rows = (
        Row("Scenario", scenario.meaning),
        Row("What was done", scenario.done),
        *findings,
        Row("Next", _next_step(checks, scenario, told, id)),
    )
    return Report(
        headline,
        fit(rows, headline, *closing),
        closing,
        id=id,
        outcome=outcome,
        scenario=scenario.meaning,
        points=points,
        of_points=checks.points,
    )


def _findings(told: Told, found: Difference | None) -> tuple[str, str, list[Row]]:
    """The outcome, its words in the headline, and what was found."""
    if found is not None:
        where = [Row("Look at", clip(found.where, 40), code=True)] if found.where else []
        expected = Row("Expected", show(found.expected), code=True, value=True)
        got = Row("Got", show(found.got), code=True, value=True)
        return "wrong", "not right yet", [*where, expected, got]
    line = [Row("Your code", told.line, code=True, value=True)] if told.line else []
    if told.not_written:
        return "not started", "not started", line
    if told.too_long:
        return "crashed", TOO_LONG, [Row("Ended", told.error), *line]
    return "crashed", "crashed", [Row("Error", told.error, code=True, value=True), *line]


def _next_step(checks: Checks, scenario: Scenario, told: Told, id: str) -> str:
    if told.not_written and checks.part:
        return f"Write what is marked TODO {checks.part}, save, and check again."
    if told.not_written:
        return f"Write task {scenario.task}, run its cell, and check again."
    if told.too_long:
        return "Look for a loop without an end, or a wait that nobody ends."
    if told.error.startswith("NameError") and not checks.part:
        return "Run the cells above first, the imports too; then look for a typing mistake."
    task = checks.part or f"task {scenario.task}"
    return scenario.next_step or f'Read {task} again, or ask hint("{id}").'


def _printed_note(printed: int) -> tuple[str, ...]:
    return (f"Your code printed {printed:,} characters; they are not shown.",) if printed else ()


def absent(id: str, checks: Checks, name: str, near: str) -> Report:
    """A name is missing; `near` is one that was probably meant, or empty."""
    where, again = ("file", "save") if checks.part else ("cell", "run that cell")
    name, near = clip(name, 80), clip(near, 80)
    missing = f"{name}; there is {near}, which is nearly the same" if near else name
    mend = f"Rename {near} to {name}" if near else f"Write {name} in the {where} with the TODO"
    rows = (Row("Missing", missing), Row("Next", f"{mend}, {again}, and check again."))
    return Report(f"{_name(id, checks)}: not started", rows, id=id, outcome="not started")


def unreadable(id: str, error: SyntaxError, *, cell: str = "your newest cell") -> Report:
    """Python cannot parse the cell."""
    text = (error.text or "").strip()
    rows = (
        Row("Reason", f"{type(error).__name__}: {clip(error.msg or 'invalid syntax', 160)}"),
        Row("Your code", f"line {error.lineno or 1}: {clip(text, 80)}", code=True),
        Row("Next", "Mend that line, or the end of the one above it, and run the cell again."),
    )
    headline = f"{id}: Python cannot read {clip(cell, 80)}"
    return Report(headline, rows, id=id, outcome="crashed")


def not_run(id: str, checks: Checks, told: Told) -> Report:
    """A cell or a module stopped before it had defined what is checked."""
    mend = "Run the cells from top to bottom and mend the first that stops."
    if checks.part:
        mend = "Mend that line; nothing can be checked before the package can be imported."
    rows = (
        Row("Error", told.error, code=True, value=True),
        *([Row("Your code", told.line, code=True, value=True)] if told.line else []),
        Row("Next", mend),
    )
    headline = f"{_name(id, checks)}: your {'package does' if checks.part else 'cells do'} not run"
    return Report(headline, fit(rows, headline), id=id, outcome="crashed")


def missing(id: str, checks: Checks, services: Mapping[str, str]) -> Report:
    """Nothing can be told without these services; each comes with the mend."""
    headline = f"{_name(id, checks)}: cannot be checked here"
    rows = tuple(Row(name, clip(why, 400)) for name, why in services.items())
    return Report(headline, rows, id=id, outcome="crashed")


def with_left_out(report: Report, left_out: int, services: Mapping[str, str]) -> Report:
    """Say how many scenarios were left out, and why."""
    some = f"{left_out} scenario{'s' if left_out > 1 else ''}"
    why = clip(" ".join(services.values()), 300)
    return replace(report, closing=(*report.closing, f"{some} could not be told: {why}"))


def whole(id: str, checks: Checks, milestones: Sequence[Report]) -> ProjectReport:
    """A project: each milestone's report, in full for what failed and for the next to do."""
    right = [report for report in milestones if report.right]
    left = [report for report in milestones if not report.right]
    shown = tuple(
        report
        if report in left[:1] or report.outcome in ("wrong", "crashed")
        else replace(report, rows=(), closing=())
        for report in milestones
    )
    points = sum(report.points for report in milestones)
    closing = () if left else (f'Next: compare your package with solution("{id}").',)
    reached = f"{len(right)} of {len(milestones)} milestones right"
    return ProjectReport(
        f"{id}: {reached}, {points} of {checks.points} points",
        closing=closing,
        id=id,
        outcome=left[0].outcome if left else "right",
        scenario=left[0].scenario if left else "",
        points=points,
        of_points=checks.points,
        milestones=shown,
    )


def ended(id: str, why: str) -> Report:
    """The process that ran the learner's file gave no answer."""
    rows = (
        Row("Your code", why),
        Row("Next", "Look for an endless loop, or for code that ends the whole program."),
    )
    return Report(f"{id}: ended without an answer", rows, id=id, outcome="crashed")


def broken(id: str, error: ValueError) -> Report:
    """The exercise itself is at fault."""
    rows = (Row("Why", clip(str(error), 400)), Row("Next", "Tell the people who keep the course."))
    headline = f"{id}: this exercise is broken, not your code"
    return Report(headline, rows, id=id, outcome="crashed")


def recorded(report: Report) -> Report:
    """The report, its outcome remembered; if that failed, it says so."""
    problem = remember("check", report.id, report.outcome)
    return replace(report, closing=(*report.closing, problem)) if problem else report
