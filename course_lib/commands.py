"""The words of the command line, one small function each.

A module is imported by the command that uses it, so that help and doctor also
work where nothing is installed. What goes wrong is one sentence on stderr and
exit code 2; COURSE_DEBUG=1 shows where it came from.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from course_lib.installing import SetupError

__all__ = ["VERBS", "main"]

Words = Sequence[str]


@dataclass(frozen=True)
class Verb:
    """`usage` is what follows the verb; `run` takes those words, returns an exit code."""

    usage: str
    summary: str
    run: Callable[[Words], int]


def main(words: Words) -> int:
    """Run one command, such as ["check", "01.5-circuit-breaker"]; returns its exit code."""
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # `course.py list | head`: the reader has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _complain("Stopped.", code=130)
    except (KeyError, ValueError, OSError, sqlite3.Error, ImportError, SetupError) as error:
        if os.environ.get("COURSE_DEBUG") == "1":
            raise
        return _complain(" ".join(str(error).split()) or type(error).__name__)


def _run(words: Words) -> int:
    if not words or words[0] in ("help", "--help", "-h"):
        print(_help())
        return 0
    verb = VERBS.get(words[0])
    if verb is None:
        raise ValueError(f'There is no command "{words[0]}"; `python3 course.py` shows them all.')
    return verb.run(words[1:])


def _complain(sentence: str, *, code: int = 2) -> int:
    print(sentence, file=sys.stderr)
    return code


def _help() -> str:
    width = max(len(f"{name} {verb.usage}") for name, verb in VERBS.items())
    lines = [f"  {f'{name} {v.usage}':{width}}  {v.summary}" for name, v in VERBS.items()]
    return "\n".join(["Break It First. Start with: python3 course.py lab", "", *lines])


class _Parser(argparse.ArgumentParser):
    """argparse, with its complaints as our one sentence."""

    def __init__(self, verb: str) -> None:
        super().__init__(prog=f"course.py {verb}", allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{self.prog}: {message}; `{self.prog} -h` shows what it takes.")


def _lab(words: Words) -> int:
    from course_lib import lab

    parser = _Parser("lab")
    parser.add_argument("--port", type=int, help="use this port; without it any free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    options, others = parser.parse_known_args(words)
    return lab.start(port=options.port, browser=not options.no_browser, others=others)


def _doctor(words: Words) -> int:
    from course_lib import doctor

    _Parser("doctor").parse_args(words)
    findings = doctor.examine()
    print("\n".join(str(finding) for finding in findings))
    return 0 if all(finding.ok for finding in findings) else 1


def _list(words: Words) -> int:
    from course_lib import progress, route
    from course_lib.index import course

    _Parser("list").parse_args(words)
    print(route.listing(course(), progress.events()))
    return 0


def _next(words: Words) -> int:
    from course_lib import progress, route
    from course_lib.index import course

    _Parser("next").parse_args(words)
    print(route.next_step(course(), progress.events()))
    return 0


def _check(words: Words) -> int:
    from course_lib.practice import check_file

    parser = _Parser("check")
    parser.add_argument("id", help="as `course.py list` shows it")
    parser.add_argument("file", nargs="?", type=Path, help="default: your copy in work/")
    options = parser.parse_args(words)
    report, code = check_file(options.id, options.file)
    print(report)
    return code


def _exercise_id(verb: str, words: Words) -> str:
    """The one word after the verb. Raises UnknownId unless an exercise has it."""
    from course_lib.index import course

    parser = _Parser(verb)
    parser.add_argument("id", help="as `course.py list` shows it")
    return course().exercise(parser.parse_args(words).id).id


def _hint(words: Words) -> int:
    from course_lib.practice import hint

    print(hint(_exercise_id("hint", words)))
    return 0


def _solution(words: Words) -> int:
    from course_lib.practice import solution

    print(solution(_exercise_id("solution", words)))
    return 0


def _reset(words: Words) -> int:
    from course_lib.practice import reset

    print(reset(_exercise_id("reset", words)))
    return 0


def _progress(words: Words) -> int:
    actions = {
        "show": _show,
        "next": _next,
        "export": _export,
        "import": _import,
        "erase": _erase,
    }
    action, rest = (words[0], words[1:]) if words else ("show", [])
    if action not in actions:
        raise ValueError(f'progress has no "{action}"; it takes {", ".join(actions)}.')
    return actions[action](rest)


def _show(words: Words) -> int:
    from course_lib import progress

    _Parser("progress show").parse_args(words)
    print(progress.summary())
    if notice := progress.notice():
        print(notice)
    return 0


def _export(words: Words) -> int:
    from course_lib import progress

    parser = _Parser("progress export")
    parser.add_argument("file", help="a new file")
    file = parser.parse_args(words).file
    print(f"{progress.export(file)} entries written to {file}.")
    return 0


def _import(words: Words) -> int:
    from course_lib import progress

    parser = _Parser("progress import")
    parser.add_argument("file", help="what `course.py progress export` wrote")
    print(f"{progress.import_(parser.parse_args(words).file)} new entries added.")
    return 0


def _erase(words: Words) -> int:
    from course_lib import progress

    parser = _Parser("progress erase")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    if not parser.parse_args(words).yes:
        if not sys.stdin.isatty():
            raise ValueError("Erasing cannot be undone; add --yes if you mean it.")
        if input("Erase all progress? This cannot be undone. Type yes: ").strip() != "yes":
            print("Nothing was erased.")
            return 0
    print(f"{progress.erase()} entries erased.")
    return 0


def _shop(words: Words) -> int:
    from course_lib import shop_stages

    parser = _Parser("shop")
    parser.add_argument("action", nargs="?", choices=["list", "start", "check"], default="list")
    parser.add_argument("number", nargs="?", help="as `course.py shop list` shows it")
    options = parser.parse_args(words)
    if options.action == "list":
        print(shop_stages.listing())
        return 0
    if options.number is None:
        raise ValueError(f"Say which stage, as in `python3 course.py shop {options.action} 01`.")
    if options.action == "check":
        return shop_stages.check(options.number)
    print(shop_stages.start(options.number))
    return 0


def _main_of(module: str) -> Callable[[Words], int]:
    """All words go to the `main` of a module of course_lib, imported when it is called."""

    def run(words: Words) -> int:
        return int(importlib.import_module(f"course_lib.{module}").main(list(words)))

    return run


def _new(words: Words) -> int:
    from course_lib.practice.new import scaffold

    parser = _Parser("new")
    parser.add_argument("id", help="an exercise that course.toml has and the folders have not")
    print(scaffold(parser.parse_args(words).id))
    return 0


def _install(words: Words) -> int:
    parser = _Parser("install")
    parser.add_argument("what", nargs="?", choices=["core", "test", "all"], default="core")
    parser.parse_args(words)
    print("Everything asked for is installed.")  # course.py did it on the way here
    return 0


def _lock(words: Words) -> int:
    from course_lib import lock

    parser = _Parser("lock")
    parser.add_argument("--upgrade", action="store_true", help="take the newest allowed versions")
    print(lock.write(upgrade=parser.parse_args(words).upgrade))
    return 0


VERBS = {
    "lab": Verb("[--no-browser] [--port N]", "open the lessons", _lab),
    "next": Verb("", "what to do next, and why", _next),
    "list": Verb("", "all lessons and exercises, and how far you are", _list),
    "check": Verb("ID [FILE]", "check your solution of an exercise", _check),
    "hint": Verb("ID", "open one more hint", _hint),
    "solution": Verb("ID", "show the worked solution", _solution),
    "reset": Verb("ID", "start an exercise again; yours is kept beside", _reset),
    "shop": Verb("[list|start NN|check NN]", "the shop that grows with the chapters", _shop),
    "progress": Verb("[show|next|export FILE|import FILE|erase]", "your own record", _progress),
    "grade": Verb("DIR [...]", "mark what a class has handed in", _main_of("grading.command")),
    "export": Verb(
        "FORMAT DIR [...]", "for nbgrader, github-classroom or teacher", _main_of("export.command")
    ),
    "site": Verb("[--out DIR]", "all lessons as pages for a browser", _main_of("site.command")),
    "doctor": Verb("", "look for what could be in the way", _doctor),
    "install": Verb("[core|test|all]", "install without starting anything", _install),
    "test": Verb("[...]", "prove the course: tests, lessons, exercises", _main_of("proof.running")),
    "build": Verb("[...]", "write all that is made from sources", _main_of("proof.building")),
    "new": Verb("ID", "begin a new exercise", _new),
    "lock": Verb("[--upgrade]", "write requirements.lock anew (needs uv)", _lock),
}
