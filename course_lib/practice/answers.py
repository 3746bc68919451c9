"""Other answers to an exercise, right or wrong: a whole file, or edits of the reference.

A file `.py` is all that a learner of a notebook writes; a wrong one begins with the line
`# fails "SCENARIO" with "WORDS OF THE MESSAGE"`. A file `.toml` holds what differs from the
reference, so that it shows its one mistake, and the rest stays as it is written there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from course_lib.practice.source import BadExercise

__all__ = ["Edit", "Variant", "answers_in", "promise", "read_variant"]

_FAILS = re.compile(r'# fails "(?P<scenario>.+?)" with "(?P<words>.+)"\s*')


@dataclass(frozen=True)
class Edit:
    """Replace `old`, which is there once, in a file; all of it when `old` is empty."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Variant:
    """Another answer: the reference with some edits. A wrong one says where it `fails`."""

    edits: tuple[Edit, ...]
    fails: str = ""
    words: str = ""

    def of(self, files: Mapping[str, str]) -> dict[str, str]:
        """The files with the edits made.

        Raises:
            BadExercise: the old text is not there, or more than once.
        """
        changed = dict(files)
        for edit in self.edits:
            text = changed.get(edit.file, "")
            if edit.old and text.count(edit.old) != 1:
                times = text.count(edit.old)
                raise BadExercise(f"changes text that {edit.file} has {times} times; change once.")
            changed[edit.file] = text.replace(edit.old, edit.new) if edit.old else edit.new
        return changed


def answers_in(folder: Path) -> list[Path]:
    """The files with answers, in the order of their names."""
    return sorted([*folder.glob("*.py"), *folder.glob("*.toml")])


def read_variant(path: Path) -> Variant:
    """The Variant in a TOML file: `[[edit]]` with file, old, new; a mutant `fails` and `with`.

    Raises:
        BadExercise: it cannot be read as that.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        edits = [Edit(str(e["file"]), str(e.get("old", "")), str(e["new"])) for e in table["edit"]]
        return Variant(tuple(edits), str(table.get("fails", "")), str(table.get("with", "")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadExercise(
            f"cannot be read ({error}); write [[edit]] with file, old, new."
        ) from error


def promise(path: Path) -> tuple[str, str]:
    """The scenario that a wrong answer must fail, and words of what it is told.

    Raises:
        BadExercise: the file does not say so.
    """
    if path.suffix == ".toml":
        variant = read_variant(path)
        if not (variant.fails and variant.words):
            raise BadExercise('must have fails = "SCENARIO" and with = "WORDS OF THE MESSAGE"')
        return variant.fails, variant.words
    found = _FAILS.fullmatch(path.read_text(encoding="utf-8").partition("\n")[0])
    if found is None:
        raise BadExercise('must begin with: # fails "SCENARIO" with "WORDS OF THE MESSAGE"')
    return found["scenario"], found["words"]
