"""A course of one lesson and one exercise with a right and two wrong answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.index import load
from course_lib.teacher.building import build

INDEX = """
[course]
title = "A course"
promise = "It is small."

[[chapter]]
stem = "00_start"
package = ""
title = "Start"
question = "What is this?"
finished = true

[[chapter.notebook]]
id = "00"
file = "00_start.ipynb"
title = "The lesson"
question = "What is a till?"
minutes = 20
needs = []
covers = []
extra = ""
browser_kernel = false
reason = ""

[[chapter.exercise]]
id = "00-till"
catalogue = "S01"
slug = "1_till"
title = "The till"
level = "warm-up"
minutes = 5
needs = ["00"]
covers = []
extra = ""
"""

TITLE = "# The lesson\n\nAfter this lesson you can:\n\n- open a till.\n\n1. [Try it](#Try-it)"
STOP = (
    "<p><strong>Stop point 1 of 2: about 10 minutes so far</strong></p>"
    "<p>A till opens.</p><p>It is safe to stop here.</p>"
)
BET = (
    "<p><strong>What is in the till?</strong></p><ol><li>7</li><li>nothing</li></ol>"
    "<details><summary>Answer</summary><p>It is 7.</p><ul>"
    "<li>7 (right): Ada put it there.</li><li>nothing: It was so in the morning.</li>"
    "</ul></details>"
)
HUNT = (
    "<p>Money is missing.</p><p><strong>Which observation shows it?</strong></p>"
    "<ol><li>Count once.</li><li>Count twice.</li></ol><details><summary>Answer</summary>"
    "<ul><li>Count once: It looks right.</li><li>Count twice (right): Now it is less.</li></ul>"
    "<p>It shows: 7, then 6.</p><p>Class of bug: lost update.</p></details><p>Mend the code.</p>"
)
CHECKS = '''
from course_lib.practice import scenario

NAMES = ("till",)
HINTS = ("What is in it?", "Give it back.", "One line.")


@scenario("gives what was put in", task=1, points=3, next_step="Return it.")
def gives(solution, rng):
    """A till with 7 in it."""
    return solution.till(7)


@scenario("takes nothing", task=2, needs=("gives what was put in",))
def takes_nothing(solution, rng):
    """A till with 0 in it."""
    return solution.till(0)
'''
SOLUTION = """\
# %% id="setup" tags=["setup"]
import math

# %% id="till" tags=["solution"]
### BEGIN SOLUTION
def till(money):
    return money
### END SOLUTION
"""
MUTANT = """\
# fails "gives what was put in" with "Got: None"
def till(money):
    money
"""
EDIT = """
fails = "takes nothing"
with = "Got: 1"

[[edit]]
file = "1_till.py"
old = "    return money"
new = "    return money or 1"
"""
ALSO_RIGHT = (
    '"""With a name for the result."""\n\n\ndef till(money):\n    kept = money\n    return kept\n'
)


def shown(html: str) -> list[Any]:
    return [new_output("display_data", {"text/html": html})]


def lesson_cells() -> list[Any]:
    hidden = {"tags": ["predict"], "jupyter": {"source_hidden": True}}
    return [
        new_markdown_cell(TITLE, id="title"),
        new_markdown_cell("## Try it\n\nOpen [the till](elsewhere.txt).", id="try-it"),
        new_code_cell("till()  # your idea", id="try", metadata={"tags": ["try"]}),
        new_code_cell("def in_the_till(): ...", id="code"),
        new_code_cell("predict(in_the_till)", id="bet", metadata=hidden, outputs=shown(BET)),
        new_code_cell(
            'stop_point(1, "")', id="s", metadata={"tags": ["stop"]}, outputs=shown(STOP)
        ),
        new_markdown_cell("## Hunt", id="hunt-title"),
        new_code_cell("class Counts: ...", id="hunt-code", metadata={"tags": ["hunt"]}),
        new_code_cell('hunt("00-a", code=Counts)', id="hunt", outputs=shown(HUNT)),
    ]


class SmallCourse:
    def __init__(self, root: Path, out: Path) -> None:
        self.root, self.out = root, out
        self.course = load(INDEX)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def notebook(self, name: str, *cells: Any) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(new_notebook(cells=list(cells)), path)

    def build(self) -> tuple[str, ...]:
        return build(self.out, root=self.root, course=self.course)

    def read(self, name: str) -> str:
        return (self.out / name).read_text(encoding="utf-8")


@pytest.fixture
def small(tmp_path: Path) -> SmallCourse:
    small = SmallCourse(tmp_path / "course", tmp_path / "edition")
    lesson = "[the lesson](../../../notebooks/00_start.ipynb#Try-it)"
    task = f"# The till\n\n## Task 1\n\nWrite `till`. See {lesson}."
    small.write("notebooks/elsewhere.txt", "")
    small.notebook("notebooks/00_start.ipynb", *lesson_cells())
    small.notebook("exercises/00_start/1_till/exercise.ipynb", new_markdown_cell(task, id="title"))
    small.write("exercises/00_start/1_till/checks.py", CHECKS)
    small.write("solutions/00_start/1_till.py", SOLUTION)
    proofs = "tests/exercises/00_start/1_till"
    small.write(f"{proofs}/mutants/gives_nothing.py", MUTANT)
    small.write(f"{proofs}/mutants/never_empty.toml", EDIT)
    small.write(f"{proofs}/also_right/with_a_name.py", ALSO_RIGHT)
    return small
