"""Removing a server without knowing how far its start had come.

Every process of the server names the data folder in its title (`cluster_name`
and `-D`), so it is found even when PostgreSQL itself was killed and its
children stayed. Each step may be repeated, also by two processes at once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from course_lib.labs.postgresql.account import unprivileged
from course_lib.labs.postgresql.job import PREFIX, Job

__all__ = ["hold", "kill_all", "remove_all", "sweep"]

_KILLING_TAKES = 1.0  # seconds at most
_YOUNG = 60.0  # seconds in which a folder without a lock may still be somebody's start


def remove_all(job: Job) -> None:
    """Kill what still runs, then remove the folders."""
    kill_all(job)
    shutil.rmtree(job.aside, ignore_errors=True)
    for place in reversed(job.places):  # in the first there may be a link, which goes last
        folder = Path(place) / job.name
        if folder.is_symlink():
            folder.unlink(missing_ok=True)
        else:
            _free_shared_memory(folder / "data" / "postmaster.pid")
            _remove(folder)


def _remove(folder: Path) -> None:
    """A process killed a moment ago may still write, so look again."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)


def kill_all(job: Job) -> None:
    """Kill every process of this server; a killed one may just have made another."""
    end = time.monotonic() + _KILLING_TAKES
    while (left := list(_processes(job.name))) and time.monotonic() < end:
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _processes(name: str) -> Iterator[int]:
    """Processes whose command line or title holds `name`. Ours does not: it comes by the pipe."""
    if sys.platform == "linux":
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if (
                    entry.isdigit()
                    and name.encode() in Path("/proc", entry, "cmdline").read_bytes()
                ):
                    yield int(entry)
    elif os.name == "posix":
        listed = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True)
        for line in listed.stdout.splitlines():
            if name in line:
                yield int(line.split()[0])


def _free_shared_memory(pid_file: Path) -> None:
    """Free the few bytes that a killed PostgreSQL leaves in the system; macOS has room for 32."""
    try:
        number = int(pid_file.read_text().splitlines()[6].split()[1])
    except (OSError, ValueError, IndexError):
        return  # it ended by itself and took them along
    if os.name == "posix":
        import ctypes

        remove = 0  # IPC_RMID on Linux, macOS and the BSDs
        ctypes.CDLL(None).shmctl(number, remove, None)


def hold(folder: Path) -> int:
    """Lock `folder` until this process ends, however it ends: so others can tell that it lives."""
    number = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return number


def sweep(job: Job) -> None:
    """Remove what is left of servers whose guard and keeper were both killed."""
    if sys.platform == "win32":
        return  # there is no guard and no such lock
    owners = {os.geteuid(), (unprivileged() or (os.geteuid(),))[0]}
    for place in job.places:
        for folder in Path(place).glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                if folder.name != job.name and folder.lstat().st_uid in owners:
                    _sweep(job.named(folder.name), folder)


def _sweep(dead: Job, folder: Path) -> None:
    if folder.is_symlink() and folder.exists():
        return  # shows where the folder is; goes with it
    if _is_abandoned(folder):
        remove_all(dead)


def _is_abandoned(folder: Path) -> bool:
    import fcntl

    try:
        number = os.open(folder / "lock", os.O_RDWR)
    except FileNotFoundError:
        return time.time() - folder.lstat().st_mtime > _YOUNG
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(number)
    return True
