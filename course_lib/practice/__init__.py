"""Exercises: scenarios, the check in the notebook, hints, and the proof that checks bite.

In a notebook: `from course_lib.practice import check, hint, reset, solution`.
In an exercise's checks.py: `from course_lib.practice import scenario`.
Only the standard library is imported here; the build loads its tools when used.
"""

from course_lib.practice.checking import check
from course_lib.practice.hints import hint, reset, solution
from course_lib.practice.scenarios import scenario
from course_lib.practice.terminal import check_file

__all__ = ["check", "check_file", "hint", "reset", "scenario", "solution"]
