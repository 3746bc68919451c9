"""Points for each task, counted in the process of the learner's code.

The same scenarios as `check`, with its public inputs. As in `course.py grade`, one that ran
too long costs only itself, where `check` stops to spare the learner's time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.index import ROOT
from course_lib.practice import services
from course_lib.practice.checking import PUBLIC_SEED, judge_scenario
from course_lib.practice.opened import Opened, open_exercise
from course_lib.practice.scenarios import Scenario

__all__ = ["MissingService", "Outcome", "by_task", "check_by_task", "nothing", "outcomes"]


class MissingService(RuntimeError):
    """Something that scenarios need cannot run here; the message says the mend."""


@dataclass(frozen=True)
class Outcome:
    """One scenario: `points` is 0 or `of_points`."""

    meaning: str
    task: int
    points: int
    of_points: int


def check_by_task(id: str, *, root: Path = ROOT) -> dict[int, int]:
    """The points of the caller's code, by task; for a cell of a notebook.

    Raises:
        UnknownId, BadExercise: as their names say.
        MissingService: marks would be too low here.
    """
    namespace = sys._getframe(1).f_globals
    return by_task(outcomes(open_exercise(id, root), namespace))


def outcomes(opened: Opened, namespace: Mapping[str, Any]) -> list[Outcome]:
    """Every scenario's outcome for the code in `namespace`, in order.

    Raises:
        BadExercise: the reference does not pass its own scenarios.
        MissingService: a scenario cannot be told here.
    """
    missing = services.missing(opened.checks)
    if missing:
        raise MissingService(" ".join(missing.values()))
    if any(name not in namespace for name in opened.checks.names):
        return nothing(opened)
    passed: set[str] = set()
    for scenario in opened.checks.scenarios:
        if passed.issuperset(scenario.needs) and _passes(opened, scenario, namespace):
            passed.add(scenario.meaning)
    return [_outcome(each, right=each.meaning in passed) for each in opened.checks.scenarios]


def nothing(opened: Opened) -> list[Outcome]:
    """No points for any scenario."""
    return [_outcome(scenario, right=False) for scenario in opened.checks.scenarios]


def _passes(opened: Opened, scenario: Scenario, namespace: Mapping[str, Any]) -> bool:
    told, found = judge_scenario(opened, scenario, namespace, seed=PUBLIC_SEED)
    return told.ended and found is None


def _outcome(scenario: Scenario, *, right: bool) -> Outcome:
    points = scenario.points if right else 0
    return Outcome(scenario.meaning, scenario.task, points, scenario.points)


def by_task(found: Iterable[Outcome]) -> dict[int, int]:
    """The sum of the points of each task.

    >>> by_task([Outcome("opens", 1, 2, 2), Outcome("closes", 1, 0, 1), Outcome("waits", 2, 3, 3)])
    {1: 2, 2: 3}
    """
    points: dict[int, int] = {}
    for outcome in found:
        points[outcome.task] = points.get(outcome.task, 0) + outcome.points
    return points
