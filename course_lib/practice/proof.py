"""The proof that an exercise's checks bite, for CI and for authors.

The starter must be "not started", the reference and every other right answer
right on many seeds, and every mutant (a plausible wrong answer) must fail at the
scenario, and with the words, that its first line names.

What is judged runs in forks, a few at a time: each mutant in one, and the right
answers in one for every two seeds, so that each answer also meets a second check.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from course_lib.index import ROOT, Exercise
from course_lib.practice.checking import PUBLIC_SEED, judge, judge_scenario
from course_lib.practice.feedback import Report
from course_lib.practice.forked import Ended, in_forks
from course_lib.practice.learner import CodeCell, code_cells, run_cells
from course_lib.practice.opened import Opened, find_exercise, open_exercise
from course_lib.practice.reports import TOO_LONG
from course_lib.practice.running import Told
from course_lib.practice.scenarios import Scenario
from course_lib.practice.source import BadExercise, reference_text, solution_text

__all__ = ["ProofResult", "prove"]

SEEDS = 20
MUTANT_SEEDS = 3
ALSO_RIGHT = 2
MUTANTS = 3
SEEDS_AT_ONCE = 2
CELLS_LIMIT = 10.0  # seconds for running one file
FORK_LIMIT = 180.0  # seconds for one fork; each scenario in it has a limit of its own

_FAILS = re.compile(r'# fails "(?P<scenario>.+?)" with "(?P<words>.+)"\s*')


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
    also_right = _files(root / exercise.proofs / "also_right")
    mutants = _files(root / exercise.proofs / "mutants")
    try:
        _expect(opened, jobs)
        problems = (
            *_starter(opened),
            *_answers(opened, also_right, mutants, seeds=seeds, jobs=jobs),
            *_hints(opened),
        )
    except BadExercise as error:
        problems = (str(error),)
    scenarios = len(opened.checks.scenarios)
    return ProofResult(exercise.id, problems, scenarios, len(also_right), len(mutants), seeds)


def _expect(opened: Opened, jobs: int) -> None:
    """Tell the reference once what the fork of every mutant needs."""
    seeds = range(PUBLIC_SEED, PUBLIC_SEED + 1 + MUTANT_SEEDS)
    tasks = [partial(_expected, opened, seed) for seed in seeds]
    for expected in in_forks(tasks, jobs=jobs, seconds=FORK_LIMIT):
        if isinstance(expected, Ended):
            raise BadExercise(f"The process that told the reference {expected.why}.")
        opened.expected.update(expected)


def _expected(opened: Opened, seed: int) -> dict[tuple[int | str, str], object]:
    for scenario in opened.checks.scenarios:
        opened.expect(scenario, seed=seed)
    return opened.expected


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.py"))


def _starter(opened: Opened) -> Iterator[str]:
    cells = code_cells(_notebook_cells(opened, "code"), opened.checks.names)
    namespace, failure = run_cells(cells, seconds=CELLS_LIMIT)
    if failure:
        yield f"The starter stops when it is run: {failure.error}, {failure.line}."
        return
    report = judge(opened, namespace, seed=PUBLIC_SEED)
    if report.outcome != "not started":
        yield f'The starter must be "not started"; it is "{report.outcome}": {_short(report)}'


def _answers(
    opened: Opened, also_right: list[Path], mutants: list[Path], *, seeds: int, jobs: int
) -> Iterator[str]:
    """Problems of the right answers, then of the wrong ones."""
    answers: dict[str, Mapping[str, Any]] = {"The reference": opened.reference}
    for path in also_right:
        namespace, failure = _run_file(opened, path)
        if failure:
            yield f"also_right/{path.name} stops when it is run: {failure.error}, {failure.line}."
        else:
            answers[f"also_right/{path.name}"] = namespace
    firsts = range(1, seeds + 1, SEEDS_AT_ONCE)
    parts = [range(first, min(first + SEEDS_AT_ONCE, seeds + 1)) for first in firsts]
    tasks: list[Callable[[], Any]] = [partial(_refused, opened, answers, part) for part in parts]
    tasks += [partial(_mutant, opened, path) for path in mutants]
    found = list(in_forks(tasks, jobs=jobs, seconds=FORK_LIMIT))
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


def _mutant(opened: Opened, path: Path) -> str:
    """What is wrong with this wrong answer, or nothing."""
    first_line = path.read_text(encoding="utf-8").partition("\n")[0]
    promise = _FAILS.fullmatch(first_line)
    if promise is None:
        return 'must begin with: # fails "SCENARIO" with "WORDS OF THE MESSAGE"'
    namespace, failure = _run_file(opened, path)
    if failure:
        return f"stops when it is run: {failure.error}, {failure.line}."
    report = judge(opened, namespace, seed=PUBLIC_SEED, first_only=True)
    if report.right:
        return "is right in every scenario; add a scenario that it fails, or remove it."
    if report.scenario != promise["scenario"]:
        return f'must fail at "{promise["scenario"]}"; it fails at: {_short(report)}'
    if promise["words"] not in report.text:
        return f'must be told "{promise["words"]}"; it is told: {_short(report)}'
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


def _run_file(opened: Opened, path: Path) -> tuple[dict[str, Any], Told | None]:
    """Run the exercise's setup cells, then the file."""
    setup = CodeCell("setup", reference_text(opened.source, "setup"))
    answer = CodeCell(path.name, path.read_text(encoding="utf-8"))
    return run_cells([setup, answer], seconds=CELLS_LIMIT)


def _hints(opened: Opened) -> Iterator[str]:
    lines = {line.strip() for line in solution_text(opened.source).splitlines()}
    given = {line.strip() for line in _starter_text(opened).splitlines()}
    secret = {line for line in lines - given if len(line) >= 12}
    for number, text in enumerate(opened.checks.hints, 1):
        told = next((line for line in sorted(secret) if line in text), None)
        if told:
            yield f"Hint {number} contains a line of the solution: {told}"
        if "TODO" in text:
            yield f"Hint {number} is still a TODO; write it."


def _starter_text(opened: Opened) -> str:
    return "\n".join(cell["source"] for cell in _notebook_cells(opened, "code", "markdown"))


def _notebook_cells(opened: Opened, *kinds: str) -> list[dict[str, Any]]:
    """Cells of the notebook that learners get; another gate compares it with its source."""
    path = opened.exercise.notebook
    try:
        cells = json.loads((opened.root / path).read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise BadExercise(f"{path} cannot be read; run `python3 course.py build`.") from error
    wanted = [cell for cell in cells if cell["cell_type"] in kinds]
    return [{**cell, "source": "".join(cell["source"])} for cell in wanted]


def _short(report: Report) -> str:
    return report.text.replace("\n", " | ")
