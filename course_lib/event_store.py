"""The file behind `progress`: one SQLite table that is only ever added to.

Opened for each call and closed again, so threads and several kernels need no
care. We keep SQLite's rollback journal instead of WAL: no extra files stay
beside the record, and it also works on network drives.

The rule: a damaged file is never used and never deleted. It is set aside, what
can still be read moves to a fresh file, and a notice says so.
Source: https://www.sqlite.org/howtocorrupt.html
"""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TypeVar

from course_lib.clock import SystemClock

__all__ = ["Event", "checked", "erase", "insert", "select"]

_Answer = TypeVar("_Answer")

_TABLE = """CREATE TABLE IF NOT EXISTS event (
    at REAL NOT NULL, kind TEXT NOT NULL, item TEXT NOT NULL, value TEXT NOT NULL)"""
_ADD = "INSERT INTO event (at, kind, item, value) VALUES (?1, ?2, ?3, ?4)"
_ADD_NEW = """INSERT INTO event (at, kind, item, value) SELECT ?1, ?2, ?3, ?4
    WHERE NOT EXISTS (SELECT 1 FROM event
        WHERE at = ?1 AND kind = ?2 AND item = ?3 AND value = ?4)"""
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY_SECONDS = 5.0


@dataclass(frozen=True)
class Event:
    """One thing that happened. `at` is Unix time in seconds."""

    at: float
    kind: str
    item: str
    value: str = ""


def checked(row: Iterable[object]) -> Event:
    """An Event from four values of unknown origin.

    Raises:
        ValueError: they are not a finite time and three texts.
    """
    at, kind, item, value = row
    if isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at):
        raise ValueError(f"{at!r} is not a time")
    if not (isinstance(kind, str) and isinstance(item, str) and isinstance(value, str)):
        raise ValueError(f"{(kind, item, value)!r} are not three texts")
    return Event(float(at), kind, item, value)


def select(path: Path, *, where: Mapping[str, str]) -> list[Event]:
    """The events whose columns have these values, oldest first.

    Raises:
        OSError, sqlite3.Error: the file is there and cannot be read.
    """
    if not path.exists():
        return []
    clause = " AND ".join(f"{column} = :{column}" for column in where) or "TRUE"
    query = f"SELECT at, kind, item, value FROM event WHERE {clause} ORDER BY at, rowid"
    return _run(path, lambda db: [Event(*row) for row in db.execute(query, dict(where))])


def insert(path: Path, new: Iterable[Event], *, repeat: bool = True) -> int:
    """Add events, all or none; returns how many. `repeat=False` leaves out known ones.

    Raises:
        OSError, sqlite3.Error: nothing was written.
    """
    rows = [astuple(event) for event in new]

    def add(db: sqlite3.Connection) -> int:
        before = db.total_changes
        db.execute("BEGIN IMMEDIATE")
        db.executemany(_ADD if repeat else _ADD_NEW, rows)
        return db.total_changes - before

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _run(path, add)


def erase(path: Path) -> None:
    """Delete the file, its journal and everything set aside."""
    leftovers = path.parent.glob(f"{path.stem}.damaged-*")
    for old in [path, _journal(path), *leftovers]:
        old.unlink(missing_ok=True)


def _run(path: Path, work: Callable[[sqlite3.Connection], _Answer]) -> _Answer:
    """Do the work in one transaction; on a damaged file, mend and do it once more."""
    try:
        return _attempt(path, work)
    except sqlite3.DatabaseError as error:
        if not _means_damage(error):
            raise
    rescued = _set_aside(path)
    insert(path, rescued, repeat=False)
    return _attempt(path, work)


def _attempt(path: Path, work: Callable[[sqlite3.Connection], _Answer]) -> _Answer:
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    with contextlib.closing(db), db:
        db.execute(_TABLE)
        return work(db)


def _means_damage(error: sqlite3.Error) -> bool:
    # The low byte is the primary code; the rest tells sub-cases apart.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _set_aside(path: Path) -> list[Event]:
    """Rename the damaged file; returns what could still be read, and a notice.

    Another kernel may do the same at this moment. Whichever file is moved, its
    readable events come back, so even a fresh one moved by mistake loses nothing.
    """
    aside = _free_name(path)
    try:
        # The journal first: left behind, SQLite would play it into the fresh file.
        with contextlib.suppress(FileNotFoundError):
            os.replace(_journal(path), _journal(aside))
        os.replace(path, aside)
    except FileNotFoundError:
        aside.unlink()
        return []
    rescued = _readable(aside)
    sentence = (
        f"Your progress file was damaged: it is kept as {aside}, {len(rescued)} of its entries"
        " are in a fresh one, and `python3 course.py progress import FILE` adds an earlier export."
    )
    return [*rescued, Event(SystemClock().now(), "notice", aside.name, sentence)]


def _free_name(path: Path) -> Path:
    """A name nobody else has taken, reserved by an empty file."""
    for number in range(1, 1000):
        aside = path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
        with contextlib.suppress(FileExistsError):
            aside.open("xb").close()
            return aside
    raise OSError(f"{path.parent} holds 999 damaged progress files; delete them.")


def _readable(path: Path) -> list[Event]:
    """What a damaged file still gives, read from both ends up to the damage."""
    found: dict[int, Event] = {}
    untouched = f"{path.absolute().as_uri()}?immutable=1"
    for direction in ("ASC", "DESC"):
        query = f"SELECT rowid, at, kind, item, value FROM event ORDER BY rowid {direction}"
        with (
            contextlib.suppress(sqlite3.Error, ValueError),
            contextlib.closing(sqlite3.connect(untouched, uri=True)) as db,
        ):
            for rowid, *row in db.execute(query):
                found[rowid] = checked(row)
    return [event for _, event in sorted(found.items())]


def _journal(path: Path) -> Path:
    return path.with_name(path.name + "-journal")
