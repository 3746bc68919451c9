"""An exercise made ready for checking: its scenarios, its reference, what is expected."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_lib.index import ROOT, Exercise, course, load
from course_lib.practice.running import tell
from course_lib.practice.scenarios import Checks, Scenario, read_checks
from course_lib.practice.source import BadExercise, reference_text, run_text
from course_lib.practice.values import foreign_in

__all__ = ["Opened", "find_exercise", "open_exercise"]


@dataclass(frozen=True)
class Opened:
    """`expected` holds what the reference gave, by seed and meaning, once asked for."""

    exercise: Exercise
    root: Path
    checks: Checks
    source: str
    reference: dict[str, Any]
    expected: dict[tuple[int | str, str], object] = field(default_factory=dict)

    def expect(self, scenario: Scenario, *, seed: int | str) -> object:
        """What the scenario gives when it is told to the reference.

        Raises:
            BadExercise: the reference crashes or gives something not plain.
        """
        key = (seed, scenario.meaning)
        if key not in self.expected:
            self.expected[key] = self._tell_reference(scenario, seed)
        return self.expected[key]

    def _tell_reference(self, scenario: Scenario, seed: int | str) -> object:
        told = tell(scenario, self.checks.names, self.reference, seed=seed)
        label = f'{self.exercise.id}: the reference in "{scenario.meaning}"'
        if not told.ended:
            raise BadExercise(f"{label} stops: {told.error} {told.line}".strip())
        foreign = foreign_in(told.value)
        if foreign:
            raise BadExercise(f"{label} gives {foreign.text}; return plain built-in values.")
        return told.value


def find_exercise(id: str, root: Path = ROOT) -> Exercise:
    """The exercise's row in the course.toml of `root`. Raises UnknownId."""
    if root == ROOT:
        return course().exercise(id)
    return load((root / "course.toml").read_text(encoding="utf-8")).exercise(id)


def open_exercise(id: str, root: Path = ROOT) -> Opened:
    """Open an exercise; once, until its source or its checks change.

    Raises:
        UnknownId: no exercise has this id.
        BadExercise: its checks or its reference are broken.
    """
    exercise = find_exercise(id, root)
    source, checks = root / exercise.source, root / exercise.checks
    return _open(exercise, root, _changed(source), _changed(checks))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise BadExercise(f"{path.as_posix()} cannot be read: {error.strerror}.") from error


@functools.lru_cache(maxsize=32)
def _open(exercise: Exercise, root: Path, _source: int, _checks: int) -> Opened:
    path = root / exercise.source
    source = path.read_text(encoding="utf-8")
    module = run_text(reference_text(source), path, name=f"reference_{exercise.slug}")
    checks = read_checks(root / exercise.checks)
    missing = [name for name in checks.names if not hasattr(module, name)]
    if missing:
        raise BadExercise(f"{exercise.source} does not define {missing[0]}, which NAMES lists.")
    return Opened(exercise, root, checks, source, vars(module))
