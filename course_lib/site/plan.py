"""Which pages there are, in reading order, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

from course_lib.index import Course

__all__ = ["ACCESSIBILITY", "FIND", "INDEX", "WORDS", "Page", "pages"]


@dataclass(frozen=True)
class Page:
    """One page of the site.

    `file` is its path in the output folder and `source` the path from the
    course's folder of what it is made from ("" for a page made from all).
    """

    file: str
    title: str
    kind: str  # "lesson", "exercise" or "course"
    source: str = ""
    id: str = ""

    @property
    def name(self) -> str:
        """How a link calls it: lessons have numbers."""
        return f"{self.id} {self.title}" if self.kind == "lesson" else self.title


INDEX = Page("index.html", "Lessons", "course")
FIND = Page("find.html", "Find", "course")
WORDS = Page("words.html", "Words", "course")
ACCESSIBILITY = Page("accessibility.html", "Accessibility", "course")


def pages(course: Course) -> tuple[Page, ...]:
    """Every page: the course's own four, then the lessons, then the exercises."""
    return (INDEX, FIND, WORDS, ACCESSIBILITY, *_lessons(course), *_exercises(course))


def _lessons(course: Course) -> tuple[Page, ...]:
    return tuple(
        Page(_file("lessons", n.path), n.title, "lesson", n.path, n.id) for n in course.notebooks
    )


def _exercises(course: Course) -> tuple[Page, ...]:
    return tuple(
        Page(f"{e.folder}.html", e.title, "exercise", e.page, e.id) for e in course.exercises
    )


def _file(folder: str, path: str) -> str:
    """`notebooks/01_errors/1_x.ipynb` as `lessons/01_errors/1_x.html`."""
    return f"{folder}/{path.split('/', 1)[1].rsplit('.', 1)[0]}.html"
