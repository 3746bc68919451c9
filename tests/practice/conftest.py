"""A miniature course of one exercise, copied for every test."""

import shutil
from pathlib import Path

import pytest

FIXTURE = Path(__file__).parent / "fixtures" / "course"
ID = "01.1-counter"


@pytest.fixture(autouse=True)
def _own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))


@pytest.fixture
def root(tmp_path):
    """The root of the miniature course."""
    return Path(shutil.copytree(FIXTURE, tmp_path / "course"))


@pytest.fixture
def proofs(root):
    return root / "tests/exercises/01_shop/1_counter"


@pytest.fixture
def learner(root):
    """Runs code as a cell would; returns the report on it."""
    from course_lib.practice.checking import check_namespace
    from course_lib.practice.source import remember_lines

    def report(code, *, exercise=ID, **more):
        namespace = {"__name__": "learner", **more}
        remember_lines(code, "cell")
        exec(compile(code, "cell", "exec"), namespace)
        return check_namespace(exercise, namespace, root=root)

    return report


COUNTER = """\
class TooFew(Exception):
    pass

class Counter:
    def __init__(self, chairs=10):
        self.chairs = chairs

    def take(self, n):
{take}
        if n > self.chairs:
            raise TooFew
        self.chairs -= n
        return self.chairs

    def refill(self, n):
        self.chairs += n
        return self.chairs
"""


@pytest.fixture
def counter():
    """A right answer, with lines of your own at the start of `take`."""

    def code(*lines):
        return COUNTER.format(take="\n".join(f"        {line}" for line in lines))

    return code
