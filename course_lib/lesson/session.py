"""Which lesson this kernel is running.

One kernel runs one lesson, so this is the one piece of module state: `start`
writes it once, and `predict`, `recall` and the others read it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..index import Notebook, course

__all__ = ["Session", "current"]


@dataclass
class Session:
    """`lesson` is its id, empty before `start`; `parts` is how many it has."""

    lesson: str = ""
    parts: int = 3

    @property
    def notebook(self) -> Notebook:
        """The lesson's entry in course.toml. Raises ValueError before `start`."""
        if not self.lesson:
            raise ValueError("The lesson has not started; run its first code cell.")
        return course().notebook(self.lesson)

    def item(self, name: str) -> str:
        """The name under which something in this lesson is remembered."""
        return f"{self.lesson}/{name}" if self.lesson else name


current = Session()
