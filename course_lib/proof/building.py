"""`course.py build`: make everything that is made from something else.

Exercise notebooks come from solutions/, the tables of README.md from
course.toml, and the outputs of a lesson from running it in the same kernel,
room and environment in which CI compares it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_lib.index import ROOT, Course, UnknownId, course
from course_lib.proof import derived, notebook_files
from course_lib.proof.cell_ids import name_cells
from course_lib.proof.collecting import MOST, merged, size
from course_lib.proof.kernel_start import kernel_manager
from course_lib.proof.rooms import room
from course_lib.proof.structure import FOLDED

__all__ = ["CellFailed", "main", "run_and_store"]

CELL_SECONDS = 60

_KEPT_METADATA = ("tags", "volatile_reason")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_RULES = ROOT / "tests" / "notebooks" / "sanitize.cfg"


class CellFailed(Exception):
    """A cell raised, took too long or showed too much; nothing was stored."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build everything, or the lessons and exercises named. Returns the exit status."""
    options = _options(arguments)
    try:
        lessons, exercises = _chosen(options.ids, course())
        stale = _exercises(exercises, check=options.check)
        if derived.refresh(ROOT, check=options.check):
            stale.append(derived.README)
        if not options.check and (options.run or options.ids):
            _lessons(lessons, every=not options.ids)
    except (CellFailed, UnknownId, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for name in stale:
        print(f"{name}: {'is stale' if options.check else 'made new'}")
    return 1 if options.check and stale else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="course.py build", description=__doc__.split("\n")[0])
    parser.add_argument("ids", nargs="*", metavar="ID", help="a lesson (run it) or an exercise")
    parser.add_argument("--check", action="store_true", help="change nothing, say what is stale")
    parser.add_argument("--run", action="store_true", help="run all lessons and store outputs")
    return parser.parse_args(arguments)


def _chosen(ids: Sequence[str], course: Course) -> tuple[list[Path], list[str]]:
    """(lessons, exercise ids) named, or all of them."""
    known = {lesson.id: ROOT / lesson.path for lesson in course.notebooks}
    if not ids:
        return list(known.values()), [exercise.id for exercise in course.exercises]
    lessons = [known[id] for id in ids if id in known]
    return lessons, [course.exercise(id).id for id in ids if id not in known]


def _exercises(ids: list[str], *, check: bool) -> list[str]:
    """Build exercises; the ones that were stale."""
    from course_lib.practice.build import build

    return [str(name) for name in build(ids, check=check)]


def _lessons(paths: list[Path], *, every: bool) -> None:
    """Run lessons; with every one of them, what draws the pictures may have changed."""
    from course_lib.proof import drawn_with

    if paths and not every and not drawn_with.pictures_are_comparable():
        print(f"{drawn_with.DRAWN_ELSEWHERE} Build all lessons with --run.", file=sys.stderr)
    for path in paths:
        print(f"running {path.relative_to(ROOT).as_posix()}", flush=True)
        run_and_store(path)
    if every:
        drawn_with.record()


def run_and_store(path: Path) -> None:
    """Run one lesson from top to bottom and store what it shows.

    Raises:
        CellFailed: a cell without the tag `raises-exception` raised, or a cell took
            longer than CELL_SECONDS or shows more than MOST characters. The file
            is left as it was.
    """
    import nbformat

    notebook = nbformat.read(str(path), as_version=4)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    _run(path, notebook)
    notebook_files.write(path, clean(notebook))


def _run(path: Path, notebook: Any) -> None:
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    with room(path) as place:
        manager = kernel_manager(place, AsyncKernelManager)
        client = NotebookClient(notebook, km=manager, timeout=CELL_SECONDS)
        start = {"env": place.environment(), "cwd": str(place.lesson), "cleanup_kc": True}
        with client.setup_kernel(**start):
            for number, cell in enumerate(notebook.cells):
                where = f"{path.name}: {notebook_files.where(cell, number + 1)}"
                try:
                    client.execute_cell(cell, number, store_history=True)
                except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                    said = str(error).strip().splitlines()[-1]
                    raise CellFailed(f"{where}: {said}") from error
                if sum(map(size, cell.get("outputs", []))) > MOST:
                    raise CellFailed(f"{where}: shows more than {MOST:,} characters; print less")


def clean(notebook: Any) -> dict[str, Any]:
    """The notebook with nothing in it that is only true of this run."""
    from nbval.plugin import get_sanitize_patterns

    rules = get_sanitize_patterns(_RULES.read_text(encoding="utf-8"))
    name_cells(notebook.cells)
    for cell in notebook.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in _KEPT_METADATA}
        if "predict" in cell.metadata.get("tags", ()):
            cell.metadata["jupyter"] = dict(FOLDED)
        if cell.cell_type == "code":
            cell.outputs = merged(cell.outputs)
            for output in cell.outputs:
                _clean_output(output, rules)
    return dict(notebook)


def _clean_output(output: dict[str, Any], rules: list[tuple[str, str]]) -> None:
    if output["output_type"] == "stream":
        output["text"] = _by_rules(output["text"], rules)
    elif output["output_type"] == "error":
        output["traceback"] = [_by_rules(line, rules) for line in output["traceback"]]
    else:
        data = output["data"]
        data.pop(_WIDGET, None)
        if "text/plain" in data:
            data["text/plain"] = _by_rules(data["text/plain"], rules)


def _by_rules(text: str, rules: list[tuple[str, str]]) -> str:
    import re

    for pattern, replacement in rules:
        text = re.sub(pattern, replacement, text)
    return text
