"""Links between lessons become links between pages; what has no page becomes text."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from .faults import SiteError, place
from .headings import address
from .plan import Page

__all__ = ["Addresses", "from_to", "mend"]

Addresses = Mapping[str, tuple[Page, frozenset[str]]]
"""Path of a notebook or task -> its page, and the addresses of the headings on it."""


def from_to(here: str, there: str) -> str:
    """The way from one file of the site to another.

    >>> from_to("lessons/01_errors/1_x.html", "index.html")
    '../../index.html'
    """
    return posixpath.relpath(there, posixpath.dirname(here) or ".")


def mend(html: BeautifulSoup, page: Page, addresses: Addresses, root: Path) -> None:
    """Point every link at a page of the site.

    Raises:
        SiteError: a link leads nowhere.
    """
    for link in html.find_all("a", href=True):
        target = str(link["href"])
        if urlsplit(target).scheme:
            continue
        path, _, part = target.partition("#")
        there = _there(page.source, path)
        if there in addresses:
            link["href"] = _on_page(link, page, part, *addresses[there])
        elif (root / there).exists() and not there.startswith(".."):
            link.unwrap()  # a file of the repository: its name is enough
        else:
            raise _broken(link, page, target)


def _there(source: str, path: str) -> str:
    if not path:
        return source
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(path)))


def _on_page(link: Tag, page: Page, part: str, target: Page, parts: frozenset[str]) -> str:
    where = "" if target == page else from_to(page.file, target.file)
    if not part:
        return where or "#main"
    if address(unquote(part)) not in parts:
        raise _broken(link, page, str(link["href"]))
    return f"{where}#{address(unquote(part))}"


def _broken(link: Tag, page: Page, target: str) -> SiteError:
    return SiteError(
        f'{place(page.source, link)}: links to "{target}", which is not there; mend the link.'
    )
