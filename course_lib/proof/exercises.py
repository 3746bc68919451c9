"""Gates: exercise notebooks are what the build would write, and checks bite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from course_lib.index import Exercise
from course_lib.proof.changes import changed_files, exercises_reached
from course_lib.proof.gates import Gate, course_of, finished

__all__ = [
    "changed_exercises_are_proved",
    "checks_notice_small_changes",
    "exercises_are_fresh",
    "exercises_are_proved",
]

Progress = Callable[[str], None]

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


def exercises_are_proved(root: Path, *, jobs: int = 1, progress: Progress | None = None) -> Gate:
    """Starter, reference, other right designs and mutants of each; covers scenarios."""
    covered, problems = _of_all(root, _proof, jobs, progress)
    return finished(root, "exercises", covered=covered, unit="scenarios", problems=problems)


def checks_notice_small_changes(
    root: Path, *, jobs: int = 1, progress: Progress | None = None
) -> Gate:
    """Changes each reference in one place after the other; covers the changes."""
    covered, problems = _of_all(root, _mutation, jobs, progress)
    return finished(root, "mutation", covered=covered, unit="changes", problems=problems)


def changed_exercises_are_proved(
    root: Path, *, base: str, jobs: int = 1, progress: Progress | None = None
) -> Gate:
    """Both of the above for the exercises that a change since `base` reaches."""
    reached = exercises_reached(root, course_of(root).exercises, changed_files(root, base=base))
    covered = 0
    problems: list[str] = []
    for exercise, why in reached.items():
        if progress:
            progress(f"{exercise.id}, since {why} changed")
        scenarios, found = _proof(exercise, root, jobs)
        covered += scenarios
        problems += [*found, *_mutation(exercise, root, jobs)[1]]
    unit = f"scenarios of {len(reached)} reached exercises"
    return Gate("exercises", covered, unit, 0, tuple(problems))


def _of_all(
    root: Path,
    look: Callable[[Exercise, Path, int], tuple[int, list[str]]],
    jobs: int,
    progress: Progress | None,
) -> tuple[int, list[str]]:
    """What `look` covered, and the problems that it found, in the order of the course."""
    try:
        exercises = course_of(root).exercises
    except ValueError as error:
        return 0, [f"{error}."]
    covered = 0
    problems: list[str] = []
    for exercise in exercises:
        more, found = look(exercise, root, jobs)
        covered += more
        problems += found
        if progress:
            progress(exercise.id)
    return covered, problems


def _proof(exercise: Exercise, root: Path, jobs: int) -> tuple[int, list[str]]:
    from course_lib.practice.proof import prove

    result = prove(exercise, root=root, jobs=jobs)
    return result.scenarios, [f"{exercise.folder}: {problem}" for problem in result.problems]


def _mutation(exercise: Exercise, root: Path, jobs: int) -> tuple[int, list[str]]:
    from course_lib.practice.mutation import mutate

    result = mutate(exercise, root=root, jobs=jobs)
    return result.total, [] if result.ok else [f"{exercise.folder}: {result}"]
