"""Where new keys land in an index: at its end, or all over it.

The rule: keys that grow go to the last page, so a hundred new rows change a few pages.
Random keys change almost a page each, and every changed page has to be written. This
is the whole difference between UUIDv4 (random) and UUIDv7 (time first).

A model on `BTree`: a real page has room for about 300 keys and is filled to 70 to 90
per cent. Source: RFC 9562, sections 5.4, 5.7 and 6.13.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from course_lib.databases.btree import BTree

__all__ = ["KINDS", "Batch", "last_inserts"]

KEYS_PER_PAGE = 100
_MILLISECONDS_BEFORE = 1_767_225_600_000  # 2026-01-01: the first row's time


@dataclass(frozen=True)
class Batch:
    """What the last inserts did to the leaves of an index.

    `leaves` has one number per leaf page, from left to right: how many of the new keys
    were written there.
    """

    rows: int
    inserted: int
    leaves: tuple[int, ...]

    @property
    def touched(self) -> int:
        """Leaf pages that were changed, and so have to be written."""
        return sum(count > 0 for count in self.leaves)

    def __repr__(self) -> str:
        return f"Batch({self.inserted} rows, {self.touched} of {len(self.leaves)} leaves touched)"


def _counted(rng: random.Random) -> Iterator[int]:
    yield from range(10**9)


def _uuid4(rng: random.Random) -> Iterator[int]:
    while True:
        yield rng.getrandbits(122)


def _uuid7(rng: random.Random) -> Iterator[int]:
    """One row a millisecond: 48 bits of time, then 74 random ones."""
    for now in range(_MILLISECONDS_BEFORE, 2**48):
        yield now << 74 | rng.getrandbits(74)


KINDS: dict[str, Callable[[random.Random], Iterator[int]]] = {
    "UUIDv4": _uuid4,
    "UUIDv7": _uuid7,
    "a counted number": _counted,
}
"""The kinds of keys, each as bits without the version and variant fields."""


def last_inserts(kind: str, *, rows: int, inserted: int = 100, seed: int = 1) -> Batch:
    """Put `rows` keys into an index, then `inserted` more, and say where those went.

    Raises:
        ValueError: another kind than those in `KINDS`, or not 1 <= inserted and 0 <= rows.
    """
    if kind not in KINDS or rows < 0 or inserted < 1:
        raise ValueError(f"kind is one of {', '.join(KINDS)}, rows >= 0 and inserted >= 1.")
    keys = KINDS[kind](random.Random(seed))
    tree = BTree(order=KEYS_PER_PAGE)
    for _ in range(rows):
        tree.insert(next(keys))
    new = [next(keys) for _ in range(inserted)]
    for key in new:
        tree.insert(key)
    is_new = frozenset(new)
    leaves = [held for _, held in tree.levels()[-1]]
    return Batch(rows, inserted, tuple(sum(key in is_new for key in held) for held in leaves))
