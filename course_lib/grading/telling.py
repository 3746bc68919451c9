"""The child's side: recover the learner's cells, run them, tell scenarios to them.

All of this runs beside the learner's code, which can change any of it. So nothing that
is sent from here is believed to be more than what somebody says has happened.
"""

from __future__ import annotations

from typing import Any

from course_lib.grading import databases
from course_lib.grading.channel import Channel, Closed
from course_lib.grading.encoding import MOST_BYTES, encode
from course_lib.grading.given_cells import Given
from course_lib.grading.learners_cells import run
from course_lib.grading.modules_beside import write_modules
from course_lib.grading.project_files import load_package
from course_lib.grading.recovering import recover
from course_lib.practice.checking import nearly
from course_lib.practice.running import Told, tell
from course_lib.practice.scenarios import Checks

__all__ = ["CELLS_LIMIT", "CONFINED", "MOST_JOB", "serve"]

CELLS_LIMIT = 10.0
"""Seconds for each of the learner's cells."""

CONFINED = "confined"
"""Sent first, when the child is confined and has not run anything yet."""

MOST_JOB = 32 * 2**20
"""Bytes of one job: the cells of a notebook."""


def serve(channel: Channel, *, checks: Checks, given: Given) -> None:
    """Answer one job, then one request for each scenario, until nobody asks any more."""
    try:
        unable = databases.start(checks)
        channel.send(unable or CONFINED)
        if unable:
            return
        job: Any = channel.receive(most=MOST_JOB)
        namespace, ready = _load(job, checks, given)
        channel.send(ready)
        scenarios = {each.meaning: each for each in checks.scenarios}
        while True:
            request: Any = channel.receive()
            scenario = scenarios[request["meaning"]]
            told = tell(scenario, checks.names, namespace, seed=request["seed"])
            channel.send(_within_bounds(told))
    except Closed:
        return


def _load(job: Any, checks: Checks, given: Given) -> tuple[dict[str, Any], dict[str, object]]:
    """The learner's namespace, and what to say of it; "state" is "ready" if all is there."""
    if given.package:
        return _load_package(job["cells"], checks, given)
    names = checks.names
    write_modules(job["cells"])
    recovered = recover(job["cells"], names, given)
    namespace, failure = run(recovered.cells, seconds=CELLS_LIMIT)
    absent = next((name for name in names if name not in namespace), "")
    ready: dict[str, object] = {"state": "ready", "slow": bool(failure and failure.too_long)}
    if not absent:
        return namespace, ready
    if recovered.error:
        return namespace, {"state": "unreadable", **recovered.error}
    if failure:
        return namespace, {"state": "not run", **_as_dict(failure)}
    near = nearly(absent, namespace)
    return namespace, {"state": "absent", "name": absent, "near": near}


def _load_package(
    cells: Any, checks: Checks, given: Given
) -> tuple[dict[str, Any], dict[str, object]]:
    namespace, failure = load_package(cells, given.package)
    if failure:
        return namespace, {"state": "not run", **_as_dict(failure)}
    absent = next((name for name in checks.names if name not in namespace), "")
    if absent:
        return namespace, {"state": "absent", "name": absent, "near": nearly(absent, namespace)}
    return namespace, {"state": "ready", "slow": False}


def _within_bounds(told: Told) -> dict[str, object]:
    found = _as_dict(told)
    if len(encode(found)) <= MOST_BYTES:
        return found
    return _as_dict(Told(error="gave a value that is too large to compare"))


def _as_dict(told: Told) -> dict[str, object]:
    return {
        "value": told.value,
        "error": told.error,
        "line": told.line,
        "not_written": told.not_written,
        "too_long": told.too_long,
        "printed": told.printed,
    }
