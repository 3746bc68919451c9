"""Points for a workflow: `python -m course_lib.export.counting ID FILE`.

The learner's cells run in a child, which an endless loop or `os._exit` cannot outlive; without
an answer from it there are no points. It does not see where a step's outputs are written.
The form of the results is that of Classroom's graders, one for each task; the notices are
those that its reporter made of them:
https://github.com/classroom-resources/autograding-grading-reporter
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from course_lib.export.points import MissingService, Outcome, by_task, nothing, outcomes
from course_lib.index import ROOT, UnknownId
from course_lib.practice import services
from course_lib.practice.learner import Unreadable, code_cells, load_cells, run_cells
from course_lib.practice.opened import Opened, open_exercise
from course_lib.practice.source import BadExercise

__all__ = ["count", "main"]

_CELLS_LIMIT = 10.0
"""Seconds for each of the learner's cells."""

_MORE_SECONDS = 30.0
"""For the whole child, on top of the scenarios' own limits."""


def main(words: Sequence[str]) -> int:
    """Count, say it, and write the results where GitHub looks for a step's outputs.

    The exit code is 0 when everything is right, as that of `course.py check`.
    """
    try:
        id, file = words
        opened = open_exercise(id)
        found = count(opened, Path(file))
    except (UnknownId, BadExercise, Unreadable, MissingService) as error:
        print(error, file=sys.stderr)
        return 2
    results = {task: result(found, task) for task in opened.checks.tasks}
    for task, points in by_task(found).items():
        print(f"Task {task}: {points} of {results[task]['max_score']} points")
    if place := os.environ.get("GITHUB_OUTPUT"):
        with Path(place).open("a", encoding="utf-8") as outputs:
            outputs.writelines(f"task{task}={_encoded(each)}\n" for task, each in results.items())
    total = {
        "totalPoints": sum(outcome.points for outcome in found),
        "maxPoints": sum(outcome.of_points for outcome in found),
    }
    print("::notice title=Autograding complete::Points {totalPoints}/{maxPoints}".format(**total))
    print(f"::notice title=Autograding report::{json.dumps(total)}")
    return 0 if total["totalPoints"] == total["maxPoints"] else 1


def _encoded(value: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(value).encode("utf-8")).decode("ascii")


def result(found: Sequence[Outcome], task: int) -> dict[str, Any]:
    """One task's scenarios as Classroom's reporter read them; `line_no` 0 stands for no line."""
    mine = [outcome for outcome in found if outcome.task == task]
    tests = [
        {
            "name": outcome.meaning,
            "status": "pass" if outcome.points else "fail",
            "score": outcome.points,
            "line_no": 0,
        }
        for outcome in mine
    ]
    right = all(outcome.points for outcome in mine)
    return {
        "version": 1,
        "status": "pass" if right else "fail",
        "max_score": sum(outcome.of_points for outcome in mine),
        "tests": tests,
    }


def count(opened: Opened, file: Path) -> list[Outcome]:
    """The outcome of every scenario for the answer in `file`.

    Raises:
        Unreadable: the file is no notebook and no script.
        MissingService: a scenario cannot be told here.
    """
    load_cells(file)
    missing = services.missing(opened.checks)  # started here: the child uses what it finds
    if missing:
        raise MissingService(" ".join(missing.values()))
    limit = sum(told.limit for told in opened.checks.scenarios) + _MORE_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "outcomes.json"
        words = [opened.exercise.id, str(file.absolute()), str(opened.root), str(answer)]
        _run_child(words, limit)
        try:
            rows = json.loads(answer.read_text(encoding="utf-8"))
            return [Outcome(**row) for row in rows]
        except (OSError, ValueError, TypeError):
            return nothing(opened)


def _run_child(words: Sequence[str], seconds: float) -> None:
    code = "from course_lib.export import counting; counting.child()"
    command = [sys.executable, "-P", "-c", code, *words]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    child = subprocess.Popen(
        command,
        env=env | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        child.kill()
        child.wait()


def child() -> None:
    """Run the learner's cells, tell the scenarios, and write what they gave to a file."""
    id, file, root, answer = sys.argv[1:]
    opened = open_exercise(id, Path(root))
    cells = code_cells(load_cells(Path(file)), opened.checks.names)
    namespace, _ = run_cells(cells, seconds=_CELLS_LIMIT)
    rows = [asdict(outcome) for outcome in outcomes(opened, namespace)]
    Path(answer).write_text(json.dumps(rows), encoding="utf-8")
    os._exit(0)  # threads that the learner's code left running cannot hold it back


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
