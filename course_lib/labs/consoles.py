"""Two or three consoles on one database, stepped in an order that you choose.

    story = two_consoles(db.connect, [
        "A: BEGIN",
        "B: BEGIN",
        "A: UPDATE accounts SET balance = balance - 10 WHERE id = 1",
        "B: UPDATE accounts SET balance = balance - 10 WHERE id = 1",
        "A: COMMIT",
        "B: COMMIT",
    ])
    print(story.describe())

The sessions are real. After each step the stepper waits until every statement
has ended or is seen to wait for a lock (`pg_blocking_pids`), so the same steps
give the same story on every machine, however slow. In a deadlock the victim is
the console that closed the circle. One race is PostgreSQL's own: when two
consoles wait for the same row and it is released, either may be next.

With SQLite nobody waits: the busy timeout is 0 and the answer is SQLITE_BUSY.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_lib.labs.console_sessions import Session, waiting_for

__all__ = ["ConsoleEvent", "Consoles", "Story", "two_consoles"]

_LOOK_AGAIN = 0.002  # seconds
_STEP = re.compile(r"([A-Z]): *(.+)", re.DOTALL)


@dataclass(frozen=True)
class ConsoleEvent:
    """What one step did to one console.

    Attributes:
        step: number of the step at which this happened, from 1.
        console: its letter.
        statement: sent at this step, or at an earlier one and waiting until now.
        outcome: rows, a command tag such as `UPDATE 1`, `error 40001: ...`, or `waits for A`.
    """

    step: int
    console: str
    statement: str
    outcome: str


@dataclass(frozen=True)
class Story:
    """All that happened, in order."""

    events: tuple[ConsoleEvent, ...]

    def outcomes(self, console: str) -> list[str]:
        return [event.outcome for event in self.events if event.console == console]

    def describe(self) -> str:
        """One line per event; a released statement stands under the step that released it."""
        lines = []
        step = 0
        for event in self.events:
            number = f"{event.step}." if event.step != step else "  "
            lines.append(f"{number:>3} {event.console}: {event.statement} -> {event.outcome}")
            step = event.step
        return "\n".join(lines)


class Consoles:
    """Consoles that are open until the `with` block ends. Each letter is a session of its own.

    Args:
        connect: gives a new psycopg or sqlite3 connection, for instance `db.connect`.
        patience: seconds that a statement may run without an end and without waiting for a lock.
    """

    def __init__(self, connect: Callable[[], Any], *, patience: float = 30.0) -> None:
        self._connect = connect
        self._patience = patience
        self._sessions: dict[str, Session] = {}
        self._unsent: list[tuple[str, str]] = []
        self._observer: Any = None
        self._step = 0
        self.events: list[ConsoleEvent] = []

    def step(self, text: str) -> list[ConsoleEvent]:
        """Do one step, such as "A: COMMIT", and say what happened, also to consoles that waited.

        Raises:
            ValueError: the step names no console.
            TimeoutError: a statement ran on for longer than `patience`.
        """
        named = _STEP.fullmatch(text.strip())
        if not named:
            raise ValueError(f'a step looks like "A: COMMIT"; this is {text!r}')
        name, statement = named[1], " ".join(named[2].split())
        self._step += 1
        before = len(self.events)
        if self._session(name).outcome is None:
            self._unsent.append((name, statement))
            self._tell(name, statement, f"not sent: {name} still waits")
        else:
            self._send(name, statement)
        return self.events[before:]

    def _session(self, name: str) -> Session:
        if name not in self._sessions:
            self._sessions[name] = Session(name, self._connect)
            if self._observer is None and self._sessions[name].is_postgres:
                self._observer = self._connect()
                self._observer.autocommit = True
        return self._sessions[name]

    def _send(self, name: str, statement: str) -> None:
        waited = [s for s in self._sessions.values() if s.outcome is None]
        others = len(self._sessions) - 1
        self._session(name).send(statement, some_wait=bool(waited), all_wait=len(waited) == others)
        blocked = self._settle()
        # Who failed goes first: its locks are what the others were waiting for.
        ended = [s for s in [*waited, self._session(name)] if s.outcome is not None]
        ended.sort(key=lambda s: (not _is_victim(s), s.name != name))
        for session in ended:
            self._tell(session.name, session.statement, str(session.outcome))
        if name in blocked:
            self._tell(name, statement, f"waits for {' and '.join(blocked[name])}")
        self._send_unsent()

    def _send_unsent(self) -> None:
        for name, statement in self._unsent:
            if self._sessions[name].outcome is not None:
                self._unsent.remove((name, statement))
                self._send(name, statement)
                return

    def _settle(self) -> Mapping[str, list[str]]:
        """Wait until each statement has ended or waits for good; who waits, and for whom."""
        looks = int(self._patience / _LOOK_AGAIN)
        for _ in range(looks):
            running = [s for s in self._sessions.values() if s.outcome is None]
            if not running:
                return {}
            for session in running:
                session.wait(_LOOK_AGAIN / len(running))
            blocked = self._blocked()
            still = [s for s in running if s.outcome is None]
            if all(_waits_for_good(s, blocked) for s in still):
                return blocked
        raise TimeoutError(
            f"{running[0].name}: {running[0].statement!r} did not end in {self._patience:g} s and "
            "waits for no lock; step only statements that end"
        )

    def _blocked(self) -> Mapping[str, list[str]]:
        if self._observer is None:
            return {}
        return waiting_for(self._observer, list(self._sessions.values()))

    def _tell(self, name: str, statement: str, outcome: str) -> None:
        self.events.append(ConsoleEvent(self._step, name, statement, outcome))

    def close(self) -> None:
        """Close all sessions; what was not committed is rolled back. May be called twice."""
        for session in self._sessions.values():
            session.give_up()  # all of them first: to close one would let the next one go on
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        if self._observer is not None:
            self._observer.close()
            self._observer = None

    def __enter__(self) -> Consoles:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _is_victim(session: Session) -> bool:
    return str(session.outcome).startswith("error 40P01")


def _waits_for_good(session: Session, blocked: Mapping[str, list[str]]) -> bool:
    """Not if a timeout will end it, nor in a circle, which the database is about to break."""
    if session.patient or session.name not in blocked:
        return False
    seen: set[str] = set()
    ahead = list(blocked[session.name])
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += blocked.get(name, [])
    return session.name not in seen


def two_consoles(
    connect: Callable[[], Any],
    steps: Sequence[str],
    *,
    order: Sequence[int] = (),
    patience: float = 30.0,
) -> Story:
    """Run `steps` ("A: BEGIN", "B: ...") and tell what happened. Two letters, or three.

    Args:
        connect: gives a new psycopg or sqlite3 connection, for instance `db.connect`.
        order: which step comes when, counted from 1; each once. Empty: as they stand.
        patience: seconds that a statement may run without an end and without waiting for a lock.

    Raises:
        ValueError: `order` is not an order of the steps, or a step names no console.
        TimeoutError: a statement ran on for longer than `patience`.
    """
    chosen = list(order) or list(range(1, len(steps) + 1))
    if sorted(chosen) != list(range(1, len(steps) + 1)):
        raise ValueError(f"order has each of the numbers 1 to {len(steps)} once; this is {order}")
    with Consoles(connect, patience=patience) as consoles:
        for number in chosen:
            consoles.step(steps[number - 1])
    return Story(tuple(consoles.events))
