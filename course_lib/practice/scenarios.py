"""What an author writes in checks.py: scenarios, names and hints.

A scenario is one story that is told to the learner's code and to the
reference. What happened is compared; nobody types in an expected value.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.practice.source import BadExercise, run_text

__all__ = ["Checks", "Scenario", "read_checks", "scenario"]

Story = Callable[[Any, random.Random], object]

# A report must fit in 600 characters together with what the learner's code gave.
MEANING_CHARACTERS = 80
DONE_CHARACTERS = 120
NEXT_CHARACTERS = 160


@dataclass(frozen=True)
class Scenario:
    """One story. `limit` is in seconds of real time."""

    meaning: str
    task: int
    done: str
    needs: tuple[str, ...]
    points: int
    next_step: str
    limit: float
    story: Story


@dataclass(frozen=True)
class Checks:
    """One checks.py: what the learner defines, the hints and the scenarios in order.

    `seeds`: a slow exercise may ask the proof for fewer, as `SEEDS = 5`; None: as many as usual.
    """

    names: tuple[str, ...]
    hints: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    seeds: int | None = None

    @property
    def points(self) -> int:
        return sum(scenario.points for scenario in self.scenarios)


def scenario(
    meaning: str,
    *,
    task: int,
    needs: tuple[str, ...] = (),
    points: int = 1,
    next_step: str = "",
    limit: float = 2.0,
) -> Callable[[Story], Scenario]:
    """Turn a story into a Scenario.

    The story takes `solution`, with the learner's names as attributes, and
    `rng`, a seeded random.Random. It returns plain built-in values. The first
    line of its docstring says what was done.

    Args:
        meaning: what it shows, as the learner reads it.
        task: number of the task that it belongs to.
        needs: meanings of earlier scenarios; if one fails, this one is left out.
        points: what it is worth, 1 or more.
        next_step: what to try when it fails.
        limit: seconds that one telling may take.
    """

    def decorate(story: Story) -> Scenario:
        lines = (story.__doc__ or "").strip().splitlines()
        done = lines[0].strip() if lines else ""
        return Scenario(meaning, task, done, tuple(needs), points, next_step, limit, story)

    return decorate


def read_checks(path: Path) -> Checks:
    """The Checks in the file at `path`.

    Raises:
        BadExercise: something in the file is missing or does not fit together.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadExercise(f"{path.name} cannot be read: {error.strerror}.") from error
    found = vars(run_text(text, path, name=f"checks_{path.parent.name}"))
    checks = Checks(
        names=tuple(found.get("NAMES", ())),
        hints=tuple(found.get("HINTS", ())),
        seeds=found.get("SEEDS"),
        scenarios=tuple(value for value in found.values() if isinstance(value, Scenario)),
    )
    problems = [*_problems(checks)]
    if problems:
        raise BadExercise(f"{path.parent.name}/{path.name}: {problems[0]}")
    return checks


def _problems(checks: Checks) -> list[str]:
    problems = []
    if not checks.names:
        problems.append("NAMES is missing; list what the learner defines.")
    if len(checks.hints) != 3:
        problems.append(f"HINTS has {len(checks.hints)} hints; write exactly three.")
    if not checks.scenarios:
        problems.append("there is no scenario; write at least one with @scenario.")
    earlier: set[str] = set()
    for told in checks.scenarios:
        problems += _problems_of(told, earlier)
        earlier.add(told.meaning)
    return problems


def _problems_of(told: Scenario, earlier: set[str]) -> list[str]:
    label = f'scenario "{told.meaning}"'
    problems = [
        f'{label} needs "{need}", which is not an earlier scenario.'
        for need in told.needs
        if need not in earlier
    ]
    if told.meaning in earlier:
        problems.append(f"{label} is there twice; give each its own meaning.")
    if not told.done:
        problems.append(f"{label} has no docstring; its first line says what was done.")
    if told.points < 1 or told.limit <= 0:
        problems.append(f"{label} needs points of 1 or more and a limit above 0 s.")
    for what, text, most in (
        ("meaning", told.meaning, MEANING_CHARACTERS),
        ("docstring's first line", told.done, DONE_CHARACTERS),
        ("next_step", told.next_step, NEXT_CHARACTERS),
    ):
        if len(text) > most:
            problems.append(f"{label}: its {what} has {len(text)} characters; at most {most}.")
    return problems
