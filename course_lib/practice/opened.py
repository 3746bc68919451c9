"""An exercise made ready for checking: its scenarios, its reference, what is expected."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from course_lib.index import ROOT, Exercise, course
from course_lib.index import load as load_index
from course_lib.practice import projects
from course_lib.practice.running import tell
from course_lib.practice.scenarios import Checks, Scenario, read_checks
from course_lib.practice.source import BadExercise, reference_text, run_text
from course_lib.practice.values import foreign_in

__all__ = ["Opened", "find_exercise", "open_exercise"]


@dataclass(frozen=True)
class Opened:
    """`expected` holds what the reference gave, by seed and meaning, once asked for.

    A project has no `source`: it has many files.
    """

    exercise: Exercise
    root: Path
    checks: Checks
    source: str
    reference: dict[str, Any]
    expected: dict[tuple[int | str, str], object] = field(default_factory=dict)

    def milestone(self, number: int) -> Opened:
        """Only the scenarios of this milestone of a project; what is expected is shared."""
        return replace(self, checks=self.checks.milestone(number))

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
    return load_index((root / "course.toml").read_text(encoding="utf-8")).exercise(id)


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
    """When the file, or any file of the folder, was last changed."""
    try:
        files = [each for each in path.rglob("*.*") if each.parent.name != "__pycache__"]
        return max(each.stat().st_mtime_ns for each in files or [path])
    except OSError as error:
        raise BadExercise(f"{path.as_posix()} cannot be read: {error.strerror}.") from error


@functools.lru_cache(maxsize=32)
def _open(exercise: Exercise, root: Path, _source: int, _checks: int) -> Opened:
    source, reference = _reference(exercise, root / exercise.source)
    checks = read_checks(root / exercise.checks, project=exercise.is_project)
    missing = [name for name in checks.names if name not in reference]
    if missing:
        raise BadExercise(f"{exercise.source} does not define {missing[0]}, which NAMES lists.")
    return Opened(exercise, root, checks, source, reference)


def _reference(exercise: Exercise, path: Path) -> tuple[str, dict[str, Any]]:
    """The text of the source, "" for a project, and its namespace."""
    name = f"reference_{exercise.slug}"
    if not exercise.is_project:
        source = path.read_text(encoding="utf-8")
        return source, vars(run_text(reference_text(source), path, name=name))
    namespace, failure = projects.load(path, name)
    if failure:
        raise BadExercise(f"{exercise.source} does not run: {failure.error} {failure.line}")
    return "", namespace
