"""What an author writes in checks.py: scenarios, names and hints.

A scenario is one story that is told to the learner's code and to the
reference. What happened is compared; nobody types in an expected value.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
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
    """One story. `limit` is in seconds of real time; `services` None: those of the exercise."""

    meaning: str
    task: int
    done: str
    needs: tuple[str, ...]
    points: int
    next_step: str
    limit: float
    story: Story
    services: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Checks:
    """One checks.py: what the learner defines, the hints and the scenarios in order.

    `seeds`: a slow exercise may ask the proof for fewer, as `SEEDS = 5`; None: as many as usual.
    `services`: what must run, as `SERVICES = ("postgres",)`. In a project a task is a
    milestone; `part` is "M2" where only the scenarios of one milestone are meant.
    """

    names: tuple[str, ...]
    hints: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    seeds: int | None = None
    services: tuple[str, ...] = ()
    part: str = ""

    @property
    def points(self) -> int:
        return sum(scenario.points for scenario in self.scenarios)

    @property
    def tasks(self) -> tuple[int, ...]:
        return tuple(sorted({scenario.task for scenario in self.scenarios}))

    def services_of(self, scenario: Scenario) -> tuple[str, ...]:
        return self.services if scenario.services is None else scenario.services

    def milestone(self, number: int) -> Checks:
        """Only the scenarios of this milestone of a project."""
        kept = tuple(scenario for scenario in self.scenarios if scenario.task == number)
        return replace(self, scenarios=kept, part=f"M{number}")


def scenario(
    meaning: str,
    *,
    task: int,
    needs: tuple[str, ...] = (),
    points: int = 1,
    next_step: str = "",
    limit: float = 2.0,
    services: tuple[str, ...] | None = None,
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
        services: what must run for this one, if not the exercise's SERVICES; `()` for nothing.
    """

    def decorate(story: Story) -> Scenario:
        lines = (story.__doc__ or "").strip().splitlines()
        done = lines[0].strip() if lines else ""
        needed = tuple(needs)
        return Scenario(meaning, task, done, needed, points, next_step, limit, story, services)

    return decorate


def read_checks(path: Path, *, project: bool = False) -> Checks:
    """The Checks in the file at `path`.

    A project has a hint for each milestone and one for the whole; an exercise has three.

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
        services=tuple(found.get("SERVICES", ())),
        scenarios=tuple(value for value in found.values() if isinstance(value, Scenario)),
    )
    problems = _problems(checks, hints=len(checks.tasks) + 1 if project else 3)
    problems += _problems_of_milestones(checks) if project else []
    if problems:
        raise BadExercise(f"{path.parent.name}/{path.name}: {problems[0]}")
    return checks


def _problems(checks: Checks, *, hints: int) -> list[str]:
    problems = []
    if not checks.names:
        problems.append("NAMES is missing; list what the learner defines.")
    if len(checks.hints) != hints:
        problems.append(f"HINTS has {len(checks.hints)} hints; write exactly {hints}.")
    if not checks.scenarios:
        problems.append("there is no scenario; write at least one with @scenario.")
    earlier: set[str] = set()
    for told in checks.scenarios:
        problems += _problems_of(told, earlier)
        earlier.add(told.meaning)
    return problems


def _problems_of_milestones(checks: Checks) -> list[str]:
    problems = []
    if checks.tasks != tuple(range(1, len(checks.tasks) + 1)):
        problems.append(f"the milestones of scenarios are {checks.tasks}; number them from 1.")
    for told in checks.scenarios:
        inside = {other.meaning for other in checks.milestone(told.task).scenarios}
        for need in told.needs:
            if need not in inside:
                label = f'scenario "{told.meaning}"'
                problems.append(f'{label} needs "{need}", which is of another milestone.')
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
