"""`check`: tell every scenario to the learner's code and say what happened.

In the learner's own kernel: instant and kind, and no claim of security. Marks
come from another process and other inputs.
"""

from __future__ import annotations

import ast
import difflib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_lib.index import ROOT, UnknownId
from course_lib.practice.feedback import Report, Row, fit
from course_lib.practice.opened import Opened, open_exercise
from course_lib.practice.running import Told, tell
from course_lib.practice.scenarios import Scenario
from course_lib.practice.source import BadExercise
from course_lib.practice.values import clip, difference, show

__all__ = ["PUBLIC_SEED", "check", "check_namespace", "judge"]

PUBLIC_SEED = 1


def check(id: str, seed: int | None = None, *, root: Path = ROOT) -> Report:
    """Check the caller's code against exercise `id`; the report shows itself.

    The names that the exercise asks for are taken from the caller's globals.
    Never raises, except for Ctrl-C.
    """
    namespace = sys._getframe(1).f_globals
    return recorded(check_namespace(id, namespace, seed=seed, root=root))


def check_namespace(
    id: str, namespace: Mapping[str, Any], *, seed: int | str | None = None, root: Path = ROOT
) -> Report:
    """Check the names in `namespace`; nothing is recorded."""
    try:
        opened = open_exercise(id, root)
        return judge(opened, namespace, seed=PUBLIC_SEED if seed is None else seed)
    except UnknownId as error:
        return Report(str(error), id=id, outcome="crashed")
    except BadExercise as error:
        headline = f"{id}: this exercise is broken, not your code"
        return Report(headline, (Row("Why", clip(str(error), 400)),), id=id, outcome="crashed")


def judge(opened: Opened, namespace: Mapping[str, Any], *, seed: int | str) -> Report:
    """The report on the code in `namespace`.

    Raises:
        BadExercise: the reference itself does not pass its scenarios.
    """
    names = opened.checks.names
    unreadable = unreadable_cell(namespace.get("In"), names)
    if unreadable:
        return _unreadable(opened, unreadable)
    absent = [name for name in names if name not in namespace]
    if absent:
        return _absent(opened, absent[0], namespace)
    return _judge_scenarios(opened, namespace, seed)


def _judge_scenarios(opened: Opened, namespace: Mapping[str, Any], seed: int | str) -> Report:
    checks = opened.checks
    passed: set[str] = set()
    first: tuple[Scenario, Told] | None = None
    points = printed = 0
    for scenario in checks.scenarios:
        if not passed.issuperset(scenario.needs):
            continue  # one cause, one report
        told = tell(scenario, checks.names, namespace, seed=seed)
        printed += told.printed
        if told.ended and not difference(opened.expect(scenario, seed=seed), told.value):
            passed.add(scenario.meaning)
            points += scenario.points
        elif first is None:
            first = scenario, told
        if told.too_long:
            break  # the others could each take as long
    notes = _printed_note(printed)
    if first is None:
        return _right(opened, points, notes)
    later = len(checks.scenarios) - len(passed) - 1
    return _failed(opened, *first, seed=seed, later=later, points=points, notes=notes)


def _printed_note(printed: int) -> tuple[str, ...]:
    return (f"Your code printed {printed:,} characters; they are not shown.",) if printed else ()


def _right(opened: Opened, points: int, notes: tuple[str, ...]) -> Report:
    id = opened.exercise.id
    return Report(
        f"{id}: right, {points} of {points} points",
        closing=(
            "Every scenario passed. Marking uses other inputs.",
            *notes,
            f'Next: try your own in the playground, then compare with solution("{id}").',
        ),
        id=id,
        outcome="right",
        points=points,
        of_points=points,
        notes=notes,
    )


def _failed(
    opened: Opened,
    scenario: Scenario,
    told: Told,
    *,
    seed: int | str,
    later: int,
    points: int,
    notes: tuple[str, ...],
) -> Report:
    outcome, words, findings = _finding(opened, scenario, told, seed)
    id = opened.exercise.id
    headline = f"{id}: {words}, task {scenario.task}"
    closing = (*notes, _later(later)) if later and outcome != "not started" else notes
    rows = (
        Row("Scenario", scenario.meaning),
        Row("What was done", scenario.done),
        *findings,
        Row("Next", _next_step(scenario, told, id)),
    )
    return Report(
        headline,
        fit(rows, headline, *closing),
        closing,
        id=id,
        outcome=outcome,
        scenario=scenario.meaning,
        points=points,
        of_points=opened.checks.points,
        notes=notes,
    )


def _finding(
    opened: Opened, scenario: Scenario, told: Told, seed: int | str
) -> tuple[str, str, list[Row]]:
    """The outcome, its words in the headline, and what was found."""
    line = [Row("Your code", told.line, code=True, value=True)] if told.line else []
    if told.not_written:
        return "not started", "not started", [Row("Still to write", told.line or told.error)]
    if told.too_long:
        return "crashed", "ran too long", [Row("Ended by", told.error), *line]
    if told.error:
        return "crashed", "crashed", [Row("Error", told.error, code=True, value=True), *line]
    found = difference(opened.expect(scenario, seed=seed), told.value)
    assert found is not None
    where = [Row("Look at", clip(found.where, 40), code=True)] if found.where else []
    expected = Row("Expected", show(found.expected), code=True, value=True)
    return "wrong", "not right yet", [*where, expected, Row("Got", show(found.got), True, True)]


def _next_step(scenario: Scenario, told: Told, id: str) -> str:
    if told.not_written:
        return f"Write task {scenario.task}, run its cell, and check again."
    if told.too_long:
        return "Look for a loop without an end, or a wait that nobody ends."
    return scenario.next_step or f'Read task {scenario.task} again, or ask hint("{id}").'


def _later(count: int) -> str:
    return f"{count} more scenario{'s' if count > 1 else ''} did not pass yet."


def _absent(opened: Opened, name: str, namespace: Mapping[str, Any]) -> Report:
    id = opened.exercise.id
    near = _near(name, namespace)
    if near:
        rows = (
            Row("Missing", f"{name}; there is {near}, which is nearly the same"),
            Row("Next", f"Rename {near} to {name}, run its cell, and check again."),
        )
    else:
        rows = (
            Row("Missing", name),
            Row("Next", f"Write {name} in the cell with the TODO, run it, and check again."),
        )
    return Report(f"{id}: not started", rows, id=id, outcome="not started")


def _near(name: str, namespace: Mapping[str, Any]) -> str:
    """A name of the learner's own that was probably meant."""
    module = namespace.get("__name__")
    own = [
        other
        for other, value in namespace.items()
        if not other.startswith("_") and getattr(value, "__module__", None) == module
    ]
    folded = {other.lower(): other for other in own}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.75)
    return folded[close[0]] if close else ""


def unreadable_cell(history: object, names: tuple[str, ...]) -> SyntaxError | None:
    """Why Python cannot read the newest cell that defines one of `names`, if it cannot.

    Args:
        history: the notebook's `In`, the text of every cell run so far.
    """
    if not isinstance(history, list):
        return None
    defines = re.compile(rf"^\s*(?:class|(?:async\s+)?def)\s+(?:{'|'.join(names)})\b", re.MULTILINE)
    cells = (cell for cell in reversed(history) if isinstance(cell, str))
    newest = next((cell for cell in cells if defines.search(cell)), None)
    return syntax_error(newest) if newest else None


def syntax_error(code: str) -> SyntaxError | None:
    """Why Python cannot read `code`, or None."""
    try:
        ast.parse(code)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError) as error:
        return SyntaxError(str(error) or type(error).__name__)
    return None


def _unreadable(opened: Opened, error: SyntaxError) -> Report:
    text = (error.text or "").strip()
    rows = (
        Row("Reason", f"{type(error).__name__}: {clip(error.msg or 'invalid syntax', 160)}"),
        Row("Your code", f"line {error.lineno or 1}: {clip(text, 80)}", code=True),
        Row("Next", "Mend that line, or the end of the one above it, and run the cell again."),
    )
    headline = f"{opened.exercise.id}: Python cannot read your newest cell"
    return Report(headline, rows, id=opened.exercise.id, outcome="crashed")


def recorded(report: Report) -> Report:
    """Remember the outcome; if that fails, the report says so."""
    from course_lib.practice.memory import remember

    problem = remember("check", report.id, report.outcome)
    if not problem:
        return report
    return Report(
        report.headline,
        report.rows,
        (*report.closing, problem),
        id=report.id,
        outcome=report.outcome,
        scenario=report.scenario,
        points=report.points,
        of_points=report.of_points,
        notes=(*report.notes, problem),
    )
