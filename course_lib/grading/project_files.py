"""A project handed in: a package, at any depth of a folder or a zip, one cell a file.

So a project takes the same way through the grader as a notebook. Files of the starter
that are not there are as they were given.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from course_lib.grading.handed_in import File
from course_lib.grading.notebook_cells import Cell, decoded
from course_lib.practice.projects import Files, load, read_files
from course_lib.practice.running import Told

__all__ = ["SUFFIXES", "file_cells", "found_at", "load_package", "package_cells", "starter"]

SUFFIXES = (".py", ".sql")
"""Of the files of a project that are marked."""


@functools.cache
def starter(folder: Path) -> Files:
    """The files that learners were given. Raises BadExercise: there are none."""
    return {
        name: text
        for name, text in read_files(folder).items()
        if name.endswith(SUFFIXES) and name != "checks.py"
    }


def found_at(files: Iterable[File], given: Mapping[str, str], *, share: float) -> str | None:
    """The folder that holds most of the given files, "" for the top; None if there is none.

    Args:
        share: of the given files must be there, and one at least.
    """
    paths = {file.path for file in files}
    folders = {""} | {str(above) for path in paths for above in PurePosixPath(path).parents}
    counts = {
        folder.removeprefix("."): sum(_join(folder, name) in paths for name in given)
        for folder in sorted(folders)
    }
    best = max(counts, key=lambda folder: (counts[folder], -len(folder)))
    return best if counts[best] >= max(1, share * len(given)) else None


def _join(folder: str, name: str) -> str:
    return (PurePosixPath(folder) / name).as_posix()


def package_cells(files: Iterable[File], folder: str, given: Mapping[str, str]) -> list[Cell]:
    """The package in `folder`, filled up with what was given."""
    texts = dict(given)
    for file in files:
        path = PurePosixPath(file.path)
        if path.is_relative_to(folder) and path.suffix in SUFFIXES and ".." not in path.parts:
            texts[path.relative_to(folder).as_posix()] = decoded(file.data)
    return file_cells(texts)


def file_cells(files: Mapping[str, str]) -> list[Cell]:
    return [
        {"name": name, "id": "", "kind": "file", "tags": [], "solution": True, "source": text}
        for name, text in sorted(files.items())
    ]


def load_package(cells: Iterable[Cell], name: str) -> tuple[dict[str, Any], Told | None]:
    """Write the files to the current folder and import them; the namespace, and what stopped it."""
    folder = Path.cwd() / name
    for cell in cells:
        path = folder / cell["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(cell["source"], encoding="utf-8", errors="replace")
    return load(folder, name)
