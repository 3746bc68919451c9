"""The one place where errors become answers: translate once, log once.

The client, the log and the metric are three audiences of one event. An unknown
error is answered with 500 and an incident number, which the log has too. Whatever
goes wrong here, the client gets an answer, and it is a refusal (it fails closed).
Ctrl-C, exit and cancellation are no errors and pass through.

Sources: RFC 9457 (2023); OWASP Top 10:2025, A10, "Mishandling of Exceptional
Conditions". What a production version adds stands in `Boundary.production_gap`.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar, cast

from course_lib.errors.arguments import check_plain_result
from course_lib.errors.problem import Problem, ShopError, to_problem

__all__ = ["Boundary"]

P = ParamSpec("P")
R = TypeVar("R")
Translate = Callable[[Any], Problem]


class Boundary:
    """Turns any exception into a `Problem`, with one log record and one count.

    A problem with status 500 is logged at ERROR, with the exception and an incident
    number; other 5xx at WARNING, with the exception; the rest at INFO. Each record
    has the attributes `status`, `code` and `incident`.

    Args:
        logger: gets one record for each error.
        translators: for each class of exception, a function from the error to its
            `Problem`. The nearest class wins, so a handler also serves subclasses.
        count: called with (status, code), for a metric. Both have few values.
        new_id: makes incident numbers, each of which must be different.
    """

    production_gap = (
        "Problems in the language of the client, chosen by Accept-Language.",
        "A trace id in body and record that leads through all services.",
        "A limit on how many equal records are written in a second.",
        "Answers that are already half sent: here an error after the first byte is not seen.",
    )

    def __init__(
        self,
        *,
        logger: logging.Logger,
        translators: Mapping[type[Exception], Translate] | None = None,
        count: Callable[[int, str], None] | None = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._logger = logger
        self._translators: dict[type[Exception], Translate] = {ShopError: to_problem}
        self._translators.update(translators or {})
        self._count = count or (lambda status, code: None)
        self._new_id = new_id

    def problem(self, error: Exception) -> Problem:
        """What to answer; logged and counted. Never raises."""
        try:
            problem = self._translated(error)
        except Exception as failure:  # noqa: BLE001  a broken translator is a bug like any other
            if failure is not error:
                failure.__cause__ = error
            error, problem = failure, to_problem(failure)
        if problem.status == 500:
            problem = replace(problem, incident=self._incident())
        self._log(error, problem)
        with suppress(Exception):  # the answer is worth more than the count
            self._count(problem.status, problem.code)
        return problem

    def _translated(self, error: Exception) -> Problem:
        for kind in type(error).__mro__:
            if kind in self._translators:
                problem = self._translators[kind](error)
                if not isinstance(problem, Problem):
                    raise TypeError(f"the translator of {kind.__name__} gave back {problem!r}")
                return problem
        return to_problem(error)

    def _incident(self) -> str:
        try:
            return self._new_id()
        except Exception:  # noqa: BLE001  the answer needs a number, whatever happens
            return uuid.uuid4().hex

    def _log(self, error: Exception, problem: Problem) -> None:
        level = _level(problem.status)
        try:
            self._logger.log(
                level,
                "%s %s %s",
                problem.status,
                problem.code,
                problem.incident or _one_line(error),
                exc_info=error if level > logging.INFO else None,
                extra={
                    "status": problem.status,
                    "code": problem.code,
                    "incident": problem.incident,
                },
            )
        except Exception:  # noqa: BLE001  the answer is worth more than the record
            with suppress(Exception):
                name = type(error).__name__
                print(f"{problem.status} {name} {problem.incident}: log failed", file=sys.stderr)

    def wrap(self, handler: Callable[P, R], *, respond: Callable[[Problem], R]) -> Callable[P, R]:
        """`handler`, plain or `async def`, which answers `respond(problem)` instead of raising.

        `respond` only dresses the problem as a response and must not fail. A plain
        handler that gives back a coroutine is a bug, and is answered as one.
        """
        if inspect.iscoroutinefunction(handler):
            return cast("Callable[P, R]", self._wrap_async(handler, respond))

        @functools.wraps(handler)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return check_plain_result(handler(*args, **kwargs), use="an async def handler")
            except Exception as error:  # noqa: BLE001  this is the boundary
                return respond(self.problem(error))

        return guarded

    def _wrap_async(self, handler: Any, respond: Callable[[Problem], Any]) -> Any:
        @functools.wraps(handler)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                return await handler(*args, **kwargs)
            except Exception as error:  # noqa: BLE001  this is the boundary
                return respond(self.problem(error))

        return guarded


def _level(status: int) -> int:
    if status == 500:
        return logging.ERROR
    return logging.WARNING if status > 500 else logging.INFO


def _one_line(error: Exception) -> str:
    # Escaped, so that nobody can write a log line of their own into the text.
    text = str(error).encode("unicode_escape").decode("ascii")
    return f"{type(error).__name__}: {text}"
