"""Run a command as a container does: an ordinary user, a read-only file system, no network.

    python as_in_a_container.py CLASS NAMESPACES COMMAND ...

CLASS is then /mnt, read-only; /tmp and /dev/shm are empty. NAMESPACES is "allowed", or "refused"
as most hosts of containers do. Exit code 77: this machine allows no such thing.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from course_lib.grading import kernel_calls as kernel

USER = 10001
NOT_HERE = 77


def main(folder: str, namespaces: str, *command: str) -> int:
    try:
        enter(nested=namespaces == "allowed")
    except OSError as error:
        print(error, file=sys.stderr)
        return NOT_HERE
    child = os.fork()
    if not child:
        become(folder, command)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def become(folder: str, command: Sequence[str]) -> NoReturn:
    """The command, in the closed box."""
    try:
        close(folder)
    except OSError as error:
        print(error, file=sys.stderr)
        os._exit(NOT_HERE)
    os.environ.update(HOME="/tmp", TMPDIR="/tmp", COURSE_HOME="/tmp/course")
    os.execvp(command[0], command)


def enter(*, nested: bool) -> None:
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(
        kernel.NEW_USER
        | kernel.NEW_MOUNTS
        | kernel.NEW_NETWORK
        | kernel.NEW_IPC
        | kernel.NEW_PROCESSES
    )
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{USER} {user} 1")
    write("/proc/self/gid_map", f"{USER} {group} 1")
    if not nested:
        write("/proc/sys/user/max_user_namespaces", "0")


def close(folder: str) -> None:
    kernel.make_private()
    kernel.read_only("/")
    kernel.mount("proc", "/proc")
    kernel.bind(folder, "/mnt")
    for place in ("/tmp", "/dev/shm"):
        kernel.mount("tmpfs", place, "size=256m,mode=777")
    os.chdir("/")


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
