"""The guard of one child: starts it, watches its memory, ends it and all that it began.

The warm process is the guard; it runs no learner's code and has one child at a time.
Where there are namespaces the child is the first process of its own process table:
when it ends, the kernel ends all the others.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import tempfile
from collections.abc import Callable
from typing import NoReturn

from course_lib.grading.channel import Channel
from course_lib.grading.confining import confine
from course_lib.grading.kernel_calls import (
    NEW_PROCESSES,
    die_with_parent,
    enter,
    unshare,
)
from course_lib.grading.measuring import Use
from course_lib.grading.protections import Limits, Protections

__all__ = ["Guard"]

LOOK_AGAIN = 50
"""Milliseconds between two looks at the memory in use."""

Work = Callable[[Channel], None]


class Guard:
    """Makes one confined child after the other.

    Args:
        number: no two guards on this machine have the same at the same time.
    """

    def __init__(self, protections: Protections, *, number: int) -> None:
        self._protections = protections
        self._number = number
        self._home = -1
        if protections.namespaces:
            self._home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def run(
        self, work: Work, data: socket.socket, control: socket.socket, *, limits: Limits
    ) -> None:
        """Run `work` in a child until it ends or `control` is closed.

        What came of the child is sent through `control`, for whoever still listens.
        Both sockets are closed.
        """
        scratch = "" if self._protections.namespaces else tempfile.mkdtemp(prefix="break-it-first-")
        why = "could not be confined"
        with control:
            try:
                with data:
                    child = self._start(work, data, scratch, limits)
                why = _watch(child, control, limits, self._protections)
            finally:
                _tell(control, why)
                if scratch:
                    _remove(scratch)

    def _start(self, work: Work, data: socket.socket, scratch: str, limits: Limits) -> int:
        if self._protections.namespaces:
            unshare(NEW_PROCESSES)  # of the next child: this process stays where it is
        child = os.fork()
        if not child:
            self._be_child(work, data, scratch, limits)
        if self._protections.namespaces:
            enter(self._home, NEW_PROCESSES)  # or the child after it could not have its own
        return child

    def _be_child(self, work: Work, data: socket.socket, scratch: str, limits: Limits) -> NoReturn:
        code = 70
        try:
            if scratch:
                os.chmod(scratch, 0o777)
                os.chdir(scratch)
            _keep_only(data)
            # Without its own process table a child can leave processes behind, which the
            # next one must not meet under its own user.
            number = self._number if self._protections.namespaces else os.getpid()
            confine(limits, self._protections, number=number)
            die_with_parent()
            code = 0
            work(Channel(data))
        finally:
            os._exit(code)


def _keep_only(data: socket.socket) -> None:
    """Close every file but this one; input and output lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    most = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, data.fileno())
    os.closerange(data.fileno() + 1, most)


def _watch(child: int, control: socket.socket, limits: Limits, protections: Protections) -> str:
    """Wait for the end of the child, or bring it about; how it came."""
    ended = os.pidfd_open(child)
    try:
        why = _reason(ended, control, limits, protections)
    finally:
        os.close(ended)
        _end(child)
        _, status = os.waitpid(child, 0)
    return why or _how(status)


def _reason(ended: int, control: socket.socket, limits: Limits, protections: Protections) -> str:
    """Why the child is to be ended; "" when it has ended by itself."""
    use = Use(limits) if protections.namespaces else None
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(control, select.POLLIN | select.POLLHUP)
    while True:
        ready = {number for number, _ in poll.poll(LOOK_AGAIN)}
        if ended in ready:
            return ""
        if control.fileno() in ready:
            return "was ended"
        if use and (why := use.too_much()):
            return why


def _end(child: int) -> None:
    for signalled in (os.killpg, os.kill):
        try:
            signalled(child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was ended by signal {os.WTERMSIG(status)}"
    return f"ended its process with exit code {os.waitstatus_to_exitcode(status)}"


def _tell(control: socket.socket, why: str) -> None:
    try:
        Channel(control).send(why, seconds=1)
    except Exception:  # noqa: BLE001 - nobody may be listening any more
        pass


def _remove(scratch: str) -> None:
    import shutil

    shutil.rmtree(scratch, ignore_errors=True)
