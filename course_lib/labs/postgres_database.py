"""A database of its own for each story, and gone when the story ends.

Only databases that we made are ever dropped: each carries a comment that says
so, and a database of the learner's with the same name is left alone.
"""

from __future__ import annotations

import itertools
import os
import re
from typing import TYPE_CHECKING, Any

from course_lib.labs.postgres_server import OWN, PostgresMissing, PostgresServer, on_server
from course_lib.labs.postgresql.programs import OLDEST

if TYPE_CHECKING:
    import psycopg

__all__ = ["Database", "answers", "create", "full_name", "refuse_old"]

OURS = "made by Break It First; dropped at the end"
_CONNECTING_MAY_TAKE = 5  # seconds
_numbers = itertools.count(1)


class Database:
    """One database. Leaving the `with` block drops it, whoever is still connected.

    Attributes:
        name: in the server.
        url: for psycopg, a pool, SQLAlchemy (there as `postgresql+psycopg://`).
    """

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.name = name
        self.url = on_server(server.url, name)
        self._server = server
        self._maker = os.getpid()
        self._given: list[psycopg.Connection[Any]] = []
        self._dropped = False

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """A new connection, closed by `drop` at the latest; options as for `psycopg.connect`."""
        import psycopg

        connection = psycopg.connect(self.url, **options)
        self._given = [given for given in self._given if not given.closed]
        self._given.append(connection)
        return connection

    def drop(self) -> None:
        """Drop the database and close the connections that `connect` gave.

        May be called twice; does nothing in a fork, which shares the connections' sockets.
        """
        if self._dropped or os.getpid() != self._maker:
            return
        self._dropped = True
        for connection in self._given:
            connection.close()
        if self._server.alive():
            with _maintenance(self._server.url) as admin:
                _drop(admin, self.name)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.drop()

    def __repr__(self) -> str:
        return f"Database({self.name!r})"


def full_name(name: str, *, suffix: str) -> str:
    """`name` with the suffix; without a name, one that was not used before."""
    if name and not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name):
        raise ValueError(
            f"{name!r} is no name for a database here; use up to 41 small letters, digits and _"
        )
    return f"{name or f'story_{next(_numbers)}'}{suffix}"


def create(server: PostgresServer, name: str, *, template: str) -> Database:
    """A fresh database; see `PostgresServer.database`."""
    with _maintenance(server.url) as admin:
        _drop(admin, name)
        _create(admin, name, _template(server, admin, template) if template else "template1")
    return Database(server, name)


def _template(server: PostgresServer, admin: psycopg.Connection[Any], name: str) -> str:
    """The name of a database to copy; built at first use, by one process at a time."""
    if name != "shop":
        raise ValueError(f'there is no template {name!r}; the one there is, is "shop"')
    ready, building = f"{name}_template", f"{name}_template_new"
    admin.execute("SELECT pg_advisory_lock(hashtext(%s))", (ready,))  # until `admin` closes
    if not _exists(admin, ready):
        from course_lib.labs.postgres_shop import fill

        _drop(admin, building)
        _create(admin, building, "template1")
        with _maintenance(on_server(server.url, building)) as connection:
            fill(connection)
        admin.execute(f'ALTER DATABASE "{building}" RENAME TO "{ready}"'.encode())
    return ready


def _maintenance(url: str) -> psycopg.Connection[Any]:
    import psycopg

    return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECTING_MAY_TAKE)


def _create(admin: psycopg.Connection[Any], name: str, template: str) -> None:
    # Copying files is faster than writing them to the log, as the other strategy does.
    admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'.encode())
    admin.execute(f"COMMENT ON DATABASE \"{name}\" IS '{OURS}'".encode())


def _drop(admin: psycopg.Connection[Any], name: str) -> None:
    if _exists(admin, name):
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _exists(admin: psycopg.Connection[Any], name: str) -> bool:
    """Whether the database is there.

    Raises:
        ValueError: it is, and is not ours.
    """
    found = admin.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (name,)
    ).fetchone()
    if found and found[0] != OURS:
        raise ValueError(f"the database {name!r} is not ours to drop; choose another name")
    return found is not None


def answers(url: str) -> bool:
    """Whether a server can be reached at `url`."""
    import psycopg

    try:
        _maintenance(url).close()
    except psycopg.OperationalError:
        return False
    return True


def refuse_old(url: str) -> None:
    """Raise PostgresMissing unless the learner's own server can be used."""
    import psycopg

    try:
        with _maintenance(url) as admin:
            version = admin.info.server_version // 10_000
    except psycopg.Error as error:
        said = str(error).strip().splitlines()[-1]
        raise PostgresMissing(
            f"{OWN} names a server that cannot be used ({said}); mend it, or unset {OWN} "
            "to use the course's own server."
        ) from error
    if version < OLDEST:
        raise PostgresMissing(
            f"{OWN} names a server of version {version} and the lessons need {OLDEST}; unset it "
            "to use the course's own server."
        )
