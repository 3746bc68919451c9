"""What a machine can count about the accessibility of a lesson."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from course_lib.proof.notebook_files import Cell, code_cells, output_texts, read, source

__all__ = ["Counts", "count"]

_CONTROL = re.compile(r"^(?:explorable|hunt|parsons|predict|profile|quiz|recall)\(", re.MULTILINE)
_SENTENCE_ENDS = re.compile(r"(?<=[.!?:])\s+| · ")
_WORD = re.compile(r"\w[\w'-]*")
_LISTS = ("Words:", "Sources:")  # paragraphs that are lists, not sentences
_BLOCKS = ["p", "li"]


@dataclass(frozen=True)
class Counts:
    """Numbers of one lesson. `sentence` is the mean length of a sentence, in words."""

    pictures: int
    pictures_in_words: int  # with an alt, and a long text or table in the same output
    tables: int
    tables_with_caption: int
    controls: int
    controls_with_twin: int
    words: int
    sentence: float


def count(path: Path, html: BeautifulSoup) -> Counts:
    """The numbers of the lesson at `path`, whose content is `html`."""
    outputs = html.find_all(class_="output")
    pictures = [picture for output in outputs for picture in output.find_all("img")]
    tables = [table for output in outputs for table in output.find_all("table")]
    controls = [cell for cell in code_cells(read(path)) if _CONTROL.search(source(cell))]
    sentences = list(_sentences(html))
    words = sum(sentences)
    return Counts(
        pictures=len(pictures),
        pictures_in_words=sum(map(_in_words, pictures)),
        tables=len(tables),
        tables_with_caption=sum(bool(table.find("caption")) for table in tables),
        controls=len(controls),
        controls_with_twin=sum(map(_has_twin, controls)),
        words=words,
        sentence=round(words / len(sentences), 1) if sentences else 0.0,
    )


def _in_words(picture: Tag) -> bool:
    output = picture.find_parent(class_="output")
    return bool(picture.get("alt") and output and output.find(["details", "table"]))


def _has_twin(cell: Cell) -> bool:
    return any(kind == "text/html" and text.strip() for kind, text in output_texts(cell))


def _sentences(html: BeautifulSoup) -> list[int]:
    """How many words each sentence of the lesson's own text has."""
    lengths: list[int] = []
    prose = html.find_all(class_="prose")
    for block in (block for part in prose for block in part.find_all(_BLOCKS)):
        text = block.get_text()
        if block.find(_BLOCKS) or text.startswith(_LISTS):
            continue
        lengths += [len(_WORD.findall(sentence)) for sentence in _SENTENCE_ENDS.split(text)]
    return [length for length in lengths if length]
