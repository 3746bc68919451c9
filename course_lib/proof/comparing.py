"""What a cell stored against what it shows now: in order, every kind, readable.

What it answers in nbval 0.11 (numbers are its issues): nbval compares kind by
kind, so that a changed order is not seen; it leaves out tracebacks, numbers of
runs, metadata, the difference between a result and a display, and pictures
(#10, #97, #117). A cell that was never run passes. Here every output is
compared in its place, first as text. Pictures come second, by their bytes: the
text of a figure says what was drawn, and a difference in it can be read.

Only widget views are left out: their number is random, and every widget of the
course has a static twin in the same output.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from course_lib.proof.collecting import merged

__all__ = ["cell_difference", "difference"]

LINES, COLUMNS = 24, 120

Clean = Callable[[str], str]
Outputs = Iterable[Mapping[str, Any]]
Part = tuple[str, str]  # (what it is, its text)

_WIDGET = "application/vnd.jupyter.widget-view+json"
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_EMBEDDED = re.compile(r"(?<=data:image/)([a-z+]+;base64,)([A-Za-z0-9+/=\s]*)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def cell_difference(
    cell: Mapping[str, Any],
    now: Outputs,
    count: int | None,
    *,
    clean: Clean,
    pictures: bool,
) -> str:
    """What is wrong with a stored cell, or "".

    Args:
        now: what the cell shows when it is run.
        count: as which number it was run.
        clean: takes out of a text what differs from run to run.
        pictures: whether pictures must be the same to the byte.
    """
    if cell["execution_count"] is None:
        return "was never run, so nothing is stored; build the lesson"
    if found := difference(cell["outputs"], now, clean=clean, pictures=pictures):
        return f"Cell outputs differ\n{found}"
    if cell["execution_count"] != count:
        return f"is stored as run {cell['execution_count']} and is run {count}; build the lesson"
    return ""


def difference(stored: Outputs, now: Outputs, *, clean: Clean, pictures: bool = True) -> str:
    """A short diff, or "" when both show the same.

    >>> difference([], [{"output_type": "stream", "name": "stdout", "text": "1"}], clean=str)
    '--- stored\\n+++ now\\n@@ -0,0 +1,2 @@\\n+[stdout]\\n+1'
    """
    before, after = merged(stored), merged(now)
    words = _words(before, clean), _words(after, clean)
    if words[0] != words[1]:
        return _diff(_lines(words[0]), _lines(words[1]))
    drawn = _drawn(before), _drawn(after)
    if pictures and drawn[0] != drawn[1]:
        return "What was drawn reads the same, the picture is another.\n" + _diff(*drawn)
    return ""


def _words(outputs: Outputs, clean: Clean) -> list[Part]:
    """Each part of each output with its text; the bytes of pictures are left out."""
    return [
        (kind, clean("..." if kind in _PICTURES else _EMBEDDED.sub(r"\1...", text)))
        for output in outputs
        for kind, text in _parts(output)
    ]


def _drawn(outputs: Outputs) -> list[str]:
    """One line for each picture, with a digest of its bytes."""
    encoded = [
        picture
        for output in outputs
        for kind, text in _parts(output)
        for picture in ([text] if kind in _PICTURES else [m[2] for m in _EMBEDDED.finditer(text)])
    ]
    return [f"picture {number}: {_digest(text)}" for number, text in enumerate(encoded, 1)]


def _digest(encoded: str) -> str:
    try:
        picture = base64.b64decode("".join(encoded.split()), validate=True)
    except ValueError:
        return "not a picture"
    return f"{len(picture)} bytes, SHA-256 {hashlib.sha256(picture).hexdigest()[:16]}"


def _parts(output: Mapping[str, Any]) -> list[Part]:
    kind = output["output_type"]
    if kind == "stream":
        return [(output["name"], output["text"])]
    if kind == "error":
        lines = [output["ename"], output["evalue"], *output["traceback"]]
        return [("error", _COLOUR.sub("", "\n".join(lines)))]
    if kind == "execute_result":
        kind = f"execute_result {output['execution_count']}"
    data = output["data"]
    parts = [(mime, _text(mime, data[mime])) for mime in sorted(data) if mime != _WIDGET]
    if output.get("metadata"):
        parts.append(("metadata", json.dumps(output["metadata"], sort_keys=True)))
    return [(kind, ""), *parts]


def _text(mime: str, value: Any) -> str:
    if isinstance(value, str) and not mime.endswith("json"):
        return value
    return json.dumps(value, sort_keys=True)


def _lines(parts: list[Part]) -> list[str]:
    lines: list[str] = []
    for kind, text in parts:
        lines += [f"[{kind}]", *(text.split("\n") if text else ())]
    return lines


def _diff(before: list[str], after: list[str]) -> str:
    short = (_short_lines(before), _short_lines(after))
    if short[0] == short[1]:  # they differ only in how their lines are broken
        short = ([repr(line) for line in before], [repr(line) for line in after])
    lines = list(difflib.unified_diff(*short, "stored", "now", n=1, lineterm=""))
    cut = [line if len(line) <= 2 * COLUMNS else line[: 2 * COLUMNS] for line in lines[:LINES]]
    return "\n".join(cut + ["..."] * (len(lines) > LINES)) or "The outputs are divided otherwise."


def _short_lines(lines: list[str]) -> list[str]:
    """For readers: one HTML element a line, and none so long that the difference is cut off."""
    elements = [part for line in lines for part in line.replace("><", ">\n<").split("\n")]
    return [
        element[start : start + COLUMNS]
        for element in elements
        for start in range(0, max(1, len(element)), COLUMNS)
    ]
