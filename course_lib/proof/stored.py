"""Gate: what the notebooks store is from one clean run and from no machine.

Lessons keep their outputs because readers see them and CI compares them.
Exercises keep none. Nothing stored may name a place, an address or a moment
that is different on the next machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from course_lib.proof.gates import Gate, exercise_notebooks, finished, lesson_notebooks
from course_lib.proof.notebook_files import (
    Cell,
    code_cells,
    output_texts,
    read,
    source,
    tags,
    where,
)

__all__ = ["VOLATILE_SHARE", "outputs_are_clean", "volatile_cells_are_few"]

VOLATILE_SHARE = 0.05

_STRAY = {
    "a memory address": re.compile(r"\b0x[0-9a-fA-F]{6,}"),
    "an absolute path": re.compile(
        r"(?<![\w.~:/-])/(?:home|root|Users|tmp|var|private|usr|opt|work)/[\w.-]|\b[A-Z]:\\\w"
    ),
    "a colour code of a terminal": re.compile(r"\x1b\["),
}
_BASE64 = re.compile(r"base64,[A-Za-z0-9+/=\s]+")
_WIDGET = "application/vnd.jupyter.widget"


def outputs_are_clean(root: Path) -> Gate:
    """Covers the code cells of lessons and exercises."""
    problems: list[str] = []
    cells = 0
    for path, checks in _with_checks(root):
        name = path.relative_to(root).as_posix()
        try:
            notebook = read(path)
        except ValueError:
            continue  # the structure gate says so
        cells += len(code_cells(notebook))
        problems += [f"{name}: {what}" for what in checks(notebook)]
    return finished(root, "outputs", covered=cells, unit="code cells", problems=problems)


def _with_checks(root: Path) -> Iterator[tuple[Path, Any]]:
    for path in lesson_notebooks(root):
        yield path, _lesson
    for path in exercise_notebooks(root):
        yield path, _exercise


def _lesson(notebook: dict[str, Any]) -> Iterator[str]:
    cells = code_cells(notebook)
    counts = [cell.get("execution_count") for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        yield "is not stored from one clean run, counts 1 to the last; build it with --run."
    if not any(cell.get("outputs") for cell in cells):
        yield "stores no output at all; build it with --run."
    for number, cell in enumerate(cells, 1):
        for what in _cell(cell):
            yield f"{where(cell, number)} {what}"


def _cell(cell: Cell) -> Iterator[str]:
    expected = "raises-exception" in tags(cell)
    errors = [o["ename"] for o in cell.get("outputs", []) if o["output_type"] == "error"]
    if errors and not expected:
        yield f"stores an unexpected {errors[0]}; mend the cell."
    if expected and not errors:
        yield "is tagged raises-exception and stores no error; mend the cell or take the tag off."
    names = [str(output.get("name", "")) for output in cell.get("outputs", [])]
    if any(all(pair) and pair != ("stdout", "stderr") for pair in pairwise(names)):
        yield "stores its streams in pieces, or stderr before stdout; build the lesson again."
    for kind, text in output_texts(cell):
        if kind.startswith(_WIDGET):
            yield "stores widget state; build the lesson again."
            continue
        for what, pattern in _STRAY.items():
            if found := pattern.search(_BASE64.sub("", text)):
                yield f"shows {what} ({found[0]!r} in {kind}); print something stable instead."


def _exercise(notebook: dict[str, Any]) -> Iterator[str]:
    for number, cell in enumerate(code_cells(notebook), 1):
        if cell.get("outputs") or cell.get("execution_count") is not None:
            yield f"{where(cell, number)} stores an output; exercises store none, build it again."


def volatile_cells_are_few(root: Path) -> Gate:
    """A volatile cell is run and not compared: each needs a reason, and all together a cap."""
    problems: list[str] = []
    total = volatile = 0
    for path in lesson_notebooks(root):
        try:
            cells = [cell for cell in code_cells(read(path)) if source(cell).strip()]
        except ValueError:
            continue  # the structure gate says so
        total += len(cells)
        for number, cell in enumerate(cells, 1):
            if "volatile" not in tags(cell):
                continue
            volatile += 1
            if not str(cell["metadata"].get("volatile_reason", "")).strip():
                name = path.relative_to(root).as_posix()
                problems.append(f"{name}: {where(cell, number)} is volatile and says not why.")
    if volatile > VOLATILE_SHARE * total:
        problems.append(
            f"notebooks: {volatile} of {total} code cells are volatile, the cap is "
            f"{VOLATILE_SHARE:.0%}; make their outputs stable."
        )
    return finished(root, "volatile", covered=total, unit="code cells", problems=problems)
