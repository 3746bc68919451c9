"""Gate: a finished chapter makes every one of its topics work.

topics.toml lists the topics and the chapters they belong to; `covers` in
course.toml says which lesson or exercise makes one work. A topic of two
chapters must be covered in each.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

from course_lib.index import Chapter
from course_lib.proof.gates import Gate, course_of, finished

__all__ = ["topics_are_covered"]


def topics_are_covered(root: Path, *, progress: Callable[[str], None] | None = None) -> Gate:
    """Prints `n of m` for every chapter that has something; covers the topics made to work."""
    problems: list[str] = []
    covered = 0
    try:
        topics = tomllib.loads((root / "topics.toml").read_text(encoding="utf-8"))
        chapters = course_of(root).chapters
    except (OSError, ValueError) as error:
        topics, chapters = {}, ()
        problems.append(f"topics.toml: {error}.")
    for chapter in chapters:
        due = {id for id, topic in topics.items() if chapter.stem in topic["chapters"]}
        shown = _shown(chapter)
        covered += len(due & shown)
        if shown and progress:
            progress(f"{chapter.stem}: {len(due & shown)} of {len(due)} topics")
        problems += [
            f"course.toml: {chapter.stem} covers {id}, which topics.toml does not know."
            for id in sorted(shown - set(topics))
        ]
        if chapter.finished:
            problems += [
                f"course.toml: {chapter.stem} is finished, but nothing in it covers {id}"
                f" ({topics[id]['name']})."
                for id in sorted(due - shown)
            ]
    return finished(root, "topics", covered=covered, unit="topics", problems=problems)


def _shown(chapter: Chapter) -> set[str]:
    """The topics that some lesson or exercise of the chapter makes work."""
    lessons = {id for lesson in chapter.notebooks for id in lesson.covers}
    return lessons | {id for exercise in chapter.exercises for id in exercise.covers}
