"""How fast a class is graded, with all protections on.

Run: python benchmarks/grading_speed.py [SUBMISSIONS]

One submission after the other, with a warm process; a class of 10,000, from its
notebooks to its pages; what the second core gives. Exit code 1: over the promised
bounds. The machine should do nothing else.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from course_lib.grading import command  # noqa: E402
from course_lib.grading.assignments import open_assignment  # noqa: E402
from course_lib.grading.marking import Marker  # noqa: E402
from course_lib.grading.notebook_cells import read_handed_in  # noqa: E402
from course_lib.grading.seeds import Seed  # noqa: E402
from course_lib.grading.warm_process import WarmProcess  # noqa: E402
from course_lib.practice.source import reference_text  # noqa: E402

ID = "00-first-check"
NOTEBOOK = ROOT / "exercises/00_start/1_first_check/exercise.ipynb"
SOLUTION = ROOT / "solutions/00_start/1_first_check.py"
WRONG = ROOT / "tests/exercises/00_start/1_first_check/mutants"

ONE_BY_ONE = 400
MEDIAN_MS = 10.0
P95_MS = 30.0
CLASS = 10_000
CLASS_SECONDS = 60.0
SECOND_CORE_CLASS = 2_000
ROUNDS = 2
SECOND_CORE = 1.8


def main() -> int:
    count = int(sys.argv[1]) if sys.argv[1:] else CLASS
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        slow = [
            *_one_by_one(),
            *_second_core(place, min(count, SECOND_CORE_CLASS)),
            *_class(place, count),
        ]
    for sentence in slow:
        print(sentence)
    return 1 if slow else 0


def submissions(count: int) -> list[str]:
    """Notebooks, no two the same: two in three are right, the others wrong in known ways."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cell = next(
        cell for cell in notebook["cells"] if "solution" in cell["metadata"].get("tags", ())
    )
    wrong = [path.read_text(encoding="utf-8") for path in sorted(WRONG.glob("*.py"))]
    right = reference_text(SOLUTION.read_text(encoding="utf-8"), "solution")
    found = []
    for number in range(count):
        answer = wrong[number // 3 % len(wrong)] if number % 3 == 0 else right
        cell["source"] = f"{answer}\n# learner {number}\n"
        found.append(json.dumps(notebook))
    return found


def _one_by_one() -> list[str]:
    """Print what one submission costs a worker; the learner's millisecond is included."""
    times = []
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})  # where all cores are in use, a worker stays on one
    with WarmProcess([ROOT / "exercises"]) as warm:
        marker = Marker(warm, open_assignment(ID, ROOT), Seed(b"a seed for a benchmark"))
        for text in submissions(ONE_BY_ONE):
            cells = read_handed_in("learner.ipynb", text.encode())
            started = time.perf_counter()
            marker.mark(cells)
            times.append(1_000 * (time.perf_counter() - started))
    os.sched_setaffinity(0, cores)
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"one submission: median {median:.1f} ms, p95 {p95:.1f} ms")
    if median > MEDIAN_MS or p95 > P95_MS:
        return [f"One takes more than {MEDIAN_MS:.0f} ms (median) or {P95_MS:.0f} ms (p95)."]
    return []


def _second_core(place: Path, count: int) -> list[str]:
    """Print what two workers on two cores give over one on one core, in turns."""
    cores = os.sched_getaffinity(0)
    one = two = 0.0
    for _ in range(ROUNDS):
        os.sched_setaffinity(0, {min(cores)})  # all that is started from here on, too
        one += _grade(place, count, 1)
        os.sched_setaffinity(0, cores)
        two += _grade(place, count, 2)
    print(f"the second core: {one / two:.2f} times the rate")
    return [] if one / two >= SECOND_CORE else [f"It gives less than {SECOND_CORE} times."]


def _class(place: Path, count: int) -> list[str]:
    seconds = _grade(place, count, 2)
    bound = CLASS_SECONDS * count / CLASS
    return [] if seconds <= bound else [f"The class takes more than {bound:.0f} s."]


def _grade(place: Path, count: int, jobs: int) -> float:
    """Seconds for a class, with everything that is read and written."""
    folder = place / f"class-{count}-{jobs}-{time.monotonic_ns()}"
    folder.mkdir()
    for number, text in enumerate(submissions(count)):
        (folder / f"{number:05}.ipynb").write_text(text, encoding="utf-8")
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = command.main([str(folder), "--exercise", ID, "--jobs", str(jobs)])
    seconds = time.perf_counter() - started
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"{count} with {jobs} workers: {seconds:.1f} s, {count / seconds:.0f} a second, "
        f"at most {most} MiB"
    )
    assert code == 0
    return seconds


if __name__ == "__main__":
    sys.exit(main())
