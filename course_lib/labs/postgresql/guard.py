"""Two processes beside the kernel that look at each other, so that either may be killed.

The *guard* is the kernel's child. It forks the *keeper*, which runs PostgreSQL.
A socket pair joins them: when one dies, the other reads its end and cleans up.
The guard also looks ten times a second whether the kernel is still its parent;
the pipe from the kernel would not tell while a fork of the kernel holds it.

Both run with `python -I -S` and import the standard library only.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket

from course_lib.labs.postgresql.job import Job
from course_lib.labs.postgresql.keeper import Keeper
from course_lib.labs.postgresql.remains import remove_all

__all__ = ["main"]

_LOOK_AGAIN = 0.1  # seconds
_KEEPER_MAY_TAKE = 1.2  # seconds to clean up by itself


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the kernel
    line = _first_line()
    if not line:
        return  # the kernel died before it said what to do
    job = Job.read(line)
    if not hasattr(os, "fork"):
        Keeper(job, guard=None).run()
        return
    to_keeper, to_guard = socket.socketpair()
    keeper = os.fork()
    if keeper == 0:
        to_keeper.close()
        try:
            Keeper(job, guard=to_guard).run()
        finally:
            os._exit(0)
    to_guard.close()
    _guard(job, keeper, to_keeper)


def _first_line() -> bytes:
    """Read without a buffer: what follows is for the keeper."""
    read = b""
    while not read.endswith(b"\n"):
        more = os.read(0, 65536)
        if not more:
            return b""
        read += more
    return read


def _guard(job: Job, keeper: int, to_keeper: socket.socket) -> None:
    """Wait until the keeper or the kernel is gone; then see to it that everything is."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # so that the kernel reads the end of the keeper's answers
    while os.getppid() == job.kernel:
        if select.select([to_keeper], [], [], _LOOK_AGAIN)[0]:
            break
    with contextlib.suppress(OSError):
        to_keeper.shutdown(socket.SHUT_WR)  # the keeper, if it is there, now cleans up
    select.select([to_keeper], [], [], _KEEPER_MAY_TAKE)
    with contextlib.suppress(OSError):
        os.kill(keeper, signal.SIGKILL)
    os.waitpid(keeper, 0)
    remove_all(job)
