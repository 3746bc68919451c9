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
from course_lib.practice import projects, reports, services
from course_lib.practice.checking import PUBLIC_SEED, judge, syntax_error
from course_lib.practice.feedback import Report, Row
from course_lib.practice.hints import learners_copy
from course_lib.practice.learner import Unreadable, code_cells, load_cells, run_cells
from course_lib.practice.memory import remember
from course_lib.practice.opened import Opened, open_exercise
from course_lib.practice.source import BadExercise

__all__ = ["check_cells", "check_file", "check_milestone"]

HARD_LIMIT = 60.0
"""Seconds for the whole check, which has a limit of its own on every scenario."""

CELLS_LIMIT = 10.0
"""Seconds for running the learner's cells."""


def check_file(id: str, path: Path | None = None, *, root: Path = ROOT) -> tuple[Report, int]:
    """Check a notebook, a script or a project; the report, and the exit code: 0 for right, else 1.

    Args:
        path: the file, or the project's folder; by default the learner's copy in work/.

    Raises:
        UnknownId: no exercise has this id.
    """
    try:
        opened = open_exercise(id, root)
        file = learners_copy(opened.exercise, root) if path is None else path
        _require(opened, file)
        services.missing(opened.checks)  # started here: children use what they find
    except BadExercise as error:
        return reports.broken(id, error), 1
    except Unreadable as error:
        return Report(str(error), id=id, outcome="crashed"), 1
    if opened.exercise.is_project:
        report: Report = reports.whole(opened.exercise.id, opened.checks, _milestones(opened, file))
    else:
        report = _in_child(opened, file)
    report = reports.recorded(report)
    return report, 0 if report.right else 1


def _require(opened: Opened, file: Path) -> None:
    """Raises Unreadable unless there is something to check."""
    if not opened.exercise.is_project:
        load_cells(file)
    elif not (file / "__init__.py").is_file():
        raise Unreadable(f"{file.name} is no package; name the project's folder.")


def _milestones(opened: Opened, folder: Path) -> list[Report]:
    """Each milestone in a child of its own: one that hangs or dies costs no other."""
    found = []
    for number in opened.checks.tasks:
        found.append(_in_child(opened.milestone(number), folder, milestone=number))
        remember("milestone", f"{opened.exercise.id} M{number}", found[-1].outcome)
    return found


def _in_child(opened: Opened, file: Path, *, milestone: int = 0) -> Report:
    id, root = opened.exercise.id, opened.root
    name = f"{id}, M{milestone}" if milestone else id
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "report.json"
        command = [
            sys.executable,
            "-c",
            "from course_lib.practice import terminal; terminal.main()",
        ]
        command += [id, str(file.absolute()), str(root.absolute()), str(answer), str(milestone)]
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
            return reports.ended(name, f"stopped after {HARD_LIMIT:g} s")
        finally:
            _end(child)
            services.sweep(opened.checks, [child.pid])
        try:
            return report_from(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):
            return reports.ended(name, f"it ended its process with exit code {child.returncode}")


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
        return reports.not_run(opened.exercise.id, opened.checks, failure)
    return judge(opened, namespace, seed=seed)


def check_milestone(
    id: str, folder: Path, number: int, *, seed: int | str = PUBLIC_SEED, root: Path = ROOT
) -> Report:
    """Import the learner's package into this process and judge one milestone.

    Raises:
        BadExercise, UnknownId: as their names say.
    """
    opened = open_exercise(id, root).milestone(number)
    namespace, failure = projects.load(folder, opened.exercise.slug)
    if failure:
        return reports.not_run(opened.exercise.id, opened.checks, failure)
    return judge(opened, namespace, seed=seed)


def main() -> None:
    """The child: writes its report to the file named last, and ends whatever still runs."""
    id, file, root, answer, milestone = sys.argv[1:]
    _end_with_the_limit()
    sys.dont_write_bytecode = True  # no new folders between the learner's files
    try:
        if milestone == "0":
            report = check_cells(id, Path(file), root=Path(root))
        else:
            report = check_milestone(id, Path(file), int(milestone), root=Path(root))
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
