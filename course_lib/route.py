"""Where the learner is, and what comes next: worked out from course.toml and progress.

The rule: finish what was begun; else take the first thing, in the course's
order, whose needs are all done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from course_lib.index import Chapter, Course, Exercise, Notebook
from course_lib.progress import Event, finished

__all__ = ["Step", "listing", "next_step", "state"]


@dataclass(frozen=True)
class Step:
    """The next thing to do, and the reason. `id` is "" when all is done."""

    id: str
    title: str
    minutes: int
    reason: str

    def __str__(self) -> str:
        if not self.id:
            return self.reason
        return f"Next: {self.id} {self.title} ({self.minutes} minutes), {self.reason}."


def state(item: str, log: Iterable[Event]) -> str:
    """ "done", "started" or "new"."""
    seen = [event for event in log if event.item == item]
    return "done" if finished(seen) else "started" if seen else "new"


def next_step(course: Course, log: list[Event]) -> Step:
    done = finished(log)
    left = [item for item in _in_order(course) if item.id not in done]
    if not left:
        return Step("", "", 0, "You have done everything that is here so far.")
    for item in left:
        if state(item.id, log) == "started":
            return _step(item, "as you have begun it")
    for item in left:
        if done.issuperset(item.needs):
            needs = f"as you have done what it needs: {', '.join(item.needs)}"
            return _step(item, needs if item.needs else "as it needs nothing before it")
    return _step(left[0], f"although it needs {', '.join(left[0].needs)}, which is not here yet")


def _step(item: Notebook | Exercise, reason: str) -> Step:
    return Step(item.id, item.title, item.minutes, reason)


def _in_order(course: Course) -> list[Notebook | Exercise]:
    return [item for chapter in course.chapters for item in _chapter_in_order(chapter)]


def _chapter_in_order(chapter: Chapter) -> list[Notebook | Exercise]:
    """Each lesson, followed by the exercises whose last need it is; then the other ones."""
    ordered: list[Notebook | Exercise] = []
    for notebook in chapter.notebooks:
        ordered.append(notebook)
        ordered += [e for e in chapter.exercises if e.needs[-1:] == (notebook.id,)]
    return ordered + [exercise for exercise in chapter.exercises if exercise not in ordered]


def listing(course: Course, log: list[Event]) -> str:
    """One line for each lesson and exercise, under its chapter."""
    lines = []
    for chapter in course.chapters:
        items = _chapter_in_order(chapter)
        lines.append(f"{chapter.stem}  {chapter.title}" + ("" if items else " (to come)"))
        for item in items:
            kind = "lesson" if isinstance(item, Notebook) else "exercise"
            row = (
                f"{state(item.id, log):7}  {item.minutes:3} min  {kind:8}  {item.id}  {item.title}"
            )
            lines.append("  " + row)
    return "\n".join(lines)
