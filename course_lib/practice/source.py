"""The single source of an exercise: a script with cells, read with the standard library.

A cell starts at a line like `# %% id="breaker" tags=["solution"]`. The build
reads the same file with jupytext; a test holds the two readings together.
Format: https://jupytext.readthedocs.io/en/latest/formats-scripts.html
"""

from __future__ import annotations

import ast
import itertools
import linecache
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

__all__ = ["BadExercise", "SourceCell", "read_cells", "reference_text", "run_text", "solution_text"]

_HEADER = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?P<options>.*)$")
_ID = re.compile(r'\bid="(?P<id>[^"]*)"')
_TAGS = re.compile(r"\btags=(?P<tags>\[[^][]*\])")
BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
TODO = "# TODO"


class BadExercise(ValueError):
    """The exercise itself is broken: its author, not the learner, must mend it."""


@dataclass(frozen=True)
class SourceCell:
    """One cell. `line` is the number of its first line of text, from 1."""

    id: str
    markdown: bool
    tags: tuple[str, ...]
    lines: tuple[str, ...]
    line: int

    def has(self, *tags: str) -> bool:
        return any(tag in self.tags for tag in tags)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip("\n")


def read_cells(text: str) -> list[SourceCell]:
    """The cells of a percent-format script, in order."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    return [_cell(lines, *bounds) for bounds in itertools.pairwise([*starts, len(lines)])]


def _cell(lines: list[str], start: int, end: int) -> SourceCell:
    header = _HEADER.match(lines[start])
    assert header is not None
    name = _ID.search(header["options"])
    tags = _TAGS.search(header["options"])
    return SourceCell(
        id=name["id"] if name else "",
        markdown=header["markdown"] is not None,
        tags=tuple(ast.literal_eval(tags["tags"])) if tags else (),
        lines=tuple(lines[start + 1 : end]),
        line=start + 2,
    )


def reference_text(text: str, *tags: str) -> str:
    """The code of the cells with one of `tags`, every line where it was.

    Without tags: setup and solution, which is the reference.
    """
    kept = [""] * len(text.splitlines())
    for cell in read_cells(text):
        if cell.has(*(tags or ("setup", "solution"))) and not cell.markdown:
            kept[cell.line - 1 : cell.line - 1 + len(cell.lines)] = cell.lines
    return "\n".join(kept) + "\n"


def solution_text(text: str) -> str:
    """What a learner is shown as one right answer."""
    cells = [cell for cell in read_cells(text) if cell.has("solution")]
    lines = "\n\n\n".join(cell.text for cell in cells).splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith((BEGIN, END, TODO)))


def run_text(text: str, path: Path, *, name: str) -> ModuleType:
    """Run `text` as a new module, with `path` in its tracebacks.

    Raises:
        BadExercise: the text does not parse or raises when run.
    """
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    remember_lines(text, str(path))
    try:
        exec(compile(text, str(path), "exec", dont_inherit=True), vars(module))
    except Exception as error:
        raise BadExercise(f"{path.name} does not run: {type(error).__name__}: {error}") from error
    return module


def remember_lines(text: str, filename: str) -> None:
    """Let reports and tracebacks quote lines of code that is not in a file."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
