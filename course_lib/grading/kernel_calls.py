"""The few calls of Linux that Python 3.11 does not have. Every one raises OSError.

Manual pages: unshare(2), setns(2), mount(2), mount_setattr(2), pivot_root(2), capset(2), prctl(2).
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import struct
from typing import Any

__all__ = [
    "NEW_IPC",
    "NEW_MOUNTS",
    "NEW_NETWORK",
    "NEW_PROCESSES",
    "NEW_USER",
    "bind",
    "die_with_parent",
    "drop_capabilities",
    "enter",
    "has_filters",
    "hide_memory",
    "make_private",
    "mount",
    "no_new_privileges",
    "pivot",
    "raise_loopback",
    "read_only",
    "set_filter",
    "unshare",
]

NEW_MOUNTS = 0x00020000
NEW_IPC = 0x08000000
NEW_USER = 0x10000000
NEW_PROCESSES = 0x20000000
NEW_NETWORK = 0x40000000

_NOSUID, _NODEV, _BIND, _REC, _PRIVATE = 2, 4, 4096, 16384, 1 << 18
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR = 442
_RECURSIVE = 0x8000
_SET_INTERFACE_FLAGS = 0x8914
_PR_DEATH_SIGNAL, _PR_DUMPABLE, _PR_SET_SECCOMP, _PR_NO_NEW_PRIVILEGES = 1, 4, 22, 38
_FILTER = 2
_SIGKILL = 9


@functools.cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _done(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name for new ones."""
    _done(_libc().unshare(flags), "unshare")


def enter(namespace: int, kind: int) -> None:
    """Go to the namespace behind an open file, such as /proc/self/ns/pid.

    For NEW_PROCESSES this is where the next children begin.
    """
    _done(_libc().setns(namespace, kind), "setns")


def mount(kind: str, target: str, options: str = "") -> None:
    """Mount a new file system of this kind, such as tmpfs, on an existing folder."""
    done = _libc().mount(
        kind.encode(), target.encode(), kind.encode(), _NOSUID | _NODEV, options.encode()
    )
    _done(done, target)


def bind(source: str, target: str) -> None:
    """Show `source`, a file or a folder, at `target`, which is of the same kind."""
    done = _libc().mount(source.encode(), target.encode(), None, _BIND | _REC, None)
    _done(done, target)


def make_private() -> None:
    """What is mounted from here on shows nowhere else."""
    _done(_libc().mount(b"none", b"/", None, _REC | _PRIVATE, None), "/")


def read_only(target: str) -> None:
    """Let nobody write to what is mounted at `target` and below."""
    read_only_and_nosuid = (1 | 2).to_bytes(8, "little") + bytes(24)
    done = _libc().syscall(
        _MOUNT_SETATTR,
        -100,  # AT_FDCWD
        ctypes.c_char_p(target.encode()),
        _RECURSIVE,
        ctypes.c_char_p(read_only_and_nosuid),
        ctypes.c_size_t(32),
    )
    _done(done, target)


def pivot(new_root: str) -> None:
    """Make a mounted folder the root; nothing else can be reached afterwards."""
    number = _PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(f"pivot_root on {platform.machine()} is not known here")
    os.chdir(new_root)
    # pivot_root(".", ".") stacks the old root on the new one; then it is taken off.
    _done(_libc().syscall(number, ctypes.c_char_p(b"."), ctypes.c_char_p(b".")), new_root)
    _done(_libc().umount2(b".", _DETACH), "the old root")
    os.chdir("/")


def raise_loopback() -> None:
    """Let the network of this process reach itself, as 127.0.0.1; see netdevice(7)."""
    import fcntl
    import socket

    is_up = 1
    with socket.socket() as anything:
        request = b"lo".ljust(16, b"\0") + is_up.to_bytes(2, "little") + bytes(22)
        fcntl.ioctl(anything, _SET_INTERFACE_FLAGS, request)


def drop_capabilities() -> None:
    """Give up every right of an administrator."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    _done(_libc().capset(header, (ctypes.c_uint32 * 6)()), "capset")


def no_new_privileges() -> None:
    """No program started from here on gets more rights than this process has."""
    _done(_libc().prctl(_PR_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")


def has_filters() -> bool:
    """Whether `set_filter` works: without a program, a kernel that has it names a bad address."""
    _libc().prctl(_PR_SET_SECCOMP, _FILTER, None, 0, 0)
    return ctypes.get_errno() == errno.EFAULT


def set_filter(program: bytes) -> None:
    """Let the kernel ask this program, in the form of seccomp(2), about every later call."""
    place = ctypes.cast(ctypes.c_char_p(program), ctypes.c_void_p)
    filter = ctypes.c_char_p(struct.pack("HxxxxxxP", len(program) // 8, place.value))
    _done(_libc().prctl(_PR_SET_SECCOMP, _FILTER, filter, 0, 0), "seccomp")


def die_with_parent() -> None:
    _done(_libc().prctl(_PR_DEATH_SIGNAL, _SIGKILL, 0, 0, 0), "prctl")


def hide_memory() -> None:
    """Let no other process of this user read this one's memory, environment or files."""
    _done(_libc().prctl(_PR_DUMPABLE, 0, 0, 0, 0), "prctl")
