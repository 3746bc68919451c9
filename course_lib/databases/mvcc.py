"""Many versions of one row: what a transaction sees, and when it must start again.

The rule: writers do not change a row, they add a version; a reader takes the newest
version that its snapshot knows. So readers never wait for writers. Two writers of one
row do wait, and what happens then depends on the isolation level.

`Store` follows PostgreSQL (manual, chapter 13) at three levels. It is stepped by one
thread: a statement that would have to wait raises `WouldWait`, changes nothing, and is
to be repeated when the other transaction has ended (`consoles.play` does that).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from course_lib.databases.isolation import (
    DeadlockDetected,
    InFailedTransaction,
    Level,
    SerializationFailure,
    TransactionError,
)
from course_lib.databases.rw_conflicts import Conflicts

__all__ = [
    "DeadlockDetected",
    "InFailedTransaction",
    "Level",
    "SerializationFailure",
    "Store",
    "Transaction",
    "TransactionError",
    "Version",
    "WouldWait",
]


class WouldWait(Exception):
    """Not a failure: repeat the statement when `holder`, who has written the row, has ended."""

    def __init__(self, holder: Transaction) -> None:
        super().__init__(f"{holder.name} has written this row and has not ended yet.")
        self.holder = holder


@dataclass(frozen=True)
class Version:
    """One version of a row. The value None says that the row was deleted."""

    value: Any
    writer: Transaction


class Store:
    """Rows as chains of versions, oldest first. Not for several threads.

    >>> store = Store({"x": 100})
    >>> a, b = store.begin(Level.REPEATABLE_READ), store.begin()
    >>> a.read("x")
    100
    >>> b.write("x", 90)
    >>> b.commit()
    >>> a.read("x"), store.begin().read("x")
    (100, 90)
    """

    production_gap: ClassVar[tuple[str, ...]] = (
        "A waiting statement raises WouldWait; a real one blocks, up to lock_timeout.",
        "A rollback takes its versions out at once; PostgreSQL leaves them for VACUUM.",
        "No unique indexes: two inserts of one key end in 40001, not in 23505.",
        "No locks without writing (FOR UPDATE, FOR SHARE), no savepoints, no read-only mode.",
        "Serializable aborts more readers than PostgreSQL, which knows read-only transactions.",
        "Nothing survives a crash: there is no log.",
    )

    def __init__(self, rows: dict[str, Any] | None = None) -> None:
        self.chains: dict[str, list[Version]] = {}
        self.commits = 0
        """How many transactions have committed; a snapshot is this number at some moment."""
        self.active: list[Transaction] = []
        self.conflicts = Conflicts()
        self._begun = 0
        first = self.begin(name="the first")
        for key, value in (rows or {}).items():
            first.write(key, value)
        first.commit()

    def begin(self, level: Level = Level.READ_COMMITTED, *, name: str | None = None) -> Transaction:
        """A new transaction. As in PostgreSQL, its snapshot is taken by its first statement."""
        self._begun += 1
        transaction = Transaction(self, level, name or f"transaction {self._begun}")
        self.active.append(transaction)
        return transaction

    def rows(self) -> dict[str, Any]:
        """What everybody sees who starts now: the last committed values."""
        return Transaction(self, Level.READ_COMMITTED, "a reader").scan()

    def vacuum(self) -> int:
        """Remove versions that no transaction can see any more; how many."""
        snapshots = [t.snapshot for t in self.active if t.snapshot is not None]
        oldest = min(snapshots, default=self.commits)
        removed = 0
        for key, chain in list(self.chains.items()):
            known = [v for v in chain if v.writer.committed_by(oldest)]
            dead = known[:-1] if known and known[-1].value is not None else known
            self.chains[key] = [version for version in chain if version not in dead]
            removed += len(dead)
        return removed

    def __repr__(self) -> str:
        versions = sum(map(len, self.chains.values()))
        return f"Store({len(self.rows())} rows, {versions} versions, {self.commits} commits)"


class Transaction:
    """What one connection does between BEGIN and COMMIT or ROLLBACK."""

    def __init__(self, store: Store, level: Level, name: str) -> None:
        self.store, self.level, self.name = store, level, name
        self.snapshot: int | None = None
        """How many commits this transaction knows about; None before the first statement."""
        self.committed_at: int | None = None
        self.active = True
        self.waits_for: Transaction | None = None

    def read(self, key: str) -> Any:
        """The value that this transaction sees, or None if it sees no such row.

        Raises:
            TransactionError: with its code in `sqlstate`; the transaction is rolled back.
        """
        snapshot = self._start_statement()
        self._note_read(key, snapshot)
        return self._seen(key, snapshot)

    def scan(self, where: Callable[[str, Any], bool] = lambda key, value: True) -> dict[str, Any]:
        """All rows it sees that pass `where(key, value)`, by key. Counts as reading every row."""
        snapshot = self._start_statement()
        self._note_read(None, snapshot)
        seen = {key: self._seen(key, snapshot) for key in sorted(self.store.chains)}
        return {key: v for key, v in seen.items() if v is not None and where(key, v)}

    def write(self, key: str, value: Any) -> None:
        """Set the row, whatever it was and whether it was there; None deletes it.

        Raises:
            WouldWait, TransactionError: as `update`.
        """
        snapshot = self._start_statement()
        self._get_lock(key, snapshot)
        self._add_version(key, value)

    def update(self, key: str, change: Callable[[Any], Any]) -> Any:
        """Set the row to `change(value)` in one statement; the new value, None without a row.

        Read committed works on the newest committed value, even if that has appeared
        while the statement waited. The other levels fail in that case.

        Raises:
            WouldWait: another transaction has an uncommitted version of this row.
            TransactionError: with its code in `sqlstate`; the transaction is rolled back.
        """
        snapshot = self._start_statement()
        self._note_read(key, snapshot)
        seen = self._seen(key, snapshot)
        if seen is None:
            return None
        self._get_lock(key, snapshot)
        new = change(seen)
        self._add_version(key, new)
        return new

    def commit(self) -> None:
        """Make the versions visible to snapshots taken from now on.

        Raises:
            SerializationFailure: only at level serializable; everything is rolled back.
        """
        self._must_be_active()
        self._end()
        self.store.commits += 1
        self.committed_at = self.store.commits
        self.store.conflicts.committed(self)

    def rollback(self) -> None:
        """Take the versions back. Does nothing after the end of the transaction."""
        if not self.active:
            return
        self._end()
        for key, chain in self.store.chains.items():
            self.store.chains[key] = [v for v in chain if v.writer is not self]
        self.store.conflicts.forget(self)

    def committed_by(self, moment: int) -> bool:
        """Whether a snapshot of that moment knows this transaction."""
        return self.committed_at is not None and self.committed_at <= moment

    def __repr__(self) -> str:
        state = "active" if self.active else "committed" if self.committed_at else "rolled back"
        return f"Transaction({self.name}, {self.level.value}, {state})"

    def _start_statement(self) -> int:
        self._must_be_active()
        if self.snapshot is None or self.level is Level.READ_COMMITTED:
            self.snapshot = self.store.commits
        return self.snapshot

    def _seen(self, key: str, snapshot: int) -> Any:
        """The value of the newest version that is our own or known to the snapshot."""
        for version in reversed(self.store.chains.get(key, [])):
            if version.writer is self or version.writer.committed_by(snapshot):
                return version.value
        return None

    def _add_version(self, key: str, value: Any) -> None:
        if self.level is Level.SERIALIZABLE:
            self.store.conflicts.write(self, key)
            self._fail_if_doomed()
        self.store.chains.setdefault(key, []).append(Version(value, self))

    def _note_read(self, key: str | None, snapshot: int) -> None:
        """For level serializable: the row that was read; None: every row."""
        if self.level is not Level.SERIALIZABLE:
            return
        chains = self.store.chains
        read = chains.values() if key is None else [chains.get(key, [])]
        newer = {v.writer for chain in read for v in chain if not v.writer.committed_by(snapshot)}
        tracked = {writer for writer in newer if writer.level is Level.SERIALIZABLE}
        self.store.conflicts.read(self, key, newer=tracked)
        self._fail_if_doomed()

    def _get_lock(self, key: str, snapshot: int) -> None:
        """First committer wins: there may be no version of others that the snapshot lacks."""
        chain = self.store.chains.get(key, [])
        others = (version.writer for version in chain if version.writer is not self)
        newer = next((writer for writer in others if not writer.committed_by(snapshot)), None)
        self.waits_for = newer if newer is not None and newer.active else None
        if self.waits_for is not None:
            self._fail_if_deadlocked()
            raise WouldWait(self.waits_for)
        if newer is not None:
            self._fail(SerializationFailure(f"{newer.name} has changed {key!r} first."))

    def _fail_if_deadlocked(self) -> None:
        others, other = [self], self.waits_for
        while other is not None and other is not self:
            others.append(other)
            other = other.waits_for
        if other is self:
            names = " -> ".join(transaction.name for transaction in [*others, self])
            self._fail(DeadlockDetected(f"Each waits for the next: {names}."))

    def _fail_if_doomed(self) -> None:
        if self.store.conflicts.doomed(self):
            self._fail(
                SerializationFailure(f"{self.name} has read what others have changed since.")
            )

    def _must_be_active(self) -> None:
        if not self.active:
            raise InFailedTransaction(f"{self.name} has ended: begin a new transaction.")
        self._fail_if_doomed()

    def _fail(self, error: TransactionError) -> NoReturn:
        self.rollback()
        raise error

    def _end(self) -> None:
        self.active, self.waits_for = False, None
        self.store.active.remove(self)
