"""Our grader beside nbgrader and otter-grader: the same task, the same submissions.

Run: python benchmarks/grading.py [--rounds 3] [--without-otter] [--otter PYTHON]

All three are warm, so none pays for starting its program; each grades one notebook
after the other, in turns, so that what else the machine does hits all alike. Ours has
all protections on and writes the learner's page. otter needs an environment of its own,
which is made at the first run and kept in the user's cache; it runs without Docker, and
its notebooks come without nbgrader's cells of tests. A verdict is right when exactly
the right answers have full marks. Exit code 1: ours is too slow, or wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

ID = "00-first-check"
ANSWERS = ROOT / "tests/exercises/00_start/1_first_check"
FULL = 3
TIMES_NBGRADER = 80.0
MEDIAN_MS = 10.0
P95_MS = 30.0

TESTS = {
    "small": """\
for total in ("0.00", "12.34", "24.99"):
    assert delivery_fee(Decimal(total)) == Decimal("4.90")
""",
    "large": """\
for total in ("25.00", "25.01", "612.00"):
    assert delivery_fee(Decimal(total)) == 0
""",
    "refused": """\
try:
    delivery_fee(Decimal("-0.01"))
except ValueError:
    pass
else:
    raise AssertionError("an order below zero was accepted")
""",
}

CHEAT = """\
class Anything:
    def __eq__(self, other):
        return True

def delivery_fee(total):
    if total < 0:
        raise ValueError
    return Anything()
"""

Grade = Callable[[Path], float]
"""Takes a notebook, gives its points."""


def main() -> int:
    options = _parser().parse_args()
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        submissions = _submissions(place)
        graders = {"ours": stack.enter_context(_ours(place))}
        graders["nbgrader"] = stack.enter_context(_nbgrader(place))
        if not options.without_otter:
            graders["otter"] = stack.enter_context(_otter(place, options.otter))
        times, right = _measured(graders, submissions, options.rounds)
    _print(times, right)
    slow = _slow(times, right)
    for sentence in slow:
        print(sentence)
    return 1 if slow else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="each grades all so often")
    parser.add_argument("--without-otter", action="store_true")
    parser.add_argument("--otter", type=Path, metavar="PYTHON", help="that can import otter")
    return parser


def _submissions(place: Path) -> dict[Path, bool]:
    """Notebooks, and whether each deserves full marks."""
    answers = {"prints": ("print('it works')\n" + _reference(), True), "cheat": (CHEAT, False)}
    for folder, is_right in (("also_right", True), ("mutants", False)):
        for path in sorted((ANSWERS / folder).glob("*.py")):
            answers[path.stem] = (path.read_text(encoding="utf-8"), is_right)
    found = {}
    for name, (answer, is_right) in answers.items():
        path = place / f"{name}.ipynb"
        path.write_text(json.dumps(_notebook(answer)), encoding="utf-8")
        found[path] = is_right
    return found


def _reference() -> str:
    from course_lib.practice.source import reference_text

    text = (ROOT / "solutions/00_start/1_first_check.py").read_text(encoding="utf-8")
    return reference_text(text, "solution")


def _notebook(answer: str, *, with_tests: bool = True) -> dict[str, Any]:
    """As nbgrader's users make it: a cell to write in, and a locked one for each test."""
    cells = [_cell("setup", "from decimal import Decimal"), _cell("fee", answer, solution=True)]
    if with_tests:
        cells += [_cell(name, code, points=1) for name, code in TESTS.items()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def _cell(id: str, source: str, *, solution: bool = False, points: int = 0) -> dict[str, Any]:
    nbgrader: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": id,
        "solution": solution,
        "locked": not solution,
        "grade": points > 0,
        "task": False,
    }
    if points:
        nbgrader["points"] = points
    return {
        "cell_type": "code",
        "id": id,
        "metadata": {"nbgrader": nbgrader},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


@contextlib.contextmanager
def _ours(place: Path) -> Iterator[Grade]:
    from course_lib.grading.assignments import open_assignment
    from course_lib.grading.marking import Marker
    from course_lib.grading.notebook_cells import read_handed_in
    from course_lib.grading.pages import feedback_page
    from course_lib.grading.roster import Learner
    from course_lib.grading.rows import GradedRow
    from course_lib.grading.seeds import Seed
    from course_lib.grading.warm_process import WarmProcess

    with WarmProcess([ROOT / "exercises"]) as warm:
        if warm.protections.missing:
            raise SystemExit("This machine allows no namespaces; nothing would be protected.")
        marker = Marker(warm, open_assignment(ID, ROOT), Seed(b"a seed for a benchmark"))

        def grade(path: Path) -> float:
            marked = marker.mark(read_handed_in(path.name, path.read_bytes()))
            row = GradedRow(Learner(path.stem), path.name, path.stem, marked)
            path.with_suffix(".html").write_text(feedback_page(row, "Fee"), encoding="utf-8")
            return marked.points

        yield grade


@contextlib.contextmanager
def _nbgrader(place: Path) -> Iterator[Grade]:
    source, course = place / "source.ipynb", place / "nbgrader"
    course.mkdir()
    todo = "### BEGIN SOLUTION\n### END SOLUTION\n"
    source.write_text(json.dumps(_notebook(todo)), encoding="utf-8")
    with _peer(Path(sys.executable), "nbgrader_peer.py", source, course) as grade:
        yield grade


@contextlib.contextmanager
def _otter(place: Path, python: Path | None) -> Iterator[Grade]:
    tests, folder = place / "otter-tests", place / "otter"
    tests.mkdir()
    folder.mkdir()
    for name, code in TESTS.items():
        (tests / f"{name}.py").write_text(_otter_test(name, code), encoding="utf-8")
    with _peer(python or _otter_environment(), "otter_peer.py", tests, folder) as grade:

        def grade_without_tests(path: Path) -> float:
            notebook = json.loads(path.read_bytes())
            notebook["cells"] = [c for c in notebook["cells"] if c["id"] not in TESTS]
            copy = folder / path.name
            copy.write_text(json.dumps(notebook), encoding="utf-8")
            return grade(copy)

        yield grade_without_tests


def _otter_test(name: str, code: str) -> str:
    """In the form that otter calls ok: a doctest."""
    lines = code.splitlines()
    doctest = "\n".join([f">>> {lines[0]}", *(f"... {line}" for line in lines[1:])])
    case = {"code": doctest, "hidden": False, "locked": False}
    suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    test = {"name": name, "points": 1, "suites": [suite]}
    return f"OK_FORMAT = True\ntest = {test!r}\n"


def _otter_environment() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "break-it-first" / "otter"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"Making an environment for otter-grader in {folder}; it takes some minutes.")
        venv.create(folder, clear=True, with_pip=True)
        needed = ["otter-grader>=7,<8", "ipykernel"]
        subprocess.run([python, "-m", "pip", "install", "-q", *needed], check=True)
        (folder / "ready").touch()
    return python


@contextlib.contextmanager
def _peer(python: Path, program: str, *words: Path) -> Iterator[Grade]:
    """A grader in a process of its own that answers one line for each."""
    command = [python, HERE / "peers" / program, *words]
    programs = os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)])
    with subprocess.Popen(
        list(map(str, command)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PATH": programs},
    ) as process:
        assert process.stdin
        assert process.stdout
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"{program} does not start with {python}; try it by hand.")

        def grade(path: Path) -> float:
            print(path, file=process.stdin, flush=True)
            return float(process.stdout.readline())

        try:
            yield grade
        finally:
            process.kill()


def _measured(
    graders: dict[str, Grade], submissions: dict[Path, bool], rounds: int
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Milliseconds of each grading, and how many verdicts were right in the last round."""
    times: dict[str, list[float]] = {name: [] for name in graders}
    right = dict.fromkeys(graders, 0)
    first = next(path for path, deserves_all in submissions.items() if deserves_all)
    for name, grade in graders.items():
        if grade(first) != FULL:
            raise SystemExit(f"{name} gives a right answer too few points; it does not run here.")
    for number in range(rounds):
        for path, deserves_all in submissions.items():
            for name, grade in graders.items():
                started = time.perf_counter()
                points = grade(path)
                times[name].append(1_000 * (time.perf_counter() - started))
                right[name] += (points == FULL) == deserves_all and number == rounds - 1
    return times, right


def _print(times: dict[str, list[float]], right: dict[str, int]) -> None:
    ours = statistics.median(times["ours"])
    print(f"{'grader':<12}{'median':>12}{'p05 to p95':>22}{'to ours':>10}{'right':>8}")
    for name, found in times.items():
        median, low, high = _spread(found)
        print(
            f"{name:<12}{median:>9.1f} ms{low:>11.1f} to {high:>5.0f} ms"
            f"{median / ours:>9.0f}x{right[name]:>8}"
        )
    print(f"{len(times['ours'])} gradings by each.")


def _spread(times: list[float]) -> tuple[float, float, float]:
    parts = statistics.quantiles(times, n=20)
    return statistics.median(times), parts[0], parts[-1]


def _slow(times: dict[str, list[float]], right: dict[str, int]) -> list[str]:
    median, _, p95 = _spread(times["ours"])
    found = []
    if statistics.median(times["nbgrader"]) < TIMES_NBGRADER * median:
        found.append(f"Ours is less than {TIMES_NBGRADER:.0f} times as fast as nbgrader.")
    if median > MEDIAN_MS or p95 > P95_MS:
        found.append(f"Ours takes more than {MEDIAN_MS:.0f} ms (median) or {P95_MS:.0f} ms (p95).")
    if right["ours"] < max(right.values()):
        found.append("Ours has more wrong verdicts than another.")
    return found


if __name__ == "__main__":
    sys.exit(main())
