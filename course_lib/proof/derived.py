"""Parts of README.md that are made from course.toml, and the gate that they are fresh.

A derived part stands between `<!-- begin: NAME -->` and `<!-- end: NAME -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from course_lib.index import Chapter, Course
from course_lib.proof.gates import Gate, course_of, finished

__all__ = ["derived_parts_are_fresh", "fill", "map_of", "refresh"]

README = "README.md"


def map_of(course: Course) -> str:
    """The course as Markdown: one table per chapter that has lessons, then totals."""
    parts = [part for chapter in course.chapters if chapter.notebooks for part in _chapter(chapter)]
    return "\n".join([*parts, *_totals(course)])


def _chapter(chapter: Chapter) -> Iterator[str]:
    yield f"### {chapter.title}\n\n{chapter.question}\n"
    yield "| lesson | question | minutes |\n| --- | --- | ---: |"
    for lesson in chapter.notebooks:
        yield f"| [{lesson.title}]({lesson.path}) | {lesson.question} | {lesson.minutes} |"
    yield ""
    if chapter.exercises:
        yield "| exercise | level | minutes |\n| --- | --- | ---: |"
        for exercise in chapter.exercises:
            link = f"[{exercise.title}]({exercise.page})"
            yield f"| {link} `{exercise.id}` | {exercise.level} | {exercise.minutes} |"
        yield ""


def _totals(course: Course) -> Iterator[str]:
    lessons, exercises = course.notebooks, course.exercises
    yield (
        f"In all: {_count(len(lessons), 'lesson')} ({_time(sum(n.minutes for n in lessons))}) and "
        f"{_count(len(exercises), 'exercise')} ({_time(sum(e.minutes for e in exercises))})."
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _time(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"


_PARTS = {"map": map_of}


def fill(text: str, course: Course) -> str:
    """`text` with every derived part made new.

    Raises:
        ValueError: a part has no pair of markers.
    """
    for name, make in _PARTS.items():
        begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f'{README}: has no part "{name}"; add "{begin}" and "{end}".')
        part = f"{begin}\n\n{make(course)}\n\n{end}"
        text = pattern.sub(lambda _, part=part: part, text)  # type: ignore[misc]
    return text


def refresh(root: Path, *, check: bool = False) -> bool:
    """Make the derived parts new; True when something had to change.

    Args:
        check: only say so, write nothing.

    Raises:
        ValueError: README.md or course.toml cannot be used.
    """
    path = root / README
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{README}: cannot be read ({error.strerror}); write it.") from error
    fresh = fill(text, course_of(root))
    if fresh != text and not check:
        path.write_text(fresh, encoding="utf-8", newline="\n")
    return fresh != text


def derived_parts_are_fresh(root: Path) -> Gate:
    problems = []
    try:
        if refresh(root, check=True):
            problems.append(f"{README}: differs from course.toml; run `python3 course.py build`.")
    except ValueError as error:
        problems.append(str(error))
    return finished(root, "derived", covered=len(_PARTS), unit="parts", problems=problems)
