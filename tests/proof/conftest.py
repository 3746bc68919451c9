"""A miniature course that passes every gate; tests break one thing in a copy of it."""

import json
import shutil
from pathlib import Path

import pytest

from course_lib.index import ROOT
from course_lib.practice.build import build
from course_lib.proof.derived import refresh

PICTURE = (
    '<figure><img src="data:image/png;base64,AAAA" alt="The queue grows by one a second.">'
    "<details>It starts at zero.</details></figure>"
)
TABLE = (
    '<table><caption>The queue</caption><tr><th scope="col">second</th></tr><tr><td>1</td></tr>'
    "</table>"
)

COURSE = """
[course]
title = "A miniature course"
promise = "Everything in it is there to be broken."

[[chapter]]
stem = "00_start"
package = ""
title = "Start here"
question = "Where do you begin?"
finished = true

[[chapter.notebook]]
id = "00"
file = "00_start.ipynb"
title = "Start here"
question = "Where do you begin?"
minutes = 20
needs = []
covers = ["TB1"]
extra = ""
browser_kernel = true
reason = ""

[[chapter]]
stem = "01_shop"
package = "shop"
title = "The shop"
question = "How long is the queue?"
finished = true

[[chapter.notebook]]
id = "01.1"
file = "1_the_queue.ipynb"
title = "The queue"
question = "How long is the queue?"
minutes = 30
needs = ["00"]
covers = ["TA1"]
extra = "data"
browser_kernel = false
reason = "threads need a real kernel"

[[chapter.exercise]]
id = "01.1-counter"
catalogue = "T01"
slug = "1_counter"
title = "A counter of chairs"
level = "core"
minutes = 5
needs = ["01.1"]
covers = ["TA1"]
extra = ""
"""

PYPROJECT = """
[project]
name = "miniature"
version = "1"
[project.optional-dependencies]
data = []
[tool.ruff]
line-length = 100
[tool.mypy]
strict = true
packages = ["course_lib"]
"""

SOLUTION = """\
# %% [markdown] id="title"
# # A counter of chairs

# %% id="setup" tags=["setup"]
from course_lib.practice import check


# %% id="counter" tags=["solution"]
def take(chairs: int) -> int:
    \"\"\"Take one chair and return how many are left.\"\"\"
    ### BEGIN SOLUTION task 1: one less
    return chairs - 1
    ### END SOLUTION


# %% id="check" tags=["check"]
check("01.1-counter")
"""

README = """\
# A miniature course

Begin with [the first lesson](notebooks/00_start.ipynb), or look at [the map](#map).

## Map

<!-- begin: map -->
<!-- end: map -->
"""

MINIMUMS = """
index = 3
structure = 10
outputs = 5
volatile = 4
"alt text" = 2
links = 4
imports = 4
size = 4
derived = 1
fresh = 1
machines = 10
workflow = 1
lint = 5
"plain language" = 2
format = 5
types = 4
"""

SHOP = '"""The shop."""\n\nfrom course_lib.clock import now\n\nopened = now()\n'

FILES = {
    "course.toml": COURSE,
    "pyproject.toml": PYPROJECT,
    "README.md": README,
    "tests/minimums.toml": MINIMUMS,
    "solutions/01_shop/1_counter.py": SOLUTION,
    "exercises/01_shop/1_counter/checks.py": '"""No scenario is told here."""\n',
    "tests/exercises/01_shop/1_counter/mutants/none.py": '"""Wrong on purpose."""\n',
    "course_lib/__init__.py": '"""The library."""\n',
    "course_lib/clock.py": '"""Time."""\n\nimport time\n\nnow = time.monotonic\n',
    "course_lib/shop/__init__.py": SHOP,
    "course_lib/lesson/__init__.py": '"""What a lesson shows."""\n',
    "course_lib/labs/__init__.py": '"""Things to try on."""\n',
}


def text(id: str, source: str, *tags: str) -> dict:
    return {"cell_type": "markdown", "id": id, "metadata": _tags(tags), "source": source}


def code(id: str, source: str, *outputs: dict, tags: tuple[str, ...] = ()) -> dict:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": id,
        "metadata": _tags(tags),
        "outputs": list(outputs),
        "source": source,
    }


def shows(html: str) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": html}}


def prints(words: str) -> dict:
    return {"output_type": "stream", "name": "stdout", "text": words}


def _tags(tags: tuple[str, ...]) -> dict:
    return {"tags": list(tags)} if tags else {}


def save(path: Path, cells: list[dict], *, run: bool = True) -> Path:
    """A notebook that looks as if it had been run once, from top to bottom."""
    count = 0
    for cell in cells:
        if cell["cell_type"] == "code" and run:
            count += 1
            cell["execution_count"] = count
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": _KERNELSPEC, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    return path


_KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


def _write(root: Path) -> None:
    for name, words in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(words, encoding="utf-8")
    (root / "tests/exercises/01_shop/1_counter/also_right").mkdir()
    workflow = root / ".github" / "workflows" / "test.yml"
    workflow.parent.mkdir(parents=True)
    shutil.copy(ROOT / ".github" / "workflows" / "test.yml", workflow)
    start = "# Start here\n\n20 minutes · before this: nothing\n\n1. [Run](#Run-a-cell)"
    save(
        root / "notebooks" / "00_start.ipynb",
        [
            text("title", start, "header"),
            text("run", "## Run a cell"),
            code("sum", "print(1 + 1)", prints("2\n")),
        ],
    )
    save(root / "notebooks" / "01_shop" / "1_the_queue.ipynb", _queue())
    refresh(root)
    build(root=root)


def _queue() -> list[dict]:
    head = "# The queue\n\n30 minutes · before this: [Start here](../00_start.ipynb)"
    return [
        text("title", head, "header"),
        code("setup", "import math", tags=("setup",)),
        text("grow", "## It grows"),
        code("picture", "math.pi", shows(PICTURE)),
        text("stop-1", "### Stop here?", "stop"),
        code("table", "math.e", shows(TABLE)),
        text("stop-2", "### Stop here, too?", "stop"),
        code("print", 'print("3 in the queue")', prints("3 in the queue\n")),
    ]


@pytest.fixture(scope="session")
def _sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sound")
    _write(root)
    return root


@pytest.fixture
def root(_sound: Path, tmp_path: Path) -> Path:
    """A fresh copy of the miniature course."""
    return shutil.copytree(_sound, tmp_path / "course")
