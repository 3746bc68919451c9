"""Exercises: scenarios, the check in the notebook, hints, and the proof that checks bite.

In a notebook: `from course_lib.practice import check, hint, reset, solution`.
In an exercise's checks.py: `from course_lib.practice import scenario`.
Only the standard library is imported here; the build loads its tools when used.
"""

from pathlib import Path

from course_lib.index import ROOT
from course_lib.practice.checking import check
from course_lib.practice.feedback import Report
from course_lib.practice.hints import hint, reset, solution
from course_lib.practice.scenarios import scenario

__all__ = ["check", "check_file", "hint", "reset", "scenario", "solution"]


def check_file(id: str, path: Path | None = None, *, root: Path = ROOT) -> tuple[Report, int]:
    """The check from a terminal; see `terminal.check_file`, which a notebook never needs."""
    from course_lib.practice import terminal

    return terminal.check_file(id, path, root=root)
