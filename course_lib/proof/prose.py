"""The sentences of a notebook: what its author wrote, without code and pictures.

Read with mistune, the Markdown reader that nbconvert brings along.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from course_lib.proof.notebook_files import source, where

if TYPE_CHECKING:
    from mistune import Markdown

__all__ = ["CODE", "Block", "blocks", "plain", "words_in"]

CODE = "\ufffc"
"""Stands for a piece of code in a sentence, and counts as one word."""

# What ends a sentence may be followed by a quotation mark, a bracket or bold type.
_END = re.compile(r"""(?:(?<=[.!?])|(?<=[.!?]["')*])|(?<=[.!?]\*\*)|(?<=[.!?]"\)))\s+| · """)
_WORD = re.compile(rf"[\w{CODE}@](?:[\w{CODE}'.,+-]*[\w{CODE}])?")
_TERMS = re.compile(r"<i>(.+?)</i>:")
_HTML_CODE = re.compile(r"<code>.*?</code>", re.DOTALL)
_HTML_CELL = re.compile(r"</?(?:table|caption|thead|tbody|tr|th|td)\b[^>]*>")
_TAG = re.compile(r"</?\w[^>]*>")

Token = dict[str, Any]


@dataclass(frozen=True)
class Block:
    """A heading, paragraph, list item or table cell, and the cell that it stands in.

    `kind` is "prose", "heading", "table", "words" (the list of explained words),
    "sources", or "contents" (nothing but a link). In `text`, `CODE` stands for code,
    `**` for bold and `<i>` for italic type.
    """

    where: str
    kind: str
    text: str

    @property
    def sentences(self) -> list[str]:
        """
        >>> Block("", "prose", '**Why?** "It rains." So 3.14 is: a lot.').sentences
        ['**Why?**', '"It rains."', 'So 3.14 is: a lot.']
        """
        parts = (part.strip() for part in _END.split(plain(self.text)))
        return [part for part in parts if words_in(part)]

    @property
    def terms(self) -> list[str]:
        """What a list of words explains.

        >>> Block("", "words", "**Words:** <i>jam</i>: sweet · <i>tea</i>, <i>mate</i>: hot").terms
        ['jam', 'tea', 'mate']
        """
        entries = _TERMS.findall(self.text) if self.kind == "words" else []
        return [term for entry in entries for term in plain(entry).split(", ")]


def plain(text: str) -> str:
    return re.sub(r"</?i>", "", text)


def words_in(sentence: str) -> list[str]:
    """
    >>> words_in("Don't wait 1,000 s: a well-known **bug**.")
    ["Don't", 'wait', '1,000', 's', 'a', 'well-known', 'bug']
    """
    return _WORD.findall(plain(sentence))


def blocks(notebook: dict[str, Any]) -> Iterator[Block]:
    """Every block of the text cells of `notebook`, top to bottom."""
    for number, cell in enumerate(notebook["cells"], 1):
        if cell.get("cell_type") == "markdown":
            name = where(cell, number)
            for kind, text in _walk(_reader()(source(cell))):
                yield Block(name, kind, text)


@cache
def _reader() -> Markdown:
    import mistune

    return mistune.create_markdown(renderer=None, plugins=["table"])


def _walk(tokens: Any) -> Iterator[tuple[str, str]]:
    for token in tokens:
        kind = token["type"]
        if kind == "heading":
            yield "heading", _line(token["children"])
        elif kind == "table_cell":
            yield "table", _line(token["children"])
        elif kind in ("paragraph", "block_text"):
            yield _kind(token), _line(token["children"])
        elif kind == "block_html":
            yield from _html(token["raw"])
        else:
            yield from _walk(token.get("children", ()))


def _kind(paragraph: Token) -> str:
    children = paragraph["children"]
    text = _line(children)
    if text.startswith("**Words:**"):
        return "words"
    if text.startswith("**Sources:**"):
        return "sources"
    return "contents" if [child["type"] for child in children] == ["link"] else "prose"


def _html(raw: str) -> Iterator[tuple[str, str]]:
    kind = "table" if "<table" in raw else "prose"
    for part in _HTML_CELL.split(_HTML_CODE.sub(CODE, raw)):
        if text := html.unescape(_TAG.sub("", part)).strip():
            yield kind, " ".join(text.split())


def _line(tokens: list[Token]) -> str:
    return "".join(map(_inline, tokens))


def _inline(token: Token) -> str:
    kind = token["type"]
    if kind == "codespan":
        return CODE
    if kind in ("softbreak", "linebreak"):
        return " "
    if kind in ("image", "inline_html"):
        return ""
    inside = _line(token["children"]) if "children" in token else html.unescape(token["raw"])
    marks = {"strong": ("**", "**"), "emphasis": ("<i>", "</i>")}
    before, after = marks.get(kind, ("", ""))
    return before + inside + after
