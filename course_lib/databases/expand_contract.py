"""Renaming a column while two versions of the program run: what works at which step.

The rule: at every moment the old and the new version must both work, because a rollout
takes minutes and may have to go back. So no step may break the version before it:
expand (add the new column), write both, backfill, read the new one, contract (drop the
old one). Renaming in one step has no such moment.

Nothing here is typed in as a result: every answer comes from a database in memory, in
which the versions write rows and read those of each other. Used by lesson 03.5.
Sources: Fowler, "ParallelChange"; Ambler and Sadalage, "Refactoring Databases".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

__all__ = ["RENAME_AT_ONCE", "STEPS", "VERSIONS", "Moment", "Version", "compatibility", "roll_out"]

Steps = Sequence[tuple[str, str]]
"""(name, SQL) pairs. The first makes the table, each other one changes the schema."""


@dataclass(frozen=True)
class Version:
    """How one version of the program writes and reads the name of a customer.

    `write` has the parameters :id and :name; `read` gives the name for :id.
    """

    name: str
    write: str
    read: str


@dataclass(frozen=True)
class Moment:
    """What happens after a move, which is a step or a new version; `problem` None: all is well."""

    move: str
    problem: str | None

    @property
    def works(self) -> bool:
        return self.problem is None


VERSIONS = (
    Version(
        "old",
        "INSERT INTO customers (id, full_name) VALUES (:id, :name)",
        "SELECT full_name FROM customers WHERE id = :id",
    ),
    Version(
        "writes both",
        "INSERT INTO customers (id, full_name, name) VALUES (:id, :name, :name)",
        "SELECT full_name FROM customers WHERE id = :id",
    ),
    Version(
        "reads new",
        "INSERT INTO customers (id, full_name, name) VALUES (:id, :name, :name)",
        "SELECT name FROM customers WHERE id = :id",
    ),
    Version(
        "new",
        "INSERT INTO customers (id, name) VALUES (:id, :name)",
        "SELECT name FROM customers WHERE id = :id",
    ),
)
"""Four releases of the program, oldest first; "writes both" and "reads new" are on the way."""

STEPS = (
    ("start", "CREATE TABLE customers (id INTEGER PRIMARY KEY, full_name TEXT)"),
    ("expand", "ALTER TABLE customers ADD COLUMN name TEXT"),
    ("backfill", "UPDATE customers SET name = full_name WHERE name IS NULL"),
    ("contract", "ALTER TABLE customers DROP COLUMN full_name"),
)
"""The rename in three steps; the program changes between them."""

RENAME_AT_ONCE = (STEPS[0], ("rename", "ALTER TABLE customers RENAME COLUMN full_name TO name"))
"""The same in one step, for comparison."""


def compatibility(first: str, second: str, *, steps: Steps = STEPS) -> list[Moment]:
    """Whether two versions can run beside each other after each of the steps.

    Both write a row, and both must read the right name in every row: their own, that of
    the other, and one that the old version has left at the start. NULL is a problem too.

    Raises:
        ValueError: there is no version of that name.

    >>> [moment.works for moment in compatibility("old", "writes both")]
    [False, True, True, False]
    """
    versions = [_version(first), _version(second)]
    moments = []
    for number, (name, _) in enumerate(steps):
        with closing(sqlite3.connect(":memory:")) as connection:
            shop = _Shop(connection)
            shop.change(steps[0][1])
            shop.write(VERSIONS[0])
            for _, sql in steps[1 : number + 1]:
                shop.change(sql)
            moments.append(Moment(name, shop.problem(versions)))
    return moments


def roll_out(moves: Iterable[str], *, steps: Steps = STEPS) -> list[Moment]:
    """Make the moves one after the other, while customers keep coming; ends at a problem.

    Args:
        moves: names of steps, which change the schema, and of versions, which replace
            the one before. At the start there is the first step and the old version.
            A new version runs beside the one before for a while, as in any rollout.

    >>> for moment in roll_out(["expand", "backfill", "writes both", "reads new"]):
    ...     print(moment.move, "->", moment.problem)
    expand -> None
    backfill -> None
    writes both -> None
    reads new -> reads new reads NULL where old wrote 'Customer 3'
    """
    sql_of = dict(steps)
    running, moments = VERSIONS[0], []
    with closing(sqlite3.connect(":memory:")) as connection:
        shop = _Shop(connection)
        shop.change(steps[0][1])
        shop.write(running)
        for move in moves:
            versions = [running]
            if move in sql_of:
                shop.change(sql_of[move])
            else:
                versions.append(_version(move))
            running = versions[-1]
            moments.append(Moment(move, shop.problem(versions)))
            if not moments[-1].works:
                break
    return moments


def _version(name: str) -> Version:
    for version in VERSIONS:
        if version.name == name:
            return version
    known = ", ".join(version.name for version in VERSIONS)
    raise ValueError(f"{name!r} is no step and no version: use one of {known}.")


class _Shop:
    """A database, and who has written which row."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._writers: list[str] = []

    def change(self, sql: str) -> None:
        self._connection.execute(sql)

    def problem(self, versions: Sequence[Version]) -> str | None:
        """The first thing that goes wrong if these versions write and read now."""
        try:
            for version in versions:
                self.write(version)
            wrong = [self._misread(version) for version in versions]
        except sqlite3.Error as error:
            return f"{version.name} fails: {error}"
        return next((problem for problem in wrong if problem), None)

    def write(self, version: Version) -> None:
        number = len(self._writers) + 1
        self._connection.execute(version.write, {"id": number, "name": f"Customer {number}"})
        self._writers.append(version.name)

    def _misread(self, version: Version) -> str | None:
        for number, writer in enumerate(self._writers, start=1):
            (found,) = self._connection.execute(version.read, {"id": number}).fetchone()
            if found != f"Customer {number}":
                seen = "NULL" if found is None else repr(found)
                return f"{version.name} reads {seen} where {writer} wrote 'Customer {number}'"
        return None
