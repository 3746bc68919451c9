"""The cells of a notebook that marimo has saved: a script in which each cell is a function.

Read line by line, as marimo writes it: https://docs.marimo.io/guides/editor_features/watching/
"""

from __future__ import annotations

import re
import textwrap

__all__ = ["is_marimo", "marimo_cells"]

_CELL = re.compile(r"@app\.cell\b")
_KEPT = re.compile(r"@app\.(?:function|class_definition)\b")
_SETUP = re.compile(r"with app\.setup\b")
_BEGINS = re.compile(r"[@\w]")
_DEFINES = re.compile(r"(?:class|def|async def)\b")
_APP = re.compile(r"app\s*=\s*marimo\.App\(", re.MULTILINE)
_RETURN = re.compile(r"    return\b")


def is_marimo(text: str) -> bool:
    return "import marimo" in text and bool(_APP.search(text))


def marimo_cells(text: str) -> list[str]:
    """The code of each cell, without the function around it.

    >>> marimo_cells("app = marimo.App()\\n@app.cell\\ndef _(x):\\n    y = x\\n    return (y,)\\n")
    ['y = x']
    """
    blocks: list[list[str]] = []
    decorated = False
    for line in text.splitlines():
        if _BEGINS.match(line):
            if not decorated:
                blocks.append([])
            decorated = line.startswith("@")
        if blocks:
            blocks[-1].append(line)
    return [cell for cell in map(_cell, blocks) if cell]


def _cell(block: list[str]) -> str:
    """The code in a block of lines that begins where a line is not indented; "" for none."""
    first = block[0]
    if _KEPT.match(first):
        start = next((n for n, line in enumerate(block) if _DEFINES.match(line)), len(block))
        return "\n".join(block[start:]).strip()
    if not (_CELL.match(first) or _SETUP.match(first)):
        return ""
    body = next((n for n, line in enumerate(block) if line.endswith(":")), len(block))
    lines = block[body + 1 :]
    returns = [number for number, line in enumerate(lines) if _RETURN.match(line)]
    lines = lines[: returns[-1]] if returns else lines
    return textwrap.dedent("\n".join(lines)).strip()
