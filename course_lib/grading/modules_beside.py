"""Modules that an answer imports: files handed in beside it, and `%%writefile` cells."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from course_lib.grading.handed_in import File
from course_lib.grading.notebook_cells import Cell, decoded

__all__ = ["modules_beside", "write_modules"]

_KIND = "module"
_IMPORTED = re.compile(
    r"^[ \t]*(?:(?:from|import)[ \t]+|%run[ \t]+(?:-\w+[ \t]+)*[\"']?(?:\./)?)(?P<name>\w+)",
    re.MULTILINE,
)
_WRITTEN = re.compile(
    r"\s*%%(?:writefile|file)[ \t]+(?P<more>-a[ \t]+)?[\"']?(?P<name>[\w./-]+\.py)[\"']?[ \t]*\r?\n"
)


def modules_beside(cells: Iterable[Cell], path: str, files: Sequence[File]) -> list[Cell]:
    """The scripts in the answer's folder and below, if the answer imports one of them.

    Args:
        path: of the answer, whose cells these are.
    """
    folder = PurePosixPath(path).parent
    texts = {
        PurePosixPath(file.path).relative_to(folder).as_posix(): file.data
        for file in files
        if file.path.endswith(".py")
        and file.path != path
        and PurePosixPath(file.path).is_relative_to(folder)
    }
    tops = {name.partition("/")[0].removesuffix(".py") for name in texts}
    imported = {name for cell in cells for name in _IMPORTED.findall(cell["source"])}
    if not tops & imported:
        return []
    return [
        {"name": name, "id": "", "kind": _KIND, "tags": [], "solution": False, "source": text}
        for name, text in ((name, decoded(data)) for name, data in sorted(texts.items()))
    ]


def write_modules(cells: Iterable[Cell]) -> None:
    """In the child: write them to the current folder, from where they can be imported."""
    texts: dict[str, str] = {}
    for cell in cells:
        if cell["kind"] == _KIND:
            texts[cell["name"]] = cell["source"]
        elif written := _WRITTEN.match(cell["source"]):
            before = texts.get(written["name"], "") if written["more"] else ""
            texts[written["name"]] = before + cell["source"][written.end() :]
    for name, text in texts.items():
        with contextlib.suppress(OSError, ValueError):  # the import says what is missing
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8", errors="replace")
    if texts:
        sys.path.insert(0, os.getcwd())
