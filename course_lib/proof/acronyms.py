"""Which acronyms of a text nobody has explained to its reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from course_lib.proof.prose import Block, plain

__all__ = ["ACRONYM", "EVERYDAY", "SQL_WORDS", "explained", "unexplained"]

EVERYDAY = {
    "CPU": "on the box of every computer",
    "ID": "an ordinary word",
    "OK": "an ordinary word",
    "PC": "an ordinary word",
    "README": "the name of a file",
    "UTF": "UTF-8, how nearly all text is stored",
    "URL": "in the address bar of every browser",
}
"""Acronym -> why it needs no explanation."""

SQL_WORDS = frozenset(
    {"AND", "BEGIN", "CHECK", "COMMIT", "COMMITTED", "DELETE", "IN", "INSERT", "NOT", "NULL"}
    | {"OFFSET", "OR", "READ", "REPEATABLE", "ROLLBACK", "SELECT", "SERIALIZABLE", "UPDATE"}
)
"""Ordinary words that SQL writes in capitals; they stand for no others."""

ACRONYM = re.compile(r"(?<![\w.-])(?=[A-Z0-9]*[A-Z][A-Z0-9]*[A-Z])([A-Z][A-Z0-9]+?)s?(?!\w)")


def unexplained(text: Iterable[Block], known: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """(cell, acronym) for the first use of each that neither it nor `known` explains."""
    own = list(text)
    done = {*EVERYDAY, *SQL_WORDS, *known, *_listed(own)}
    for block in own:
        if block.kind in ("contents", "heading", "sources"):  # no place to explain
            continue
        for name in ACRONYM.findall(plain(block.text)):
            if name not in done and not _explains(block.text, name):
                yield block.where, name
            done.add(name)


def explained(text: Iterable[Block]) -> set[str]:
    """The acronyms that a lesson explains, where it uses them first or in its words."""
    own = list(text)
    missing = {name for _, name in unexplained(own)}
    used = {name for block in own for name in ACRONYM.findall(plain(block.text))}
    return used - missing


def _listed(text: list[Block]) -> set[str]:
    terms = [term for block in text for term in block.terms]
    return {name for term in terms for name in ACRONYM.findall(term)}


def _explains(text: str, name: str) -> bool:
    """By bold type, by brackets, or by saying what it is.

    >>> [_explains(text, "WAL") for text in ("the **WAL**", "WAL (a log)", "WAL, a log", "a WAL")]
    [True, True, True, False]
    """
    ways = (
        rf"\*\*[^*]*\b{name}s?\b[^*]*\*\*",
        rf"\b{name}s?(?:\*\*|</i>)? \(|\((?:the )?{name}s?\)",
        rf"\b{name}s?(?:\*\*|</i>)?(?:,| is| are) (?:a|an|how|one|short|the|what|which) ",
        rf"\b{name}s?(?:\*\*|</i>)? (?:means|stands for) |\bcalled {name}s?\b",
    )
    return any(re.search(way, text) for way in ways)
