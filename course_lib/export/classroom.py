"""Template repositories as GitHub Classroom used them: the exercise, a README and a workflow.

The workflow runs the same check as everybody else, and says the points in the form that
Classroom read. GitHub ended that service in August 2026, and its actions may go: so the
workflow uses none of them. Actions are pinned to commits, and the workflow may only read.
Source: https://github.com/orgs/community/discussions/196615
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from course_lib.export.files import unlinked
from course_lib.index import ROOT, Exercise
from course_lib.practice.scenarios import Checks, read_checks

__all__ = ["classroom_templates"]

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
SETUP_PYTHON = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0"

_ADDRESS = re.compile(r"(https://|ssh://|git@|file:///)[!-~]+")
_REVISION = re.compile(r"(?!-)[A-Za-z0-9._/-]+")

_WORKFLOW = """\
# The same checks as `course.py check`, at every push. Made by `course.py export github-classroom`.
name: Checks

on: [push, workflow_dispatch]

permissions:
  contents: read

concurrency:
  group: checks-${{{{ github.ref }}}}
  cancel-in-progress: true

jobs:
  checks:
    runs-on: ubuntu-latest
    timeout-minutes: {minutes}
    defaults:
      run:
        shell: bash
    env:
      COURSE: {address}
    steps:
      - uses: {checkout}
        with:
          persist-credentials: false
      - uses: {setup_python}
        with:
          python-version: "3.12"
      - name: Get the course
        run: git clone --quiet --depth 1 {branch}-- "$COURSE" "$RUNNER_TEMP/course"
{install}      - name: Check
        continue-on-error: true
        run: PYTHONPATH="$RUNNER_TEMP/course" {python} -P -m course_lib check {id} {file}
      - name: Count points
        id: points
        run: PYTHONPATH="$RUNNER_TEMP/course" {python} -P -m course_lib.export.counting {id} {file}
"""

_INSTALL = """\
      - name: Install what this exercise needs
        run: python3 "$RUNNER_TEMP/course/course.py" install
"""

_README = """\
# {title}

The task is in the notebook [{file}]({file}). It takes about {minutes} minutes.

1. Get the course once, if you do not have it, and start it:

   ```
   git clone {branch}{address} break-it-first
   cd break-it-first && python3 course.py lab
   ```

   On Windows, type `py` in place of `python3`.
2. Clone this repository into the folder `break-it-first/work`. The notebook is then in the course's
   JupyterLab, where `check("{id}")` works.
3. Commit the notebook and push it. Each push runs the same check.
   The page "Actions" of this repository shows what it said, and your points for each task.

You may push as often as you like.
"""


def classroom_templates(
    exercises: Sequence[Exercise], *, course: str, revision: str = "", root: Path = ROOT
) -> dict[str, str]:
    """The files of one template repository for each exercise, each in a folder of its own.

    Args:
        course: address that workflows can clone the course from.
        revision: tag or branch of the course; by default what the address has first.

    Raises:
        ValueError: the address or the revision cannot be used; the message says why.
        BadExercise: an exercise's checks cannot be read.
    """
    _require_usable(course, revision)
    files = {}
    for exercise in exercises:
        checks = read_checks(root / exercise.checks)
        for path, text in _template(exercise, checks, course, revision, root).items():
            files[f"{exercise.slug}/{path}"] = text
    return files


def _require_usable(course: str, revision: str) -> None:
    if not course:
        raise ValueError(
            "Workflows must get the course from somewhere; add --course URL, "
            "the address of a repository of it that they can clone."
        )
    if not _ADDRESS.fullmatch(course):
        raise ValueError(f'"{course}" is no address; write one like https://HOST/NAME.git.')
    if revision and not _REVISION.fullmatch(revision):
        raise ValueError(f'"{revision}" is no tag and no branch; write one like 2026-autumn.')


def _template(
    exercise: Exercise, checks: Checks, course: str, revision: str, root: Path
) -> dict[str, str]:
    file = f"{exercise.slug}.ipynb"
    branch = f"--branch {revision} " if revision else ""
    installs = any(checks.services_of(scenario) for scenario in checks.scenarios)
    python = '"$RUNNER_TEMP/course/.venv/bin/python"' if installs else "python3"
    # twice all limits, as check and count each tell everything, and time to install
    minutes = 5 + round(sum(told.limit for told in checks.scenarios) / 30)
    workflow = _WORKFLOW.format(
        address=json.dumps(course),
        branch=branch,
        checkout=CHECKOUT,
        file=file,
        id=exercise.id,
        install=_INSTALL if installs else "",
        minutes=minutes + (10 if installs else 0),
        python=python,
        setup_python=SETUP_PYTHON,
    )
    readme = _README.format(
        address=course,
        branch=branch,
        file=file,
        id=exercise.id,
        minutes=exercise.minutes,
        title=exercise.title,
    )
    return {
        ".github/workflows/checks.yml": workflow,
        "README.md": readme,
        file: _learners_notebook(root / exercise.notebook),
    }


def _learners_notebook(path: Path) -> str:
    """The notebook that learners start from, without links to what is not beside it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = unlinked("".join(cell["source"]))
            cell["source"] = text.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
