"""What a machine can count about the accessibility of a lesson."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from course_lib.proof.notebook_files import Cell, code_cells, output_texts, read, source
from course_lib.proof.plain_language import Plain

__all__ = ["Counts", "count"]

_CONTROL = re.compile(r"^(?:explorable|hunt|parsons|predict|profile|quiz|recall)\(", re.MULTILINE)


@dataclass(frozen=True)
class Counts:
    """Numbers of one lesson."""

    pictures: int
    pictures_in_words: int  # with an alt, and a long text or table in the same output
    tables: int
    tables_with_caption: int
    controls: int
    controls_with_twin: int
    plain: Plain


def count(path: Path, html: BeautifulSoup, plain: Plain) -> Counts:
    """The numbers of the lesson at `path`, whose content is `html`; `plain` are its words'."""
    outputs = html.find_all(class_="output")
    pictures = [picture for output in outputs for picture in output.find_all("img")]
    tables = [table for output in outputs for table in output.find_all("table")]
    controls = [cell for cell in code_cells(read(path)) if _CONTROL.search(source(cell))]
    return Counts(
        pictures=len(pictures),
        pictures_in_words=sum(map(_in_words, pictures)),
        tables=len(tables),
        tables_with_caption=sum(bool(table.find("caption")) for table in tables),
        controls=len(controls),
        controls_with_twin=sum(map(_has_twin, controls)),
        plain=plain,
    )


def _in_words(picture: Tag) -> bool:
    output = picture.find_parent(class_="output")
    return bool(picture.get("alt") and output and output.find(["details", "table"]))


def _has_twin(cell: Cell) -> bool:
    return any(kind == "text/html" and text.strip() for kind, text in output_texts(cell))
