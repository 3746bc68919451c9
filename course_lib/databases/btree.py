"""A B-tree that counts the pages it reads: why an index finds one row of millions at once.

The rule: all leaves have the same depth. A full page splits in two and gives its
parent one more separator; only a split of the root makes the tree higher. Keys and
values live in the leaves, which are linked, so a range is read from left to right.

Production versions keep pages on disk, lock them one by one and write a log first.
Sources: Bayer and McCreight 1972; Comer 1979 ("The Ubiquitous B-Tree"); PostgreSQL,
`src/backend/access/nbtree/README`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

__all__ = ["BTree"]


@dataclass(slots=True)
class _Page:
    """A leaf has values; an inner page has children, one more than it has keys.

    The keys of an inner page separate: child `i` holds the keys below `keys[i]`.
    """

    number: int
    keys: list[Any] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    children: list[_Page] = field(default_factory=list)
    right: _Page | None = None


class BTree:
    """A sorted mapping in pages of at most `order` keys. Not for several threads at once.

    Args:
        order: the most keys in a page, 2 or more.
        pages: counts the reads: page number -> how often. Clear it before a lookup
            and `pages.total()` is its cost, `len(pages)` the number of different pages.

    >>> tree = BTree(order=4)
    >>> for key in range(100):
    ...     tree.insert(key, f"row {key}")
    >>> tree.pages.clear()
    >>> tree.get(42), tree.pages.total(), tree.page_count
    ('row 42', 4, 36)
    """

    production_gap: ClassVar[tuple[str, ...]] = (
        "Pages are objects in memory; a real page is 4 to 16 KiB on disk and holds what fits.",
        "No delete: real trees leave half-empty pages and clean up later (VACUUM).",
        "No locks: real trees let readers pass while a page splits (Lehman and Yao 1981).",
        "No write-ahead log: a crash in the middle of a split would lose rows.",
        "One value per key: a real index keeps many rows under the same key.",
    )

    def __init__(self, order: int = 64, *, pages: Counter[int] | None = None) -> None:
        if order < 2:
            raise ValueError(f"order must be 2 or more, got {order}.")
        self.order = order
        self.pages: Counter[int] = Counter() if pages is None else pages
        self.written: Counter[int] = Counter()
        """Page number -> how often an insert changed it."""
        self.splits = 0
        self.height = 1
        """Levels of pages, so also the pages that one lookup reads."""
        self.page_count = 0
        self._len = 0
        self._root = self._new_page()

    def insert(self, key: Any, value: Any = None) -> None:
        """Add the key, or replace its value. Reads one page per level.

        Raises:
            TypeError: the key is None, or cannot be compared with the others.
        """
        if key is None:
            raise TypeError("None cannot be a key: use a value that has an order.")
        path = self._path_to(key)
        leaf = path[-1]
        at = bisect_left(leaf.keys, key)
        self.written[leaf.number] += 1
        if at < len(leaf.keys) and leaf.keys[at] == key:
            leaf.values[at] = value
            return
        leaf.keys.insert(at, key)
        leaf.values.insert(at, value)
        self._len += 1
        self._split_full_pages(path, appended=at == len(leaf.keys) - 1)

    def get(self, key: Any, default: Any = None) -> Any:
        """The value, or `default`. Reads one page per level."""
        leaf = self._path_to(key)[-1]
        at = bisect_left(leaf.keys, key)
        found = at < len(leaf.keys) and leaf.keys[at] == key
        return leaf.values[at] if found else default

    def range(self, low: Any = None, high: Any = None) -> Iterator[tuple[Any, Any]]:
        """(key, value) pairs with low <= key < high, in order; None: no bound.

        Reads one page per level, then one for each further leaf, as far as you iterate.
        """
        leaf = self._path_to(low)[-1]
        at = 0 if low is None else bisect_left(leaf.keys, low)
        while True:
            for key, value in zip(leaf.keys[at:], leaf.values[at:], strict=True):
                if high is not None and key >= high:
                    return
                yield key, value
            if leaf.right is None:
                return
            leaf, at = leaf.right, 0
            self.pages[leaf.number] += 1

    def levels(self) -> list[list[tuple[int, tuple[Any, ...]]]]:
        """The pages as (number, keys), level by level from the root; for pictures, not counted."""
        levels, level = [], [self._root]
        while level:
            levels.append([(page.number, tuple(page.keys)) for page in level])
            level = [child for page in level for child in page.children]
        return levels

    def __len__(self) -> int:
        return self._len

    def __repr__(self) -> str:
        return f"BTree({self._len} keys in {self.page_count} pages, height {self.height})"

    def _path_to(self, key: Any) -> list[_Page]:
        """The pages from the root to the leaf where the key belongs; None: the first leaf."""
        page = self._root
        path = [page]
        while page.children:
            page = page.children[0 if key is None else bisect_right(page.keys, key)]
            path.append(page)
        self.pages.update(page.number for page in path)
        return path

    def _split_full_pages(self, path: list[_Page], *, appended: bool) -> None:
        """From the leaf upwards, as long as a page is too full."""
        for depth in range(len(path) - 1, -1, -1):
            page = path[depth]
            if len(page.keys) <= self.order:
                return
            if depth == 0:
                self._root = parent = self._new_page()
                self._root.children.append(page)
                self.height += 1
            else:
                parent = path[depth - 1]
            self._split(page, parent, at_the_end=appended and page.right is None)

    def _split(self, page: _Page, parent: _Page, *, at_the_end: bool) -> None:
        right = self._new_page()
        right.right, page.right = page.right, right
        if page.children:
            middle = len(page.keys) // 2
            separator = page.keys[middle]
            page.keys, right.keys = page.keys[:middle], page.keys[middle + 1 :]
            page.children, right.children = (
                page.children[: middle + 1],
                page.children[middle + 1 :],
            )
        else:
            # Growing keys fill their leaves: without this, every leaf would stay half empty.
            middle = len(page.keys) - 1 if at_the_end else len(page.keys) // 2
            separator = page.keys[middle]
            page.keys, right.keys = page.keys[:middle], page.keys[middle:]
            page.values, right.values = page.values[:middle], page.values[middle:]
        at = bisect_right(parent.keys, separator)
        parent.keys.insert(at, separator)
        parent.children.insert(at + 1, right)
        self.splits += 1
        self.written.update((page.number, right.number, parent.number))

    def _new_page(self) -> _Page:
        self.page_count += 1
        return _Page(self.page_count)
