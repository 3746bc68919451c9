"""Who is in the class: a CSV that maps names of files and folders to learners."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from course_lib.grading.handed_in import HandedIn, Submission

__all__ = ["Learner", "assigned", "read_roster"]

_NEEDED = ("file", "name")
_BEFORE_THE_HEAD = re.compile(r"\A(?:[ \t]*\r?\n|sep=.\r?\n)+")
"""Empty lines, and the line that tells Excel what stands between columns."""


@dataclass(frozen=True)
class Learner:
    """`file` is what was handed in, with or without its ending. `fields`: all other columns."""

    name: str
    file: str = ""
    fields: dict[str, str] = field(default_factory=dict)

    def get(self, column: str) -> str:
        return self.fields.get(column, "")


def read_roster(path: Path) -> list[Learner]:
    """The learners in a CSV with the columns `file` and `name`, and any others.

    The gradebooks use `id`, `email`, `sis_user_id`, `sis_login_id` and `section`.
    Commas, semicolons or tabs stand between them, as spreadsheets save them.

    Raises:
        ValueError: it is no such file; the message says what is missing.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"The roster {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"The roster {path} cannot be read; save it as CSV in UTF-8.") from error
    text = _BEFORE_THE_HEAD.sub("", text)
    head = text.partition("\n")[0]
    rows = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=head.count))
    columns = {name: name.strip().lower() for name in rows.fieldnames or ()}
    for needed in _NEEDED:
        if needed not in columns.values():
            raise ValueError(
                f'The roster {path} has no column "{needed}"; add it to its first row.'
            )
    found = []
    for row in rows:
        fields = {columns[key]: (value or "").strip() for key, value in row.items() if key}
        if not any(fields.values()):
            continue  # spreadsheets leave such rows at the end
        found.append(Learner(fields.pop("name"), fields.pop("file"), fields))
    twice = _twice(learner.file for learner in found if learner.file)
    if twice:
        raise ValueError(f'The roster {path} has "{twice}" in two rows; a file has one owner.')
    return found


def _twice(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if _key(name) in seen:
            return name
        seen.add(_key(name))
    return ""


def assigned(
    submissions: Sequence[Submission], roster: Sequence[Learner]
) -> list[tuple[Learner, Submission]]:
    """Every learner with what they handed in, in the order of the roster; then all others.

    Without a roster the name of the file is the learner's name.
    """
    by_name = {submission.name: submission for submission in submissions}
    by_key = {_key(submission.name): submission for submission in submissions}
    found: list[tuple[Learner, Submission]] = []
    taken: set[str] = set()
    for learner in roster:
        theirs = by_name.get(learner.file) or by_key.get(_key(learner.file))
        if theirs is None:
            nothing = partial(HandedIn, learner.file, problem="Nothing was handed in.")
            theirs = Submission(learner.file, nothing)
        taken.add(theirs.name)
        found.append((learner, theirs))
    others = [each for each in submissions if each.name not in taken]
    return found + [(Learner(_stem(each.name), each.name), each) for each in others]


def _stem(name: str) -> str:
    for ending in (".ipynb", ".py", ".pyw", ".zip", ".ipynb.json", ".ipynb.txt", ".py.txt"):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def _key(name: str) -> str:
    """The same for a name that one system writes as é and another as e with an accent."""
    return unicodedata.normalize("NFC", _stem(name)).casefold()
