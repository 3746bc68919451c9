"""Notebooks as files: one reader, one writer, and what is said about a cell.

One writer formats every lesson, so that a difference in git is a difference
in the lesson and nothing else.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = [
    "Cell",
    "code_cells",
    "markdown_text",
    "output_texts",
    "read",
    "source",
    "tags",
    "where",
    "write",
]

Cell = dict[str, Any]

_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_PICTURES = ("image/png", "image/jpeg")


def read(path: Path) -> dict[str, Any]:
    """The notebook as plain dicts and lists.

    Raises:
        ValueError: the file is not a notebook of format 4.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if notebook["nbformat"] != 4 or not isinstance(notebook["cells"], list):
            raise ValueError("is not a notebook of format 4")
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"is not a notebook ({type(error).__name__}: {error})") from error
    return dict(notebook)


def write(path: Path, notebook: dict[str, Any]) -> None:
    """Replace the file in one step, in Jupyter's own layout.

    A crash leaves the old file whole.
    """
    import nbformat

    text = nbformat.writes(nbformat.from_dict(notebook)).rstrip("\n") + "\n"
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def source(cell: Cell) -> str:
    return _joined(cell.get("source", ""))


def tags(cell: Cell) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", []))


def where(cell: Cell, number: int) -> str:
    """How a message names a cell: its id, or its place when it has none."""
    return f'cell "{cell["id"]}"' if cell.get("id") else f"cell {number}"


def code_cells(notebook: dict[str, Any]) -> list[Cell]:
    return [cell for cell in notebook["cells"] if cell.get("cell_type") == "code"]


def markdown_text(cell: Cell) -> str:
    """The words of a text cell, without its fenced code."""
    return _FENCE.sub("", source(cell)) if cell.get("cell_type") == "markdown" else ""


def output_texts(cell: Cell) -> Iterator[tuple[str, str]]:
    """Every (kind, text) that the cell shows; pictures are left out."""
    for output in cell.get("outputs", []):
        if output["output_type"] == "stream":
            yield str(output.get("name", "stream")), _joined(output.get("text", ""))
        if output["output_type"] == "error":
            yield "error", "\n".join([output["ename"], output["evalue"], *output["traceback"]])
        for mime, value in output.get("data", {}).items():
            if mime not in _PICTURES:
                yield mime, _joined(value)


def _joined(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(str, value))
    return json.dumps(value, sort_keys=True)
