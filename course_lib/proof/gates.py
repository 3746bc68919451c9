"""One shape for every gate, so that all are run, counted and shown alike.

A gate is a plain function `(root) -> Gate`: it looks at the course in the
folder `root` and says how much it looked at and what is wrong. A gate that
looked at less than its minimum fails too, because a green light that checked
nothing is the worst kind of fault. The minimums stand in one table,
tests/minimums.toml.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from course_lib.index import Course, load

__all__ = ["Gate", "course_of", "exercise_notebooks", "finished", "lesson_notebooks", "tracked"]

MINIMUMS = "tests/minimums.toml"

_NOT_OURS = {".git", ".venv", "work", "__pycache__", ".ipynb_checkpoints"}


@dataclass(frozen=True)
class Gate:
    """What one gate found.

    `problems` are sentences that begin with the file they are about.
    """

    name: str
    covered: int
    unit: str
    minimum: int
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.problems and self.covered >= self.minimum

    @property
    def complaints(self) -> tuple[str, ...]:
        """Every reason why this gate fails; empty when it passes."""
        if self.covered >= self.minimum:
            return self.problems
        short = (
            f"{self.name}: looked at {self.covered} {self.unit}, the minimum is {self.minimum}; "
            f"find what went missing, or change {MINIMUMS} if it is meant."
        )
        return (*self.problems, short)


def finished(
    root: Path, name: str, *, covered: int, unit: str, problems: Iterable[str] = ()
) -> Gate:
    """A Gate with its minimum from the table; a gate without one is a problem."""
    minimums = _minimums(root)
    found = list(problems)
    if name not in minimums:
        found.append(f'{MINIMUMS}: has no minimum for "{name}"; add one.')
    return Gate(name, covered, unit, minimums.get(name, 1), tuple(found))


def _minimums(root: Path) -> dict[str, int]:
    try:
        table = tomllib.loads((root / MINIMUMS).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    return {name: value for name, value in table.items() if isinstance(value, int)}


def course_of(root: Path) -> Course:
    """The course in `root`.

    Raises:
        ValueError: course.toml is absent or cannot be read as the index.
    """
    try:
        text = (root / "course.toml").read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"course.toml: cannot be read ({error.strerror})") from error
    return load(text)


def lesson_notebooks(root: Path) -> list[Path]:
    """Every lesson that is there, listed or not."""
    return _notebooks(root / "notebooks")


def exercise_notebooks(root: Path) -> list[Path]:
    """Every exercise notebook that is there, listed or not."""
    return _notebooks(root / "exercises")


def _notebooks(folder: Path) -> list[Path]:
    found = folder.rglob("*.ipynb")
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def tracked(root: Path, *suffixes: str) -> list[Path]:
    """The files that belong to the course: git's, or all where there is no git.

    A file that is new and not ignored counts as well, so that a gate speaks
    before the commit and not after it.
    """
    if (root / ".git").exists():
        names: Iterator[Path] = iter(_from_git(root))
    else:
        names = (path for path in root.rglob("*") if not _NOT_OURS & set(path.parts))
    files = (path for path in names if path.is_file() and not path.is_symlink())
    return sorted(path for path in files if not suffixes or path.suffix in suffixes)


def _from_git(root: Path) -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True, timeout=60)
    return [root / name for name in listed.stdout.decode("utf-8").split("\0") if name]
