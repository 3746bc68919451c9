"""Projects: exercises that are packages, with milestones instead of tasks.

`solutions/projects/NAME/` is the only source: TASK.md and a package whose files
(Python and SQL) hold the reference between `### BEGIN SOLUTION M2: words` and
`### END SOLUTION`; in SQL behind `-- `. The build takes those regions out. Inside
the package imports are relative, as it is loaded under several names.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_lib.index import Exercise
from course_lib.practice.running import Told, limited
from course_lib.practice.source import BadExercise

__all__ = ["built", "load", "read_files", "regions", "stripped", "write"]

LOAD_LIMIT = 10.0
"""Seconds for importing a package."""

_BEGIN = re.compile(
    r"(?P<indent>[ \t]*)(?P<comment>-- )?### BEGIN SOLUTION M(?P<milestone>\d+):? *(?P<words>.*)"
)
_END = re.compile(r"[ \t]*(?:-- )?### END SOLUTION[ \t]*")
_NOT_DERIVED = "checks.py"

Files = dict[str, str]
"""Name inside the project, with forward slashes -> text."""


def read_files(folder: Path) -> Files:
    """Every file of a project, but for hidden ones and what Python compiled.

    Raises:
        BadExercise: there is none, or one is not UTF-8 text.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith((".", "__pyc")) for part in name.parts):
            try:
                found[name.as_posix()] = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise BadExercise(f"{path.as_posix()} is not text that can be read.") from error
    if not found:
        raise BadExercise(f"{folder.as_posix()} cannot be read: there are no files in it.")
    return found


def write(files: Mapping[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def stripped(files: Mapping[str, str], *, done: int = 0) -> Files:
    """The project as it is when the milestones up to `done` are reached; 0: the starter.

    Raises:
        BadExercise: a region has no milestone, or no end.
    """
    return {name: _without_regions(name, text, done) for name, text in files.items()}


def _without_regions(name: str, text: str, done: int) -> str:
    kept: list[str] = []
    region: re.Match[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        begin = _BEGIN.fullmatch(line)
        if _END.fullmatch(line) and region:
            region = None
        elif begin and not region:
            region = begin
            if int(begin["milestone"]) > done:
                kept += _stub(begin, raises=_in_function(kept, begin["indent"]))
        elif "SOLUTION" in line and line.lstrip(" \t-").startswith("###"):
            mend = "write `### BEGIN SOLUTION M1: words` and `### END SOLUTION` in turn."
            raise BadExercise(f"{name}: line {number}: {line.strip()}: {mend}")
        elif not region or int(region["milestone"]) <= done:
            kept.append(line)
    if region:
        raise BadExercise(f"{name}: {region[0].strip()}: has no `### END SOLUTION`.")
    return "\n".join(kept) + "\n" if kept else ""


def regions(text: str) -> list[str]:
    """The lines of a Python file; those outside regions, and the marks, are empty."""
    lines = []
    inside = False
    for line in text.splitlines():
        inside = bool(_BEGIN.fullmatch(line)) or (inside and not _END.fullmatch(line))
        lines.append(line if inside and not _BEGIN.fullmatch(line) else "")
    return lines


def _in_function(before: list[str], indent: str) -> bool:
    """Whether a line with this indent, after these lines, is inside a function."""
    depth = len(indent)
    for line in reversed(before):
        words = line.lstrip()
        if not words or len(line) - len(words) >= depth:
            continue
        if words.startswith(("def ", "async def ")):
            return True
        depth = len(line) - len(words)
        if words.startswith(")"):  # the end of a signature: its `def` stands as far in
            depth += 1
    return False


def _stub(begin: re.Match[str], *, raises: bool) -> list[str]:
    """What stands in the place of a region."""
    todo = f"TODO M{begin['milestone']}: {begin['words'] or 'your code'}"
    if begin["comment"]:
        return [f"{begin['indent']}-- {todo}"]
    ending = [f"{begin['indent']}raise NotImplementedError"] if raises else []
    return [f"{begin['indent']}# {todo}", *ending]


def built(exercise: Exercise, root: Path) -> Files:
    """Path from `root` -> text of every file that learners get.

    Raises:
        BadExercise: see `stripped`; or a file among them is in no source.
    """
    starter = stripped(read_files(root / exercise.source))
    folder = root / exercise.folder
    there = read_files(folder) if folder.is_dir() else {}
    for name in there:
        if name not in starter and name != _NOT_DERIVED:
            raise BadExercise(f"{exercise.folder}/{name}: {exercise.source} has no such file.")
    return {f"{exercise.folder}/{name}": text for name, text in starter.items()}


def load(
    folder: Path, name: str, *, seconds: float = LOAD_LIMIT
) -> tuple[dict[str, Any], Told | None]:
    """Import the package in `folder` under `name`; its namespace, and what stopped it.

    Raises:
        BadExercise: it has no `__init__.py`.
    """
    for loaded in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[loaded]
    start = folder / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        name, start, submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None or not start.is_file():
        raise BadExercise(f"{folder.name} is no package; it needs a file __init__.py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader = spec.loader
    importlib.invalidate_caches()
    told = limited(lambda: loader.exec_module(module), vars(module), seconds=seconds)
    return vars(module), None if told.ended else told
