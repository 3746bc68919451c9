"""Gates that are tests: the library's own, and those of real pages in a browser."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from course_lib.proof.gates import Gate, finished

__all__ = ["library_tests_pass", "pages_work_for_everyone"]

SECONDS = 1_200
SHOWN_LINES = 30
BROWSER = "tests/browser"  # left out of the library's run by norecursedirs


def library_tests_pass(root: Path, *, jobs: int = 1) -> Gate:
    """pytest over tests/ and the examples in docstrings; covers tests that ran."""
    return _gate(root, "library", "tests", "--dist", "loadfile", jobs=jobs)


def pages_work_for_everyone(root: Path, *, jobs: int = 1) -> Gate:
    """Every lesson in the real JupyterLab, every page of the HTML edition, the planted faults."""
    one_by_one = ("--dist", "load", "--maxschedchunk", "1")  # they take from 1 to 60 seconds
    return _gate(root, "browser", "pages", BROWSER, *one_by_one, jobs=jobs)


def _gate(root: Path, name: str, unit: str, *arguments: str, jobs: int) -> Gate:
    with tempfile.TemporaryDirectory(prefix="break-it-first-tests-") as folder:
        report = Path(folder) / "report.xml"
        ended, said = _pytest(root, report, jobs, arguments)
        tests = list(ElementTree.parse(report).iter("testcase")) if report.exists() else []
    problems = [problem for test in tests for problem in _problem(test)]
    if ended not in (0, 1):
        problems.append(f"tests: pytest stopped with {ended}:\n{said[-2000:]}")
    ran = sum(test.find("skipped") is None for test in tests)
    return finished(root, name, covered=ran, unit=unit, problems=problems)


def _pytest(root: Path, report: Path, jobs: int, arguments: tuple[str, ...]) -> tuple[object, str]:
    command = [sys.executable, "-m", "pytest", f"--junit-xml={report}", "--tb=short", *arguments]
    command += ["-n", str(max(1, jobs))]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"a time limit of {SECONDS} s", ""
    return done.returncode, done.stdout + done.stderr


def _problem(test: ElementTree.Element) -> Iterator[str]:
    for kind in ("failure", "error"):
        found = test.find(kind)
        if found is not None:
            lines = (found.text or "").strip().splitlines()[-SHOWN_LINES:]
            yield "\n".join([f"{test.get('classname')}.{test.get('name')}: {kind}", *lines])
