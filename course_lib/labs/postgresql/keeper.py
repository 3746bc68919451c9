"""Starts PostgreSQL for the kernel, waits, and ends it.

All that can happen (an order from the kernel, a process that ended, the kernel
or the guard gone) arrives in one queue, so there is one place where it waits.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_lib.labs.postgresql.account import give, reachable, unprivileged
from course_lib.labs.postgresql.folders import Trouble, make_folder
from course_lib.labs.postgresql.job import Job
from course_lib.labs.postgresql.remains import hold, kill_all, remove_all, sweep

__all__ = ["Keeper"]

_STARTING_MAY_TAKE = 30.0  # seconds
_STOPPING_MAY_TAKE = 0.7  # seconds, before it is killed
_PORTS_TRIED = 5


class _Ending(Exception):
    """The kernel or the guard is gone, or PostgreSQL is."""


class Keeper:
    """One server, from an empty folder to no folder."""

    def __init__(self, job: Job, *, guard: socket.socket | None) -> None:
        self._job = job
        self._guard = guard
        self._events: queue.Queue[Any] = queue.Queue()
        self._postgres: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._password = job.password
        self._programs = Path(job.programs)

    def run(self) -> None:
        """Serve until the end. Whatever goes wrong is answered in one sentence."""
        try:
            self._prepare()
            self._listen()
            self._fill_and_start()
            _answer({"port": self._port, "password": self._password, "log": str(self._log)})
            sweep(self._job)
            while True:
                self._obey(self._next())
        except _Ending:
            pass
        except queue.Empty:
            _answer({"error": f"PostgreSQL was not ready in {_STARTING_MAY_TAKE:g} s; try again."})
        except (Trouble, LookupError) as trouble:
            _answer({"error": f"{trouble}."})
        except (OSError, shutil.Error) as error:
            _answer({"error": f"PostgreSQL cannot be started here: {error}."})
        finally:
            # "Immediate": the data is thrown away, so there is nothing to write first.
            self._stop(getattr(signal, "SIGQUIT", signal.SIGTERM), _STOPPING_MAY_TAKE)
            remove_all(self._job)

    # What arrives

    def _listen(self) -> None:
        _in_thread(self._read_orders)
        if self._guard:
            _in_thread(self._watch_guard)

    def _read_orders(self) -> None:
        for line in sys.stdin.buffer:
            self._events.put(json.loads(line))
        self._events.put(_Ending)

    def _watch_guard(self) -> None:
        assert self._guard
        with contextlib.suppress(OSError):
            self._guard.recv(1)
        self._events.put(_Ending)

    def _next(self, timeout: float | None = None) -> Any:
        """The next event: an order, or a process that ended. Raises _Ending, queue.Empty."""
        event = self._events.get(timeout=timeout)
        if event is _Ending:
            raise _Ending
        return event

    def _obey(self, event: Any) -> None:
        if isinstance(event, dict):
            self._restart(crash=event["crash"])
            _answer({"port": self._port})
        elif event is self._postgres:
            raise _Ending  # somebody killed it

    # Folders and programs

    def _prepare(self) -> None:
        """Before there is a second thread, since it forks."""
        self._account = unprivileged()
        folder = self._folder = make_folder(self._job, self._account)
        self._lock = hold(folder)
        self._data, self._log = folder / "data", folder / "log"
        if self._account and not reachable(self._programs / "initdb", self._account):
            self._copy_programs()

    def _copy_programs(self) -> None:
        """The environment lies in a private folder, which stays private."""
        if not self._job.package:
            raise Trouble(f"the account that runs PostgreSQL may not use {self._programs}")
        package, copy = Path(self._job.package), self._folder / "programs"
        for part in self._job.parts:
            if (package / part).exists():
                shutil.copytree(package / part, copy / part, symlinks=True)
        give(copy, self._account)
        self._programs = copy / self._programs.relative_to(package)

    # Starting

    def _fill_and_start(self) -> None:
        if self._copy_template():
            try:
                self._start()
                return
            except Trouble:  # it may be damaged, so it is made again
                shutil.rmtree(self._job.template, ignore_errors=True)
                shutil.rmtree(self._data)
        self._initdb()
        self._start()

    def _copy_template(self) -> bool:
        """Whether an earlier start left a template and it could be copied."""
        template = Path(self._job.template)
        try:
            self._password = (template / "password").read_text()
            shutil.copytree(template / "data", self._data, copy_function=shutil.copyfile)
        except (OSError, shutil.Error):
            shutil.rmtree(self._data, ignore_errors=True)
            return False
        self._configure()
        return True

    def _initdb(self) -> None:
        self._password = self._job.password
        secret = self._folder / "password"
        secret.write_text(self._password)
        give(self._folder, self._account)
        program = str(self._programs / "initdb")
        with self._log.open("wb") as log:
            initdb = self._popen(
                [program, "-D", str(self._data), f"--pwfile={secret}", *self._job.initdb], log
            )
        while self._next(_STARTING_MAY_TAKE) is not initdb:
            pass
        if initdb.returncode:
            raise Trouble(f"PostgreSQL's initdb failed: {self._last_words()}")
        self._save_template()
        self._configure()

    def _save_template(self) -> None:
        """For later starts. Made aside and renamed: when two do it at once, one wins."""
        aside = self._job.aside
        try:
            aside.mkdir(mode=0o700, parents=True)
            shutil.copytree(self._data, aside / "data", copy_function=shutil.copyfile)
            (aside / "password").write_text(self._password)
            os.rename(aside, self._job.template)
        except (OSError, shutil.Error):
            shutil.rmtree(aside, ignore_errors=True)  # the next start is slower, not wrong

    def _configure(self) -> None:
        settings = {**self._job.settings, "cluster_name": self._job.name}
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self._data.chmod(0o700)  # PostgreSQL insists
        give(self._data, self._account)

    def _start(self) -> None:
        """On a free port; another program may take it a moment before us, so try again."""
        for _ in range(_PORTS_TRIED):
            port = self._port or _free_port()
            if self._starts_on(port):
                self._port = port
                return
            if "Address already in use" not in self._logged():
                raise Trouble(f"PostgreSQL did not start: {self._last_words()}")
        raise Trouble(f"PostgreSQL found no free port in {_PORTS_TRIED} attempts; try again")

    def _starts_on(self, port: int) -> bool:
        program = str(self._programs / "postgres")
        with self._log.open("ab" if self._port else "wb") as log:
            self._postgres = self._popen([program, "-D", str(self._data), "-p", str(port)], log)
        end = time.monotonic() + _STARTING_MAY_TAKE
        while time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                if self._next(0.005) is self._postgres:
                    return False
            if self._says_ready():
                return True
        raise queue.Empty

    def _says_ready(self) -> bool:
        """Line 1 of postmaster.pid is the process, line 8 its state (PostgreSQL, pidfile.h)."""
        assert self._postgres
        try:
            lines = (self._data / "postmaster.pid").read_text().split("\n")
        except OSError:
            return False
        return lines[0] == str(self._postgres.pid) and "ready" in [x.strip() for x in lines[7:]]

    def _popen(self, command: list[str], log: Any) -> subprocess.Popen[bytes]:
        who: dict[str, Any] = {}
        if self._account:
            who = {"user": self._account[0], "group": self._account[1], "extra_groups": []}
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **who,
        )
        _in_thread(lambda: self._report_end(process))
        return process

    def _report_end(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._events.put(process)

    def _logged(self) -> str:
        return self._log.read_text(errors="replace")

    def _last_words(self) -> str:
        lines = self._logged().strip().splitlines()
        return " ".join(lines[-3:])[-400:] or "it said nothing"

    # Stopping

    def _restart(self, *, crash: bool) -> None:
        if crash:
            kill_all(self._job)
        self._stop(signal.SIGINT, _STARTING_MAY_TAKE)
        self._start()

    def _stop(self, how: signal.Signals, seconds: float) -> None:
        process, self._postgres = self._postgres, None  # so its end is no surprise
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answer(answer: dict[str, object]) -> None:
    with contextlib.suppress(OSError):  # nobody may be left to hear it
        os.write(1, json.dumps(answer).encode() + b"\n")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _in_thread(run: Callable[[], object]) -> None:
    threading.Thread(target=run, daemon=True).start()
