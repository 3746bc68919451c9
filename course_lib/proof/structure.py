"""Gate: every notebook is built the same way, so that nobody has to search.

One title, no skipped heading level, readable cell ids, known tags, short
cells, and a first cell that says the same time and needs as the index.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from course_lib.index import Notebook
from course_lib.proof.cell_ids import RANDOM_ID, READABLE_ID
from course_lib.proof.gates import (
    Gate,
    course_of,
    exercise_notebooks,
    finished,
    lesson_notebooks,
)
from course_lib.proof.notebook_files import (
    Cell,
    markdown_text,
    read,
    source,
    tags,
    where,
)

__all__ = ["FOLDED", "TAGS", "headings", "notebooks_are_well_built"]

TAGS = frozenset(
    {"header", "setup", "recall", "try", "predict", "gate", "golden", "worked", "explore"}
    | {"faded", "parsons", "hunt", "real", "quiz", "exercise", "check", "stop", "end"}
    | {"volatile", "version-box", "raises-exception", "teacher", "remove-cell"}
)
EXERCISE_TAGS = frozenset({"solution", "play"})
METADATA = frozenset({"tags", "volatile_reason", "jupyter"})
EXERCISE_METADATA = frozenset({"nbgrader", "deletable", "editable"})
FOLDED = {"source_hidden": True}
"""On cells tagged `predict`: their code holds what is to be guessed."""
LINES = 25
COLUMNS = 79
MINUTES_WITHOUT_A_STOP = 15

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)

Lessons = dict[str, Notebook]
"""Path -> lesson, as the index lists them."""


def notebooks_are_well_built(root: Path) -> Gate:
    """Lessons and exercises alike; covers cells."""
    try:
        lessons = {n.path: n for n in course_of(root).notebooks}
    except ValueError:
        lessons = {}  # the index gate says so
    problems: list[str] = []
    cells = 0
    for path in [*lesson_notebooks(root), *exercise_notebooks(root)]:
        name = path.relative_to(root).as_posix()
        try:
            notebook = read(path)
        except ValueError as error:
            problems.append(f"{name}: {error}; open it in JupyterLab and save it again.")
            continue
        cells += len(notebook["cells"])
        problems += [f"{name}: {what}" for what in _problems(notebook, name, lessons)]
    return finished(root, "structure", covered=cells, unit="cells", problems=problems)


def _problems(notebook: dict[str, Any], name: str, lessons: Lessons) -> Iterator[str]:
    entry = lessons.get(name)
    exercise = name.startswith("exercises/")
    yield from _format(notebook)
    yield from _metadata(notebook)
    yield from _headings(notebook)
    yield from _ids(notebook["cells"])
    for number, cell in enumerate(notebook["cells"], 1):
        yield from _cell(cell, where(cell, number), exercise=exercise)
    if entry:
        first = notebook["cells"][0] if notebook["cells"] else {}
        yield from _header(markdown_text(first), entry, lessons)
        yield from _stops(notebook["cells"], entry)


def _format(notebook: dict[str, Any]) -> Iterator[str]:
    from nbformat.validator import iter_validate  # it only looks; `validate` repairs, too

    for error in iter_validate(notebook, version=4, version_minor=notebook.get("nbformat_minor")):
        place = "/".join(map(str, error.absolute_path))
        yield f"is not a valid notebook ({place}: {error.message[:80]}); build it again."


def _metadata(notebook: dict[str, Any]) -> Iterator[str]:
    metadata = notebook.get("metadata", {})
    if extra := sorted(metadata.keys() - {"kernelspec", "language_info"}):
        yield f"has metadata {', '.join(extra)}; build it again to take it out."
    if metadata.get("kernelspec", {}).get("name") != "python3":
        yield 'does not name the kernel "python3"; build it again.'
    if metadata.get("language_info") != {"name": "python"}:
        yield "has more language_info than the name; build it again."


def headings(notebook: dict[str, Any]) -> list[tuple[int, str]]:
    """(level, text) of every heading, top to bottom."""
    found = (_HEADING.findall(markdown_text(cell)) for cell in notebook["cells"])
    return [(len(marks), text) for headings in found for marks, text in headings]


def _headings(notebook: dict[str, Any]) -> Iterator[str]:
    first = notebook["cells"][0] if notebook["cells"] else {}
    titles = [text for level, text in headings(notebook) if level == 1]
    if len(titles) != 1:
        yield f"has {len(titles)} titles (headings of level 1); keep exactly one."
    elif not re.search(r"^# ", markdown_text(first), re.MULTILINE):
        yield "has its title below the first cell; move it to the first."
    above = 0
    for level, text in headings(notebook):
        if above and level > above + 1:
            yield f'jumps from heading level {above} to {level} at "{text}"; use level {above + 1}.'
        above = level


def _ids(cells: list[Cell]) -> Iterator[str]:
    seen: set[str] = set()
    for number, cell in enumerate(cells, 1):
        id = str(cell.get("id", ""))
        if not READABLE_ID.fullmatch(id) or RANDOM_ID.fullmatch(id):
            yield f'cell {number} has the id "{id}"; name it in words, like "predict-second-call".'
        if id in seen:
            yield f'the cell id "{id}" is used twice; rename one.'
        seen.add(id)


def _cell(cell: Cell, name: str, *, exercise: bool) -> Iterator[str]:
    allowed = (TAGS | EXERCISE_TAGS) if exercise else TAGS
    if unknown := sorted(set(tags(cell)) - allowed):
        yield f"{name} has the unknown tag {', '.join(unknown)}; use one from the closed list."
    metadata = METADATA | EXERCISE_METADATA if exercise else METADATA
    if extra := sorted(cell.get("metadata", {}).keys() - metadata):
        yield f"{name} has metadata {', '.join(extra)}; build it again to take it out."
    if cell.get("cell_type") != "code":
        return
    folded = cell.get("metadata", {}).get("jupyter") == FOLDED
    if ("predict" in tags(cell)) != folded and not exercise:
        yield f"{name} must be folded if and only if it is a bet; build it again."
    if ("version-box" in tags(cell)) != bool(re.search(r"\bsince\(", source(cell))):
        yield f'{name} must have the tag "version-box" if and only if it asks `since(...)`.'
    lines = source(cell).splitlines()
    if not any(line.strip() for line in lines):
        yield f"{name} is an empty code cell; remove it."
    # A starter shows a whole class, so that there is one place to write.
    if len(lines) > LINES and not exercise:
        yield f"{name} has {len(lines)} lines of code, the limit is {LINES}; split it."
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield f"{name}, line {number} has {len(line)} columns, the limit is {COLUMNS}; wrap it."


def _header(text: str, entry: Notebook, lessons: Lessons) -> Iterator[str]:
    """The first cell says `40 minutes` and `before this: [Start here](../00_start.ipynb)`."""
    minutes = re.search(r"\b(\d+) minutes", text)
    if minutes is None:
        yield 'the first cell does not say how long it takes; write "40 minutes".'
    elif int(minutes[1]) != entry.minutes:
        stated = f"says {minutes[1]} minutes, course.toml {entry.minutes}"
        yield f"the first cell {stated}; make them agree."
    needs = re.search(r"before this: ([^·\n]*)", text)
    if needs is None:
        yield 'the first cell does not say what comes first; write "before this: nothing".'
        return
    folder = posixpath.dirname(entry.path)
    targets = re.findall(r"\]\(([^)#]+)", needs[1])
    paths = [posixpath.normpath(posixpath.join(folder, target)) for target in targets]
    named = {lessons[path].id for path in paths if path in lessons}
    if named != set(entry.needs):
        listed, found = _list(entry.needs), _list(named)
        yield f"the first cell has {found} before this, course.toml {listed}; make them agree."


def _list(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids)) or "nothing"


def _stops(cells: list[Cell], entry: Notebook) -> Iterator[str]:
    if entry.chapter == "00_start" or entry.minutes <= MINUTES_WITHOUT_A_STOP:
        return
    stops = sum("stop" in tags(cell) for cell in cells)
    if not 2 <= stops <= 3:
        yield f'takes {entry.minutes} minutes and has {stops} cells tagged "stop"; give it 2 or 3.'
