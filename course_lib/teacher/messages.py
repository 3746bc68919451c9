"""What learners with each known mistake read: their code is judged, as in the course's proof."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from course_lib.index import ROOT, Exercise
from course_lib.practice import services
from course_lib.practice.answers import answers_in
from course_lib.practice.checking import PUBLIC_SEED, judge
from course_lib.practice.forked import Ended, in_forks
from course_lib.practice.notebook_proof import NOTEBOOK
from course_lib.practice.opened import Opened, open_exercise
from course_lib.practice.project_proof import PROJECT
from course_lib.practice.source import BadExercise

__all__ = ["messages"]

FORK_LIMIT = 60.0
"""Seconds for one mistake, each of whose scenarios has a limit of its own."""


def messages(exercise: Exercise, *, root: Path = ROOT, jobs: int = 1) -> dict[str, str]:
    """Name of the file of each mistake -> the report; none where it gave no answer.

    Raises:
        BadExercise: the exercise is broken, or a service that it needs is missing.
    """
    opened = open_exercise(exercise.id, root)
    for service, why in services.missing(opened.checks).items():  # starts what is there
        raise BadExercise(f"{exercise.id} needs {service}: {why}")
    children: list[int] = []
    run = partial(in_forks, jobs=jobs, seconds=FORK_LIMIT, ended=children.append)
    paths = answers_in(root / exercise.proofs / "mutants")
    try:
        with tempfile.TemporaryDirectory(prefix="break-it-first-teacher-") as room:
            for expected in run([partial(_expected, opened)]):
                opened.expected.update({} if isinstance(expected, Ended) else expected)
            told = list(run([partial(_told, opened, Path(room), path) for path in paths]))
    finally:
        if children:
            services.sweep(opened.checks, children)
    pairs = zip(paths, told, strict=True)
    return {path.name: text for path, text in pairs if isinstance(text, str) and text}


def _expected(opened: Opened) -> dict[tuple[int | str, str], object]:
    for scenario in opened.checks.scenarios:
        opened.expect(scenario, seed=PUBLIC_SEED)
    return opened.expected


def _told(opened: Opened, room: Path, path: Path) -> str:
    form = PROJECT if opened.exercise.is_project else NOTEBOOK
    namespace, failure = form.run(opened, room, path)
    return "" if failure else judge(opened, namespace, seed=PUBLIC_SEED, first_only=True).text
