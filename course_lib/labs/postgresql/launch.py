"""Start a server that belongs to this process, and talk to the processes that keep it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from course_lib.labs import services
from course_lib.labs.postgresql.job import PREFIX, Job
from course_lib.labs.postgresql.programs import find

__all__ = ["Launched", "cache_folder"]

_STOPPING_MAY_TAKE = 5.0  # seconds
_LISTENING_MAY_TAKE = 2.0  # the system answers for a server that is merely busy
_ROOT = Path(__file__).parents[3]
_MAIN = (
    f"import sys; sys.path.insert(0, {str(_ROOT)!r}); "
    "from course_lib.labs.postgresql.guard import main; main()"
)

_INITDB = [
    *("-U", "postgres", "--auth=scram-sha-256", "--locale=C", "--encoding=UTF8"),
    *("--no-sync", "--no-instructions", "--wal-segsize=1"),  # MiB: the empty cluster stays small
]

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # long temporary paths, as on macOS, do not fit into one
    "max_connections": "60",
    "max_prepared_transactions": "10",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap" if os.name == "posix" else "windows",  # small /dev/shm
    "max_wal_size": "256MB",
    "wal_level": "logical",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # The same plan and the same rows every time, on every machine: no parallel
    # workers, no compiler, statistics only when asked for and from every row
    # of a table of up to 600,000, scans from the first page.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "autovacuum": "off",
    "default_statistics_target": "2000",
    "synchronize_seqscans": "off",
    "io_method": "sync",
}
_DURABLE = {"fsync": "on", "full_page_writes": "on"}
_FAST = {"fsync": "off", "full_page_writes": "off"}  # survives a crash, not a power cut


class Launched:
    """A running server of this process.

    Attributes:
        port, password: of the superuser `postgres` on 127.0.0.1.
        owner: number of the process that started it.
    """

    def __init__(self, *, durable: bool) -> None:
        self.owner = os.getpid()
        self._talking = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _MAIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
            start_new_session=True,  # neither Ctrl-C nor a signal to the kernel's group ends it
        )
        services.register(self._process.pid)
        try:
            told = self._ask(_job(durable=durable).line())
        except BaseException:
            self.stop()
            raise
        self.port: int = told["port"]
        self.password: str = told["password"]
        self._log = Path(told["log"])

    def _ask(self, line: bytes) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        with self._talking:
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
                answer = self._process.stdout.readline()
            except BrokenPipeError:
                answer = b""
        if not answer:
            raise RuntimeError("PostgreSQL was stopped from outside; call postgres() again.")
        told: dict[str, Any] = json.loads(answer)
        if "error" in told:
            raise RuntimeError(told["error"])
        return told

    def alive(self) -> bool:
        """Whether it takes connections; asked in a fork of the owner, True.

        The keepers alone do not tell: they live a moment longer than a server that was killed.
        """
        if os.getpid() != self.owner:
            return True
        return self._process.poll() is None and self._listens()

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=_LISTENING_MAY_TAKE):
                return True
        except OSError:
            return False

    def restart(self, *, crash: bool) -> None:
        self._ask(json.dumps({"crash": crash}).encode() + b"\n")

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """End it and wait until nothing is left; for the owner only. May be called twice."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # then its guard goes on without us
            self._process.wait(_STOPPING_MAY_TAKE)
        services.forget(self._process.pid)


def _job(*, durable: bool) -> Job:
    programs = find()
    key = hashlib.sha256("\n".join([programs.fingerprint, *_INITDB]).encode()).hexdigest()[:12]
    return Job(
        name=f"{PREFIX}{secrets.token_hex(6)}",
        kernel=os.getpid(),
        places=_places(),
        programs=str(programs.folder),
        package=programs.package,
        parts=list(programs.parts),
        template=str(cache_folder() / f"postgres-{key}"),
        initdb=_INITDB,
        password=secrets.token_urlsafe(16),
        settings={**_SETTINGS, **(_DURABLE if durable else _FAST)},
    )


def _places() -> list[str]:
    """Where the data may be; as root, TMPDIR may be closed to the account that needs it."""
    shared = ["/tmp", "/var/tmp"] if os.name == "posix" else []
    return list(dict.fromkeys([os.path.realpath(tempfile.gettempdir()), *shared]))


def cache_folder() -> Path:
    """Where empty clusters are kept: COURSE_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("COURSE_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("break-it-first", appauthor=False)
