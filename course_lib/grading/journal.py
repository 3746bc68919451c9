"""What has been marked so far, one line each, so that a stop or a crash loses nothing.

What is added survives a kill of the grader at once, and a loss of power after a second;
what is lost then is marked again.

A result is found again by what it depends on: the learner's cells, the exercise, the
seed, and the grader. So a changed submission is marked anew, and a renamed one is not.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from course_lib.grading.marking import Marked
from course_lib.grading.notebook_cells import Cell

__all__ = ["Journal", "key_of"]

VERSION = "3"
"""Changes whenever the grader would give other marks, or other words."""

SYNC_AFTER = 1.0
"""Seconds. A disk takes milliseconds to make sure, as long as marking itself."""


def key_of(cells: list[Cell], *, assignment: str, seed: str) -> str:
    """The key of a result. `assignment` is the digest of the exercise, `seed` its name."""
    parts = json.dumps([VERSION, assignment, seed, cells], sort_keys=True)
    return hashlib.sha256(parts.encode("ascii")).hexdigest()


class Journal:
    """A file of results that only grows; a context manager.

    A line that was cut off when the grader was killed is not a result.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.monotonic) -> None:
        self._found: dict[str, Marked] = {}
        self._same: dict[Marked, Marked] = {}
        self._file = path.open("a+b")
        self._read()
        self._now = now
        self._synced = now()

    def _read(self) -> None:
        self._file.seek(0)
        line = b"\n"
        for line in self._file:
            key, _, text = line.decode("ascii", "replace").rstrip("\n").partition(" ")
            try:
                self._keep(key, Marked.from_json(text))
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
        if not line.endswith(b"\n"):
            self._file.write(b"\n")

    def _keep(self, key: str, marked: Marked) -> Marked:
        """Many learners get the same result; it is in memory once."""
        self._found[key] = self._same.setdefault(marked, marked)
        return self._found[key]

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._sync()
        self._file.close()

    def get(self, key: str) -> Marked | None:
        return self._found.get(key)

    def add(self, key: str, marked: Marked) -> Marked:
        """Keep a result; the same one, or an equal one that is kept already."""
        if key in self._found:
            return self._found[key]
        self._file.write(f"{key} {marked.to_json()}\n".encode("ascii"))
        self._file.flush()
        if self._now() - self._synced >= SYNC_AFTER:
            self._sync()
        return self._keep(key, marked)

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._synced = self._now()
