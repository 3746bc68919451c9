"""Gate: the course speaks only of itself.

No file names the machine it was written on or the mirror its packages came
from: such a line is false on every other machine.
"""

from __future__ import annotations

import re
from pathlib import Path

from course_lib.proof.gates import Gate, finished, tracked

__all__ = ["files_name_no_machine"]

# RFC 2606 keeps `example` for examples; this machine may serve itself.
_SPARED = r"(?:[\w.-]*\bexample(?:\.com|\.org|\.net)?|localhost|127\.0\.0\.1)(?::\d+)?/"

_RULES = {
    "a folder of one machine": re.compile(
        r"(?<![\w.~/-])/(?:(?:home/[a-z][\w-]*|Users/[A-Za-z][\w-]*)/|(?:work|root)\b)"
    ),
    "a package index other than pypi.org": re.compile(
        rf"https?://(?!pypi\.org/|{_SPARED})[^\s\"'<>]+/simple\b"
    ),
    "a package file outside files.pythonhosted.org": re.compile(
        rf"https?://(?!files\.pythonhosted\.org/|{_SPARED})[^\s\"'<>]+\.(?:whl|tar\.gz)\b"
    ),
}


def files_name_no_machine(root: Path) -> Gate:
    """Covers every text file of the course."""
    problems: list[str] = []
    covered = 0
    for path in tracked(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        covered += 1
        name = path.relative_to(root).as_posix()
        for what, pattern in _RULES.items():
            for found in pattern.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                problems.append(f"{name}: line {line} names {what} ({found[0]}); take it out.")
    return finished(root, "machines", covered=covered, unit="files", problems=problems)
