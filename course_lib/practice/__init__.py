"""Exercises: scenarios, the check in the notebook, hints, and the proof that checks bite.

In a notebook: `from course_lib.practice import check, hint, reset, solution`.
In an exercise's checks.py: `from course_lib.practice import scenario`.
Only the standard library is imported here; the build loads its tools when used.
"""

from course_lib.practice.checking import check
from course_lib.practice.scenarios import scenario

__all__ = ["check", "scenario"]
