"""Cells as Python: what only a notebook understands is taken out, line by line.

Nothing is run. A line goes only if Python cannot read the cell because of it, so that
a text in quotes that begins with `!` or `%` stays.
"""

from __future__ import annotations

import ast
import functools
import re
import textwrap
import warnings

__all__ = ["parse", "readable", "reindented"]

_CELL_MAGIC = re.compile(r"\s*%%(?P<name>\w+)")
_PYTHON_MAGICS = frozenset({"time", "timeit", "capture", "prun", "memit", "mprun", "lprun"})
_LINE = re.compile(
    r"(?P<indent>\s*)"
    r"(?:[\w.,\s]+=\s*)?"  # files = !ls
    r"(?:[!%?].*|[\w.]+\s*\?{1,2}\s*)$"
)
_MOST_LINES = 200


@functools.lru_cache(256)
def parse(code: str) -> ast.Module | None:
    """The syntax tree, not to be changed; None if Python cannot read the text."""
    try:
        return _read(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def readable(code: str) -> str:
    """The cell without magics and shell lines, every other line where it was.

    Whole cells in another language become empty. What still cannot be read is given
    back as far as it could be mended.

    >>> readable("%matplotlib inline\\nx = 1\\nfiles = !ls\\n")
    'pass\\nx = 1\\npass'
    """
    lines = code.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    magic = _CELL_MAGIC.match(lines[start]) if lines else None
    if magic and magic["name"] not in _PYTHON_MAGICS:
        return ""
    if magic:
        lines[start] = ""
    return "\n".join(_without_lines(lines))


def reindented(code: str) -> str:
    """The cell moved to the left, or with its tabs as spaces, if Python can read it so."""
    spaced = (code, code.expandtabs(8), code.expandtabs(4))
    for other in (*spaced, *map(textwrap.dedent, spaced)):
        if parse(other) is not None:
            return other
    return code


def _without_lines(lines: list[str]) -> list[str]:
    """Replace the line that stops Python by `pass`, as long as it is a notebook's own."""
    lines = list(lines)
    for _ in range(_MOST_LINES):
        number = _stops_at("\n".join(lines))
        if number is None or not 1 <= number <= len(lines):
            break
        line = _LINE.fullmatch(lines[number - 1])
        if line is None:
            break
        lines[number - 1] = f"{line['indent']}pass"
    return lines


def _stops_at(code: str) -> int | None:
    """The number of the line that Python cannot read, from 1; None if it can read all."""
    if parse(code):
        return None
    try:
        _read(code)
    except SyntaxError as error:
        return error.lineno
    except (ValueError, RecursionError, MemoryError):
        pass
    return None


def _read(code: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        tree = compile(code, "cell", "exec", flags=flags, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree
