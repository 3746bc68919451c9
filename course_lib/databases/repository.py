"""Users in a table, behind a few methods that say what the application may ask.

The rule: nothing a caller passes ever becomes part of the SQL. Values are parameters;
the names of columns, orders and criteria come from the lists below, and a name that is
not there is an error, never "no condition".

A deleted user keeps the row and is invisible everywhere; a partial unique index lets
somebody else have the name. A page is found by the place where the last one ended, not
by counting rows, so a row that comes or goes in between repeats and hides nothing.

Sources: Martin Fowler, "Patterns of Enterprise Application Architecture", "Repository";
Markus Winand, "SQL Performance Explained", "Paging Through Results".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from course_lib.clock import Clock, SystemClock
from course_lib.databases.cursors import Cursor, read_cursor
from course_lib.databases.dialects import Connection, dialect_of

__all__ = ["MOST_PER_PAGE", "Page", "Taken", "User", "UserRepository", "create_tables"]

MOST_PER_PAGE = 100

_COLUMNS = "id, username, email, created_at"  # in the order of `User`; no password hash
_UPDATABLE = ("username", "email")
_SORTS = {"username": str, "email": str, "created_at": float}
_CRITERIA = {
    "username": "lower(username) = lower(?)",
    "email": "lower(email) = lower(?)",
    "contains": "lower(username) LIKE lower(?) ESCAPE '!'",
}
_UNIQUE_VIOLATIONS = ("23505", "SQLITE_CONSTRAINT_UNIQUE")

_TABLES = (
    "CREATE TABLE users (id {key}, username TEXT NOT NULL, email TEXT NOT NULL,"
    " password_hash TEXT NOT NULL, created_at DOUBLE PRECISION NOT NULL,"
    " deleted_at DOUBLE PRECISION)",
    "CREATE UNIQUE INDEX users_live_username ON users (lower(username)) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX users_live_email ON users (lower(email)) WHERE deleted_at IS NULL",
)
_KEYS = {
    "sqlite": "INTEGER PRIMARY KEY",
    "postgresql": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
}


class Taken(Exception):
    """Another user has this username or this email."""


@dataclass(frozen=True)
class User:
    """A user as the application sees one; `created_at` is Unix time in seconds."""

    id: int
    username: str
    email: str
    created_at: float


@dataclass(frozen=True)
class Page:
    """Some users in order. `next_cursor` asks for those after them; None: there are none."""

    users: tuple[User, ...]
    next_cursor: str | None


class UserRepository:
    """The users that are not deleted. It neither commits nor rolls back: see `UnitOfWork`.

    Args:
        conn: of sqlite3 or psycopg, in a transaction that the caller ends.
        clock: dates users.

    After an error PostgreSQL takes no more statements until the caller has rolled back.
    """

    def __init__(self, conn: Connection, *, clock: Clock | None = None) -> None:
        self._conn = conn
        self._dialect = dialect_of(conn)
        self._clock = SystemClock() if clock is None else clock

    def create(self, username: str, *, email: str, password_hash: str) -> int:
        """The id of the new user.

        Raises:
            Taken: username or email belong to another user, capitals or not.
        """
        # RETURNING: a question about "the last id" might be answered for somebody else.
        cursor = self._write(
            "INSERT INTO users (username, email, password_hash, created_at)"
            " VALUES (?, ?, ?, ?) RETURNING id",
            username,
            email,
            password_hash,
            self._clock.now(),
        )
        (user_id,) = cursor.fetchone()
        return int(user_id)

    def get(self, user_id: int) -> User | None:
        """The user, or None."""
        found = self._read("WHERE deleted_at IS NULL AND id = ?", user_id)
        return found[0] if found else None

    def password_hash(self, username: str) -> str | None:
        """The stored hash, for the one place that checks passwords; or None."""
        row = self._execute(
            "SELECT password_hash FROM users WHERE deleted_at IS NULL"
            " AND lower(username) = lower(?)",
            username,
        ).fetchone()
        return None if row is None else str(row[0])

    def search(
        self,
        *,
        sort: str = "-created_at",
        limit: int = 20,
        cursor: str | None = None,
        **criteria: str,
    ) -> Page:
        """The users that meet all criteria, a page at a time.

        Args:
            sort: username, email or created_at; with a minus in front the other way
                round. Ties go by id, the same way.
            limit: users a page; below 1 counts as 1, above `MOST_PER_PAGE` as that.
            cursor: `next_cursor` of the page before, asked for in the same `sort`.
            criteria: `username` and `email`, the whole of it, or `contains`, a part of
                the username in which % and _ are ordinary letters. Capitals do not count.

        Raises:
            ValueError: an unknown sort or criterion, or a cursor that does not fit.
        """
        column, descending = _order(sort)
        conditions, values = _conditions(criteria)
        if cursor is not None:
            after = read_cursor(cursor, sort=sort, kind=_SORTS[column])
            conditions.append(f"({column}, id) {'<' if descending else '>'} (?, ?)")
            values += [after.value, after.id]
        limit = max(1, min(limit, MOST_PER_PAGE))
        way = "DESC" if descending else "ASC"
        found = self._read(
            f"WHERE {' AND '.join(conditions)} ORDER BY {column} {way}, id {way} LIMIT ?",
            *values,
            limit + 1,  # one more shows whether there is another page
        )
        return _page(found, limit, sort, column)

    def update(self, user_id: int, **changes: str) -> bool:
        """Change `username` or `email`; False if there is no such user.

        Raises:
            ValueError: no change, or one of another column.
            Taken: as `create`.
        """
        unknown = sorted(changes.keys() - set(_UPDATABLE))
        if unknown or not changes:
            raise ValueError(f"update takes {', '.join(_UPDATABLE)}, got {unknown or 'nothing'}")
        columns = ", ".join(f"{column} = ?" for column in changes)
        statement = f"UPDATE users SET {columns} WHERE deleted_at IS NULL AND id = ?"
        return bool(self._write(statement, *changes.values(), user_id).rowcount == 1)

    def delete(self, user_id: int) -> bool:
        """Hide the user and free the name; False if there is no such user."""
        statement = "UPDATE users SET deleted_at = ? WHERE deleted_at IS NULL AND id = ?"
        return bool(self._execute(statement, self._clock.now(), user_id).rowcount == 1)

    def _read(self, rest: str, *values: object) -> list[User]:
        rows = self._execute(f"SELECT {_COLUMNS} FROM users {rest}", *values).fetchall()
        return [User(*row) for row in rows]

    def _write(self, statement: str, *values: object) -> Any:
        try:
            return self._execute(statement, *values)
        except Exception as error:
            code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
            if code in _UNIQUE_VIOLATIONS:
                raise Taken("this username or email is taken, choose another one") from error
            raise

    def _execute(self, statement: str, *values: object) -> Any:
        cursor = self._dialect.cursor(self._conn)
        cursor.execute(self._dialect.sql(statement), values)
        return cursor


def create_tables(conn: Connection) -> None:
    """Create the table and its indexes, inside the caller's transaction."""
    dialect = dialect_of(conn)
    for statement in _TABLES:
        dialect.cursor(conn).execute(statement.format(key=_KEYS[dialect.name]))


def _order(sort: str) -> tuple[str, bool]:
    column = sort.removeprefix("-")
    if column not in _SORTS:
        raise ValueError(f"sort must be one of {', '.join(_SORTS)}, or -..., got {sort!r}")
    return column, sort != column


def _conditions(criteria: dict[str, str]) -> tuple[list[str], list[object]]:
    unknown = sorted(criteria.keys() - _CRITERIA.keys())
    if unknown:
        raise ValueError(f"criteria are {', '.join(_CRITERIA)}, got {', '.join(unknown)}")
    values: list[object] = [
        _containing(value) if name == "contains" else value for name, value in criteria.items()
    ]
    return ["deleted_at IS NULL", *(_CRITERIA[name] for name in criteria)], values


def _containing(text: str) -> str:
    """A LIKE pattern for texts with exactly this part."""
    for special in "!%_":  # the escape sign itself comes first
        text = text.replace(special, "!" + special)
    return f"%{text}%"


def _page(found: list[User], limit: int, sort: str, column: str) -> Page:
    users = tuple(found[:limit])
    if len(found) <= limit:
        return Page(users, None)
    last = users[-1]
    return Page(users, Cursor(sort, getattr(last, column), last.id).text())
