"""Run the learner's cells, one after the other, as a notebook does.

Where a cell stops, as at a question to somebody who is not there, what it defines below
that place is still defined: a learner who has run it and answered has it, too. What
wants a name of a cell below is run again at the end: some run their cells in any order.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from course_lib.grading.bound_names import bound
from course_lib.practice.learner import CodeCell
from course_lib.practice.limits import TimeUp
from course_lib.practice.running import Told, limited
from course_lib.practice.source import remember_lines

__all__ = ["run"]

_SIMPLE = (
    *(ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
)
_AROUND = (ast.If, ast.Try, ast.With)
_FILE = "answer.py"
_AFTER_TOO_LONG = 3.0
"""Seconds for what is below a line that took too long."""
_FUTURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


def run(cells: Iterable[CodeCell], *, seconds: float) -> tuple[dict[str, Any], Told | None]:
    """Run the cells; one that stops does not stop the next. `await` works outside functions.

    Returns:
        The namespace, and what the first cell that stopped said, if one did.
    """
    module = ModuleType("learner")
    sys.modules[module.__name__] = module  # dataclasses and pickle look it up there
    vars(module).update(get_ipython=_Notebook, display=_ignore, __file__=_FILE)
    sys.argv = [_FILE]
    os.environ.setdefault("USER", "learner")  # for getpass; nobody has a name in the sandbox
    running = _Running(vars(module), seconds)
    for cell in cells:
        remember_lines(cell.code, cell.name)
        running.run(cell)
    running.run_waiting()
    return running.namespace, running.failure


class _Statement(NamedTuple):
    code: CodeType
    binds: set[str]


class _Running:
    """The namespace of the cells, and what waits for a name that a cell below defines."""

    def __init__(self, namespace: dict[str, Any], seconds: float) -> None:
        self.namespace = namespace
        self.failure: Told | None = None
        self._seconds = seconds
        self._flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._line = 0
        self._error: type[BaseException] | None = None
        self._waiting: list[_Statement] = []

    def run(self, cell: CodeCell) -> None:
        try:
            code = self._compiled(cell.code, cell.name)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self.failure = self.failure or Told(error=f"{type(error).__name__}: {error}")
            return
        self._flags |= code.co_flags & _FUTURES  # a __future__ import counts for later cells
        told = self._limited(lambda: self._run_noting(code), self._seconds)
        if not told.ended:
            self.failure = self.failure or told
            seconds = _AFTER_TOO_LONG if told.too_long else self._seconds
            self._limited(lambda: self._run_rest(cell), min(seconds, self._seconds))

    def run_waiting(self) -> None:
        """Run again what wanted a name, until nothing changes. What is there stays."""
        if self._waiting:
            self._limited(self._run_waiting, self._seconds)

    def _limited(self, function: Callable[[], None], seconds: float) -> Told:
        return limited(function, self.namespace, seconds=seconds)

    def _compiled(self, code: str | ast.Module, name: str) -> CodeType:
        compiled: CodeType = compile(code, name, "exec", flags=self._flags, dont_inherit=True)
        return compiled

    def _run_noting(self, code: CodeType) -> None:
        """Run a cell; if it stops, note where and why."""
        self._line, self._error = 0, None
        try:
            _run(code, self.namespace)
        except BaseException as error:
            places = traceback.walk_tb(error.__traceback__)
            self._line = next((line for frame, line in places if frame.f_code is code), 0)
            self._error = type(error)
            raise

    def _run_rest(self, cell: CodeCell) -> None:
        """Define what the cell defines below the line that stopped; leave out what cannot be.

        After the end of a program, and where nobody knows the line, only what is not there.
        """
        for node in ast.parse(cell.code).body:
            if (node.end_lineno or 0) < self._line:
                continue
            alone = ast.Module([node], [])
            statement = _Statement(self._compiled(alone, cell.name), bound(alone))
            here = _first_line(node) <= self._line
            below = self._line and not here and self._error is not SystemExit
            if here and self._error in (NameError, TimeUp):
                if self._error is NameError:
                    self._waiting.append(statement)
                continue
            wanted = below or not statement.binds <= self.namespace.keys()
            if wanted and _defines(node, statement.binds) and self._wants_a_name(statement):
                self._waiting.append(statement)

    def _run_waiting(self) -> None:
        more = True
        while more:
            more = False
            for statement in [*self._waiting]:
                there = bool(statement.binds & self.namespace.keys())
                if there or not self._wants_a_name(statement):
                    self._waiting.remove(statement)
                    more = True

    def _wants_a_name(self, statement: _Statement) -> bool:
        """Run it; whether it stops because a name is not there."""
        with contextlib.suppress(Exception, SystemExit):
            try:
                _run(statement.code, self.namespace)
            except NameError:
                return True
        return False


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _defines(node: ast.stmt, binds: set[str]) -> bool:
    """Whether to run it below a line that stopped. A loop may never end."""
    if isinstance(node, _AROUND):
        return bool(binds) and not any(isinstance(n, ast.While) for n in ast.walk(node))
    return isinstance(node, _SIMPLE)


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
