"""A log-structured merge tree: why some stores write faster than they read.

The rule: never change a file. Writes collect in memory (the memtable) and go to disk
as one sorted run; a read asks the memtable, then the runs from the newest to the oldest,
and a Bloom filter spares the runs that cannot have the key. Compaction merges runs, so
that there are few to ask; the price is that every row is written several times.

A B-tree is the other way round: one place to read, but a whole page is written for one
row. `LSM` counts both. Sources: O'Neil et al. 1996; Bloom 1970; RocksDB wiki,
"Leveled Compaction" (here: size-tiered, the simpler one). Used by lesson 03.6.
"""

from __future__ import annotations

import hashlib
import heapq
from bisect import bisect_left
from collections.abc import Iterator
from itertools import groupby
from typing import ClassVar

__all__ = ["LSM", "BloomFilter", "Run"]


class BloomFilter:
    """A set that may say yes by mistake and never no. 10 bits a key: about 1 % mistakes.

    >>> seen = BloomFilter(["tea", "cup"])
    >>> "tea" in seen
    True
    """

    def __init__(self, keys: list[str], *, bits_per_key: int = 10) -> None:
        self.size = max(1, len(keys) * bits_per_key)
        self._hashes = max(1, round(bits_per_key * 0.69))  # ln 2 x bits per key is best
        self._bytes = bytearray(self.size // 8 + 1)
        for position in (position for key in keys for position in self._positions(key)):
            self._bytes[position // 8] |= 1 << position % 8

    def __contains__(self, key: str) -> bool:
        return all(self._bytes[at // 8] >> at % 8 & 1 for at in self._positions(key))

    def _positions(self, key: str) -> Iterator[int]:
        """Several hashes from two: Kirsch and Mitzenmacher 2006."""
        digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
        first, second = int.from_bytes(digest[:8]), int.from_bytes(digest[8:])
        return ((first + number * second) % self.size for number in range(self._hashes))


class Run:
    """Sorted rows that never change. The value None marks a deleted key.

    `level` says how often its rows have been merged.
    """

    def __init__(self, rows: list[tuple[str, str | None]], *, level: int = 0) -> None:
        self.level = level
        self.keys = [key for key, _ in rows]
        self.values = [value for _, value in rows]
        self.bloom = BloomFilter(self.keys)
        self.bytes = sum(_size(key, value) for key, value in rows)

    def find(self, key: str) -> tuple[bool, str | None]:
        """Whether the key is in here, and its value."""
        at = bisect_left(self.keys, key)
        if at < len(self.keys) and self.keys[at] == key:
            return True, self.values[at]
        return False, None

    def __iter__(self) -> Iterator[tuple[str, str | None]]:
        return iter(zip(self.keys, self.values, strict=True))

    def __len__(self) -> int:
        return len(self.keys)


class LSM:
    """A sorted store of text. Not for several threads at once.

    Args:
        memtable: rows that are collected before a run is written.
        fan_in: as many runs of one level are merged into one of the next level.
        bloom: whether reads ask the Bloom filters first.

    `runs` are newest first. `bytes_given` came in by `put` and `delete`, `bytes_written`
    went into runs; `runs_read` counts the runs that were searched.

    >>> store = LSM(memtable=2)
    >>> for number in range(5):
    ...     store.put(f"key {number}", "x")
    >>> store.get("key 0"), len(store.runs)
    ('x', 2)
    """

    production_gap: ClassVar[tuple[str, ...]] = (
        "Runs are lists in memory; real ones are files, read block by block.",
        "No write-ahead log: what is in the memtable is lost in a crash.",
        "Merging happens inside a put, which takes long then; real stores do it beside.",
        "Size-tiered only; leveled compaction writes more and leaves fewer runs to read.",
    )

    def __init__(self, memtable: int = 100, *, fan_in: int = 4, bloom: bool = True) -> None:
        if memtable < 1 or fan_in < 2:
            raise ValueError("memtable must be 1 or more, and fan_in 2 or more.")
        self.capacity, self.fan_in, self.bloom = memtable, fan_in, bloom
        self.memtable: dict[str, str | None] = {}
        self.runs: list[Run] = []
        self.bytes_given = 0
        self.bytes_written = 0
        self.runs_read = 0

    def put(self, key: str, value: str) -> None:
        """Set the value. Now and then this writes a run, and merges some."""
        self._put(key, value)

    def delete(self, key: str) -> None:
        """Write a mark that the key is gone; the row itself goes when runs are merged."""
        self._put(key, None)

    def get(self, key: str) -> str | None:
        """The newest value, or None."""
        if key in self.memtable:
            return self.memtable[key]
        for run in self.runs:
            if self.bloom and key not in run.bloom:
                continue
            self.runs_read += 1
            found, value = run.find(key)
            if found:
                return value
        return None

    def items(self) -> Iterator[tuple[str, str]]:
        """All rows, sorted by key. Reads every run."""
        newest_first = [Run(sorted(self.memtable.items())), *self.runs]
        self.runs_read += len(self.runs)
        return ((key, value) for key, value in _merged(newest_first) if value is not None)

    @property
    def write_amplification(self) -> float:
        """Bytes written for each byte given."""
        return self.bytes_written / self.bytes_given if self.bytes_given else 0.0

    def flush(self) -> None:
        """Write the memtable as a run, and merge as long as `fan_in` runs are of one level."""
        if not self.memtable:
            return
        self._write(Run(sorted(self.memtable.items())), instead_of=0)
        self.memtable = {}
        while self._is_due():
            rows = list(_merged(self.runs[: self.fan_in]))
            if self.fan_in == len(self.runs):  # nothing older is left that a mark could hide
                rows = [row for row in rows if row[1] is not None]
            self._write(Run(rows, level=self.runs[0].level + 1), instead_of=self.fan_in)

    def __repr__(self) -> str:
        sizes = ", ".join(str(len(run)) for run in self.runs)
        return f"LSM({len(self.memtable)} rows in memory, runs of {sizes or 'none'})"

    def _put(self, key: str, value: str | None) -> None:
        self.memtable[key] = value
        self.bytes_given += _size(key, value)
        if len(self.memtable) >= self.capacity:
            self.flush()

    def _write(self, run: Run, *, instead_of: int) -> None:
        self.runs[:instead_of] = [run] if len(run) else []
        self.bytes_written += run.bytes

    def _is_due(self) -> bool:
        """Levels never fall from new to old, so it is enough to look at the newest runs."""
        newest = self.runs[: self.fan_in]
        return len(newest) == self.fan_in and len({run.level for run in newest}) == 1


def _merged(newest_first: list[Run]) -> Iterator[tuple[str, str | None]]:
    """The newest row of each key, sorted by key."""
    tagged = ([(key, age, value) for key, value in run] for age, run in enumerate(newest_first))
    ordered = heapq.merge(*tagged, key=lambda row: row[:2])
    for _, versions in groupby(ordered, key=lambda row: row[0]):
        key, _, value = next(versions)
        yield key, value


def _size(key: str, value: str | None) -> int:
    return len(key.encode()) + len((value or "").encode())
