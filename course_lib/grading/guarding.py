"""The guard of one child: starts it, watches its memory, ends it and all that it began.

The guard runs no learner's code. Where there are namespaces the child is the first
process of its own process table: when it ends, the kernel ends all the others.
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
from course_lib.grading.kernel_calls import NEW_PROCESSES, unshare
from course_lib.grading.protections import Limits, Protections

__all__ = ["guard"]

LOOK_AGAIN = 50
"""Milliseconds between two looks at the memory in use."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


def guard(
    work: Callable[[Channel], None],
    data: socket.socket,
    control: socket.socket,
    *,
    limits: Limits,
    protections: Protections,
) -> NoReturn:
    """Run `work` in a confined child until it ends or `control` is closed; then end, too.

    What came of the child is sent through `control`, for whoever still listens.
    """
    scratch = "" if protections.namespaces else tempfile.mkdtemp(prefix="break-it-first-")
    why = "could not be confined"
    try:
        if protections.namespaces:
            unshare(NEW_PROCESSES)  # of its children: this process stays where it is
        child = _start(work, data, limits, protections, scratch)
        data.close()
        why = _watch(child, control, limits, protections)
    finally:
        _tell(control, why)
        if scratch:
            _remove(scratch)
        os._exit(0)


def _start(
    work: Callable[[Channel], None],
    data: socket.socket,
    limits: Limits,
    protections: Protections,
    scratch: str,
) -> int:
    number = os.getpid()  # of the guard: unique outside the child's own process table
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        if scratch:
            os.chmod(scratch, 0o777)
            os.chdir(scratch)
        _keep_only(data)
        confine(limits, protections, number=number)
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
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(control, select.POLLIN | select.POLLHUP)
    why = ""
    while True:
        ready = {number for number, _ in poll.poll(LOOK_AGAIN)}
        if ended in ready:
            break
        if control.fileno() in ready:
            why = "was ended"
        elif protections.namespaces:
            why = _too_much(limits)
        if why:
            break
    _end(child)
    _, status = os.waitpid(child, 0)
    return why or _how(status)


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


def _too_much(limits: Limits) -> str:
    """Which limit the processes of the child are beyond, all together; or nothing."""
    memory = count = 0
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) not in (1, os.getpid()):
            try:
                with open(f"/proc/{name}/statm", "rb") as file:
                    _, resident, shared, *_ = map(int, file.read().split())
            except (OSError, ValueError):
                continue  # it has just ended
            count += 1
            memory += (resident - shared) * _PAGE  # without what is shared with files
    if memory > limits.memory:
        return f"used more than {limits.memory >> 20:,} MiB of memory"
    if count > limits.processes:
        return f"had more than {limits.processes} processes"
    return ""


def _tell(control: socket.socket, why: str) -> None:
    try:
        Channel(control).send(why, seconds=1)
    except Exception:  # noqa: BLE001 - nobody may be listening any more
        pass


def _remove(scratch: str) -> None:
    import shutil

    shutil.rmtree(scratch, ignore_errors=True)
