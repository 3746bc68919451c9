"""When serializable transactions read past each other: which one has to go.

Transaction R reads a row, a concurrent W writes a newer version: R must come before W
in any serial order. Write this as an arrow R -> W. The rule (Cahill 2008, as PostgreSQL
has it): in every set of transactions that has no serial order there are two arrows in
a row, in -> pivot -> out, of which `out` committed first. So the moment such a pair
exists, the pivot is doomed, or `in` if the pivot has committed already. `in` and `out`
may be the same transaction: that is write skew.

The rule is safe but not exact: it also dooms transactions that would have done no harm.
Rows are tracked one by one, a scan as "every row", where PostgreSQL tracks pages too.
Sources: Cahill, Röhm, Fekete 2008; Ports and Grittner 2012, section 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_lib.databases.mvcc import Transaction

__all__ = ["Conflicts"]

_EVERY_ROW = None


class Conflicts:
    """Who read what, and the arrows between serializable transactions."""

    def __init__(self) -> None:
        self._reads: dict[Transaction, set[str | None]] = {}
        self.arrows: set[tuple[Transaction, Transaction]] = set()
        self._doomed: set[Transaction] = set()

    def read(self, reader: Transaction, key: str | None, *, newer: Iterable[Transaction]) -> None:
        """`reader` read one row, or every row (None), and did not see the versions of `newer`."""
        self._reads.setdefault(reader, set()).add(key)
        self._add((reader, writer) for writer in newer if writer is not reader)

    def write(self, writer: Transaction, key: str) -> None:
        """`writer` adds a version that the readers of this row have not seen."""
        self._reads.setdefault(writer, set())
        self._add(
            (reader, writer)
            for reader, keys in self._reads.items()
            if reader is not writer
            and not keys.isdisjoint({key, _EVERY_ROW})
            and not reader.committed_by(writer.snapshot or 0)
        )

    def doomed(self, transaction: Transaction) -> bool:
        """Whether it can only be rolled back."""
        return transaction in self._doomed

    def committed(self, transaction: Transaction) -> None:
        """It may be the `out` of a pair now."""
        self._doom()
        self._tidy()

    def forget(self, transaction: Transaction) -> None:
        """It has been rolled back: nobody read or wrote anything there."""
        self._reads.pop(transaction, None)
        self._doomed.discard(transaction)
        self.arrows = {arrow for arrow in self.arrows if transaction not in arrow}
        self._tidy()

    def _add(self, arrows: Iterable[tuple[Transaction, Transaction]]) -> None:
        self.arrows.update(arrows)
        self._doom()

    def _doom(self) -> None:
        for before, pivot in self.arrows:
            for start, out in self.arrows:
                if start is pivot and _first(out, before, pivot):
                    self._doomed.add(pivot if pivot.active else before)

    def _tidy(self) -> None:
        """Without an active transaction nothing new can happen to the old arrows."""
        if not any(transaction.active for transaction in self._reads):
            self._reads.clear()
            self.arrows.clear()
            self._doomed.clear()


def _first(out: Transaction, before: Transaction, pivot: Transaction) -> bool:
    """Whether `out` has committed, and before the two others."""
    moment = out.committed_at
    others = {before, pivot} - {out}
    return moment is not None and not any(other.committed_by(moment) for other in others)
