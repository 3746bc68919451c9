"""`python3 course.py export FORMAT DIR [EXERCISE ...]`: the words of the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from course_lib.export.files import notebooks_among, sentence_on, write_new
from course_lib.index import ROOT, Course, Exercise, load

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    """argparse, with its complaints as one sentence."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{self.prog}: {message}; `{self.prog} -h` shows what it takes.")


def main(words: Sequence[str], *, root: Path = ROOT) -> int:
    """Write the export and say what was written.

    Raises:
        ValueError, KeyError: what was asked for cannot be done; the message says why.
    """
    options = _parser().parse_args(words)
    course = load((root / "course.toml").read_text(encoding="utf-8"))
    if options.format == "teacher":
        return _teacher(options, course, root)
    exercises, projects = notebooks_among(course, options.exercise)
    if options.format == "nbgrader":
        from course_lib.export.nbgrader_course import nbgrader_course

        files = nbgrader_course(exercises, root=root)
        then = "read README.md there"
    else:
        from course_lib.export.classroom import classroom_templates

        files = classroom_templates(
            exercises, course=options.course, revision=options.revision, root=root
        )
        then = "each folder there is a template repository"
    write_new(options.folder, files)
    s = "s" if len(exercises) > 1 else ""
    print(f"{len(exercises)} exercise{s} written to {options.folder}; {then}.")
    if projects:
        print(sentence_on(projects))
    return 0


def _teacher(options: argparse.Namespace, course: Course, root: Path) -> int:
    """The edition for teachers is of the whole course."""
    if options.exercise:
        raise ValueError("The teacher edition has all lessons and exercises; name only the folder.")
    import course_lib.proof.light_imports  # noqa: F401  two seconds less, before nbconvert
    from course_lib.teacher import build

    told = partial(_messages, root) if options.messages else None
    files = build(options.folder, root=root, course=course, told=told)
    pages = [name for name in files if name.endswith(".html")]
    print(f"{len(pages)} pages written; open {options.folder / 'index.html'} in a browser.")
    return 0


def _messages(root: Path, exercise: Exercise) -> dict[str, str]:
    """What learners with each known mistake read; says what it does, as it takes minutes."""
    from course_lib.teacher.messages import messages

    print(f"{exercise.id}: running its known mistakes", file=sys.stderr, flush=True)
    return messages(exercise, root=root, jobs=len(os.sched_getaffinity(0)))


def _parser() -> _Parser:
    parser = _Parser(prog="course.py export", allow_abbrev=False)
    parser.add_argument("format", choices=["nbgrader", "github-classroom", "teacher"])
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    parser.add_argument(
        "exercise", nargs="*", default=[], metavar="EXERCISE", help="by default all notebooks"
    )
    parser.add_argument(
        "--course", default="", metavar="URL", help="where workflows clone the course from"
    )
    parser.add_argument("--revision", default="", metavar="TAG", help="tag or branch of the course")
    parser.add_argument(
        "--messages",
        action="store_true",
        help="teacher: run each known mistake and show all that learners read; takes minutes",
    )
    return parser
