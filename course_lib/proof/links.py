"""Gate: every link inside the repository leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from course_lib.proof.gates import Gate, finished, tracked
from course_lib.proof.notebook_files import markdown_text, read
from course_lib.proof.structure import headings

__all__ = ["links_resolve"]

_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)[^)]*\)|\b(?:href|src)=\"([^\"]+)\"")


def links_resolve(root: Path) -> Gate:
    """Covers the links in Markdown files and in the text cells of notebooks."""
    problems: list[str] = []
    covered = 0
    for path in tracked(root, ".md", ".ipynb"):
        name = path.relative_to(root).as_posix()
        try:
            text, titles = _words(path)
        except ValueError:
            continue  # the structure gate says so
        for target in _targets(text):
            covered += 1
            if not _resolves(root, path, target, titles):
                problems.append(f'{name}: links to "{target}", which is not there; mend the link.')
    return finished(root, "links", covered=covered, unit="links", problems=problems)


def _words(path: Path) -> tuple[str, set[str]]:
    if path.suffix == ".ipynb":
        notebook = read(path)
    else:
        text_cell = {"cell_type": "markdown", "source": path.read_text(encoding="utf-8")}
        notebook = {"cells": [text_cell]}
    text = "\n".join(markdown_text(cell) for cell in notebook["cells"])
    return text, {_anchor(title) for _, title in headings(notebook)}


def _targets(text: str) -> Iterator[str]:
    for markdown, html in _LINK.findall(text):
        target = markdown or html
        if not urlsplit(target).scheme:
            yield target


def _resolves(root: Path, page: Path, target: str, titles: set[str]) -> bool:
    place, _, anchor = target.partition("#")
    if not place:
        return _anchor(unquote(anchor)) in titles
    there = (page.parent / unquote(place)).resolve()
    return there.exists() and there.is_relative_to(root.resolve())


def _anchor(title: str) -> str:
    """One spelling for a heading and its anchor: JupyterLab and GitHub write them differently."""
    return "-".join(re.findall(r"[a-z0-9]+", re.sub(r"[`*_]", "", title).lower()))
