"""What the proof of a project adds: it may be left after any milestone.

With the regions up to M2 filled in, M1 and M2 must be right and the others "not
started"; with none filled in, that is the starter. Right and wrong answers are
edits of the reference, in TOML files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from course_lib.practice.answers import read_variant
from course_lib.practice.checking import PUBLIC_SEED, judge
from course_lib.practice.forked import Ended
from course_lib.practice.notebook_proof import Forks, Form
from course_lib.practice.opened import Opened
from course_lib.practice.projects import load, read_files, stripped, write
from course_lib.practice.running import Told

__all__ = ["PROJECT"]


def _starter(opened: Opened, room: Path, forks: Forks) -> Iterator[str]:
    """What is wrong with the project as it is after each milestone, from none to all."""
    counts = range(len(opened.checks.tasks) + 1)
    tasks: list[Callable[[], Any]] = [partial(_step, opened, room, done) for done in counts]
    for done, problems in zip(counts, forks(tasks), strict=True):
        name = f"With milestones up to M{done} done" if done else "In the starter"
        if isinstance(problems, Ended):
            problems = [f"the process that checked it {problems.why}."]
        yield from (f"{name}, {problem}" for problem in problems)


def _step(opened: Opened, room: Path, done: int) -> list[str]:
    folder = room / f"step_{done}"
    write(stripped(read_files(opened.root / opened.exercise.source), done=done), folder)
    namespace, failure = load(folder, folder.name)
    if failure:
        return [f"it stops when it is imported: {failure.error}, {failure.line}."]
    problems = []
    for number in opened.checks.tasks:
        report = judge(opened.milestone(number), namespace, seed=PUBLIC_SEED)
        wanted = "right" if number <= done else "not started"
        if report.outcome != wanted:
            told = report.text.replace("\n", " | ")
            problems.append(f'M{number} must be "{wanted}"; it is "{report.outcome}": {told}')
    return problems


def _run(opened: Opened, room: Path, path: Path) -> tuple[dict[str, Any], Told | None]:
    """Import the reference with the edits of the file; they stay in `room` for later imports.

    Raises:
        BadExercise: the file cannot be read, or its edits do not fit.
    """
    folder = room / f"{path.parent.name}_{path.stem}"
    write(read_variant(path).of(read_files(opened.root / opened.exercise.source)), folder)
    return load(folder, folder.name)


def _texts(opened: Opened) -> tuple[str, str]:
    """All of the reference, and all of the starter."""
    files = read_files(opened.root / opened.exercise.source)
    return "\n".join(files.values()), "\n".join(stripped(files).values())


PROJECT = Form(_starter, _run, _texts)
