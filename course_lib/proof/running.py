"""`course.py test`: every gate, in order from quick to slow.

One line for each gate: its name, what it covered and must cover, the seconds
it took, and whether it passed; below it what is wrong. The last line counts.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from course_lib.index import ROOT
from course_lib.proof.alt_text import everything_has_words
from course_lib.proof.arrows import arrows_go_one_way, modules_are_small
from course_lib.proof.coverage import topics_are_covered
from course_lib.proof.derived import derived_parts_are_fresh
from course_lib.proof.exercises import (
    changed_exercises_are_proved,
    checks_notice_small_changes,
    exercises_are_fresh,
    exercises_are_proved,
)
from course_lib.proof.gates import Gate
from course_lib.proof.lessons import (
    changed_lessons_still_show_what_they_say,
    lessons_still_show_what_they_say,
)
from course_lib.proof.library import library_tests_pass, pages_work_for_everyone
from course_lib.proof.links import links_resolve
from course_lib.proof.plain_language import language_is_plain
from course_lib.proof.self_contained import files_name_no_machine
from course_lib.proof.stored import outputs_are_clean, volatile_cells_are_few
from course_lib.proof.structure import notebooks_are_well_built
from course_lib.proof.tools import (
    code_is_formatted,
    code_is_linted,
    types_are_strict,
    workflow_is_valid,
)
from course_lib.proof.tree import index_agrees
from course_lib.proof.versions import python_for

__all__ = ["STATIC", "main", "run", "rungs"]

Run = Callable[[Path], Gate]

MOST_JOBS = 4
"""The default never asks for more: what runs takes memory as well as a core."""

STATIC: tuple[Run, ...] = (
    index_agrees,
    notebooks_are_well_built,
    outputs_are_clean,
    volatile_cells_are_few,
    everything_has_words,
    language_is_plain,
    links_resolve,
    arrows_go_one_way,
    modules_are_small,
    derived_parts_are_fresh,
    exercises_are_fresh,
    files_name_no_machine,
    workflow_is_valid,
    code_is_linted,
    code_is_formatted,
    types_are_strict,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gates. Returns 0 when all passed, else 1."""
    parser = argparse.ArgumentParser(prog="course.py test", description="Prove the whole course.")
    parser.add_argument("--fast", action="store_true", help="only the files and the library")
    parser.add_argument(
        "--jobs", type=int, default=_jobs(), metavar="N", help="at once (default: cores, at most 4)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="the order of lessons, as printed")
    parser.add_argument("--kernels", choices=["warm", "plain"], default="warm")
    parser.add_argument("--python", metavar="3.X", help="only the lessons, with another Python")
    parser.add_argument(
        "--changed",
        nargs="?",
        const="HEAD",
        metavar="BASE",
        help="only lessons and exercises that a change since BASE can reach",
    )
    options = parser.parse_args(arguments)
    narrow = options.fast or options.python or options.changed
    if narrow and os.environ.get("CI") == "true":
        print("In CI every gate runs; leave out --fast, --changed, --python.", file=sys.stderr)
        return 1
    return run(_chosen(options), ROOT)


def _jobs() -> int:
    return min(os.cpu_count() or 1, MOST_JOBS)


def _chosen(options: argparse.Namespace) -> list[Run]:
    jobs = max(1, options.jobs)
    if options.changed:
        return [
            functools.partial(gate, base=options.changed, jobs=jobs, progress=_progress)
            for gate in (changed_exercises_are_proved, changed_lessons_still_show_what_they_say)
        ]
    lessons = functools.partial(
        lessons_still_show_what_they_say,
        jobs=jobs,
        warm=options.kernels == "warm",
        order_seed=options.seed,
        progress=_progress,
    )
    if options.python:
        return [functools.partial(lessons, python=python_for(ROOT, options.python))]
    pages = functools.partial(pages_work_for_everyone, jobs=jobs)
    return [*rungs(fast=options.fast, jobs=jobs), *([] if options.fast else [lessons, pages])]


def rungs(*, fast: bool, jobs: int) -> list[Run]:
    """The gates in order: files, library, exercises. Lessons and pages come last (`_chosen`)."""
    chosen: list[Run] = [
        *STATIC,
        functools.partial(topics_are_covered, progress=_progress),
        functools.partial(library_tests_pass, jobs=jobs),
    ]
    if not fast:
        for gate in (exercises_are_proved, checks_notice_small_changes):
            chosen.append(functools.partial(gate, jobs=jobs, progress=_progress))
    return chosen


def run(gates: Sequence[Run], root: Path) -> int:
    """Run each gate on `root` and print what it found; the exit status."""
    failed = 0
    for gate in gates:
        begin = time.monotonic()
        found = gate(root)
        failed += not found.passed
        _show(found, time.monotonic() - begin)
    print(f"{len(gates) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _show(gate: Gate, seconds: float) -> None:
    counted = f"{gate.covered} {gate.unit}, at least {gate.minimum}"
    verdict = "ok" if gate.passed else "FAILED"
    print(f"{gate.name:<14} {counted:<44} {seconds:6.1f} s  {verdict}", flush=True)
    for complaint in gate.complaints:
        print("    " + complaint.replace("\n", "\n    "), flush=True)


def _progress(name: str) -> None:
    print(f"  ... {name}", flush=True)
