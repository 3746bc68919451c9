"""The teacher edition: `python3 course.py export teacher DIR`.

Pages like those of the HTML edition, with what only a teacher should see: right answers,
misconceptions, known mistakes, hunts. All of it is found in the notebooks, course.toml, the
checks and their proofs; nothing is typed twice.
"""

from __future__ import annotations

from .building import build

__all__ = ["build"]
