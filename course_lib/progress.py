"""One local record of what the learner did, shared by notebook and terminal.

Events are only ever added; what is done, due or chosen is worked out from
them. The rule: recording never breaks a lesson; what goes wrong comes back as
a sentence. Nothing leaves this machine.

A production event store would add access rights and versions of each event.
Source: for the boxes, Sebastian Leitner, "So lernt man lernen" (1972).
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from course_lib import event_store
from course_lib.clock import Clock, SystemClock
from course_lib.event_store import Event

__all__ = [
    "BOX_DAYS",
    "Event",
    "Summary",
    "box",
    "done",
    "due",
    "erase",
    "events",
    "export",
    "file",
    "finished",
    "home",
    "import_",
    "notice",
    "record",
    "set_setting",
    "setting",
    "summary",
]

BOX_DAYS = {1: 1, 2: 3, 3: 7, 4: 21}
"""Leitner box -> days until a card in it is asked again."""

_DAY = 86_400.0
_FORMAT = "break-it-first progress"
_VERSION = 1
_LARGEST_IMPORT = 64 * 1024 * 1024  # bytes; years of learning stay far below
_SYSTEM = SystemClock()


def home() -> Path:
    """The folder of the record: COURSE_HOME, else the user's data folder."""
    if chosen := os.environ.get("COURSE_HOME"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(base) / "Break It First"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Break It First"
    base = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification: a relative path there is invalid and ignored.
    data = Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share"
    return data / "break-it-first"


def file() -> Path:
    return home() / "progress.db"


def record(kind: str, item: str, value: str = "", *, clock: Clock = _SYSTEM) -> str:
    """Write one event down. Returns "" or, when that failed, one sentence."""
    try:
        event_store.insert(file(), [Event(clock.now(), kind, item, value)])
    except (OSError, sqlite3.Error) as error:
        return f"Your progress was not recorded ({error}); check the folder {home()}."
    return ""


def events(kind: str | None = None, item: str | None = None) -> list[Event]:
    """All events, or those of one kind, of one item, or both; oldest first.

    Raises:
        OSError, sqlite3.Error: the record is there and cannot be read.
    """
    wanted = {"kind": kind, "item": item}
    return event_store.select(file(), where={k: v for k, v in wanted.items() if v is not None})


def finished(log: Iterable[Event]) -> set[str]:
    """The items these events finish: kind "done", or a check with value "right"."""
    return {e.item for e in log if e.kind == "done" or (e.kind, e.value) == ("check", "right")}


def done(item: str) -> bool:
    """Whether a lesson was finished, or an exercise once checked as right."""
    return item in finished(events(item=item))


def setting(name: str, default: str = "") -> str:
    """The value last set for a name such as "profile"."""
    chosen = events("setting", name)
    return chosen[-1].value if chosen else default


def set_setting(name: str, value: str, *, clock: Clock = _SYSTEM) -> str:
    """Remember a choice. Returns "" or, when that failed, one sentence."""
    return record("setting", name, value, clock=clock)


def box(card_id: str) -> int:
    """The card's Leitner box, 1 to 4, from its events of kind "recall".

    A card never answered is in box 1.
    """
    return _place(events("recall", card_id))[0]


def due(card_ids: Iterable[str], *, clock: Clock = _SYSTEM) -> list[str]:
    """The cards to ask now, in the order given. A card never answered is due."""
    now = clock.now()
    answers: dict[str, list[Event]] = {}
    for event in events("recall"):
        answers.setdefault(event.item, []).append(event)
    return [card for card in card_ids if _place(answers.get(card, []))[1] <= now]


def _place(answers: Iterable[Event]) -> tuple[int, float]:
    """(box, due at) after these answers.

    Right moves a card up one box, anything else back to the first. Right before
    the card is due changes nothing: running a lesson twice is not learning twice.
    """
    number, due_at = 1, -math.inf
    for answer in answers:
        right = answer.value == "right"
        if right and answer.at < due_at:
            continue
        number = min(number + 1, max(BOX_DAYS)) if right else 1
        due_at = answer.at + BOX_DAYS[number] * _DAY
    return number, due_at


@dataclass(frozen=True)
class Summary:
    """What the record holds: finished items, and how many events of each kind."""

    done: tuple[str, ...]
    kinds: dict[str, int]
    file: Path

    def __str__(self) -> str:
        if not self.kinds:
            return f"Nothing recorded yet in {self.file}."
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.kinds.items()))
        names = ", ".join(self.done) or "nothing yet"
        return f"Done: {names}.\nRecorded: {kinds}.\nFile: {self.file}"


def summary() -> Summary:
    log = events()
    kinds = Counter(event.kind for event in log)
    return Summary(tuple(sorted(finished(log))), dict(kinds), file())


def notice() -> str:
    """A sentence the learner has not been shown yet, or "". Each is given once."""
    shown = {event.item for event in events("notice shown")}
    for event in events("notice"):
        if event.item not in shown:
            record("notice shown", event.item)
            return event.value
    return ""


def export(path: str | Path) -> int:
    """Write all events as JSON to a new file; returns how many.

    Raises:
        FileExistsError: there is such a file already; nothing is overwritten.
    """
    log = events()
    rows = [list(astuple(event)) for event in log]
    text = json.dumps({"format": _FORMAT, "version": _VERSION, "events": rows}, allow_nan=False)
    try:
        with open(path, "x", encoding="utf-8") as target:
            target.write(text + "\n")
    except FileExistsError as error:
        raise FileExistsError(f"{path} exists already; choose another name.") from error
    return len(log)


def import_(path: str | Path) -> int:
    """Add the events of an exported file that are not here yet; returns how many.

    Raises:
        ValueError: the file is not an export of this course; nothing was added.
    """
    return event_store.insert(file(), _exported(path), repeat=False)


def _exported(path: str | Path) -> list[Event]:
    with open(path, "rb") as source:
        content = source.read(_LARGEST_IMPORT + 1)
    try:
        return _parsed(content)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{path} is not a progress file of this course ({error});"
            " take one that `python3 course.py progress export` wrote."
        ) from error


def _parsed(content: bytes) -> list[Event]:
    if len(content) > _LARGEST_IMPORT:
        raise ValueError(f"it is larger than {_LARGEST_IMPORT} bytes")
    data = json.loads(content)
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise ValueError("its format is another")
    if data.get("version") != _VERSION:
        raise ValueError(f"its version is {data.get('version')!r}, this course reads {_VERSION}")
    return [event_store.checked(row) for row in data["events"]]


def erase() -> int:
    """Delete the record and every damaged one set aside; returns how many events went."""
    count = len(events())
    event_store.erase(file())
    return count
