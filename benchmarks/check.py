"""What a check in a notebook costs beyond the learner's own code.

Run: python benchmarks/check.py [EXERCISE]

The same scenarios are run by `check`, by a cell of plain asserts and by ipytest,
as cells of one IPython shell. The time inside the scenarios is taken on the way
and left out. Exit code 1: over the promised bounds.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_lib.practice.scenarios import Scenario, Story

ROOT = Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "tests" / "practice" / "fixtures" / "course"
sys.path.insert(0, str(ROOT))

ROUNDS = 60
MEDIAN_MS = 15.0
P95_MS = 50.0
IMPORT_MS = 50.0

SETUP = "from course_lib.practice import check"
CELLS = {
    "check": "check(ID, root=root)",
    "plain asserts": "for story, expected in told: assert story() == expected",
    "ipytest": """
import ipytest

def test_scenarios():
    for story, expected in told:
        assert story() == expected

ipytest.run("-q", module=shell_module)
""",
}


def main() -> int:
    with tempfile.TemporaryDirectory() as home, contextlib.chdir(home):  # ipytest leaves a file
        os.environ["COURSE_HOME"] = home
        slow = [*_imports(), *_checks(*_exercise(sys.argv[1:]))]
    for sentence in slow:
        print(sentence)
    return 1 if slow else 0


def _exercise(words: list[str]) -> tuple[str, Path]:
    """The exercise asked for, by default the first real one."""
    id = words[0] if words else "01.5-circuit-breaker"
    from course_lib.index import course

    ready = {e.id for e in course().exercises if (ROOT / e.checks).exists()}
    return (id, ROOT) if id in ready else ("01.1-counter", FIXTURE)


def _imports() -> list[str]:
    """Print what imports cost; say which cost too much."""
    costs = {
        "import course_lib": _beyond("pass", "import course_lib"),
        "import course_lib.practice, in a kernel": _beyond(
            "import IPython", "import IPython, course_lib.practice"
        ),
    }
    print(f"{'processor time in a new process':<42}{'median':>10}")
    for name, cost in costs.items():
        print(f"{name:<42}{cost:>7.1f} ms")
    return [
        f"{name} takes {cost:.0f} ms; {IMPORT_MS:.0f} ms is promised."
        for name, cost in costs.items()
        if cost > IMPORT_MS
    ]


def _beyond(bare: str, code: str) -> float:
    """Milliseconds of processor time that a new Python takes for `code` beyond `bare`.

    Taken in turns; not wall time, which on a busy machine measures the neighbours.
    """
    times = [(_start(bare), _start(code)) for _ in range(15)]
    return statistics.median(b for _, b in times) - statistics.median(a for a, _ in times)


def _start(code: str) -> float:
    command = [sys.executable, "-c", f"{code}\nimport time; print(time.process_time())"]
    done = subprocess.run(command, cwd=ROOT, check=True, timeout=60, capture_output=True, text=True)
    return 1_000 * float(done.stdout)


def _checks(id: str, root: Path) -> list[str]:
    """Print what one cell costs beyond the scenarios; say what is too slow."""
    from IPython.core.interactiveshell import InteractiveShell

    from course_lib.practice.checking import PUBLIC_SEED
    from course_lib.practice.opened import open_exercise

    opened = open_exercise(id, root)
    inside = _Inside()
    for scenario in opened.checks.scenarios:
        # The exercise stays open, so `check` meets the same, now timed, stories.
        object.__setattr__(scenario, "story", inside.timed(scenario.story))
    solution = SimpleNamespace(**{name: opened.reference[name] for name in opened.checks.names})
    told = [
        (_story(scenario, solution), opened.expect(scenario, seed=PUBLIC_SEED))
        for scenario in opened.checks.scenarios
    ]
    shell = InteractiveShell.instance()
    shell.run_cell(SETUP)
    shell.push({**vars(solution), "ID": id, "root": root, "told": told})
    shell.push({"shell_module": shell.user_module})

    print(f"\n{id}: {len(told)} scenarios, {ROUNDS} rounds")
    print(f"{'a cell, beyond the learner code in it':<42}{'median':>10}{'p95':>10}")
    slow = []
    for name, code in CELLS.items():
        costs = _costs(lambda code=code: shell.run_cell(code).raise_error(), inside)
        median, p95 = statistics.median(costs), statistics.quantiles(costs, n=20)[-1]
        print(f"{name:<42}{median:>7.1f} ms{p95:>7.1f} ms")
        if name == "check" and (median > MEDIAN_MS or p95 > P95_MS):
            slow.append(f"check is over {MEDIAN_MS:.0f} ms (median) or {P95_MS:.0f} ms (p95).")
    return slow


class _Inside:
    """How many milliseconds were spent inside the stories."""

    def __init__(self) -> None:
        self.spent = 0.0

    def timed(self, story: Story) -> Story:
        def run(solution: object, rng: random.Random) -> object:
            started = time.perf_counter()
            try:
                return story(solution, rng)
            finally:
                self.spent += 1_000 * (time.perf_counter() - started)

        return run


def _story(scenario: Scenario, solution: object) -> Callable[[], object]:
    from course_lib.practice.checking import PUBLIC_SEED

    seed = f"{PUBLIC_SEED} {scenario.meaning}"
    return lambda: scenario.story(solution, random.Random(seed))


def _costs(cell: Callable[[], object], inside: _Inside) -> list[float]:
    """Milliseconds of the cell without those inside the stories, round by round."""
    _time(cell)  # the first run opens the exercise and imports what it needs
    costs = []
    for _ in range(ROUNDS):
        inside.spent = 0.0
        costs.append(_time(cell) - inside.spent)
    return costs


def _time(function: Callable[[], object]) -> float:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        started = time.perf_counter()
        function()
        return 1_000 * (time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main())
