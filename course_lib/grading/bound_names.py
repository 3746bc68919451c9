"""The names that the top level of a cell binds, changes and uses, read from its syntax tree."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

__all__ = ["bound", "changed", "registers_with", "used"]

_BUILT_IN = frozenset(dir(builtins))
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def bound(tree: ast.Module) -> set[str]:
    """Names that exist after the cell has run, with those under `if`, `try` and `with`.

    >>> sorted(bound(ast.parse("import os.path as p\\nif p: x, y = 1, 2")))
    ['p', 'x', 'y']
    """
    found: set[str] = set()
    for node in _top_level(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
    return found


def changed(tree: ast.Module) -> set[str]:
    """Names of things that the cell changes: `x.call = call`, `x[1] = 2`, `x.append(3)`.

    >>> sorted(changed(ast.parse("Breaker.call = call\\nwords.append(1)\\nprint(x)")))
    ['Breaker', 'words']
    """
    found: set[str] = set()
    for node in _top_level(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            found |= _root(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            if isinstance(call.func, ast.Attribute):
                found |= _root(call.func)
            elif isinstance(call.func, ast.Name) and call.func.id == "setattr" and call.args:
                found |= _root(call.args[0])
    return found


def registers_with(tree: ast.Module) -> set[str]:
    """Names of what the cell may leave something with: decorators, bases, `register(table, 1)`.

    >>> sorted(registers_with(ast.parse("@app.get('/')\\ndef f(): g(1)\\nregister(table, 1)")))
    ['app', 'register', 'table']
    """
    found: set[str] = set()
    for node in _top_level(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                found |= _called(decorator)
            for base in getattr(node, "bases", ()):
                found |= _called(base)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = _called(node.value)
            if not name & _BUILT_IN:
                found |= name.union(*map(_root, node.value.args))
    return found


def used(tree: ast.Module) -> set[str]:
    """Every name that stands anywhere in the cell."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _top_level(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes but those inside functions and classes."""
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def _root(node: ast.AST) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _called(node: ast.AST) -> set[str]:
    """The root of `name.part`, `name(1)` or `name(1)(2)`."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return _root(node)
