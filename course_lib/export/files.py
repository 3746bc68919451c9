"""Which exercises are exported, and files that are written all or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from course_lib.index import Course, Exercise

__all__ = ["notebooks_among", "unlinked", "write_new"]

_LINK = re.compile(r"\[([^\]]+)\]\(\s*(?!https?:|#)[^)]*\)")


def notebooks_among(course: Course, ids: Sequence[str]) -> tuple[list[Exercise], list[Exercise]]:
    """The exercises to export, and the projects that are left out; without ids all.

    Raises:
        UnknownId: no exercise has one of these ids.
        ValueError: a project was asked for by name.
    """
    wanted = [course.exercise(id) for id in ids] or [*course.exercises]
    projects = [exercise for exercise in wanted if exercise.is_project]
    if ids and projects:
        raise ValueError(sentence_on(projects))
    return [exercise for exercise in wanted if not exercise.is_project], projects


def sentence_on(projects: Sequence[Exercise]) -> str:
    """Why these are left out."""
    ids = " and ".join(exercise.id for exercise in projects)
    return (
        f"Not exported: {ids}, as a project is a package and not a notebook; "
        f"check each with `python3 course.py check {projects[0].id}`."
    )


def unlinked(text: str) -> str:
    """Markdown without the links that lead into the course's own folders.

    >>> unlinked("See [the lesson](../../lesson.ipynb) and [Python](https://python.org).")
    'See the lesson and [Python](https://python.org).'
    """
    return _LINK.sub(r"\1", text)


def write_new(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files into the folder, by their paths inside it.

    Raises:
        ValueError: one of them is there with another content; nothing is written then.
    """
    for name, text in files.items():
        path = folder / name
        if path.exists() and path.read_bytes() != text.encode("utf-8"):
            raise ValueError(f"{path} is there already and differs; name a new folder.")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
