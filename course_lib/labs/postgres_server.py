"""A real PostgreSQL 18 for this process, and fresh databases on it.

`postgres()` starts one private server per process and gives the same one on
every later call. It ends with the process, however that ends. Only 127.0.0.1
is used, with a password; nothing of it outlives the process.

The learner's own server is used instead when COURSE_DATABASE_URL names one.
"""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from course_lib.labs.postgresql.launch import Launched
from course_lib.labs.postgresql.programs import PostgresMissing

if TYPE_CHECKING:
    from course_lib.labs.postgres_database import Database

__all__ = ["PostgresMissing", "PostgresServer", "postgres"]

OWN = "COURSE_DATABASE_URL"
LENT = "COURSE_LAB_POSTGRES"
"""Set for children of this process, so that they use its server and start none."""


class PostgresServer:
    """A PostgreSQL server to make databases on.

    Attributes:
        url: of its maintenance database, for the superuser; port and password change.
    """

    def __init__(self, url: str, launched: Launched | None = None) -> None:
        self.url = url
        self._launched = launched
        self._databases: dict[str, Database] = {}

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 5432

    @property
    def is_ours(self) -> bool:
        """Whether this process started it."""
        return self._launched is not None and self._launched.owner == os.getpid()

    def database(self, name: str = "", *, template: str = "") -> Database:
        """A fresh database; use it in a `with` block, or call its `drop`.

        Args:
            name: a plain word. One that an earlier call made under this name is dropped first,
                so a cell may be run again. Without a name: one that nobody else uses. In a
                child of the server's process the number of the child is added.
            template: "shop" for a copy of the shop's 500,000 order lines; "" for an empty one.

        Raises:
            ValueError: the name is not a plain word, or belongs to a database that is not ours.
        """
        from course_lib.labs.postgres_database import create, full_name

        full = full_name(name, suffix="" if self.is_ours else f"_{os.getpid()}")
        if full in self._databases:
            self._databases.pop(full).drop()
        self._databases[full] = create(self, full, template=template)
        return self._databases[full]

    def restart(self, *, crash: bool = False) -> None:
        """Stop and start again, on the same port with the same data.

        Args:
            crash: kill it with -9 first, all its processes at once.

        Raises:
            RuntimeError: it is not ours to restart.
        """
        self._own().restart(crash=crash)

    def log(self) -> str:
        """What the server has written so far, such as failed statements."""
        return self._own().log()

    def _own(self) -> Launched:
        if self._launched is None or not self.is_ours:
            raise RuntimeError("this server belongs to another process; use postgres() there.")
        return self._launched

    def alive(self) -> bool:
        return self._launched is None or self._launched.alive()

    def stop(self) -> None:
        """Drop our databases; if the server is ours, end it and wait until it is gone."""
        if not self.is_ours:  # it goes on without us
            for database in self._databases.values():
                database.drop()
        self._databases.clear()
        if self._launched and self.is_ours:
            self._launched.stop()

    def __repr__(self) -> str:
        return f"PostgresServer({'running' if self.alive() else 'stopped'})"


class _Servers:
    """The servers of this process, by how careful they are with the disk."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: dict[bool, PostgresServer] = {}


_servers = _Servers()
if hasattr(os, "register_at_fork"):
    # A lock that a thread of the parent held would never be free in the child.
    os.register_at_fork(after_in_child=lambda: setattr(_servers, "lock", threading.Lock()))


def postgres(*, durable: bool = False) -> PostgresServer:
    """The PostgreSQL server of this process; started at the first call, in about 0.3 s.

    Args:
        durable: a second server, which writes to the disk as in production (`fsync`). The
            usual one survives its own crash, but not a power cut.

    Raises:
        PostgresMissing: there is none to start, or the learner's own is older than 18.
    """
    with _servers.lock:
        known = _servers.running.get(durable)
        if known and known.alive():
            return known
        found = _own_server() or (None if durable else _lent()) or _started(durable=durable)
        _servers.running[durable] = found
        return found


def _own_server() -> PostgresServer | None:
    url = os.environ.get(OWN)
    if not url:
        return None
    from course_lib.labs.postgres_database import refuse_old

    refuse_old(url)
    return PostgresServer(url)


def _lent() -> PostgresServer | None:
    """The server of the process that started this one, if it still runs."""
    url = os.environ.get(LENT)
    if not url:
        return None
    from course_lib.labs.postgres_database import answers

    return PostgresServer(url) if answers(url) else None


def _started(*, durable: bool) -> PostgresServer:
    launched = Launched(durable=durable)
    url = f"postgresql://postgres:{launched.password}@127.0.0.1:{launched.port}/postgres"
    if not durable:
        os.environ[LENT] = url
    return PostgresServer(url, launched)


def on_server(url: str, name: str) -> str:
    """`url` with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@atexit.register
def _stop_all() -> None:
    for server in _servers.running.values():
        server.stop()
    _servers.running.clear()
