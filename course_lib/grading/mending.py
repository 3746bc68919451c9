"""Cells as Python: what only a notebook understands is taken out, line by line.

Nothing is run. A line goes only if Python cannot read the cell because of it, so that
a text in quotes that begins with `!` or `%` stays. What a magic runs, as `%time x = 1`
does, stays without the magic. Where Python still cannot read a cell, odd spaces and the
marks of a merge go, too.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
import textwrap
import warnings
from collections.abc import Iterator

from course_lib.grading.merge_marks import sides

__all__ = ["parse", "readable", "reindented"]

_CELL_MAGIC = re.compile(r"\s*%%(?P<name>\w+)")
_PYTHON_MAGICS = frozenset({"time", "timeit", "capture", "prun", "memit", "mprun", "lprun"})
_LINE = re.compile(
    r"(?P<indent>\s*)"
    r"(?:[\w.,\s]+=\s*)?"  # files = !ls
    r"(?:[!%?].*|[\w.]+\s*\?{1,2}\s*|```.*)$"
)
_MOST_LINES = 200
_RUN = re.compile(r"%run +(?:-\w+ +)*[\"']?(?:\./)?(?P<path>[\w/]+)\.py\b")
_ODD_SPACES = {0xA0: " ", 0x200B: None, 0x2060: None, 0xFEFF: None}
"""What copying from a page or a letter puts in: other spaces, and signs of no width."""
_TIMED = re.compile(r"\s*%time +(?P<statement>\S.*)")
_PROMPT = re.compile(r"(?:>>>|\.\.\.)(?: |$)|In ?\[\d+\]: ?|[ \t]*\.{3,}: ?")
_FIRST_PROMPT = re.compile(r">>> |In ?\[\d+\]: ")


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
    >>> readable("In [3]: x = 1")  # to Python, a note on the type of In[3]
    'x = 1'
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
    lines = _without_calls_of_magics(_without_prompts(lines, start))
    mended = "\n".join(_without_lines(lines))
    if parse(mended) is None:
        mended = next((other for other in _others(lines) if parse(other)), mended)
    return _futures_first(mended)


def reindented(code: str) -> str:
    """The cell moved to the left, or with its tabs as spaces, if Python can read it so."""
    spaced = (code, code.expandtabs(8), code.expandtabs(4))
    for other in (*spaced, *map(textwrap.dedent, spaced)):
        if parse(other) is not None:
            return other
    return code


def _others(lines: list[str]) -> Iterator[str]:
    """With ordinary spaces, and with one side of what git could not merge."""
    text = "\n".join(lines)
    spaced = text.translate(_ODD_SPACES)
    for other in (spaced, *sides(spaced)):
        if other != text:
            yield "\n".join(_without_lines(other.split("\n")))


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
        statement = _run_by(line[0])
        continued = line[0].endswith("\\")
        lines[number - 1] = line["indent"] + statement
        while continued and number < len(lines):
            continued = lines[number].endswith("\\")
            lines[number] = ""
            number += 1
    return lines


def _run_by(line: str) -> str:
    """The Python that a magic runs: a statement, or the script of `%run`."""
    timed = _TIMED.fullmatch(line)
    ran = _RUN.match(line)
    if ran:
        return f"from {ran['path'].replace('/', '.')} import *"
    return timed["statement"] if timed and parse(timed["statement"]) else "pass"


def _without_prompts(lines: list[str], start: int) -> list[str]:
    """Take off the prompts of a session that was pasted, as IPython does."""
    if not lines or not _FIRST_PROMPT.match(lines[start]):
        return lines
    return [_PROMPT.sub("", line, count=1) if _PROMPT.match(line) else line for line in lines]


def _without_calls_of_magics(lines: list[str]) -> list[str]:
    """Put the code that `get_ipython().run_cell_magic("time", "", code)` runs in its place."""
    code = "\n".join(lines)
    tree = parse(code) if "get_ipython().run_" in code else None
    for node in _alone(tree):
        match node:
            case ast.Expr(
                ast.Call(
                    func=ast.Attribute(attr="run_cell_magic" | "run_line_magic"),
                    args=[ast.Constant(str(magic)), *_, ast.Constant(str(text))],
                )
            ) if magic in _PYTHON_MAGICS:
                _replace(lines, node, text)
    return "\n".join(lines).split("\n")


def _futures_first(code: str) -> str:
    """Move imports from __future__ to the first line; the others stay where they are."""
    tree = parse(code) if "__future__" in code else None
    futures = [node for node in _alone(tree) if _is_future(node)]
    body = tree.body[1:] if tree and ast.get_docstring(tree) is not None else tree and tree.body
    if not body or all(map(_is_future, body[: len(futures)])):
        return code
    lines = code.split("\n")
    for node in futures:
        _replace(lines, node, "pass")
    first = "; ".join(map(ast.unparse, futures))
    if lines[0].partition("#")[0].strip() in ("", "pass"):
        return "\n".join([first, *lines[1:]])
    beside = "\n".join([f"{first}; {lines[0]}", *lines[1:]])
    return beside if parse(beside) else "\n".join([first, *lines])


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _alone(tree: ast.Module | None) -> list[ast.stmt]:
    """The statements of the top level that share no line with another."""
    body = tree.body if tree else []
    ends = [0, *(node.end_lineno or 0 for node in body)]
    starts = [*(node.lineno for node in body[1:]), sys.maxsize]
    return [
        node
        for node, end, start in zip(body, ends, starts, strict=False)
        if end < node.lineno and (node.end_lineno or 0) < start
    ]


def _replace(lines: list[str], node: ast.stmt, text: str) -> None:
    """Put `text` where the statement stands, and leave its other lines empty."""
    end = node.end_lineno or node.lineno
    lines[node.lineno - 1 : end] = [text] + [""] * (end - node.lineno)


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
