"""Gates: exercise notebooks are what the build would write, and checks bite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from course_lib.proof.gates import Gate, course_of, finished

__all__ = ["checks_notice_small_changes", "exercises_are_fresh", "exercises_are_proved"]

BUILD_LIMIT = 300.0
"""Seconds for building every exercise."""


def exercises_are_fresh(root: Path) -> Gate:
    """Builds every exercise again, writes nothing; covers exercises."""
    problems: list[str] = []
    ids: list[str] = []
    try:
        ids = [exercise.id for exercise in course_of(root).exercises]
        problems = _stale(root)
    except ValueError as error:
        problems.append(str(error))
    return finished(root, "fresh", covered=len(ids), unit="exercises", problems=problems)


def _stale(root: Path) -> list[str]:
    """Builds in a fork: what it loads would make each of the thousands of later forks slow."""
    from course_lib.practice.build import build
    from course_lib.practice.forked import Ended, in_forks

    (stale,) = in_forks([lambda: build(check=True, root=root)], seconds=BUILD_LIMIT)
    if isinstance(stale, Ended):
        return [f"exercises: the build {stale.why}; run `python3 course.py build`."]
    return [
        f"{name}: is not what its source makes; run `python3 course.py build`." for name in stale
    ]


def exercises_are_proved(
    root: Path, *, jobs: int = 1, progress: Callable[[str], None] | None = None
) -> Gate:
    """Starter, reference, other right designs and mutants of each; covers scenarios."""
    from course_lib.practice.proof import prove

    problems: list[str] = []
    scenarios = 0
    try:
        exercises = course_of(root).exercises
    except ValueError as error:
        exercises = ()
        problems.append(f"{error}.")
    for exercise in exercises:
        result = prove(exercise, root=root, jobs=jobs)
        scenarios += result.scenarios
        problems += [f"{exercise.folder}: {problem}" for problem in result.problems]
        if progress:
            progress(exercise.id)
    return finished(root, "exercises", covered=scenarios, unit="scenarios", problems=problems)


def checks_notice_small_changes(
    root: Path, *, jobs: int = 1, progress: Callable[[str], None] | None = None
) -> Gate:
    """Changes each reference in one place after the other; covers the changes."""
    from course_lib.practice.mutation import mutate

    problems: list[str] = []
    changes = 0
    try:
        exercises = course_of(root).exercises
    except ValueError as error:
        exercises = ()
        problems.append(f"{error}.")
    for exercise in exercises:
        result = mutate(exercise, root=root, jobs=jobs)
        changes += result.total
        if not result.ok:
            problems.append(f"{exercise.folder}: {result}")
        if progress:
            progress(exercise.id)
    return finished(root, "mutation", covered=changes, unit="changes", problems=problems)
