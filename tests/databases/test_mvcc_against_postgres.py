"""The store of versions against a real PostgreSQL: the same schedule, the same events.

How waiting is compared: the model raises `WouldWait` and repeats the statement when the
holder has ended. PostgreSQL really waits: a statement without an answer counts as waiting
as soon as `pg_blocking_pids` names who holds its lock, and its answer is read after the
step that releases it. In a deadlock PostgreSQL ends whoever looks first, so only the
console that closes the circle is told to look at once; the other waits on.
"""

from __future__ import annotations

import random
import select
from collections import deque
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import pq

from course_lib.databases.consoles import play
from course_lib.databases.mvcc import Level

SCHEDULES = 40
SETTINGS = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET deadlock_timeout = '1h'"
"""Small tables are read row by row, so that serializable tracks rows and not the table."""


@pytest.fixture(scope="module")
def connections(server) -> Iterator[list[psycopg.Connection]]:
    """Two for the consoles, one to look on."""
    with server.database() as database:
        opened = [database.connect(autocommit=True) for _ in range(3)]
        for connection in opened:
            connection.execute(SETTINGS)
        opened[2].execute("CREATE TABLE store (key text PRIMARY KEY, value int)")
        yield opened


class RealConsole:
    """One connection, driven without waiting for its answers."""

    def __init__(self, name: str, connection: psycopg.Connection, level: Level) -> None:
        self.name, self.connection, self.level = name, connection, level
        self.waiting: deque[str] = deque()
        self.busy = False
        self.last_read: dict[str, int] = {}

    @property
    def state(self) -> int:
        return self.connection.info.transaction_status

    def send(self, *, closes_a_circle: bool) -> None:
        if self.state == pq.TransactionStatus.IDLE:
            self.connection.execute(f"BEGIN ISOLATION LEVEL {self.level.value}")
        if self.state == pq.TransactionStatus.INTRANS:
            limit = "1ms" if closes_a_circle else "1h"
            self.connection.execute(f"SET deadlock_timeout = '{limit}'")
        self.connection.pgconn.send_query(self._sql(self.waiting[0]).encode())
        self.busy = True

    def _sql(self, statement: str) -> str:
        verb, *rest = statement.split()
        if verb in ("commit", "rollback"):
            return verb
        if verb == "sum":
            return "SELECT sum(value) FROM store"
        key, number = rest[0], int(rest[1]) if rest[1:] else 0
        if verb == "read":
            return f"SELECT value FROM store WHERE key = '{key}'"
        base = {"add": "value", "put": str(self.last_read.get(key, 0)), "set": "0"}[verb]
        return f"UPDATE store SET value = {base} + {number} WHERE key = '{key}' RETURNING value"

    def answered(self) -> bool:
        """Whether the answer is there; looks for at most 5 ms."""
        pgconn = self.connection.pgconn
        select.select([pgconn.socket], [], [], 0.005)
        pgconn.consume_input()
        return not pgconn.is_busy()

    def outcome(self) -> str:
        """Of the first statement in `waiting`, in the words of the model."""
        statement = self.waiting.popleft()
        result = self.connection.pgconn.get_result()
        assert self.connection.pgconn.get_result() is None
        self.busy = False
        code = result.error_field(pq.DiagnosticField.SQLSTATE)
        if code:
            return f"error {code.decode()}"
        if statement in ("commit", "rollback"):
            return {b"COMMIT": "committed", b"ROLLBACK": "rolled back"}[result.command_status]
        value = int(result.get_value(0, 0))
        if statement.startswith("read"):
            self.last_read[statement.split()[1]] = value
        return str(value)


class RealStage:
    """Plays a schedule on two connections."""

    def __init__(self, connections: list[psycopg.Connection], level: Level) -> None:
        self.look_on = connections[2]
        self.consoles = [
            RealConsole(name, connection, level)
            for name, connection in zip("AB", connections, strict=False)
        ]
        self.events: list[tuple[int, str, str, str, bool]] = []

    def play(self, lines: list[str]) -> tuple[list[tuple], dict[str, int]]:
        self.look_on.execute("TRUNCATE store")
        self.look_on.execute("INSERT INTO store VALUES ('x', 100), ('y', 100)")
        for step, line in enumerate(lines, start=1):
            name, statement = line.split(": ")
            console, other = sorted(self.consoles, key=lambda c: c.name != name)
            console.waiting.append(statement)
            if not console.busy:
                self._go_on(step, console, other, waited=False)
            if other.busy and not self._blocked(other):
                self._answer(step, other, waited=True)
            while other.waiting and not other.busy:
                self._go_on(step, other, console, waited=True)
        for console in self.consoles:
            assert not console.busy
            console.connection.execute("ROLLBACK")
        return self.events, dict(self.look_on.execute("SELECT key, value FROM store").fetchall())

    def _go_on(self, step: int, console: RealConsole, other: RealConsole, *, waited: bool) -> None:
        console.send(closes_a_circle=other.busy)
        while not console.answered():
            if not other.busy and self._blocked(console):
                statement = console.waiting[0]
                self.events.append(
                    (step, console.name, statement, f"waits for {other.name}", waited)
                )
                return
        self._answer(step, console, waited=waited)

    def _answer(self, step: int, console: RealConsole, *, waited: bool) -> None:
        while not console.answered():
            pass
        statement = console.waiting[0]
        self.events.append((step, console.name, statement, console.outcome(), waited))

    def _blocked(self, console: RealConsole) -> bool:
        pid = console.connection.info.backend_pid
        (blockers,) = self.look_on.execute("SELECT pg_blocking_pids(%s)", [pid]).fetchone()
        return bool(blockers)


def schedule(rng: random.Random) -> list[str]:
    """Two consoles, each with one or two transactions over two rows, shuffled together."""

    def script() -> list[str]:
        lines = []
        for _ in range(rng.choice([1, 1, 2])):
            for _ in range(rng.randrange(1, 4)):
                verb = rng.choice(["read", "read", "add", "put", "set", "sum"])
                number = f" {rng.randrange(1, 9)}" if verb in ("add", "put", "set") else ""
                lines.append(verb if verb == "sum" else f"{verb} {rng.choice('xy')}{number}")
            lines.append(rng.choice(["commit", "commit", "commit", "rollback"]))
        return lines

    left = {"A": script(), "B": script()}
    lines = []
    while left:
        name = rng.choice(sorted(left))
        lines.append(f"{name}: {left[name].pop(0)}")
        left = {name: script for name, script in left.items() if script}
    return lines


def both(connections: list[psycopg.Connection], lines: list[str], level: Level) -> tuple:
    model = play(lines, level=level)
    ours = [(e.step, e.console, e.statement, e.outcome, e.waited) for e in model.events]
    real, rows = RealStage(connections, level).play(lines)
    return (ours, model.rows), (real, rows)


@pytest.mark.parametrize("level", Level)
def test_generated_schedules_have_the_same_events_and_end(connections, level):
    for seed in range(SCHEDULES):
        lines = schedule(random.Random(seed))

        ours, real = both(connections, lines, level)

        assert ours == real, lines


TEXTBOOK = {
    "lost update": "A: read x, B: read x, A: put x 1, A: commit, B: put x 2, B: commit",
    "write skew": "A: sum, B: sum, A: add x -100, B: add y -100, A: commit, B: commit",
    "deadlock": "A: add x 1, B: add y 1, A: add y 1, B: add x 1, A: commit, B: commit",
    "both wait in turn": "A: add x 1, B: add x 1, A: commit, A: add x 1, B: commit, A: commit",
    "a reader in between": "A: sum, B: add x 1, B: commit, A: add y 1, B: sum, A: commit",
    "failure at commit": "A: read x, B: read y, A: set y 0, B: set x 0, A: commit, B: commit",
}


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("lines", TEXTBOOK.values(), ids=TEXTBOOK)
def test_textbook_schedules_have_the_same_events_and_end(connections, lines, level):
    ours, real = both(connections, lines.split(", "), level)

    assert ours == real
