"""`python3 course.py grade DIR`: the words of the command line, and what it prints."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from course_lib.grading.grading_a_class import ClassGrading, grade
from course_lib.grading.on_dask import THIS_MACHINE
from course_lib.grading.roster import read_roster
from course_lib.grading.rows import GradedRow
from course_lib.grading.seeds import Seed, read_seed
from course_lib.grading.warm_process import GraderFault, WarmProcess
from course_lib.grading.workers import Setting
from course_lib.index import ROOT

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    """argparse, with its complaints as one sentence."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{self.prog}: {message}; `{self.prog} -h` shows what it takes.")


def main(words: Sequence[str], *, root: Path = ROOT, namespaces: bool = True) -> int:
    """Grade; the exit code is 0 when every row has a mark or a sentence why not.

    Args:
        namespaces: False does as a machine does that does not allow them.

    Raises:
        ValueError: what was asked for cannot be done; the message says how to mend that.
    """
    options = _parser().parse_args(words)
    if not sys.platform.startswith("linux"):
        raise ValueError("Grading needs Linux; elsewhere run it in a Linux container.")
    place = options.place
    out = options.out or place.absolute().with_name(f"{place.absolute().stem}-marks")
    if place.is_dir() and out.resolve().is_relative_to(place.resolve()):
        raise ValueError(f"{out} lies in {place}, among what was handed in; name another --out.")
    seed = read_seed(options.seed_file, outside=(root, place)) if options.seed_file else Seed()
    asked = ClassGrading(
        place=place,
        out=out,
        setting=Setting(root, seed.secret, namespaces, options.accept),
        exercise=options.exercise,
        roster=tuple(read_roster(options.roster)) if options.roster else (),
        jobs=options.jobs,
        scheduler=THIS_MACHINE if options.dask else options.scheduler,
        protections=_protections(root, namespaces, seed, accept=options.accept),
    )
    print(asked.protections, file=sys.stderr)
    try:
        rows = grade(asked, progress=_Progress())
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        return 130
    print(_summary(rows, out, others=rows[len(asked.roster) :] if asked.roster else []))
    return 0


def _parser() -> _Parser:
    parser = _Parser(prog="course.py grade", allow_abbrev=False)
    parser.add_argument("place", type=Path, metavar="DIR", help="what learners handed in")
    parser.add_argument("--exercise", default="", help="by default each notebook says which")
    parser.add_argument("--roster", type=Path, help="CSV with the columns file, name, id, email")
    parser.add_argument("--seed-file", type=Path, help="secret; decides all inputs")
    parser.add_argument("--out", type=Path, help="folder for the marks; default: DIR-marks")
    parser.add_argument(
        "--jobs", type=_jobs, default=len(os.sched_getaffinity(0)), help="default: cores"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--dask", action="store_true", help="with Dask, on this machine")
    where.add_argument("--scheduler", metavar="ADDRESS", help="with Dask, where this is its own")
    parser.add_argument(
        "--accept-missing-protections",
        dest="accept",
        action="store_true",
        help="use the secret seed even where learners' code could read it",
    )
    return parser


def _jobs(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 256):
        raise argparse.ArgumentTypeError("give a number from 1 to 256")
    return int(text)


def _protections(root: Path, namespaces: bool, seed: Seed, *, accept: bool) -> str:
    """A sentence on what learners' code is kept from here.

    Raises:
        ValueError: not from enough for a secret seed.
    """
    try:
        with WarmProcess([root / "exercises"], namespaces=namespaces) as warm:
            missing = warm.protections.missing
            warm.probe()
    except GraderFault as error:
        raise ValueError(f"The sandbox does not work here: {error}") from error
    if not missing:
        return "Learners' code runs with its own files and processes and without a network."
    sentence = f"Learners' code is not kept from {', from '.join(missing)} on this machine."
    if seed.is_secret and not accept:
        raise ValueError(
            f"{sentence} Grade in a container or on a Linux that allows namespaces, "
            f"or add --accept-missing-protections."
        )
    return sentence


class _Progress:
    """One line on stderr, with the time left; on a terminal it is written over."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        often = 0.1 if self._terminal else 10.0
        if total == 0 or (done != total and now - self._last < often):
            return
        self._last = now
        left = (now - self._start) / done * (total - done) if done else 0.0
        words = f"{done} of {total} marked" + (f", about {left:.0f} s left" if done else "")
        start, end = ("\r", "" if done < total else "\n") if self._terminal else ("", "\n")
        print(f"{start}{words:50}", end=end, file=sys.stderr, flush=True)


def _summary(rows: list[GradedRow], out: Path, *, others: list[GradedRow]) -> str:
    """`others` are in no row of the roster."""
    marked = sum(row.marked is not None for row in rows)
    lines = [f"{marked} of {len(rows)} have a mark; all files are in {out}."]
    lines += [
        f"{row.learner.name or row.file}: {row.problem}" for row in rows if row.marked is None
    ]
    lines += [
        f"{row.learner.name}: {row.file} was marked; it is one of {row.among} answers."
        for row in rows
        if row.marked and row.among > 1
    ]
    if others:
        names = ", ".join(row.learner.file for row in others)
        lines.append(f"Not in the roster, so not in the mark books of your school: {names}")
    return "\n".join(map(_printable, lines))


def _printable(line: str) -> str:
    """The line without what would move the terminal's cursor, colour it or turn it round."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)
