"""The cells that learners were given, read once by the warm process for all its children."""

from __future__ import annotations

import ast
import functools
import json
from dataclasses import dataclass
from pathlib import Path

from course_lib.grading.mending import parse, readable
from course_lib.practice.learner import CodeCell
from course_lib.practice.scenarios import Checks, read_checks

__all__ = ["Given", "read_exercise", "read_given", "shape"]


@dataclass(frozen=True)
class Given:
    """The setup to run, and the shapes of the solution cells and of all others, setup included.

    `package` is the name of a project, which has no cells.
    """

    setup: tuple[CodeCell, ...] = ()
    starter: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    package: str = ""


@functools.lru_cache(256)
def shape(tree: ast.Module | None) -> str:
    """The same for code that differs in spaces and comments only; "" for none."""
    return ast.dump(tree) if tree and tree.body else ""


def read_exercise(checks: Path) -> tuple[Checks, Given]:
    """The checks at this path, and what learners were given beside them.

    Raises:
        BadExercise, OSError, ValueError, KeyError: they cannot be read.
    """
    folder = checks.parent
    if (folder / "__init__.py").is_file():
        return read_checks(checks, project=True), Given(package=folder.name)
    return read_checks(checks), read_given(folder / "exercise.ipynb")


def read_given(notebook: Path) -> Given:
    """What is in the notebook that learners start from.

    Raises:
        OSError, ValueError, KeyError: it cannot be read; build it anew.
    """
    found: dict[str, list[str]] = {"setup": [], "starter": [], "others": []}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            tags = cell["metadata"].get("tags", [])
            kind = "setup" if "setup" in tags else "starter" if "solution" in tags else "others"
            found[kind].append("".join(cell["source"]))
    return Given(
        setup=tuple(CodeCell(f"setup {n}", code) for n, code in enumerate(found["setup"], 1)),
        starter=_shapes(found["starter"]),
        others=_shapes(found["setup"] + found["others"]),
    )


def _shapes(texts: list[str]) -> frozenset[str]:
    return frozenset({shape(parse(readable(text))) for text in texts} - {""})
