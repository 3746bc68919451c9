"""The warm process: libraries and scenarios loaded, never an expected value or a seed.

Started anew as `python -m course_lib.grading.warm FD`, it moves itself into its own
files, process table and network (one without any connection, loopback included:
nothing of an exercise that can be graded so far listens). Then it makes and guards a
child for each request, one after the other, and dies with whoever started it.
"""

from __future__ import annotations

import functools
import gc
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

from course_lib import practice
from course_lib.grading import databases, telling
from course_lib.grading.channel import Channel, Closed
from course_lib.grading.forbidden_calls import can_forbid
from course_lib.grading.given_cells import Given, read_exercise
from course_lib.grading.guarding import Guard
from course_lib.grading.kernel_calls import (
    NEW_IPC,
    NEW_MOUNTS,
    NEW_NETWORK,
    NEW_PROCESSES,
    NEW_USER,
    die_with_parent,
    unshare,
)
from course_lib.grading.protections import Protections
from course_lib.grading.view import build_view
from course_lib.practice.feedback import Report
from course_lib.practice.scenarios import Checks

__all__ = ["main"]

_NAMESPACES = NEW_MOUNTS | NEW_PROCESSES | NEW_NETWORK | NEW_IPC


def main() -> None:
    """Move, say which protections there are, and serve until the starter has gone."""
    start = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(start.fileno(), False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the starter's
    die_with_parent()
    number = os.getpid()  # outside its own process table no other process has it
    channel = Channel(start)
    settings: Any = channel.receive()
    is_root = os.geteuid() == 0
    if settings["namespaces"] and _new_namespaces(is_root=is_root):
        _become_first(start)
        build_view(settings["staging"], settings["shown"])
        _serve(start, Protections(namespaces=True, user=is_root, filter=can_forbid()), number)
    user = is_root and _others_can_read()
    _serve(start, Protections(namespaces=False, user=user, filter=can_forbid()), number)


def _new_namespaces(*, is_root: bool) -> bool:
    """Whether the kernel gave them. An ordinary user is first made a root of nothing else."""
    user, group = os.geteuid(), os.getegid()
    try:
        unshare(_NAMESPACES if is_root else _NAMESPACES | NEW_USER)
        if not is_root:
            Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    except OSError:
        return False
    return True


def _become_first(start: socket.socket) -> None:
    """Go on as the first process of the new process table."""
    child = os.fork()
    if child:
        start.close()
        os.waitpid(child, 0)
        os._exit(0)
    die_with_parent()


def _others_can_read() -> bool:
    """Whether another user could still import modules: homes are often closed to others."""
    paths = {Path(os.__file__), Path(practice.__file__), Path(sys.prefix)}
    above = {folder for path in paths for folder in (path, *path.resolve().parents)}
    return all(path.stat().st_mode & 0o005 for path in above)


def _serve(start: socket.socket, protections: Protections, number: int) -> NoReturn:
    for name in ("check", "hint", "reset", "solution"):  # cells call them
        setattr(practice, name, _say_nothing)
    guard = Guard(protections, number=number)
    Channel(start).send(vars(protections))
    while True:
        request, ends = _request(start)
        data, control = (socket.socket(fileno=end) for end in ends)
        checks, given = _exercise(request)
        databases.prepare(checks, protections)
        gc.freeze()  # children need not copy what nobody throws away
        work = functools.partial(telling.serve, checks=checks, given=given)
        guard.run(work, data, control, limits=databases.limits_of(checks))


def _request(start: socket.socket) -> tuple[str, list[int]]:
    """The path of the checks, and two ends of sockets; the end of all if there is none."""
    try:
        message, ends, _, _ = socket.recv_fds(start, 4096, 2)
    except OSError:
        message, ends = b"", []
    if not message or len(ends) != 2:
        os._exit(0)
    return message.decode("utf-8"), ends


@functools.cache
def _exercise(path: str) -> tuple[Checks, Given]:
    """The checks at `path`, and what is given beside them; "\\0" for neither."""
    if path == "\0":
        return Checks((), (), ()), Given()
    return read_exercise(Path(path))


def _say_nothing(*_ignored: object, **_named: object) -> Report:
    return Report("Nothing is checked while it is being marked.")


if __name__ == "__main__":
    try:
        main()
    except Closed:
        pass
