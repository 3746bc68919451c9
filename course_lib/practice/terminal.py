"""The check from a terminal: the learner's file, in a process with a hard time limit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from course_lib.index import ROOT
from course_lib.practice import reports
from course_lib.practice.checking import PUBLIC_SEED, judge, syntax_error
from course_lib.practice.feedback import Report, Row
from course_lib.practice.hints import learners_notebook
from course_lib.practice.learner import Unreadable, code_cells, load_cells, run_cells
from course_lib.practice.opened import open_exercise
from course_lib.practice.source import BadExercise

__all__ = ["check_cells", "check_file"]

HARD_LIMIT = 60.0
"""Seconds for the whole check, which has a limit of its own on every scenario."""

CELLS_LIMIT = 10.0
"""Seconds for running the learner's cells."""


def check_file(id: str, path: Path | None = None, *, root: Path = ROOT) -> tuple[Report, int]:
    """Check a notebook or a script; the report, and the exit code: 0 for right, else 1.

    Args:
        path: the file; by default the learner's notebook in work/.

    Raises:
        UnknownId: no exercise has this id.
    """
    try:
        opened = open_exercise(id, root)
        file = learners_notebook(opened.exercise, root) if path is None else path
        load_cells(file)
    except BadExercise as error:
        return reports.broken(id, error), 1
    except Unreadable as error:
        return Report(str(error), id=id, outcome="crashed"), 1
    report = reports.recorded(_in_child(opened.exercise.id, file, root))
    return report, 0 if report.right else 1


def _in_child(id: str, file: Path, root: Path) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "report.json"
        command = [
            sys.executable,
            "-c",
            "from course_lib.practice import terminal; terminal.main()",
        ]
        command += [id, str(file.absolute()), str(root.absolute()), str(answer)]
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            child.wait(HARD_LIMIT)
        except subprocess.TimeoutExpired:
            return reports.ended(id, f"stopped after {HARD_LIMIT:g} s")
        finally:
            _end(child)
        try:
            return report_from(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):
            return reports.ended(id, f"it ended its process with exit code {child.returncode}")


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and, where the system has sessions, everything that it started."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(child.pid, 9)
        except (ProcessLookupError, PermissionError):
            pass
    else:
        child.kill()
    child.wait()


def report_from(text: str) -> Report:
    """A Report from the JSON that the child wrote. Raises ValueError or TypeError."""
    fields = json.loads(text)
    fields["rows"] = tuple(Row(**row) for row in fields["rows"])
    fields["closing"] = tuple(fields["closing"])
    return Report(**fields)


def check_cells(id: str, file: Path, *, seed: int | str = PUBLIC_SEED, root: Path = ROOT) -> Report:
    """Run the learner's cells in this process and judge them.

    Raises:
        BadExercise, UnknownId, Unreadable: as their names say.
    """
    opened = open_exercise(id, root)
    names = opened.checks.names
    cells = code_cells(load_cells(file), names)
    for cell in cells:
        error = syntax_error(cell.code)
        if error:
            return reports.unreadable(opened.exercise.id, error, cell=cell.name)
    namespace, failure = run_cells(cells, seconds=CELLS_LIMIT)
    if failure and any(name not in namespace for name in names):
        return reports.not_run(opened.exercise.id, failure)
    return judge(opened, namespace, seed=seed)


def main() -> None:
    """The child: writes its report to the file named last, and ends whatever still runs."""
    id, file, root, answer = sys.argv[1:]
    _end_with_the_limit()
    try:
        report = check_cells(id, Path(file), root=Path(root))
    except BadExercise as error:
        report = reports.broken(id, error)
    Path(answer).write_text(json.dumps(asdict(report)), encoding="utf-8")
    os._exit(0)  # threads that the learner's code left running cannot hold it back


def _end_with_the_limit() -> None:
    """A loop ends by itself, also when the parent is gone and nobody counts the time."""
    try:
        import resource
    except ImportError:  # Windows
        return
    seconds = int(HARD_LIMIT)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
