"""nbval, made strict for the course: a pytest plugin on top of its collectors.

What it answers in nbval 0.11 (numbers are its issues):

- #194, #151, #231: see lesson_kernel.py, collecting.py and executing.py.
- #10, #97, #117: pictures, see comparing.py and drawn_with.py.
- #220: after a cell that raised or was stopped, or a dead kernel, the rest is not run.
- #108, #147: a cell that should raise is compared with the error it stored.
- a cell that was never run fails instead of passing; no comment in a cell can
  switch the comparison off; everything else is compared too (comparing.py).

And what is the course's own: each lesson runs in a room of its own, and the
last item of each lesson looks at what it left behind.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from course_lib.proof.collecting import Collector
from course_lib.proof.comparing import cell_difference
from course_lib.proof.drawn_with import pictures_are_comparable
from course_lib.proof.executing import WentTooFar, collector_for, run_cell
from course_lib.proof.lesson_kernel import KernelGone, LessonKernel
from course_lib.proof.orphans import end_with_parent
from course_lib.proof.rooms import room

LESSON_SECONDS = 60
WRITTEN_FOR = (3, 11)  # the Python whose outputs are stored; on others a version box may differ
SHOWN_LINES = 30
REPORT = "--course-report"


class LeftBehind(Exception):
    """The lesson did not clean up; the message lists what is left."""


class LessonFile(IPyNbFile):  # type: ignore[misc]
    """One lesson: its cells, then one item for what they left behind."""

    kernel: LessonKernel
    collector: Collector
    stopped = ""  # why the rest is not run
    seconds = 0.0
    pictures = False  # whether they must be the same to the byte

    def collect(self) -> Iterator[pytest.Item]:
        self.postponed: list[LessonCell] = []  # later cells may still change what they show
        self.nb = nbformat.read(str(self.path), as_version=4)
        for number, (section, cell) in enumerate(_code_cells(self.nb.cells)):
            tags = cell.metadata.get("tags", [])
            options = {
                "check": is_compared(tags, python=sys.version_info[:2]),
                "check_exception": "raises-exception" in tags,
                "skip": False,
            }
            yield LessonCell.from_parent(
                self,
                name=str(cell.get("id", number + 1)),
                cell_num=number + 1,
                cell=cell,
                options=options,
                section=section,
            )
        yield NothingLeft.from_parent(self, name="nothing is left behind")

    def setup(self) -> None:
        self.stack = ExitStack()
        self.place = self.stack.enter_context(room(self.path))
        seconds = self.config.option.nbval_kernel_startup_timeout
        self.kernel = LessonKernel(self.place, seconds=seconds)
        self.stack.callback(self.kernel.close)
        self.collector = collector_for(self.kernel)
        self.setup_sanitize_files()
        self.pictures = pictures_are_comparable()

    def teardown(self) -> None:
        self.stack.close()


def is_compared(tags: Sequence[str], *, python: tuple[int, int]) -> bool:
    """Whether a cell with these tags has to show under `python` what is stored."""
    if "version-box" in tags and python != WRITTEN_FOR:
        return False
    return "volatile" not in tags


def _code_cells(cells: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Each code cell with the heading that it stands under, "" before the first."""
    section = ""
    for cell in cells:
        if cell.cell_type == "code":
            yield section, cell
            continue
        for line in cell.source.splitlines():
            if line.startswith(("## ", "### ")):
                section = line.lstrip("# ").strip()


class LessonCell(IPyNbCell):  # type: ignore[misc]
    """One code cell. nbval runs it and collects what it shows."""

    parent: LessonFile

    def __init__(self, *, section: str, **given: Any) -> None:
        super().__init__(**given)
        self.user_properties += [
            ("lesson", str(self.path)),
            ("section", section),
            ("compared", self.options["check"]),
        ]

    def setup(self) -> None:
        """Nothing: nbval would expect the cells after a time-out to fail, we do not run them."""

    def runtest(self) -> None:
        if self.parent.stopped:
            pytest.skip(self.parent.stopped)
        file = self.parent
        seconds = min(self.config.option.nbval_cell_timeout, self._seconds_left())
        begin = time.monotonic()
        try:
            self.shown = run_cell(file.kernel, file.collector, self.cell.source, seconds=seconds)
        except KernelGone:
            self._stop("ended the kernel's process; a lesson must survive its cells")
        except WentTooFar as error:
            self._stop(str(error), _traceback(error.outputs))
        finally:
            file.seconds += time.monotonic() - begin
        if not self.options["check_exception"] and (said := _traceback(self.shown.outputs)):
            self._stop("Cell execution caused an exception", said)
        if self.shown.may_change:
            file.postponed.append(self)
        elif found := self.difference():
            self.raise_cell_error(found)

    def _seconds_left(self) -> float:
        left = LESSON_SECONDS - self.parent.seconds
        if left <= 0:
            self._stop(f"comes after the {LESSON_SECONDS} s that a lesson may run; shorten it")
        return left

    def _stop(self, said: str, traceback: str = "") -> NoReturn:
        """Fail, and have the rest of the lesson not run."""
        self.parent.stopped = "an earlier cell failed so that the rest cannot be run"
        raise NbCellError(self.cell_num, said, self.cell.source, traceback)

    def difference(self) -> str:
        """What the cell shows otherwise than it is stored, or ""; nothing where it is volatile."""
        if not self.options["check"]:
            return "" if self.cell.execution_count else "was never run; build the lesson"
        return cell_difference(
            self.cell,
            self.shown.outputs,
            self.shown.count,
            clean=self.sanitize,
            pictures=self.parent.pictures,
        )

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        error = excinfo.value
        if isinstance(error, NbCellError):
            return "\n".join([str(error), *_end(error.inner_traceback or "")])
        return f"{type(error).__name__}: {error}"


def _traceback(outputs: Sequence[Mapping[str, Any]]) -> str:
    """Those of the errors among the outputs."""
    errors = [output for output in outputs if output["output_type"] == "error"]
    return "\n".join(line for error in errors for line in error["traceback"])


def _end(text: str) -> list[str]:
    """The last lines: those of a diff are short already, those of a traceback matter most."""
    lines = text.strip("\n").splitlines()
    return lines if len(lines) <= SHOWN_LINES else ["...", *lines[-SHOWN_LINES:]]


class NothingLeft(pytest.Item):
    """After the last cell: what is still there, in the kernel and after it has ended."""

    parent: LessonFile

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.user_properties.append(("lesson", str(self.path)))

    def runtest(self) -> None:
        file = self.parent
        left: list[str] = []
        if not file.stopped:
            left += file.kernel.left()
            file.kernel.close()
            left += [f"process after the kernel: {command}" for command in file.place.sweep()]
            left += file.place.left_files()
        problems = [] if file.stopped else _found_late(file.postponed)
        if left:
            problems.append(f"left behind: {'; '.join(left)}; close it in the lesson")
        if attempts := file.place.network_attempts():
            problems.append(
                f"reached beyond this machine: {'; '.join(attempts)}; use course_lib.labs"
            )
        if problems:
            raise LeftBehind("\n".join(problems))

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        error = excinfo.value
        return str(error) if isinstance(error, LeftBehind) else f"{type(error).__name__}: {error}"

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


def _found_late(postponed: Sequence[LessonCell]) -> list[str]:
    found = ((cell.name, cell.difference()) for cell in postponed)
    return [f'cell "{name}": {what}' for name, what in found if what]


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: Any) -> Generator[None, list[Any], list[Any]]:
    """A LessonFile wherever nbval would collect a notebook."""
    found = yield
    return [
        LessonFile.from_parent(parent, path=file_path) if isinstance(one, IPyNbFile) else one
        for one in found
    ]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("course")
    group.addoption(REPORT, metavar="FILE", help="write what became of each cell, as JSON lines")


def pytest_configure(config: pytest.Config) -> None:
    target = config.getoption(REPORT)
    if target and not hasattr(config, "workerinput"):  # with xdist, the controller sees all reports
        config.pluginmanager.register(_Report(Path(target), config.rootpath))
        end_with_parent(Path(target).parent)


class _Report:
    """One JSON line for each cell as it ends, so that a reader can follow."""

    def __init__(self, file: Path, root: Path) -> None:
        self.file = file
        self.root = root

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            self._write(report, dict(report.user_properties))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._write(report, {"lesson": str(self.root / report.nodeid)})

    def _write(self, report: Any, properties: dict[str, Any]) -> None:
        line = {
            "lesson": properties["lesson"],
            "cell": report.nodeid.partition("::")[2],
            "section": properties.get("section", ""),
            "compared": properties.get("compared"),  # None: not a cell
            "outcome": report.outcome,
            "text": _words(report) if report.failed else "",
        }
        # In one go, since several processes append.
        with self.file.open("ab", buffering=0) as lines:
            lines.write(json.dumps(line).encode() + b"\n")


def _words(report: Any) -> str:
    """What a test says itself; of an error around a test, only the error."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr)
