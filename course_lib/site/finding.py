"""Everything that has a name, for the page "Find"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .headings import Heading
from .plan import WORDS, Page
from .words import Word

__all__ = ["Entry", "entries"]

_MOST_PAGES = 2  # a heading on more pages, such as "Summary", finds nothing


@dataclass(frozen=True)
class Entry:
    """`kind` says what it is, as "part of Owning resources"."""

    name: str
    kind: str
    url: str


def entries(headings: Mapping[Page, Iterable[Heading]], words: Iterable[Word]) -> list[Entry]:
    """Lessons, exercises, their parts and the words, in the order of the alphabet."""
    on_pages = Counter(h.text for found in headings.values() for h in found)
    found = [Entry(page.title, page.kind, page.file) for page in headings]
    for page, parts in headings.items():
        found += [
            Entry(part.text, f"part of {page.title}", f"{page.file}#{part.id}")
            for part in parts
            if part.level > 1 and on_pages[part.text] <= _MOST_PAGES
        ]
    found += [
        Entry(word.term, f"word in {word.page.title}", f"{WORDS.file}#{word.id}") for word in words
    ]
    return sorted(found, key=lambda entry: (_sorts_as(entry.name), entry.kind, entry.url))


def _sorts_as(name: str) -> str:
    """
    >>> _sorts_as("A bulkhead"), _sorts_as("'All' or nothing")
    ('bulkhead', "all' or nothing")
    """
    return re.sub(r"^(?:(?:an?|the) |\W)+", "", name.casefold())
