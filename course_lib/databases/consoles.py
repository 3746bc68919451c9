"""Several consoles and one store: play a schedule, statement by statement.

The rule: the order of the statements and the isolation level decide the end, not luck.
So a race becomes a list of lines that can be read, moved about and played again.

One line is `"A: add x -10"`. The first statement of a console begins its transaction.
A console that has to wait keeps its later lines until the other one has ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from course_lib.databases.mvcc import Level, Store, Transaction, TransactionError, WouldWait

__all__ = ["STATEMENTS", "Event", "Play", "play"]

STATEMENTS = {
    "read x": "SELECT of one row",
    "sum": "SELECT sum(value) of all rows",
    "add x -10": "UPDATE SET value = value - 10: the database does the sum",
    "put x -10": "UPDATE SET value = what this console last read of x (or 0), minus 10",
    "set x 5": "UPDATE SET value = 5",
    "commit": "COMMIT",
    "rollback": "ROLLBACK",
}
"""Every statement, by example. The names of rows have no spaces."""


@dataclass(frozen=True)
class Event:
    """What one line did.

    `step` counts from 1; a statement that waited appears a second time, at the step that
    released it, with `waited` true. `versions` are the rows after it: name -> (value,
    writer, committed) of each version, oldest first.
    """

    step: int
    console: str
    statement: str
    outcome: str
    waited: bool
    versions: dict[str, tuple[tuple[int | None, str, bool], ...]] = field(repr=False)


@dataclass(frozen=True)
class Play:
    """All events, and the rows that are committed at the end."""

    events: tuple[Event, ...]
    rows: dict[str, int]


def play(
    lines: Sequence[str],
    *,
    level: Level = Level.READ_COMMITTED,
    rows: dict[str, int] | None = None,
) -> Play:
    """Play the lines on a fresh store that holds `rows`, by default x = 100 and y = 100.

    Raises:
        ValueError: a line is not of the form "A: statement".

    >>> for event in play(["A: read x", "B: read x", "A: put x -10", "B: put x -20",
    ...                    "A: commit", "B: commit"]).events:
    ...     print(event.step, event.console, event.statement, "->", event.outcome)
    1 A read x -> 100
    2 B read x -> 100
    3 A put x -10 -> 90
    4 B put x -20 -> waits for A
    5 A commit -> committed
    5 B put x -20 -> 80
    6 B commit -> committed
    """
    stage = _Stage(Store({"x": 100, "y": 100} if rows is None else rows), level)
    for step, line in enumerate([_parse(line) for line in lines], start=1):
        stage.step(step, *line)
    return Play(tuple(stage.events), stage.store.rows())


def _parse(line: str) -> tuple[str, str]:
    console, _, statement = (part.strip() for part in line.partition(":"))
    verb, *rest = statement.split() or [""]
    known = {example.split()[0]: len(example.split()) - 1 for example in STATEMENTS}
    number_is_right = len(rest) < 2 or rest[1].lstrip("+-").isdecimal()
    if not console or known.get(verb) != len(rest) or not number_is_right:
        examples = ", ".join(repr(example) for example in STATEMENTS)
        raise ValueError(f"cannot read {line!r}: write 'A: ' and then one of {examples}.")
    return console, statement


class _Console:
    """One connection: its transaction, what it has read, and the lines it still has to do."""

    def __init__(self, name: str, store: Store, level: Level) -> None:
        self.name, self.store, self.level = name, store, level
        self.transaction: Transaction | None = None
        self.waiting: deque[str] = deque()
        self.last_read: dict[str, int] = {}

    def run(self, statement: str) -> str:
        """The outcome in words; the statement that waits is the first in `waiting`."""
        if self.transaction is None:
            self.transaction = self.store.begin(self.level, name=self.name)
        try:
            return self._run(self.transaction, statement)
        except TransactionError as error:
            return f"error {error.sqlstate}"

    def _run(self, transaction: Transaction, statement: str) -> str:
        verb, *rest = statement.split()
        if verb in ("commit", "rollback"):
            return self._end(transaction, commits=verb == "commit")
        if verb == "sum":
            return str(sum(transaction.scan().values()))
        key, number = rest[0], int(rest[1]) if len(rest) > 1 else 0
        if verb == "read":
            value = transaction.read(key)
            if value is not None:
                self.last_read[key] = value
        elif verb == "add":
            value = transaction.update(key, lambda old: old + number)
        elif verb == "put":
            value = transaction.update(key, lambda old: self.last_read.get(key, 0) + number)
        else:
            value = transaction.update(key, lambda old: number)
        return "no row" if value is None else str(value)

    def _end(self, transaction: Transaction, *, commits: bool) -> str:
        self.transaction = None
        if not commits or not transaction.active:  # COMMIT after an error rolls back
            transaction.rollback()
            return "rolled back"
        transaction.commit()
        return "committed"


class _Stage:
    """The consoles around one store, and what happened so far."""

    def __init__(self, store: Store, level: Level) -> None:
        self.store, self.level = store, level
        self.consoles: dict[str, _Console] = {}
        self.events: list[Event] = []

    def step(self, step: int, name: str, statement: str) -> None:
        if name not in self.consoles:
            self.consoles[name] = _Console(name, self.store, self.level)
        console = self.consoles[name]
        console.waiting.append(statement)
        if len(console.waiting) == 1:
            self._go_on(step, console, waited=False)
        while any(self._go_on(step, other, waited=True) for other in self._released()):
            pass

    def _released(self) -> list[_Console]:
        return [c for c in self.consoles.values() if c.waiting and not self._blocked(c)]

    def _blocked(self, console: _Console) -> bool:
        transaction = console.transaction
        holder = transaction.waits_for if transaction else None
        return holder is not None and holder.active

    def _go_on(self, step: int, console: _Console, *, waited: bool) -> bool:
        """Run the first waiting statement; whether it ended."""
        statement = console.waiting[0]
        try:
            outcome = console.run(statement)
        except WouldWait as wait:
            self._note(step, console, statement, f"waits for {wait.holder.name}", waited)
            return False
        console.waiting.popleft()
        self._note(step, console, statement, outcome, waited)
        return True

    def _note(
        self, step: int, console: _Console, statement: str, outcome: str, waited: bool
    ) -> None:
        versions = {
            key: tuple((v.value, v.writer.name, not v.writer.active) for v in chain)
            for key, chain in sorted(self.store.chains.items())
        }
        self.events.append(Event(step, console.name, statement, outcome, waited, versions))
