"""The words that lessons explain, from the line `**Words:**` of their summaries.

**Words:** *jitter*: chance in the wait · *deadline*: one moment for all.
"""

from __future__ import annotations

from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag

from .faults import SiteError, place
from .headings import address
from .plan import Page

__all__ = ["ADDRESS", "Word", "explained"]

ADDRESS = "words"
"""The id of the paragraph on its page."""


@dataclass(frozen=True)
class Word:
    """`meaning` is HTML, for it may hold code."""

    term: str
    meaning: str
    page: Page

    @property
    def id(self) -> str:
        """Its address on the page "Words"."""
        return address(f"{self.term} in {self.page.title}")


def explained(html: BeautifulSoup, page: Page) -> tuple[Word, ...]:
    """The words of one page, in its order; gives their paragraph an address.

    Raises:
        SiteError: an entry is not `*term*: meaning`.
    """
    for paragraph in html.find_all("p"):
        title = paragraph.find("strong")
        if title and title.get_text() == "Words:" and title is paragraph.contents[0]:
            paragraph["id"] = ADDRESS
            text = paragraph.decode_contents().removeprefix(str(title))
            return tuple(_word(entry, paragraph, page) for entry in text.split(" ·"))
    return ()


def _word(entry: str, paragraph: Tag, page: Page) -> Word:
    term, colon, meaning = entry.partition("</em>:")
    name = BeautifulSoup(term, "html.parser").get_text(" ", strip=True).replace(" ,", ",")
    meaning = " ".join(meaning.split()).removesuffix(".")
    if not (name and colon and meaning):
        text = BeautifulSoup(entry, "html.parser").get_text(" ", strip=True)
        raise SiteError(
            f'{place(page.source, paragraph)}: the entry "{text}" of its words is not '
            "`*term*: meaning`; write it so."
        )
    return Word(" ".join(name.split()), meaning, page)
