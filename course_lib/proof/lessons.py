"""The one seam to whatever runs the lessons and compares them.

`run_lessons` is all that the rest of the course knows of it. Today it is
pytest with nbval and our plugin, in a process of its own.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.index import ROOT
from course_lib.proof.changes import changed_files, reached
from course_lib.proof.drawn_with import pictures_are_comparable
from course_lib.proof.gates import Gate, finished, lesson_notebooks
from course_lib.proof.warm_start import ADDRESS, can_fork, template

__all__ = [
    "LessonResult",
    "changed_lessons_still_show_what_they_say",
    "lessons_still_show_what_they_say",
    "run_lessons",
]

SECONDS_PER_LESSON = 180
HERE = Path(sys.executable)

_SETTINGS = ROOT / "tests" / "notebooks"


@dataclass(frozen=True)
class LessonResult:
    """What became of the lessons.

    `covered` cells were run, `compared` of them were also compared with what
    is stored. A problem is 'LESSON, section "S": cell "ID": what is wrong', with
    a diff, in the order in which they were found.
    """

    covered: int
    compared: int
    problems: tuple[str, ...]


def run_lessons(
    lessons: Sequence[Path],
    *,
    jobs: int = 1,
    order_seed: int | None = None,
    cell_seconds: float = 60,
    warm: bool = True,
    python: Path = HERE,
    progress: Callable[[str], None] | None = None,
) -> LessonResult:
    """Run every lesson from top to bottom, each in a fresh kernel, and compare.

    Args:
        jobs: how many lessons run at the same time.
        order_seed: shuffles the lessons, to show that none needs another.
        cell_seconds: time limit of one cell.
        warm: fork the kernels from a template; where that is not possible, they start plainly.
        python: interpreter of the environment in which everything runs.
        progress: gets the name of each lesson when it has ended.
    """
    order = [path.resolve() for path in lessons]
    if order_seed is not None:
        random.Random(order_seed).shuffle(order)
    with tempfile.TemporaryDirectory(prefix="break-it-first-report-") as folder:
        report = Path(folder) / "cells.jsonl"
        said = Path(folder) / "pytest.txt"
        command = [str(python), *_pytest(order, jobs=jobs, limit=cell_seconds, report=report)]
        limit = SECONDS_PER_LESSON * (1 + len(order))
        with ExitStack() as stack:
            address = ""
            if warm and can_fork():
                address = stack.enter_context(template(Path(folder) / "warm", python=python))
            process = stack.enter_context(_running(command, said, template=address))
            ended = _follow(process, report, limit=limit, progress=progress)
        rows = _rows(report)
        return _result(order, rows, ended, said.read_text(encoding="utf-8", errors="replace"))


def _pytest(order: list[Path], *, jobs: int, limit: float, report: Path) -> list[str]:
    return [
        *("-m", "pytest", "-c", str(_SETTINGS / "pytest.ini")),
        *("--rootdir", str(_root_of(order)), "-p", "nbval.plugin"),
        *("--nbval-cell-timeout", str(limit), "--course-report", str(report)),
        *("--basetemp", str(report.parent / "pytest")),
        *_side_by_side(jobs),
        *map(str, order),
    ]


def _side_by_side(jobs: int) -> tuple[str, ...]:
    if can_fork():  # what is captured would be mixed up between the forks
        return ("-p", "course_lib.proof.side_by_side", "--course-jobs", str(jobs), "--capture=no")
    return ("-p", "xdist", "-n", str(jobs), "--dist", "loadfile") if jobs > 1 else ()


def _root_of(lessons: list[Path]) -> Path:
    """A folder that holds all lessons: pytest names files from there, and only so apart."""
    if all(path.is_relative_to(ROOT) for path in lessons):
        return ROOT
    return Path(os.path.commonpath([path.parent for path in lessons]))


@contextmanager
def _running(command: list[str], said: Path, *, template: str) -> Iterator[subprocess.Popen[bytes]]:
    # Other plugins of this environment have no say in how lessons run.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", ADDRESS: template}
    with said.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _follow(
    process: subprocess.Popen[bytes],
    report: Path,
    *,
    limit: float,
    progress: Callable[[str], None] | None,
) -> int | None:
    """The exit status; None when it took longer than `limit` seconds."""
    told: set[str] = set()
    waited = 0.0
    while waited < limit:
        try:
            return process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            waited += 0.5
        done = {row["lesson"] for row in _rows(report) if row["compared"] is None}
        for lesson in sorted(done - told):
            told.add(lesson)
            if progress:
                progress(_name(Path(lesson)))
    return None


def _rows(report: Path) -> list[dict[str, Any]]:
    try:
        text = report.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _result(
    order: list[Path], rows: list[dict[str, Any]], ended: int | None, said: str
) -> LessonResult:
    cells = [row for row in rows if row["compared"] is not None and row["outcome"] != "skipped"]
    problems = [_problem(row) for row in rows if row["outcome"] == "failed"]
    seen = {Path(row["lesson"]) for row in cells}
    problems += [f"{_name(path)}: no cell of it was run." for path in order if path not in seen]
    if ended is None:
        problems.append("lessons: took too long and were stopped.")
    elif ended not in (0, 1):
        problems.append(f"lessons: pytest stopped with status {ended}:\n{said[-2000:]}")
    elif ended and not problems:  # killed in the middle, it could not say what is missing
        problems.append("lessons: a process that runs them was killed; run the same again.")
    compared = sum(row["compared"] for row in cells)
    return LessonResult(len(cells), compared, tuple(problems))


def _problem(row: dict[str, Any]) -> str:
    cell = f'cell "{row["cell"]}": ' if row["compared"] is not None else ""
    section = f', section "{row["section"]}"' if row["section"] else ""
    return f"{_name(Path(row['lesson']))}{section}: {cell}{row['text']}"


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def lessons_still_show_what_they_say(
    root: Path,
    *,
    jobs: int = 1,
    warm: bool = True,
    order_seed: int | None = None,
    python: Path = HERE,
    progress: Callable[[str], None] | None = None,
) -> Gate:
    """Covers the cells that were compared. The order is random unless a seed is given."""
    seed = random.randrange(10_000) if order_seed is None else order_seed
    if progress:
        progress(f"lessons in the order of --seed {seed}")
    result = run_lessons(
        lesson_notebooks(root),
        jobs=jobs,
        warm=warm,
        order_seed=seed,
        python=python,
        progress=progress,
    )
    # Where pictures are drawn otherwise, only their words could be compared: the line says so.
    unit = "compared cells" if pictures_are_comparable() else "compared cells, pictures as text"
    return finished(root, "lessons", covered=result.compared, unit=unit, problems=result.problems)


def changed_lessons_still_show_what_they_say(
    root: Path, *, base: str, jobs: int = 1, progress: Callable[[str], None] | None = None
) -> Gate:
    """As above for the lessons that a change since `base` reaches; of none it asks nothing."""
    lessons = reached(root, changed_files(root, base=base))
    for path, why in lessons.items():
        if progress:
            progress(f"{_name(path)}, since {why} changed")
    result = run_lessons(list(lessons), jobs=jobs) if lessons else LessonResult(0, 0, ())
    unit = f"compared cells of {len(lessons)} reached lessons"
    return Gate("changed", result.compared, unit, 0, result.problems)
