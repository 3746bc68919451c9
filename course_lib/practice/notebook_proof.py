"""What the proof of an exercise asks of its notebook, and how its answers are run.

A project answers the same questions in another way: see project_proof.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.practice.answers import read_variant
from course_lib.practice.checking import PUBLIC_SEED, judge
from course_lib.practice.learner import CodeCell, code_cells, run_cells
from course_lib.practice.opened import Opened
from course_lib.practice.running import Told
from course_lib.practice.source import BadExercise, reference_text, solution_text

__all__ = ["NOTEBOOK", "Forks", "Form", "answer_text"]

CELLS_LIMIT = 10.0  # seconds for running one file

Forks = Callable[[Sequence[Callable[[], Any]]], Iterable[Any]]
"""`in_forks` with everything but the tasks settled."""


@dataclass(frozen=True)
class Form:
    """What differs between kinds of exercises. A folder `room` is there during the proof."""

    starter: Callable[[Opened, Path, Forks], Iterator[str]]
    """What is wrong with the starter."""
    run: Callable[[Opened, Path, Path], tuple[dict[str, Any], Told | None]]
    """Namespace of the answer in a file, and what stopped it. Raises BadExercise."""
    texts: Callable[[Opened], tuple[str, str]]
    """All of the solution, and all that a learner is given."""


def _starter(opened: Opened, _room: Path, _forks: Forks) -> Iterator[str]:
    cells = code_cells(_notebook_cells(opened, "code"), opened.checks.names)
    namespace, failure = run_cells(cells, seconds=CELLS_LIMIT)
    if failure:
        yield f"The starter stops when it is run: {failure.error}, {failure.line}."
        return
    report = judge(opened, namespace, seed=PUBLIC_SEED)
    if report.outcome != "not started":
        told = report.text.replace("\n", " | ")
        yield f'The starter must be "not started"; it is "{report.outcome}": {told}'


def _run(opened: Opened, _room: Path, path: Path) -> tuple[dict[str, Any], Told | None]:
    """Run the exercise's setup cells, then the file."""
    setup = CodeCell("setup", reference_text(opened.source, "setup"))
    answer = CodeCell(path.name, answer_text(opened, path))
    return run_cells([setup, answer], seconds=CELLS_LIMIT)


def answer_text(opened: Opened, path: Path) -> str:
    """What a learner with this answer has written: the file, or the reference with its edits.

    Raises:
        BadExercise: the edits cannot be read, or do not fit.
    """
    if path.suffix != ".toml":
        return path.read_text(encoding="utf-8")
    name = Path(opened.exercise.source).name
    return read_variant(path).of({name: solution_text(opened.source)})[name]


def _texts(opened: Opened) -> tuple[str, str]:
    cells = _notebook_cells(opened, "code", "markdown")
    return solution_text(opened.source), "\n".join(cell["source"] for cell in cells)


def _notebook_cells(opened: Opened, *kinds: str) -> list[dict[str, Any]]:
    """Cells of the notebook that learners get; another gate compares it with its source."""
    path = opened.exercise.notebook
    try:
        cells = json.loads((opened.root / path).read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise BadExercise(f"{path} cannot be read; run `python3 course.py build`.") from error
    wanted = [cell for cell in cells if cell["cell_type"] in kinds]
    return [{**cell, "source": "".join(cell["source"])} for cell in wanted]


NOTEBOOK = Form(_starter, _run, _texts)
