"""Gate: the index and the tree agree, in both directions."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from course_lib.index import Chapter, Course, Exercise, Notebook
from course_lib.proof.gates import Gate, course_of, finished, lesson_notebooks

__all__ = ["FURNITURE", "index_agrees"]

FURNITURE = ("export", "grading", "labs", "lesson", "practice", "proof", "site", "teacher")

_TOPIC = re.compile(r"T[AB][1-9]\d*")
_EXERCISE_ID = re.compile(r"\d\d(\.\d+)?-[a-z0-9]+(-[a-z0-9]+)*|projects\.[a-z0-9]+(-[a-z0-9]+)*")


def index_agrees(root: Path) -> Gate:
    """Everything listed exists, everything that exists is listed, and the list makes sense."""
    try:
        course = course_of(root)
    except ValueError as error:
        return finished(root, "index", covered=0, unit="entries", problems=[f"{error}."])
    problems = [
        *_missing(root, course),
        *_unlisted(root, course),
        *_nonsense(course),
        *_order(course),
        *_extras(root, course),
    ]
    covered = len(course.notebooks) + len(course.exercises)
    return finished(root, "index", covered=covered, unit="entries", problems=problems)


def _missing(root: Path, course: Course) -> Iterator[str]:
    wanted = [(n.id, n.path) for n in course.notebooks]
    for exercise in course.exercises:
        places = (exercise.page, exercise.checks, exercise.source, exercise.proofs)
        wanted += [(exercise.id, place) for place in places]
    for chapter in course.chapters:
        if chapter.package and chapter.exercises:
            wanted.append((chapter.stem, f"course_lib/{chapter.package}/__init__.py"))
    for id, place in wanted:
        if not (root / place).exists():
            yield f"{place}: course.toml lists {id}, and this is not there; add it or take it out."


def _unlisted(root: Path, course: Course) -> Iterator[str]:
    listed = {n.path for n in course.notebooks}
    listed |= {place for e in course.exercises for place in (e.folder, e.source, e.proofs)}
    there = {path.relative_to(root).as_posix() for path in lesson_notebooks(root)}
    there |= _children(root, "exercises/*/*")
    there |= _children(root, "tests/exercises/*/*")
    there |= _children(root, "solutions/*/*.py") | _children(root, "solutions/projects/*")
    for place in sorted(there - listed):
        yield f"{place}: is in the tree but not in course.toml; list it or remove it."
    packages = {*FURNITURE, *(c.package for c in course.chapters)}
    for place in sorted(_children(root, "course_lib/*/__init__.py")):
        if place.split("/")[1] not in packages:
            yield f"{place}: belongs to no chapter in course.toml; list its chapter or remove it."


def _children(root: Path, pattern: str) -> set[str]:
    hidden = ("__pycache__", ".")
    return {
        path.relative_to(root).as_posix()
        for path in root.glob(pattern)
        if not path.name.startswith(hidden)
    }


def _entries(place: Course | Chapter) -> list[Notebook | Exercise]:
    return [*place.notebooks, *place.exercises]


def _nonsense(course: Course) -> Iterator[str]:
    entries = _entries(course)
    twice = Counter(entry.id for entry in entries)
    twice.update(e.catalogue for e in course.exercises)
    for id, times in twice.items():
        if times > 1:
            yield f'course.toml: "{id}" is used {times} times; an id names one thing.'
    for entry in entries:
        yield from _entry(entry)
    for exercise in course.exercises:
        if not _EXERCISE_ID.fullmatch(exercise.id):
            yield f'course.toml: "{exercise.id}" is not like "01.5-circuit-breaker"; rename it.'
        if exercise.kind != ("project" if exercise.id.startswith("projects.") else "notebook"):
            yield f'course.toml: {exercise.id} is of the kind "{exercise.kind}"; mend id or kind.'
    for chapter in course.chapters:
        yield from _chapter(chapter)


def _entry(entry: Notebook | Exercise) -> Iterator[str]:
    if not entry.title.strip():
        yield f"course.toml: {entry.id} has no title; give it one."
    if not 1 <= entry.minutes <= 600:
        yield f"course.toml: {entry.id} takes {entry.minutes} minutes; measure and write it."
    if isinstance(entry, Notebook) and not entry.covers:
        yield f"course.toml: {entry.id} covers no topic; say which, as in TA10."
    for topic in entry.covers:
        if not _TOPIC.fullmatch(topic):
            yield f'course.toml: {entry.id} covers "{topic}"; a topic is written like TA10.'
    if isinstance(entry, Notebook) and not entry.browser_kernel and not entry.reason:
        yield f"course.toml: {entry.id} does not run in the browser and gives no reason; add it."


def _chapter(chapter: Chapter) -> Iterator[str]:
    if chapter.finished and not chapter.notebooks:
        yield f"course.toml: {chapter.stem} is finished but has no lesson; list one."
    for exercise in chapter.exercises:
        if not exercise.id.startswith((f"{chapter.number:02}", "projects.")):
            yield f"course.toml: {exercise.id} stands in {chapter.stem}; move or rename it."


def _order(course: Course) -> Iterator[str]:
    """A need must come earlier, so no circle is possible."""
    known = {entry.id for entry in _entries(course)}
    seen: set[str] = set()
    for chapter in course.chapters:
        for entry in _entries(chapter):
            for need in entry.needs:
                if need not in known:
                    yield f'course.toml: {entry.id} needs "{need}", which does not exist; mend it.'
                elif need not in seen:
                    yield f"course.toml: {entry.id} needs {need}, which comes later; reorder them."
            seen.add(entry.id)


def _extras(root: Path, course: Course) -> Iterator[str]:
    used = {(entry.id, entry.extra) for entry in _entries(course) if entry.extra}
    if not used:
        return
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        yield f"pyproject.toml: cannot be read ({error}); extras are listed there."
        return
    for id, extra in sorted(used):
        if extra not in project.get("optional-dependencies", {}):
            yield f'course.toml: {id} wants the extra "{extra}", which pyproject.toml lacks.'
