"""Headings get addresses, and make the list of contents."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag

from .faults import SiteError, place

__all__ = ["Heading", "address", "name_headings"]

_TAGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
_TAKEN = frozenset({"main", "contents", "words"})  # addresses that the pages themselves use


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    id: str


def address(title: str) -> str:
    """One spelling for a heading and for every link to it.

    >>> address("How many, how recent?")
    'how-many-how-recent'
    """
    return "-".join(re.findall(r"[^\W_]+", title.casefold()))


def name_headings(html: BeautifulSoup, source: str) -> tuple[Heading, ...]:
    """Give every heading an id; the headings, top to bottom.

    Raises:
        SiteError: there is not one title, or a level is skipped.
    """
    found: list[Heading] = []
    for tag in html.find_all(_TAGS):
        heading = Heading(int(tag.name[1]), " ".join(tag.get_text().split()), "")
        _check(tag, heading, found, source)
        taken = _TAKEN | {earlier.id for earlier in found}
        tag["id"] = _free(address(heading.text) or "part", taken)
        found.append(Heading(heading.level, heading.text, str(tag["id"])))
    if sum(heading.level == 1 for heading in found) != 1:
        raise SiteError(f"{source}: has no title; begin its first cell with one line `# Title`.")
    return tuple(found)


def _check(tag: Tag, heading: Heading, above: list[Heading], source: str) -> None:
    where = f'{place(source, tag)}: the heading "{heading.text}"'
    if heading.level == 1 and above:
        raise SiteError(f"{where} is a second title; use level 2.")
    last = above[-1].level if above else 0
    if heading.level > last + 1:
        raise SiteError(
            f"{where} jumps from level {last} to {heading.level}; use level {last + 1}."
        )


def _free(wanted: str, taken: frozenset[str] | set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name
