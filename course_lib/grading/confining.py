"""What a child does to itself before it runs a learner's code. Nothing here can be undone."""

from __future__ import annotations

import contextlib
import os
import resource

from course_lib.grading.forbidden_calls import forbid_calls
from course_lib.grading.kernel_calls import (
    NEW_IPC,
    NEW_MOUNTS,
    NEW_NETWORK,
    drop_capabilities,
    mount,
    no_new_privileges,
    raise_loopback,
    unshare,
)
from course_lib.grading.protections import FIRST_USER, Limits, Protections
from course_lib.grading.view import SCRATCH

__all__ = ["confine"]


def confine(limits: Limits, protections: Protections, *, number: int) -> None:
    """Give this process what `protections` promise.

    Args:
        number: of the child; no two that run at the same time have the same.

    Raises:
        OSError: the kernel refused one of them.
    """
    os.setsid()
    os.umask(0o077)
    user = FIRST_USER + number
    if protections.namespaces:
        _own_scratch(limits, user if protections.user else os.geteuid())
    if protections.user:
        os.setgroups([])
        os.setresgid(user, user, user)
    _limit(limits)
    if protections.user:
        os.setresuid(user, user, user)
    no_new_privileges()
    if protections.filter:
        forbid_calls()
    if protections.namespaces:
        drop_capabilities()
        os.chdir(SCRATCH)


def _own_scratch(limits: Limits, owner: int) -> None:
    """Empty folders that end with this child, and a /proc with its own processes only."""
    unshare(NEW_MOUNTS | NEW_IPC)
    if limits.loopback:
        unshare(NEW_NETWORK)
        raise_loopback()
    options = f"size={limits.scratch},nr_inodes={limits.files},mode=700,uid={owner}"
    mount("tmpfs", SCRATCH, options)
    mount("tmpfs", "/dev/shm", options)
    mount("proc", "/proc")
    with contextlib.suppress(OSError):  # before Linux 5.19 an ordinary user may not
        pages = limits.scratch // os.sysconf("SC_PAGE_SIZE")
        setting = os.open("/proc/sys/kernel/shmall", os.O_WRONLY)
        os.write(setting, b"%d" % pages)
        os.close(setting)


def _limit(limits: Limits) -> None:
    for what, most in (
        (resource.RLIMIT_AS, limits.address_space),
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_NPROC, limits.threads),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))
