"""Run the learner's cells, one after the other, as a notebook does.

Where a cell stops, as at a question to somebody who is not there, what it defines below
that place is still defined: a learner who has run it and answered has it, too.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from types import CodeType, ModuleType
from typing import Any

from course_lib.grading.bound_names import bound
from course_lib.practice.learner import CodeCell
from course_lib.practice.running import Told, limited
from course_lib.practice.source import remember_lines

__all__ = ["run"]

_DEFINITIONS = (
    *(ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
)
_FUTURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


def run(cells: Iterable[CodeCell], *, seconds: float) -> tuple[dict[str, Any], Told | None]:
    """Run the cells; one that stops does not stop the next. `await` works outside functions.

    Returns:
        The namespace, and what the first cell that stopped said, if one did.
    """
    module = ModuleType("learner")
    sys.modules[module.__name__] = module  # dataclasses and pickle look it up there
    vars(module).update(get_ipython=_Notebook, display=_ignore)
    failure = None
    flags = 0
    for cell in cells:
        remember_lines(cell.code, cell.name)
        try:
            code = _compiled(cell, flags)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            failure = failure or Told(error=f"{type(error).__name__}: {error}")
            continue
        flags |= code.co_flags & _FUTURES  # a __future__ import counts for later cells
        told = limited(functools.partial(_run, code, vars(module)), vars(module), seconds=seconds)
        if not told.ended:
            failure = failure or told
            rest = functools.partial(_run_rest, cell, vars(module), flags)
            limited(rest, vars(module), seconds=seconds)
    return vars(module), failure


def _compiled(cell: CodeCell, flags: int) -> CodeType:
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(cell.code, cell.name, "exec", flags=flags, dont_inherit=True)
    return code


def _run_rest(cell: CodeCell, namespace: dict[str, Any], flags: int) -> None:
    """Define what the cell defines and what is not there yet; leave out what cannot be."""
    for node in ast.parse(cell.code).body:
        alone = ast.Module([node], [])
        if isinstance(node, _DEFINITIONS) and not bound(alone) <= namespace.keys():
            with contextlib.suppress(Exception):
                _run(compile(alone, cell.name, "exec", flags, dont_inherit=True), namespace)


def _run(code: CodeType, namespace: dict[str, Any]) -> None:
    if code.co_flags & inspect.CO_COROUTINE:
        import asyncio  # large, and every child pays for what the warm process has loaded

        asyncio.run(eval(code, namespace))
    else:
        exec(code, namespace)


def _ignore(*_values: object, **_named: object) -> None:
    """Stands for `display`."""


class _Notebook:
    """Stands for what `get_ipython()` gives; scripts saved by Jupyter call its magics."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _ignore
