"""What a cell stored against what it shows now: in order, every kind, readable.

nbval compares kind by kind, so that a changed order is not seen (it flattens
outputs into one list per MIME type), and it leaves out tracebacks. Here every
output is compared in its place. Only widget views are left out: their number
is random, and every widget of the course has a static twin in the same output.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["difference", "shown"]

LINES, COLUMNS = 24, 120

_WIDGET = "application/vnd.jupyter.widget-view+json"


def difference(
    stored: Iterable[Mapping[str, Any]],
    now: Iterable[Mapping[str, Any]],
    *,
    clean: Callable[[str], str],
) -> str:
    """A short diff, or "" when both show the same.

    >>> difference([], [{"output_type": "stream", "name": "stdout", "text": "1"}], clean=str)
    '--- stored\\n+++ now\\n@@ -0,0 +1,2 @@\\n+[stdout]\\n+1'
    """
    before = shown(stored, clean=clean)
    after = shown(now, clean=clean)
    if before == after:
        return ""
    short = (_short_lines(before), _short_lines(after))
    if short[0] == short[1]:  # they differ only in how their lines are broken
        short = (before, after)
    lines = list(difflib.unified_diff(*short, "stored", "now", n=1, lineterm=""))
    cut = [line if len(line) <= 2 * COLUMNS else line[: 2 * COLUMNS] for line in lines[:LINES]]
    return "\n".join(cut + ["..."] * (len(lines) > LINES))


def _short_lines(lines: list[str]) -> list[str]:
    """For readers: one HTML element a line, and none so long that the difference is cut off."""
    elements = [part for line in lines for part in line.replace("><", ">\n<").split("\n")]
    return [
        element[start : start + COLUMNS]
        for element in elements
        for start in range(0, max(1, len(element)), COLUMNS)
    ]


def shown(outputs: Iterable[Mapping[str, Any]], *, clean: Callable[[str], str]) -> list[str]:
    """The outputs as lines of text, each output under a line `[kind]`."""
    lines: list[str] = []
    for output in outputs:
        for kind, text in _parts(output):
            lines += [f"[{kind}]", *clean(text).split("\n")]
    return lines


def _parts(output: Mapping[str, Any]) -> list[tuple[str, str]]:
    if output["output_type"] == "stream":
        return [(output["name"], output["text"])]
    if output["output_type"] == "error":
        return [("error", "\n".join([output["ename"], output["evalue"], *output["traceback"]]))]
    data = output["data"]
    return [(mime, _text(data[mime])) for mime in sorted(data) if mime != _WIDGET]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True)
