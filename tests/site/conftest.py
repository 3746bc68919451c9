"""A course of one lesson and one exercise, to write faults into."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.index import load
from course_lib.site.building import render

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
question = "What is this?"
minutes = 75
needs = []
covers = []
extra = ""
browser_kernel = false
reason = ""

[[chapter.exercise]]
id = "00-try"
catalogue = "S01"
slug = "1_try"
title = "The exercise"
level = "warm-up"
minutes = 5
needs = ["00"]
covers = []
extra = ""
"""

LESSON, EXERCISE = "notebooks/00_start.ipynb", "exercises/00_start/1_try/exercise.ipynb"
LESSON_PAGE, EXERCISE_PAGE = "lessons/00_start.html", "exercises/00_start/1_try.html"


class SmallCourse:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.course = load(INDEX)
        self.lesson("# The lesson")
        self._write(EXERCISE, [new_markdown_cell("# The exercise", id="title")])

    def lesson(self, *cells: Any) -> SmallCourse:
        """Write the lesson anew; a text is a Markdown cell."""
        made = [
            new_markdown_cell(cell, id=f"text-{number}") if isinstance(cell, str) else cell
            for number, cell in enumerate(cells, 1)
        ]
        self._write(LESSON, made)
        return self

    def _write(self, name: str, cells: Sequence[Any]) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        language = {"language_info": {"name": "python"}}
        nbformat.write(new_notebook(cells=list(cells), metadata=language), str(path))

    def files(self) -> dict[str, str]:
        return render(self.root, self.course)

    def page(self, name: str = LESSON_PAGE) -> BeautifulSoup:
        return BeautifulSoup(self.files()[name], "html.parser")


@pytest.fixture
def small_course(tmp_path: Path) -> SmallCourse:
    return SmallCourse(tmp_path / "course")


@pytest.fixture
def shown():
    """`shown(html)` is a code cell that shows it; `shown(**{"image/png": ...})` other kinds."""

    def cell(html: str | None = None, *, source: str = "show()", **data: str) -> Any:
        data |= {"text/html": html} if html is not None else {}
        output = new_output("display_data", data=data)
        return new_code_cell(source, id="show", outputs=[output])

    return cell
