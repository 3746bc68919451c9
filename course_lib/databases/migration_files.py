"""A folder of numbered migrations, read and checked before anything runs.

`0007_add_price.up.sql` goes up, `0007_add_price.down.sql` goes back, if that is
possible; `0008_split_names.py` has functions `up(conn)` and perhaps `down(conn)`.

The rule: the numbers are 1, 2, 3 and so on, each once. Two branches that both add
number 8 are told so when they meet, not when customers meet the result.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

__all__ = ["Direction", "Migration", "MigrationError", "Script", "read_migrations"]

Direction: TypeAlias = Literal["up", "down"]
Script: TypeAlias = str | Callable[[Any], object]
"""SQL text, or a function of the connection."""

_FILE_NAME = re.compile(r"([0-9]+)_([a-z0-9_]+)\.(up\.sql|down\.sql|py)")


class MigrationError(Exception):
    """The folder, the files or the database are not as they should be."""


@dataclass(frozen=True)
class Migration:
    """One migration. The checksum is of what goes up: a way down may still be mended."""

    number: int
    name: str
    checksum: str
    files: tuple[tuple[str, Path, str], ...]  # kind, path and text of each file

    def script(self, direction: Direction) -> Script | None:
        """How to go up or down; None: there is no way.

        A Python file is run as a module for this.
        """
        for kind, path, text in self.files:
            if kind == f"{direction}.sql":
                return text
            if kind == "py":
                return _function(path, text, direction)
        return None


def read_migrations(folder: Path) -> dict[int, Migration]:
    """All migrations of this folder by their numbers, in order.

    Other files may lie there too, unless they end in .sql or .py.

    Raises:
        MigrationError: a name that does not fit, a number that is missing or there
            twice, a way down without a way up, or text that is not UTF-8.
    """
    if not folder.is_dir():
        raise MigrationError(f"there is no folder {folder.name} with migrations")
    found: dict[int, list[tuple[str, str, Path]]] = {}
    for number, name, kind, path in _files(folder):
        found.setdefault(number, []).append((name, kind, path))
    migrations = {number: _migration(number, found[number]) for number in sorted(found)}
    for expected, number in enumerate(migrations, start=1):
        if number != expected:
            raise MigrationError(f"migration {expected} is missing before {number}, close the gap")
    return migrations


def _files(folder: Path) -> Iterator[tuple[int, str, str, Path]]:
    for path in sorted(folder.iterdir()):
        match = _FILE_NAME.fullmatch(path.name)
        if match:
            yield int(match[1]), match[2], match[3], path
        elif path.suffix.lower() in (".sql", ".py") and path.name != "__init__.py":
            raise MigrationError(
                f"{path.name} is no name for a migration, call it 0001_what_it_does.up.sql,"
                " .down.sql or .py, in small letters"
            )


def _migration(number: int, found: list[tuple[str, str, Path]]) -> Migration:
    names = {name for name, _, _ in found}
    kinds = sorted(kind for _, kind, _ in found)
    if len(names) > 1 or len(kinds) != len(set(kinds)) or ("py" in kinds and len(kinds) > 1):
        together = ", ".join(path.name for _, _, path in found)
        raise MigrationError(f"migration {number} is there twice, renumber one of {together}")
    if kinds == ["down.sql"]:
        raise MigrationError(f"migration {number} has a way down but none up")
    texts = {kind: (path, _text(path)) for _, kind, path in found}
    _, up = texts.get("up.sql") or texts["py"]
    checksum = hashlib.sha256(up.encode()).hexdigest()
    files = tuple((kind, path, text) for kind, (path, text) in texts.items())
    return Migration(number, names.pop(), checksum, files)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # line ends of Windows become \n
    except UnicodeDecodeError:
        raise MigrationError(f"{path.name} is not UTF-8, save it as that") from None


def _function(path: Path, text: str, direction: Direction) -> Callable[[Any], object] | None:
    module: dict[str, object] = {"__name__": path.stem, "__file__": str(path)}
    # Not an import: it is the very text that was checked, and a number is no module name.
    exec(compile(text, str(path), "exec"), module)
    function = module.get(direction)
    if function is None and direction == "up":
        raise MigrationError(f"{path.name} has no function up(conn)")
    if function is not None and not callable(function):
        raise MigrationError(f"{direction} in {path.name} is no function of the connection")
    return function
