"""The cells of what was handed in: a notebook of any editor, or a script.

Formats: nbformat 4 and 3 (https://nbformat.readthedocs.io), percent scripts, plain Python.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import re
import tokenize
from collections.abc import Iterable
from typing import Any

from course_lib.grading.marimo_script import is_marimo, marimo_cells
from course_lib.grading.merge_marks import sides
from course_lib.practice.learner import Unreadable
from course_lib.practice.source import read_cells

__all__ = ["Cell", "decoded", "read_handed_in"]

Cell = dict[str, Any]
"""`name` for reports, `id`, `kind` ("code" or another), `tags`, `solution`, `source`."""

_SCRIPTS = (".py", ".pyw", ".py.txt")

MOST_CELLS = 2_000

MOST_ID = 200
"""Letters of a cell's id."""

_ENCODINGS = ("iso8859", "cp", "koi8", "gb", "big5", "euc", "shift_jis", "mac-", "utf-8", "ascii")
"""Beginnings of the names of those that editors write. Some others take hours to read."""

_EXPORTED = re.compile(r"^# In ?\[[ \d]*\]:?.*$", re.MULTILINE)
"""What Jupyter writes before each cell of a notebook that is saved as a script."""

_CELL_MARKS = ("# In[", "# In [", "# %%", "@app.")
"""What stands before each cell of any script that has cells."""

_NOTEBOOK = re.compile(r'\s*\{\s*"(?:cells|metadata|nbformat|nbformat_minor|worksheets)"\s*:')
"""How a notebook begins, whatever its file is called."""


def read_handed_in(name: str, data: bytes) -> list[Cell]:
    """The cells of a file, in order.

    Raises:
        Unreadable: it is neither a notebook nor a script; the message says what to do.
    """
    if not data.strip():
        raise Unreadable(f"{name} is empty; hand in the notebook again.")
    text = decoded(data)
    if name.lower().endswith(_SCRIPTS) and not _NOTEBOOK.match(text):
        _require_few(name, sum(map(text.count, _CELL_MARKS)))
        return _script(text)
    try:
        notebook = _json(text)
        cells = notebook["cells"] if "cells" in notebook else _version_3(notebook)
        wanted = enumerate(cells[:MOST_CELLS], 1)
        found = [_cell(cell, number) for number, cell in wanted if not _is_nothing(cell)]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise Unreadable(
            f"{name} is not a whole notebook; save it as .ipynb, or hand in a .py file."
        ) from error
    _require_few(name, len(cells))
    return found


def _json(text: str) -> Any:
    """What the text says, or one side of what git could not merge. Raises ValueError."""
    for other in (text, *sides(text)):
        with contextlib.suppress(ValueError):
            return json.loads(other)
    raise ValueError("no JSON")


def _require_few(name: str, count: int) -> None:
    """Raises Unreadable: there are more cells than anybody writes."""
    if count > MOST_CELLS:
        raise Unreadable(f"{name} has {count:,} cells, more than {MOST_CELLS:,}; shorten it.")


def decoded(data: bytes) -> str:
    """Decoded: by its byte order mark, as UTF-8, or as a script's first lines say.

    Without what some editors and a loss of power leave at the end.
    """
    return _decoded(data).rstrip("\0\x1a")


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        if codecs.lookup(encoding).name.startswith(_ENCODINGS):
            return data.decode(encoding)
    except (SyntaxError, ValueError, LookupError):
        pass
    return data.decode("latin-1")


def _version_3(notebook: Any) -> list[Any]:
    cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    return [{**cell, "source": cell.get("source", cell.get("input", ""))} for cell in cells]


def _cell(cell: Any, number: int) -> Cell:
    metadata = cell.get("metadata") or {}
    nbgrader = metadata.get("nbgrader") or {}
    tags = metadata.get("tags") or []
    source = cell.get("source") or ""
    source = source if isinstance(source, str) else _joined([*map(str, source)])
    id = _id(str(cell.get("id") or nbgrader.get("grade_id") or ""))
    return {
        "name": f"cell {id or number}"[:60],
        "id": id,
        "kind": _kind(cell),
        "tags": _texts(tags),
        "solution": nbgrader.get("solution") is True,
        "source": _whole_letters(source),
    }


def _kind(cell: Any) -> str:
    """Its type; where it was lost, only code cells have outputs."""
    return str(cell.get("cell_type") or ("code" if "outputs" in cell else ""))


def _is_nothing(cell: Any) -> bool:
    """What damaged notebooks have between their cells."""
    return cell is None or not _kind(cell)


def _joined(lines: list[str]) -> str:
    """One text of lines that end with line ends, or that have all lost them."""
    return ("" if any(line.endswith("\n") for line in lines[:-1]) else "\n").join(lines)


def _id(text: str) -> str:
    """The id without what no file and no file name can hold, such as NUL."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:MOST_ID])


def _whole_letters(text: str) -> str:
    """The text with "?" for each half of a surrogate pair, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _texts(tags: Iterable[object]) -> list[str]:
    return [tag for tag in tags if isinstance(tag, str)]


def _script(text: str) -> list[Cell]:
    """A script with cells is read like a notebook; any other is one solution cell."""
    if is_marimo(text):
        parts = marimo_cells(text)
        return [_script_cell(f"cell {n}", "", [], part) for n, part in enumerate(parts, 1)]
    if _EXPORTED.search(text):
        parts = _EXPORTED.split(text)
        return [_script_cell(f"part {n}", "", [], part) for n, part in enumerate(parts, 1)]
    try:
        cells = [cell for cell in read_cells(text) if not cell.markdown]
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        cells = []  # its tags are none that anybody's program writes
    if not any(cell.tags for cell in cells):
        return [_script_cell("your file", "", ["solution"], text)]
    return [_script_cell(f"cell {_id(c.id)}", _id(c.id), _texts(c.tags), c.text) for c in cells]


def _script_cell(name: str, id: str, tags: list[str], source: str) -> Cell:
    return {
        "name": name[:60],
        "id": id,
        "kind": "code",
        "tags": tags,
        "solution": False,
        "source": source,
    }
