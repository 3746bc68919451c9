"""Which cells are the answer, however the notebook was mangled on its way.

Cells are taken by nbgrader's metadata and by tags. Where those were lost, by names: the
cells that define what is asked for, and, step by step, what these cells use. Nothing
is run: the syntax tree says which names a cell binds and uses.

The rules, where there is a choice:
- the exercise's own setup runs first, and once, whether or not the learner still has it;
- a cell that is still as it was given counts only if nothing else defines its names;
- of several definitions the last wins, as in a notebook that is run from top to bottom;
- a cell that Python cannot read alone, but can read together with the one before it,
  is a part of that one;
- code in a text cell counts only where no code cell defines any of what is asked for.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from course_lib.grading.bound_names import bound, changed, registers_with, used
from course_lib.grading.given_cells import Given, shape
from course_lib.grading.main_guards import bound_outside, has_guard, looked_up, opened
from course_lib.grading.mending import parse, readable, reindented
from course_lib.practice.checking import syntax_error
from course_lib.practice.learner import CodeCell

__all__ = ["Recovered", "recover"]

_PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
"""Learners may have a newer one, which reads more."""
_FENCED = re.compile(r"^```.*\n((?:(?!```).*\n)*)```", re.MULTILINE)


@dataclass(frozen=True)
class Recovered:
    """The cells to run, and why Python cannot read a cell of the answer, if it cannot."""

    cells: list[CodeCell]
    error: dict[str, object] = field(default_factory=dict)


@dataclass(eq=False)
class _Cell:
    name: str
    code: str
    tree: ast.Module | None
    marked: bool
    """Its metadata say that it belongs to the answer."""

    @property
    def shape(self) -> str:
        return shape(self.tree)

    @property
    def binds(self) -> set[str]:
        return bound(self.tree) if self.tree else set()


def recover(cells: Iterable[dict[str, Any]], names: tuple[str, ...], given: Given) -> Recovered:
    """The cells of the answer, in order, behind the exercise's own setup.

    Args:
        cells: each with `name`, `kind`, `tags`, `solution` and `source`.
        names: what the learner defines.
    """
    cells = [*cells]
    found = [cell for cell in map(_read, cells) if cell]
    if not _any_written(found, names, given):
        found = [cell for cell in map(_read_words, cells) if cell]
    found = _without_given([*map(_reindented, _joined(found))], names, given)
    found = _opened(found, set(names), given)
    wanted = _wanted(found, set(names))
    chosen = [CodeCell(cell.name, cell.code) for cell in found if cell in wanted and cell.tree]
    return Recovered([*given.setup, *chosen], _error(found, names))


def _read(cell: dict[str, Any]) -> _Cell | None:
    """The cell as far as Python can read it; None if it is none of the learner's code."""
    tags = {*cell["tags"]}
    marked = bool(cell["solution"]) or bool(tags & {"setup", "solution"})
    if cell["kind"] != "code" and not marked:
        return None
    code = readable(cell["source"])
    return _Cell(cell["name"], code, parse(code), marked)


def _any_written(cells: list[_Cell], names: tuple[str, ...], given: Given) -> bool:
    """Whether a cell defines one of `names`, or might; a starter does not count."""
    written = [cell for cell in cells if cell.shape not in given.starter | given.others]
    return any(cell.tree is None or cell.marked or cell.binds & {*names, "*"} for cell in written)


def _read_words(cell: dict[str, Any]) -> _Cell | None:
    """The cell, or code in words: between fences, or all of it where the kind was lost."""
    if cell["kind"] != "code" and not cell["tags"]:
        code = "\n".join(_FENCED.findall(cell["source"])) or cell["source"]
        tree = parse(code)
        return _Cell(cell["name"], code, tree, False) if tree else None
    return _read(cell)


def _joined(cells: list[_Cell]) -> list[_Cell]:
    """Put parts of one class or function that stand in several cells together again."""
    kept: list[_Cell] = []
    for cell in cells:
        before = kept[-1] if kept else None
        if before and (cell.tree is None or before.tree is None):
            code = f"{before.code}\n{cell.code}"
            tree = parse(code)
            if tree:
                kept[-1] = _Cell(before.name, code, tree, before.marked or cell.marked)
                continue
        kept.append(cell)
    return kept


def _reindented(cell: _Cell) -> _Cell:
    if cell.tree:
        return cell
    code = reindented(cell.code)
    return _Cell(cell.name, code, parse(code), cell.marked)


def _without_given(cells: list[_Cell], names: tuple[str, ...], given: Given) -> list[_Cell]:
    """Leave out what was given: setup, checks and play, and starters written elsewhere."""
    starter = given.starter
    cells = [cell for cell in cells if cell.shape not in given.others]
    asked = {*names}
    written = {name for cell in cells if cell.shape not in starter for name in cell.binds & asked}
    return [c for c in cells if c.shape not in starter or not c.binds & asked <= written]


def _opened(cells: list[_Cell], names: set[str], given: Given) -> list[_Cell]:
    """Open `if __name__ == "__main__":` where only this stands above what is needed."""
    trees = [cell.tree for cell in cells if cell.tree]
    if not any(map(has_guard, trees)):
        return cells
    setup = [tree for tree in (parse(cell.code) for cell in given.setup) if tree]
    missing = names.union(*map(looked_up, trees)).difference(*map(bound_outside, trees + setup))
    found = []
    for cell in cells:
        code = opened(cell.code, cell.tree, missing) if cell.tree else cell.code
        found.append(cell if code == cell.code else replace(cell, code=code, tree=parse(code)))
    return found


def _wanted(cells: list[_Cell], names: set[str]) -> set[_Cell]:
    """Cells that are marked, define one of `names`, or something that a wanted cell uses.

    Those that register something with a helper of the answer, too; not a mere call of it.
    """
    needed = {*names, "*"}  # nobody knows what `from x import *` binds
    helpers: set[str] = set()
    wanted: set[_Cell] = set()
    more = True
    while more:
        more = False
        for cell in cells:
            tree = cell.tree
            if cell in wanted or tree is None:
                continue
            takes_part = bool(changed(tree) & needed or registers_with(tree) & helpers)
            if cell.marked or cell.binds & needed or takes_part or _imports(tree):
                wanted.add(cell)
                needed |= used(tree)
                helpers |= (used(tree) | cell.binds) - names
                more = True
    return wanted


def _imports(tree: ast.Module) -> bool:
    return bool(tree.body) and all(isinstance(n, ast.Import | ast.ImportFrom) for n in tree.body)


def _error(cells: list[_Cell], names: tuple[str, ...]) -> dict[str, object]:
    """About the last cell of the answer that Python cannot read, if there is one."""
    for cell in reversed(cells):
        defines = any(f"class {name}" in cell.code or f"def {name}" in cell.code for name in names)
        if cell.tree is None and (cell.marked or defines):
            error = syntax_error(cell.code) or SyntaxError("it is too large or too deep")
            return {
                "cell": cell.name,
                "reason": f"{str(error.msg or 'invalid syntax')[:200]} (for {_PYTHON})",
                "number": error.lineno or 1,
                "text": str(error.text or "")[:200],
            }
    return {}
