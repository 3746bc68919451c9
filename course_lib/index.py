"""The one index, course.toml, as plain objects.

Everything that lists lessons or exercises (README tables, the map, progress,
the command line, the tests) asks here, so nothing can be listed twice
differently.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["ROOT", "Chapter", "Course", "Exercise", "Notebook", "UnknownId", "course", "load"]

_Found = TypeVar("_Found")

ROOT = Path(__file__).resolve().parent.parent
"""The course's folder: course.toml, notebooks, exercises, solutions."""


class UnknownId(KeyError):
    """No lesson or exercise has this id; the message offers the nearest one."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Notebook:
    """One lesson. `minutes` is reading and doing; `needs` are notebook ids."""

    id: str
    title: str
    question: str
    minutes: int
    needs: tuple[str, ...]
    covers: tuple[str, ...]
    extra: str
    browser_kernel: bool
    reason: str
    path: str  # from ROOT, with forward slashes
    chapter: str  # the chapter's stem

    @property
    def items(self) -> str:
        """Path from ROOT of the questions that this lesson asks."""
        return self.path.rsplit("/", 1)[0] + "/items.toml"


@dataclass(frozen=True)
class Exercise:
    """One exercise. `catalogue` is its permanent number in the catalogue.

    `kind` is "notebook", or "project" for a package with milestones.
    """

    id: str
    catalogue: str
    title: str
    level: str
    minutes: int
    needs: tuple[str, ...]
    covers: tuple[str, ...]
    extra: str
    chapter: str
    slug: str
    kind: str = "notebook"

    @property
    def is_project(self) -> bool:
        return self.kind == "project"

    @property
    def _place(self) -> str:
        return f"{'projects' if self.is_project else self.chapter}/{self.slug}"

    @property
    def folder(self) -> str:
        """Path from ROOT of what is generated, a notebook or a package, and its checks."""
        return f"exercises/{self._place}"

    @property
    def page(self) -> str:
        """Path from ROOT of what a learner opens first."""
        return f"{self.folder}/TASK.md" if self.is_project else self.notebook

    @property
    def notebook(self) -> str:
        return f"{self.folder}/exercise.ipynb"

    @property
    def checks(self) -> str:
        return f"{self.folder}/checks.py"

    @property
    def source(self) -> str:
        """Path from ROOT of the single source, text, starter and reference: a file or a package."""
        return f"solutions/{self._place}{'' if self.is_project else '.py'}"

    @property
    def proofs(self) -> str:
        """Path from ROOT of the folder with `mutants` and `also_right`."""
        return f"tests/exercises/{self._place}"


@dataclass(frozen=True)
class Chapter:
    stem: str
    package: str
    title: str
    question: str
    finished: bool
    notebooks: tuple[Notebook, ...]
    exercises: tuple[Exercise, ...]

    @property
    def number(self) -> int:
        return int(self.stem.split("_", 1)[0])


@dataclass(frozen=True)
class Course:
    title: str
    promise: str
    chapters: tuple[Chapter, ...]

    @property
    def notebooks(self) -> tuple[Notebook, ...]:
        return tuple(n for chapter in self.chapters for n in chapter.notebooks)

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        return tuple(e for chapter in self.chapters for e in chapter.exercises)

    def notebook(self, id: str) -> Notebook:
        """The lesson with this id. Raises UnknownId."""
        return _find(id, {n.id: n for n in self.notebooks}, "lesson")

    def exercise(self, id: str) -> Exercise:
        """The exercise with this id or catalogue number. Raises UnknownId."""
        known = {e.id: e for e in self.exercises}
        known |= {e.catalogue: e for e in self.exercises}
        return _find(id, known, "exercise")


def _find(id: str, known: dict[str, _Found], kind: str) -> _Found:
    if id in known:
        return known[id]
    near = difflib.get_close_matches(id, known, n=1, cutoff=0.3)
    hint = f'Did you mean "{near[0]}"?' if near else "`python3 course.py list` shows them all."
    raise UnknownId(f'There is no {kind} "{id}". {hint}')


def load(text: str) -> Course:
    """A Course from the text of course.toml.

    Raises:
        ValueError: the text is not TOML, or a field is missing or unknown.
    """
    try:
        data = tomllib.loads(text)
        return Course(
            title=data["course"]["title"],
            promise=data["course"]["promise"],
            chapters=tuple(_chapter(dict(c)) for c in data["chapter"]),
        )
    except (ValueError, KeyError, TypeError) as error:  # TOMLDecodeError is a ValueError
        raise ValueError(f"course.toml: {error}") from error


def _chapter(row: dict[str, Any]) -> Chapter:
    notebooks = [_notebook(dict(n), row["stem"]) for n in row.pop("notebook", [])]
    exercises = [Exercise(**_tuples(dict(e)), chapter=row["stem"]) for e in row.pop("exercise", [])]
    return Chapter(**row, notebooks=tuple(notebooks), exercises=tuple(exercises))


def _notebook(row: dict[str, Any], stem: str) -> Notebook:
    file = row.pop("file")
    folder = "notebooks" if stem == "00_start" else f"notebooks/{stem}"
    return Notebook(**_tuples(row), path=f"{folder}/{file}", chapter=stem)


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}


@functools.cache
def course() -> Course:
    """The course in this folder, read once."""
    return load((ROOT / "course.toml").read_text(encoding="utf-8"))
