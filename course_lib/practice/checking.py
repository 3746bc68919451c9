"""`check`: tell every scenario to the learner's code and say what happened.

In the learner's own kernel: instant and kind, and no claim of security. Marks
come from another process and other inputs.
"""

from __future__ import annotations

import ast
import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from course_lib.index import ROOT, UnknownId
from course_lib.practice import reports, services
from course_lib.practice.feedback import Report
from course_lib.practice.opened import Opened, find_exercise, open_exercise
from course_lib.practice.running import Told, tell
from course_lib.practice.scenarios import Checks, Scenario
from course_lib.practice.source import BadExercise
from course_lib.practice.values import Difference, difference

__all__ = ["PUBLIC_SEED", "check", "check_namespace", "judge", "judge_scenario", "syntax_error"]

PUBLIC_SEED = 1


def check(id: str, seed: int | None = None, *, root: Path = ROOT) -> Report:
    """Check the caller's code against exercise `id`; the report shows itself.

    The names that the exercise asks for are taken from the caller's globals.
    A project is checked as it is saved in work/. Never raises, except for Ctrl-C.
    """
    namespace = sys._getframe(1).f_globals
    if _is_project(id, root):
        from course_lib.practice.terminal import check_file

        return check_file(id, root=root)[0]
    return reports.recorded(check_namespace(id, namespace, seed=seed, root=root))


def _is_project(id: str, root: Path) -> bool:
    try:
        return find_exercise(id, root).is_project
    except UnknownId:
        return False


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
        return reports.broken(id, error)


def judge(
    opened: Opened, namespace: Mapping[str, Any], *, seed: int | str, first_only: bool = False
) -> Report:
    """The report on the code in `namespace`.

    Args:
        first_only: stop at the first scenario that does not pass; none is counted then.

    Raises:
        BadExercise: the reference itself does not pass its scenarios.
    """
    id, names = opened.exercise.id, opened.checks.names
    error = unreadable_cell(namespace.get("In"), names)
    if error:
        return reports.unreadable(id, error)
    absent = next((name for name in names if name not in namespace), None)
    if absent:
        return reports.absent(id, opened.checks, absent, nearly(absent, namespace))
    without = services.missing(opened.checks)
    told, left_out = _parted(opened.checks, without)
    if left_out and not told:
        return reports.missing(id, opened.checks, without)
    report = _judge_all(opened, namespace, seed, first_only, told)
    return reports.with_left_out(report, left_out, without) if left_out else report


def _parted(checks: Checks, without: Mapping[str, str]) -> tuple[list[Scenario], int]:
    """The scenarios that can be told without these services, and the number of the others."""
    told = [each for each in checks.scenarios if not set(without) & {*checks.services_of(each)}]
    return told, len(checks.scenarios) - len(told)


def _judge_all(
    opened: Opened,
    namespace: Mapping[str, Any],
    seed: int | str,
    first_only: bool,
    scenarios: Sequence[Scenario],
) -> Report:
    checks = opened.checks
    first: tuple[Scenario, Told, Difference | None] | None = None
    passed: set[str] = set()
    points = printed = 0
    for scenario in scenarios:
        if not passed.issuperset(scenario.needs):
            continue  # one cause, one report
        told, found = judge_scenario(opened, scenario, namespace, seed=seed)
        printed += told.printed
        if told.ended and found is None:
            passed.add(scenario.meaning)
            points += scenario.points
        else:
            first = first or (scenario, told, found)
        if told.too_long or (first and first_only):
            break  # after the first that ran too long, each could take as long
    id = opened.exercise.id
    if first is None:
        left_out = len(checks.scenarios) - len(scenarios)
        return reports.right(id, checks, printed=printed, points=points, left_out=left_out)
    later = 0 if first_only else len(scenarios) - len(passed) - 1
    return reports.failed(id, checks, *first, later=later, points=points, printed=printed)


def judge_scenario(
    opened: Opened, scenario: Scenario, namespace: Mapping[str, Any], *, seed: int | str
) -> tuple[Told, Difference | None]:
    """What the scenario gave, and where that differs. Passed: it ended and nothing differs."""
    told = tell(scenario, opened.checks.names, namespace, seed=seed)
    if not told.ended:
        return told, None
    return told, difference(opened.expect(scenario, seed=seed), told.value)


def nearly(name: str, namespace: Mapping[str, Any]) -> str:
    """A name of the learner's own that was probably meant, or nothing."""
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
    anyone = "|".join(map(re.escape, names))
    defines = re.compile(rf"^\s*(?:class|(?:async\s+)?def)\s+(?:{anyone})\b", re.MULTILINE)
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
