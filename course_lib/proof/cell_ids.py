"""Readable names for the cells of a lesson.

A difference is reported by the id of its cell, so an id must say something and
stay the same. A percent script names its cells with `id="..."`; a cell that an
editor gave a random id is named after the heading above it.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

__all__ = ["RANDOM_ID", "READABLE_ID", "name_cells"]

READABLE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RANDOM_ID = re.compile(r"[0-9a-f]{6,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+)$", re.MULTILINE)


def name_cells(cells: list[Any]) -> None:
    """Give each cell the id its metadata asks for, or keep a readable one, or make one.

    >>> cells = [{"id": "0a1b2c3d", "metadata": {}, "source": "## Try it first"}]
    >>> name_cells(cells)
    >>> cells[0]["id"]
    'try-it-first'
    """
    used: set[str] = set()
    heading = "start"
    for cell in cells:
        found = _HEADING.findall(cell["source"]) if cell.get("cell_type") != "code" else []
        heading = _words(found[-1]) if found else heading
        wanted = str(cell["metadata"].get("id") or cell.get("id") or "")
        readable = READABLE_ID.fullmatch(wanted) and not RANDOM_ID.fullmatch(wanted)
        cell["id"] = _free(wanted if readable else heading, used)
        used.add(cell["id"])


def _words(heading: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", heading.lower())) or "part"


def _free(name: str, used: set[str]) -> str:
    if name not in used:
        return name
    return next(n for n in (f"{name}-{i}" for i in itertools.count(2)) if n not in used)
