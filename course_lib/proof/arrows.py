"""Gate: imports go one way, and modules stay small enough to read in one sitting.

notebooks -> lesson, labs, practice, chapter packages
lesson, labs never import a chapter package or practice
a chapter package imports the standard library and course_lib.clock
only lesson imports matplotlib, ipywidgets or IPython
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from course_lib.proof.gates import Gate, course_of, finished, tracked
from course_lib.proof.tree import FURNITURE

__all__ = ["arrows_go_one_way", "modules_are_small"]

MODULE_LINES = 300
FURNITURE_LINES = 15_500

_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_SCREEN = {"matplotlib", "ipywidgets", "IPython"}


def arrows_go_one_way(root: Path) -> Gate:
    """Covers the modules of course_lib; looks inside functions too."""
    chapters = _chapter_packages(root)
    problems: list[str] = []
    modules = _modules(root)
    for path in modules:
        name = path.relative_to(root).as_posix()
        try:
            tree = ast.parse(path.read_bytes())
        except SyntaxError as error:
            problems.append(f"{name}: cannot be read as Python ({error}); mend it.")
            continue
        package = _package(root, path)
        for imported in sorted(_imports(tree, root, path)):
            if rule := _forbidden(package, imported, chapters):
                problems.append(f"{name}: imports {imported}, but {rule}.")
    return finished(root, "imports", covered=len(modules), unit="modules", problems=problems)


def _chapter_packages(root: Path) -> frozenset[str]:
    try:
        return frozenset(c.package for c in course_of(root).chapters if c.package)
    except ValueError:
        return frozenset()  # the index gate says so


def _modules(root: Path) -> list[Path]:
    return [p for p in tracked(root, ".py") if p.is_relative_to(root / "course_lib")]


def _package(root: Path, path: Path) -> str:
    inside = path.relative_to(root / "course_lib").parts
    return inside[0] if len(inside) > 1 else ""


def _imports(tree: ast.Module, root: Path, path: Path) -> set[str]:
    """Dotted names, with `from x import y` as x.y, since y may be a module."""
    home = path.relative_to(root).with_suffix("").parts
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            above = ".".join(home[: -node.level]) if node.level else ""
            start = ".".join(part for part in (above, node.module or "") if part)
            found |= {f"{start}.{alias.name}" for alias in node.names}
    return found


def _forbidden(package: str, imported: str, chapters: frozenset[str]) -> str:
    """The rule that this import breaks, or nothing."""
    top, _, rest = imported.partition(".")
    target = rest.split(".")[0]
    if top in _SCREEN and package != "lesson":
        return f"only course_lib.lesson may import {top}"
    if package in chapters:
        own = top == "course_lib" and target in (package, "clock")
        if not own and top not in sys.stdlib_module_names:
            return "a chapter package imports only the standard library and course_lib.clock"
    beneath_patterns = package in ("lesson", "labs") and top == "course_lib"
    if beneath_patterns and target in {*chapters, "practice"}:
        return f"course_lib.{package} may import neither a chapter package nor practice"
    return ""


def modules_are_small(root: Path) -> Gate:
    """Lines of each module, lines of the furniture in all, and names that shadow."""
    problems: list[str] = []
    furniture = 0
    modules = _modules(root)
    for path in modules:
        lines = len(path.read_bytes().splitlines())
        if _package(root, path) in FURNITURE:
            furniture += lines_of_code(path.read_text(encoding="utf-8"))
        if lines > MODULE_LINES:
            name = path.relative_to(root).as_posix()
            problems.append(f"{name}: has {lines} lines, the limit is {MODULE_LINES}; split it.")
    if furniture > FURNITURE_LINES:
        problems.append(
            f"course_lib: {', '.join(FURNITURE)} have {furniture} lines of code in all, "
            f"the limit is {FURNITURE_LINES}; simplify them."
        )
    problems += _shadows(root, modules)
    return finished(root, "size", covered=len(modules), unit="modules", problems=problems)


def lines_of_code(text: str) -> int:
    """Lines that hold code; empty lines, comments and docstrings are free.

    >>> lines_of_code("# why\\n\\nlimit = 3\\n")
    1
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    held: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr)):
            held.update((node.lineno, node.end_lineno or node.lineno))
    return len(held)


def _shadows(root: Path, modules: list[Path]) -> Iterator[str]:
    """Learners run files directly; a file named like a standard module would replace it."""
    solutions = [p for p in tracked(root, ".py") if p.is_relative_to(root / "solutions")]
    for path in [*modules, *solutions]:
        if path.stem in sys.stdlib_module_names - {"__main__"}:
            name = path.relative_to(root).as_posix()
            yield f"{name}: has the name of a standard module and would hide it; rename it."
