"""Run the learner's cells, one after the other, as a notebook does."""

from __future__ import annotations
import __future__

import ast
import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from types import CodeType, ModuleType
from typing import Any

from course_lib.practice.learner import CodeCell
from course_lib.practice.running import Told, limited
from course_lib.practice.source import remember_lines

__all__ = ["run"]

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
        failure = failure or (None if told.ended else told)
    return vars(module), failure


def _compiled(cell: CodeCell, flags: int) -> CodeType:
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(cell.code, cell.name, "exec", flags=flags, dont_inherit=True)
    return code


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
