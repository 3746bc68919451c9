"""A miniature course, its exercise, and a warm process that serves a whole module."""

import functools
import json
import os
import shutil
from pathlib import Path

import pytest

from course_lib.grading.assignments import open_assignment
from course_lib.grading.marking import Marker
from course_lib.grading.notebook_cells import read_handed_in
from course_lib.grading.seeds import Seed
from course_lib.grading.warm_process import WarmProcess
from course_lib.index import ROOT

FIXTURE = Path(__file__).parents[1] / "practice/fixtures/course"
ID = "01.1-counter"

ANSWER = """\
class TooFew(Exception):
    pass


class Counter:
    def __init__(self, chairs=10):
        self.chairs = chairs

    def take(self, n):
        if n > self.chairs:
            raise TooFew
        self.chairs -= n
        return self.chairs

    def refill(self, n):
        self.chairs += n
        return self.chairs
"""


def do_without_namespaces():
    """Skip the test; but where every change is tested, nobody would ever see that."""
    stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    stop("this machine allows no namespaces, so the sandbox cannot be tested")


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """The root of the miniature course."""
    return Path(shutil.copytree(FIXTURE, tmp_path_factory.mktemp("mini") / "course"))


@pytest.fixture(scope="module")
def warm(root):
    with WarmProcess([root / "exercises"]) as warm:
        if not warm.protections.namespaces:
            do_without_namespaces()
        yield warm


@pytest.fixture(scope="module")
def marker(warm, root):
    return Marker(warm, open_assignment(ID, root), Seed(b"a seed that nobody knows"))


@pytest.fixture(scope="module")
def mark(marker):
    """Marks the text of a script."""

    def mark(text, name="answer.py"):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        return marker.mark(read_handed_in(name, data))

    return mark


@pytest.fixture(scope="module")
def marker_of():
    """Gives the Marker of an exercise of the course itself."""
    with WarmProcess([ROOT / "exercises"]) as warm:
        if not warm.protections.namespaces:
            do_without_namespaces()
        yield functools.cache(
            lambda id: Marker(warm, open_assignment(id, ROOT), Seed(b"a seed that nobody knows"))
        )


@pytest.fixture
def notebook(root):
    """The learner's notebook, with the answer in it, as JSON."""
    path = root / "exercises/01_shop/1_counter/exercise.ipynb"
    found = json.loads(path.read_text(encoding="utf-8"))
    cell = next(cell for cell in found["cells"] if cell["id"] == "counter")
    cell["source"] = ANSWER
    return found
