"""Two ways to the next page, and how many rows each of them reads.

OFFSET counts from the start: page 1,000 reads 999 pages to throw them away, and a row
that is inserted in the meantime pushes another one onto the next page. A keyset page
starts behind the last row that was seen. The rule for keyset: sort by something unique,
so add the key as the last column. What it gives up: jumping to page 1,000.

Source: Winand, "No Offset" (use-the-index-luke.com). Used by lesson 03.4.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from course_lib.databases.btree import BTree

__all__ = ["Page", "Pages", "keyset_page", "offset_page", "page_costs"]


@dataclass(frozen=True)
class Page:
    """The rows of one page, and how many index entries were read to find them."""

    rows: tuple[int, ...]
    read: int


@dataclass(frozen=True)
class Pages:
    """What it costs to fetch page `number` (from 1) of `size` rows out of `total`.

    Entries read in the index, and different pages of the index touched.
    """

    number: int
    size: int
    total: int
    offset_entries: int
    keyset_entries: int
    offset_pages: int
    keyset_pages: int


def offset_page(rows: Sequence[int], number: int, size: int) -> Page:
    """LIMIT size OFFSET (number - 1) * size on sorted rows; pages count from 1."""
    _check(number, size)
    skipped = (number - 1) * size
    found = tuple(rows[skipped : skipped + size])
    return Page(found, min(len(rows), skipped + size))


def keyset_page(rows: Sequence[int], after: int | None, size: int) -> Page:
    """WHERE row > after LIMIT size on sorted rows; None: the first page."""
    _check(1, size)
    start = 0 if after is None else bisect_right(rows, after)
    found = tuple(rows[start : start + size])
    return Page(found, len(found))


def page_costs(number: int = 1, size: int = 20, total: int = 10_000, *, order: int = 100) -> Pages:
    """Fetch the page both ways from a real B-tree with `order` keys per page, and count."""
    _check(number, size)
    tree = BTree(order)
    for key in range(total):
        tree.insert(key)
    skipped = min((number - 1) * size, total)

    def fetch(low: int | None, count: int) -> tuple[int, int]:
        tree.pages.clear()
        read = sum(1 for _ in islice(tree.range(low), count))
        return read, len(tree.pages)

    offset_entries, offset_pages = fetch(None, skipped + size)
    keyset_entries, keyset_pages = fetch(skipped, size)
    return Pages(number, size, total, offset_entries, keyset_entries, offset_pages, keyset_pages)


def _check(number: int, size: int) -> None:
    if number < 1 or size < 1:
        raise ValueError(f"pages and sizes count from 1, got page {number} of {size} rows.")
