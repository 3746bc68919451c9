"""The code that the lesson talks about, shown from the file that runs."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..index import ROOT
from .markup import bullets, escape, paragraph, preformatted, show

__all__ = ["production_gap", "show_source"]


def show_source(thing: Any) -> None:
    """Show the source of a class, function or module, and where it stands.

    Raises:
        ValueError: Python has no source for it (it is built in, or was typed in a shell).
    """
    try:
        lines, first = inspect.getsourcelines(thing)
        file = inspect.getsourcefile(thing)
    except (OSError, TypeError) as error:
        raise ValueError(
            f"There is no source to show for {thing!r}; give a class, function or module "
            "that is written in Python."
        ) from error
    place = _place(file, max(first, 1))
    code = textwrap.dedent("".join(lines)).rstrip()
    show(paragraph(place) + preformatted(code), f"{place}\n\n{code}")


def _place(file: str | None, line: int) -> str:
    path = Path(file or "").resolve()
    if path.is_relative_to(ROOT):
        return f"{path.relative_to(ROOT).as_posix()}, from line {line}"
    if "site-packages" in path.parts:
        start = path.parts.index("site-packages") + 1
        return f"{'/'.join(path.parts[start:])}, from line {line}"
    return "From a cell of this notebook"


def production_gap(thing: Any) -> None:
    """Show what a production library does that this class leaves out.

    Raises:
        ValueError: the class has no `production_gap`, or an empty one.
    """
    gap: Sequence[str] = getattr(thing, "production_gap", ())
    name = getattr(thing, "__name__", type(thing).__name__)
    if not gap or isinstance(gap, str):
        raise ValueError(f"{name} needs production_gap, a list of sentences.")
    head = f"What {name} leaves out, and a production library has:"
    html = f"<p>{escape(head)}</p>{bullets(gap)}"
    show(html, "\n".join([head, *(f"- {line}" for line in gap)]))
