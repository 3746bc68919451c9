"""The proof that an exercise's checks bite, for CI and for authors.

The starter must be "not started", the reference and every other right answer
right on many seeds, and every mutant (a plausible wrong answer) must fail at the
scenario, and with the words, that its first line names.

What is judged runs in forks, a few at a time: each mutant in one, and the right
answers in one for every two seeds, so that each answer also meets a second check.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from course_lib.index import ROOT, Exercise
from course_lib.practice import services
from course_lib.practice.answers import answers_in, promise
from course_lib.practice.checking import PUBLIC_SEED, judge, judge_scenario
from course_lib.practice.feedback import Report
from course_lib.practice.forked import Ended, in_forks
from course_lib.practice.notebook_proof import NOTEBOOK, Forks, Form
from course_lib.practice.opened import Opened, find_exercise, open_exercise
from course_lib.practice.project_proof import PROJECT
from course_lib.practice.reports import TOO_LONG
from course_lib.practice.scenarios import Scenario
from course_lib.practice.source import BadExercise

__all__ = ["ProofResult", "prove"]

SEEDS = 20
MUTANT_SEEDS = 3
ALSO_RIGHT = 2
MUTANTS = 3
SEEDS_AT_ONCE = 2
FORK_LIMIT = 180.0  # seconds for one fork; each scenario in it has a limit of its own


@dataclass(frozen=True)
class ProofResult:
    """`problems` are sentences; none means proved. The rest says how much was looked at."""

    id: str
    problems: tuple[str, ...]
    scenarios: int = 0
    also_right: int = 0
    mutants: int = 0
    seeds: int = 0

    @property
    def ok(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        covered = (
            f"{self.scenarios} scenarios, {self.seeds} seeds, "
            f"{self.also_right} other right answers, {self.mutants} mutants"
        )
        verdict = "proved" if self.ok else "not proved"
        return "\n".join([f"{self.id}: {verdict} ({covered})", *self.problems])


def prove(
    exercise: Exercise | str, *, root: Path = ROOT, seeds: int = SEEDS, jobs: int = 1
) -> ProofResult:
    """Run the whole proof of one exercise. Every scenario is told under its own limit.

    Args:
        jobs: how many forks run at the same time.

    Raises:
        UnknownId: no exercise has this id.
    """
    if isinstance(exercise, str):
        exercise = find_exercise(exercise, root)
    try:
        opened = open_exercise(exercise.id, root)
    except BadExercise as error:
        return ProofResult(exercise.id, (str(error),))
    seeds = min(seeds, opened.checks.seeds or seeds)
    also_right = _files(opened, "also_right")
    mutants = _files(opened, "mutants")
    children: list[int] = []
    forks = partial(in_forks, jobs=jobs, seconds=FORK_LIMIT, ended=children.append)
    try:
        _require_services(opened)
        with tempfile.TemporaryDirectory(prefix="break-it-first-proof-") as room:
            _expect(opened, forks)
            problems = (
                *_form(opened).starter(opened, Path(room), forks),
                *_answers(opened, Path(room), also_right, mutants, seeds=seeds, forks=forks),
                *_hints(opened),
            )
    except BadExercise as error:
        problems = (str(error),)
    finally:
        if children:
            services.sweep(opened.checks, children)
    scenarios = len(opened.checks.scenarios)
    return ProofResult(exercise.id, problems, scenarios, len(also_right), len(mutants), seeds)


def _require_services(opened: Opened) -> None:
    """Start them before the first fork. A proof that leaves scenarios out is none."""
    for service, why in services.missing(opened.checks).items():
        raise BadExercise(f"Its scenarios need {service}: {why}")


def _expect(opened: Opened, forks: Forks) -> None:
    """Tell the reference once what the fork of every mutant needs."""
    seeds = range(PUBLIC_SEED, PUBLIC_SEED + 1 + MUTANT_SEEDS)
    tasks = [partial(_expected, opened, seed) for seed in seeds]
    for expected in forks(tasks):
        if isinstance(expected, Ended):
            raise BadExercise(f"The process that told the reference {expected.why}.")
        opened.expected.update(expected)


def _expected(opened: Opened, seed: int) -> dict[tuple[int | str, str], object]:
    for scenario in opened.checks.scenarios:
        opened.expect(scenario, seed=seed)
    return opened.expected


def _files(opened: Opened, kind: str) -> list[Path]:
    return answers_in(opened.root / opened.exercise.proofs / kind)


def _form(opened: Opened) -> Form:
    return PROJECT if opened.exercise.is_project else NOTEBOOK


def _answers(
    opened: Opened,
    room: Path,
    also_right: list[Path],
    mutants: list[Path],
    *,
    seeds: int,
    forks: Forks,
) -> Iterator[str]:
    """Problems of the right answers, then of the wrong ones."""
    answers: dict[str, Mapping[str, Any]] = {"The reference": opened.reference}
    for path in also_right:
        namespace, problem = _run(opened, room, path)
        if problem:
            yield f"also_right/{path.name} {problem}"
        else:
            answers[f"also_right/{path.name}"] = namespace
    firsts = range(1, seeds + 1, SEEDS_AT_ONCE)
    parts = [range(first, min(first + SEEDS_AT_ONCE, seeds + 1)) for first in firsts]
    tasks: list[Callable[[], Any]] = [partial(_refused, opened, answers, part) for part in parts]
    tasks += [partial(_mutant, opened, room, path) for path in mutants]
    found = list(forks(tasks))
    yield from _right(parts, found[: len(parts)], answers)
    if len(also_right) < ALSO_RIGHT:
        yield f"There are {len(also_right)} files in also_right; write at least {ALSO_RIGHT}."
    yield from _wrong(mutants, found[len(parts) :])
    if len(mutants) < MUTANTS:
        yield f"There are {len(mutants)} files in mutants; write at least {MUTANTS}."


def _right(
    parts: list[range], found: list[dict[str, str] | Ended], labels: Iterable[str]
) -> Iterator[str]:
    """The problem of each right answer with the first seed that shows it."""
    first: dict[str, str] = {}
    for part, refused in zip(parts, found, strict=True):
        if isinstance(refused, Ended):
            yield f"The process that judged right answers from seed {part[0]} {refused.why}."
        else:
            first = refused | first
    yield from (first[label] for label in labels if label in first)


def _refused(
    opened: Opened, answers: Mapping[str, Mapping[str, Any]], seeds: range
) -> dict[str, str]:
    """The problem of each right answer that is not right with one of `seeds`."""
    found: dict[str, str] = {}
    for seed in seeds:
        for label, namespace in answers.items():
            report = judge(opened, namespace, seed=seed)
            if not report.right and label not in found:
                found[label] = f"{label} must be right; with seed {seed}: {_short(report)}"
    return found


def _wrong(mutants: list[Path], found: list[str | Ended]) -> Iterator[str]:
    for path, problem in zip(mutants, found, strict=True):
        if isinstance(problem, Ended):
            yield f"mutants/{path.name}: the process that judged it {problem.why}."
        elif problem:
            yield f"mutants/{path.name} {problem}"


def _mutant(opened: Opened, room: Path, path: Path) -> str:
    """What is wrong with this wrong answer, or nothing."""
    namespace, problem = _run(opened, room, path)
    if problem:
        return problem
    try:
        scenario, words = promise(path)
    except BadExercise as error:
        return str(error)
    report = judge(opened, namespace, seed=PUBLIC_SEED, first_only=True)
    if report.right:
        return "is right in every scenario; add a scenario that it fails, or remove it."
    if report.scenario != scenario:
        return f'must fail at "{scenario}"; it fails at: {_short(report)}'
    if words not in report.text:
        return f'must be told "{words}"; it is told: {_short(report)}'
    named = next(told for told in opened.checks.scenarios if told.meaning == report.scenario)
    if TOO_LONG in report.headline:  # it has shown once that it uses up its whole limit
        named = replace(named, limit=named.limit / 4)
    for seed in range(PUBLIC_SEED + 1, PUBLIC_SEED + 1 + MUTANT_SEEDS):
        if not _noticed(opened, named, namespace, seed):
            return f"is right with seed {seed}; make the scenario fail it with every input."
    return ""


def _noticed(opened: Opened, named: Scenario, namespace: Mapping[str, Any], seed: int) -> bool:
    """Whether the named scenario fails with this seed, or else any other."""
    told, found = judge_scenario(opened, named, namespace, seed=seed)
    if found is not None or not told.ended:
        return True
    return not judge(opened, namespace, seed=seed, first_only=True).right


def _run(opened: Opened, room: Path, path: Path) -> tuple[dict[str, Any], str]:
    """The namespace of this answer; or none, and what is wrong."""
    try:
        namespace, failure = _form(opened).run(opened, room, path)
    except BadExercise as error:
        return {}, str(error)
    if failure:
        return {}, f"stops when it is run: {failure.error}, {failure.line}."
    return namespace, ""


def _hints(opened: Opened) -> Iterator[str]:
    solution, starter = _form(opened).texts(opened)
    lines = {line.strip() for line in solution.splitlines()}
    given = {line.strip() for line in starter.splitlines()}
    secret = {line for line in lines - given if len(line) >= 12}
    for number, text in enumerate(opened.checks.hints, 1):
        told = next((line for line in sorted(secret) if line in text), None)
        if told:
            yield f"Hint {number} contains a line of the solution: {told}"
        if "TODO" in text:
            yield f"Hint {number} is still a TODO; write it."


def _short(report: Report) -> str:
    return report.text.replace("\n", " | ")
