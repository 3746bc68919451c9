"""What has been marked so far, one line each, so that a stop or a crash loses nothing.

A result is found again by what it depends on: the learner's cells, the exercise, the
seed, and the grader. So a changed submission is marked anew, and a renamed one is not.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from types import TracebackType

from course_lib.grading.marking import Marked
from course_lib.grading.notebook_cells import Cell

__all__ = ["Journal", "key_of"]

VERSION = "1"
"""Changes whenever the grader would give other marks, or other words."""


def key_of(cells: list[Cell], *, assignment: str, seed: str) -> str:
    """The key of a result. `assignment` is the digest of the exercise, `seed` its name."""
    parts = json.dumps([VERSION, assignment, seed, cells], sort_keys=True)
    return hashlib.sha256(parts.encode("ascii")).hexdigest()


class Journal:
    """A file of results that only grows; a context manager.

    A line that was cut off when the grader was killed is not a result.
    """

    def __init__(self, path: Path) -> None:
        self._found: dict[str, Marked] = {}
        for line in _lines(path):
            key, _, text = line.partition(" ")
            try:
                self._found[key] = Marked.from_json(text)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
        self._file = path.open("ab")
        if _ends_inside_a_line(path):
            self._file.write(b"\n")

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def get(self, key: str) -> Marked | None:
        return self._found.get(key)

    def add(self, key: str, marked: Marked) -> None:
        """Keep a result; it is on the disk when this returns."""
        if key in self._found:
            return
        self._file.write(f"{key} {marked.to_json()}\n".encode("ascii"))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._found[key] = marked


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("ascii", "replace").splitlines()
    except FileNotFoundError:
        return []


def _ends_inside_a_line(path: Path) -> bool:
    data = path.read_bytes()
    return bool(data) and not data.endswith(b"\n")
