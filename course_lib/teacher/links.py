"""Links in what was taken from a lesson or a task: to a page of this edition, or none."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

from course_lib.site.links import from_to
from course_lib.site.plan import Page

__all__ = ["keep_inside"]


def keep_inside(html: BeautifulSoup, page: Page, pages: Mapping[str, Page]) -> None:
    """Point links at pages of this edition; what has no page, or is on this one, becomes text.

    Args:
        pages: path of a notebook or task -> its page.
    """
    for link in html.find_all("a", href=True):
        target = str(link["href"])
        if urlsplit(target).scheme:
            continue
        path = unquote(target.partition("#")[0])
        there = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path))
        if path and there in pages:
            link["href"] = from_to(page.file, pages[there].file)
        else:
            link.unwrap()
