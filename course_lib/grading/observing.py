"""Tell the scenarios to somebody's code in a child, and start a new child after each loss.

A child that dies or hangs costs the scenario that was being told, and no other.
"""

from __future__ import annotations

import re
import time
from typing import Any

from course_lib.grading.assignments import Assignment
from course_lib.grading.channel import TooLate
from course_lib.grading.encoding import without_controls
from course_lib.grading.notebook_cells import Cell
from course_lib.grading.seeds import Seed
from course_lib.grading.telling import CELLS_LIMIT
from course_lib.grading.warm_process import Attempt, Died, WarmProcess
from course_lib.practice.running import Told
from course_lib.practice.scenarios import Scenario
from course_lib.practice.values import clip

__all__ = ["MOST_STUCK", "Observing", "Unready"]

MARGIN = 0.5
"""Seconds on top of a limit that the child keeps itself, before it is ended from here."""

MOST_CELL_SECONDS = 60.0
"""For all cells of one notebook together."""

MOST_STUCK = 30.0
"""Seconds of limits that one submission may use up; what is left then is not told.

Where one scenario may take longer than a third of this, three times its limit.
"""


class Unready(Exception):
    """The cells do not give what scenarios need; `state` says why, `found` the details."""

    def __init__(self, state: str, found: dict[str, Any]) -> None:
        super().__init__(state)
        self.state = state
        self.found = found


_DEFINITION = re.compile(r"^(?:class|def|async def) ", re.MULTILINE)


class Observing:
    """The code of one submission. A context manager; ends its child.

    Raises:
        Unready: on entering, if the code cannot be told anything.
        GraderFault: the child cannot be made.
    """

    def __init__(
        self, warm: WarmProcess, assignment: Assignment, cells: list[Cell], seed: Seed
    ) -> None:
        self._warm = warm
        self._assignment = assignment
        self._job = {"cells": [cell for cell in cells if not _is_prose(cell)]}
        self._seed = seed
        self._stuck = 0.0
        limits = [scenario.limit for scenario in assignment.checks.scenarios]
        self._most_stuck = max(MOST_STUCK, 3 * max(limits))
        self._attempt: Attempt | None = None

    def __enter__(self) -> Observing:
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        if self._attempt:
            self._attempt.close()
        self._attempt = None

    def _begin(self, *, again: bool = False) -> Attempt:
        self._attempt = self._warm.attempt(self._assignment.checks_path, self._job)
        start = time.monotonic()
        try:
            answer = self._attempt.answer(seconds=MOST_CELL_SECONDS + MARGIN)
        except Died as error:
            raise Unready("ended", {"why": str(error)}) from None
        except TooLate:
            raise Unready("ended", {"why": f"ran for {MOST_CELL_SECONDS:g} s"}) from None
        finally:
            if again:  # cells may be slow once, not for every scenario
                self._stuck += time.monotonic() - start
        ready = _ready(answer)
        if ready["state"] != "ready":
            raise Unready(ready["state"], ready)
        if ready["slow"]:
            self._stuck += CELLS_LIMIT
        return self._attempt

    def tell(self, scenario: Scenario) -> Told:
        """What the scenario gave. Nothing that the child does can raise here."""
        if self._stuck >= self._most_stuck:
            return Told(error=f"not told: earlier scenarios were stuck for {self._most_stuck:g} s")
        try:
            attempt = self._attempt or self._begin(again=True)
        except Unready as error:
            return Told(error=f"your code could not be started again: {error.state}")
        told = self._ask(attempt, scenario)
        if told.too_long:
            self._stuck += scenario.limit
        return told

    def _ask(self, attempt: Attempt, scenario: Scenario) -> Told:
        seed = self._seed.of(self._assignment.id, scenario.meaning)
        message = {"meaning": scenario.meaning, "seed": seed}
        try:
            told = _told(attempt.ask(message, seconds=scenario.limit + MARGIN))
        except Died as error:
            told = Told(error=f"your code {error}")
        except TooLate:
            told = Told(error=f"stopped after {scenario.limit:g} s", too_long=True)
        else:
            if not told.too_long:
                return told
        self.__exit__()
        return told


def _is_prose(cell: Cell) -> bool:
    """Whether it is certain that the cell is no part of the answer: most of a notebook is not."""
    words = cell["kind"] in ("markdown", "raw") and not cell["tags"] and not cell["solution"]
    return words and not _DEFINITION.search(cell["source"])


def _ready(answer: object) -> dict[str, Any]:
    """The answer to a job, if it is one; otherwise the child's code has sent something else."""
    state = answer.get("state") if isinstance(answer, dict) else None
    kinds = _STATES.get(state) if isinstance(state, str) else None
    if kinds is None or not isinstance(answer, dict):
        return {"state": "ended", "why": "sent something that is no answer"}
    if {key: type(value) for key, value in answer.items()} != {"state": str} | kinds:
        return {"state": "ended", "why": "sent something that is no answer"}
    return _clipped(answer)


_TOLD: dict[str, type] = {
    "error": str,
    "line": str,
    "not_written": bool,
    "too_long": bool,
    "printed": int,
}
_STATES: dict[str, dict[str, type]] = {
    "ready": {"slow": bool},
    "absent": {"name": str, "near": str},
    "unreadable": {"cell": str, "reason": str, "number": int, "text": str},
    "not run": {"value": type(None), **_TOLD},
}


def _told(answer: object) -> Told:
    """Raises Died unless it is the answer to a request."""
    if isinstance(answer, dict) and answer.keys() == {"value", *_TOLD}:
        right_kinds = all(type(answer[key]) is kind for key, kind in _TOLD.items())
        if right_kinds and 0 <= answer["printed"] < 10**15:
            return Told(**_clipped(answer))
    raise Died("sent something that is no answer")


def _clipped(answer: dict[str, Any]) -> dict[str, Any]:
    """Texts of a bounded length, without halves of surrogate pairs, which no file can hold."""
    return {
        key: clip(without_controls(value), 1000)
        if isinstance(value, str) and key != "value"
        else value
        for key, value in answer.items()
    }
