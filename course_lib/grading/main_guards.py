"""Definitions below `if __name__ == "__main__":`, which a notebook runs and an import does not."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

from course_lib.grading.bound_names import bound

__all__ = ["bound_outside", "has_guard", "looked_up", "opened"]

_GUARDS = ("__name__ == '__main__'", "'__main__' == __name__")


def has_guard(tree: ast.Module) -> bool:
    return any(map(_is_guard, tree.body))


def bound_outside(tree: ast.Module) -> set[str]:
    """Names that the top level binds wherever it is run."""
    return bound(_outside(tree))


def looked_up(tree: ast.Module) -> set[str]:
    """Names outside of guards that functions look for at the top level when they are called.

    >>> sorted(looked_up(ast.parse("def f(x):\\n    y = len(x.z)\\n    return y + N")))
    ['N']
    """
    try:
        table = symtable.symtable(ast.unparse(_outside(tree)), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    functions = [each for each in _tables(table) if each.get_type() == "function"]
    symbols = [symbol for function in functions for symbol in function.get_symbols()]
    return {each.get_name() for each in symbols if each.is_global()} - {*dir(builtins)}


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _outside(tree: ast.Module) -> ast.Module:
    return ast.Module([node for node in tree.body if not _is_guard(node)], [])


def opened(code: str, tree: ast.Module, names: set[str]) -> str:
    """The code with those guards open that bind one of `names`; the others stay.

    >>> code = "if __name__ == '__main__':\\n    x = 1\\n"
    >>> opened(code, ast.parse(code), {"x"})
    'if True:\\n    x = 1\\n'
    """
    lines = code.split("\n")
    for node in tree.body:
        if isinstance(node, ast.If) and _is_guard(node) and bound(ast.Module([node], [])) & names:
            test = node.test
            if test.lineno == test.end_lineno:
                line = lines[test.lineno - 1]
                line = f"{line[: test.col_offset]}True{line[test.end_col_offset :]}"
                lines[test.lineno - 1] = line
    return "\n".join(lines)


def _is_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in _GUARDS
