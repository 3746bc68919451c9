"""Definitions below `if __name__ == "__main__":`, which a notebook runs and an import does not."""

from __future__ import annotations

import ast

from course_lib.grading.bound_names import bound

__all__ = ["bound_outside", "opened"]

_GUARDS = ("__name__ == '__main__'", "'__main__' == __name__")


def bound_outside(tree: ast.Module) -> set[str]:
    """Names that the top level binds wherever it is run."""
    return bound(ast.Module([node for node in tree.body if not _is_guard(node)], []))


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
