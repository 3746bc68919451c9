"""An exercise as a teacher sees it: right answers, and each known mistake with what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from course_lib.index import Exercise
from course_lib.practice import projects
from course_lib.practice.answers import answers_in, promise
from course_lib.practice.scenarios import Checks, read_checks
from course_lib.practice.source import solution_text

from .differences import Change, changes, first_words

__all__ = ["Answer", "ExerciseNotes", "exercise_notes"]


@dataclass(frozen=True)
class Answer:
    """Another answer, right or wrong.

    `words` are the author's on a right one; of a wrong one, they are in what learners read.
    """

    file: str
    words: str
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        return Path(self.file).stem.replace("_", " ")


@dataclass(frozen=True)
class ExerciseNotes:
    """`mistakes` are by the meaning of the scenario that catches them."""

    checks: Checks
    reference: Mapping[str, str]
    others: tuple[Answer, ...]
    mistakes: Mapping[str, tuple[Answer, ...]]

    @property
    def mistakes_in_all(self) -> int:
        return sum(map(len, self.mistakes.values()))


def exercise_notes(exercise: Exercise, root: Path) -> ExerciseNotes:
    """Everything about the exercise that learners do not see.

    Raises:
        BadExercise: its checks, its source or its proofs are broken.
    """
    checks = read_checks(root / exercise.checks, project=exercise.is_project)
    reference = _reference(exercise, root)
    others = answers_in(root / exercise.proofs / "also_right")
    whole = {path.name: path.read_text(encoding="utf-8") for path in others if _is_whole(path)}
    right = {**({} if exercise.is_project else reference), **whole}
    return ExerciseNotes(
        checks,
        reference,
        tuple(Answer(path.name, first_words(path), _other(path)) for path in others),
        _mistakes(root / exercise.proofs / "mutants", right),
    )


def _reference(exercise: Exercise, root: Path) -> dict[str, str]:
    path = root / exercise.source
    if exercise.is_project:
        files = projects.read_files(path)
        return {name: text for name, text in files.items() if name != Path(exercise.page).name}
    return {path.name: solution_text(path.read_text(encoding="utf-8"))}


def _is_whole(path: Path) -> bool:
    return path.suffix == ".py"


def _other(path: Path) -> tuple[Change, ...]:
    if _is_whole(path):
        return (Change(path.name, "", path.read_text(encoding="utf-8").strip("\n")),)
    return tuple(changes(path, {}))


def _mistakes(folder: Path, right: Mapping[str, str]) -> dict[str, tuple[Answer, ...]]:
    found: dict[str, list[Answer]] = {}
    for scenario, answer in _wrong(folder, right):
        found.setdefault(scenario, []).append(answer)
    return {scenario: tuple(answers) for scenario, answers in found.items()}


def _wrong(folder: Path, right: Mapping[str, str]) -> Iterator[tuple[str, Answer]]:
    for path in answers_in(folder):
        scenario, words = promise(path)
        yield scenario, Answer(path.name, words, tuple(changes(path, right)))
