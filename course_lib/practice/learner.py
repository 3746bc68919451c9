"""The learner's code, taken out of a notebook or a script.

Cells are found by nbgrader metadata and by tags; where those were lost (an
upload, a copy into another notebook), by the names that they define.
"""

from __future__ import annotations
import __future__

import ast
import functools
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from course_lib.practice.running import Told, limited
from course_lib.practice.source import read_cells, remember_lines

__all__ = ["CodeCell", "Unreadable", "code_cells", "load_cells", "run_cells"]

_FUTURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


class Unreadable(ValueError):
    """The file is not a notebook and not a script; the message says what is wrong."""


@dataclass(frozen=True)
class CodeCell:
    """A cell to run. `name` stands in reports, as in `line 3 of cell breaker`."""

    name: str
    code: str


def load_cells(path: Path) -> list[dict[str, Any]]:
    """The code cells of a notebook, or of a script (one cell, or percent format), as in JSON.

    Raises:
        Unreadable: it cannot be read, or is neither.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise Unreadable(f"{path.name} cannot be read: {reason}.") from error
    if path.suffix == ".py":
        return _script_cells(text, path.name)
    try:
        cells = json.loads(text)["cells"]
        return [cell for cell in map(_cell, cells) if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        sentence = f"{path.name} is not a notebook; save it as .ipynb, or hand in a .py file."
        raise Unreadable(sentence) from error


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    source = cell.get("source", "")
    return {
        "cell_type": str(cell["cell_type"]),
        "id": str(cell.get("id", "")),
        "metadata": dict(cell.get("metadata") or {}),
        "source": source if isinstance(source, str) else "".join(map(str, source)),
    }


def _script_cells(text: str, name: str) -> list[dict[str, Any]]:
    """A script with tagged cells is read like a notebook; any other is one solution cell."""
    cells = [cell for cell in read_cells(text) if cell.tags and not cell.markdown]
    if not cells:
        return [{"name": name, "metadata": {"tags": ["solution"]}, "source": text}]
    return [{"id": c.id, "metadata": {"tags": [*c.tags]}, "source": c.text} for c in cells]


def code_cells(cells: Iterable[dict[str, Any]], names: tuple[str, ...]) -> list[CodeCell]:
    """Setup cells and the cells that hold the answer, in order."""
    chosen = []
    for number, cell in enumerate(cells, 1):
        code = _without_magics(cell["source"])
        if _is_wanted(cell["metadata"], code, names):
            name = cell.get("name") or f"cell {cell['id'] or number}"
            chosen.append(CodeCell(name, code))
    return chosen


def _is_wanted(metadata: dict[str, Any], code: str, names: tuple[str, ...]) -> bool:
    tags = metadata.get("tags") or []
    if "check" in tags or "play" in tags:
        return False
    if {"setup", "solution"} & {*map(str, tags)}:
        return True
    nbgrader = metadata.get("nbgrader")
    if isinstance(nbgrader, dict) and nbgrader.get("solution"):
        return True
    return _defines(code, names)


def _defines(code: str, names: tuple[str, ...]) -> bool:
    """Whether the cell only imports, or defines one of the names or anything beside them."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError):
        return any(f"class {name}" in code or f"def {name}" in code for name in names)
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    imports = (ast.Import, ast.ImportFrom)
    if any(isinstance(node, definitions) for node in body):
        return True
    if body and all(isinstance(node, imports) for node in body):
        return True
    return any(name in names for node in body for name in _assigned(node))


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _without_magics(code: str) -> str:
    """The code with `%magic` and `!command` lines emptied, so that line numbers stay."""
    lines = code.splitlines()
    return "\n".join("" if line.startswith(("%", "!")) else line for line in lines)


def run_cells(cells: Iterable[CodeCell], *, seconds: float) -> tuple[dict[str, Any], Told | None]:
    """Run the cells as a notebook does: one that stops does not stop the next.

    Returns:
        The namespace, and what the first cell that stopped said, if one did.
    """
    module = ModuleType("learner")
    sys.modules[module.__name__] = module  # dataclasses and pickle look it up there
    compiler = _Compiler()
    failure = None
    for cell in cells:
        remember_lines(cell.code, cell.name)
        run = functools.partial(_run, cell, compiler, vars(module))
        told = limited(run, vars(module), seconds=seconds)
        failure = failure or (None if told.ended else told)
    return vars(module), failure


def _run(cell: CodeCell, compiler: _Compiler, namespace: dict[str, Any]) -> None:
    exec(compiler.compile(cell), namespace)


class _Compiler:
    """Compiles cells; a __future__ import counts for the cells after it, as in a notebook."""

    def __init__(self) -> None:
        self._flags = 0

    def compile(self, cell: CodeCell) -> CodeType:
        flags = self._flags
        code: CodeType = compile(cell.code, cell.name, "exec", flags=flags, dont_inherit=True)
        self._flags |= code.co_flags & _FUTURES
        return code
