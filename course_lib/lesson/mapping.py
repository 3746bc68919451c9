"""The course as a list: what there is, and how far the learner has come."""

from __future__ import annotations

from collections.abc import Iterator

from ..index import Chapter, Exercise, Notebook, course
from .markup import escape, show
from .remembered import answers, finished
from .tables import table_html, table_text

__all__ = ["progress_map"]

_HEADER = ("what", "minutes", "how far")


def progress_map() -> None:
    """Show every lesson and exercise, chapter by chapter, with its state."""
    done = finished()
    chapters = [chapter for chapter in course().chapters if chapter.notebooks]
    count = len(done & _everything(chapters))
    head = f"{count} of {len(_everything(chapters))} lessons and exercises done."
    tables = [(tuple(_rows(chapter, done)), _caption(chapter)) for chapter in chapters]
    html = "".join(table_html(rows, header=_HEADER, caption=caption) for rows, caption in tables)
    text = "\n".join(table_text(rows, _HEADER, caption) for rows, caption in tables)
    show(f"<p>{escape(head)}</p>{html}", f"{head}\n{text}")


def _everything(chapters: list[Chapter]) -> set[str]:
    lessons = {notebook.id for chapter in chapters for notebook in chapter.notebooks}
    return lessons | {exercise.id for chapter in chapters for exercise in chapter.exercises}


def _caption(chapter: Chapter) -> str:
    return f"{chapter.number}. {chapter.title}" if chapter.number else chapter.title


def _rows(chapter: Chapter, done: set[str]) -> Iterator[tuple[str, int, str]]:
    for notebook in chapter.notebooks:
        yield f"Lesson {notebook.id}: {notebook.title}", notebook.minutes, _lesson(notebook, done)
    for exercise in chapter.exercises:
        yield f"Exercise {exercise.id}: {exercise.title}", exercise.minutes, _tried(exercise, done)


def _lesson(notebook: Notebook, done: set[str]) -> str:
    if notebook.id in done:
        return "done"
    stops = answers("stop", notebook.id)
    return f"reached stop point {max(stops)}" if stops else "not started"


def _tried(exercise: Exercise, done: set[str]) -> str:
    if exercise.id in done:
        return "done"
    return "tried" if answers("check", exercise.id) else "not started"
