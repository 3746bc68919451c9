"""The files that learners' code can see: Python, the course's library, the exercises.

A list of what is shown, not of what is hidden: solutions, other right answers, the
repository's history, the seed and everybody's submissions are not in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from course_lib.grading.kernel_calls import bind, make_private, mount, pivot, read_only
from course_lib.grading.protections import FIRST_USER

__all__ = ["CLUSTER", "SCRATCH", "build_view"]

SCRATCH = "/scratch"
"""A folder of its own for each child, in memory. It is /tmp too, if nothing shown is in there."""

CLUSTER = "/cluster"
"""Where the empty database cluster is shown, if an exercise needs one."""

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_SETTINGS = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_EMPTY = (SCRATCH, CLUSTER, "/proc", "/dev/shm")


def build_view(staging: str, shown: Iterable[str]) -> None:
    """Make a new root of what learners may see, read-only, and move there.

    Args:
        staging: an empty folder, not below one that is shown.
        shown: absolute paths of folders.

    Raises:
        OSError: the kernel does not allow it.
    """
    make_private()
    mount("tmpfs", staging, "size=4m,mode=755")
    for path in _outermost([*_SYSTEM, *shown]):
        _show(path, staging)
    for path in (*_SETTINGS, *_DEVICES):
        _show(path, staging)
    for path in _EMPTY:
        os.makedirs(staging + path, exist_ok=True)
    if not os.path.exists(f"{staging}/tmp"):
        os.symlink(SCRATCH, f"{staging}/tmp")
    os.symlink("/proc/self/fd", f"{staging}/dev/fd")
    Path(f"{staging}/etc/hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")
    Path(f"{staging}/etc/passwd").write_text(_passwd(), encoding="utf-8")
    mount("proc", f"{staging}/proc")
    pivot(staging)
    read_only("/")


def _passwd() -> str:
    """Names for the grader and for who makes the cluster: its program asks for its name."""
    users = {"grader": os.geteuid(), "cluster": FIRST_USER}
    return "".join(f"{name}:x:{id}:{id}::{SCRATCH}:/bin/sh\n" for name, id in users.items())


def _outermost(paths: Iterable[str]) -> Iterator[str]:
    """Without those that lie below another one."""
    kept: list[Path] = []
    for path in sorted({Path(os.path.abspath(path)) for path in paths}):
        if not any(path.is_relative_to(above) for above in kept):
            kept.append(path)
            yield str(path)


def _show(path: str, staging: str) -> None:
    target = staging + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    elif os.path.exists(path):
        Path(target).touch()
    else:
        return
    bind(path, target)
