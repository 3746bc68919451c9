"""What a child and all that it began use together, also where no process shows it.

Read from /proc of the guard's process table, in which they are the only others.
Fields and files: proc(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from course_lib.grading.protections import Limits

__all__ = ["Use"]

CLOSER_LOOK = 10
"""One look in so many is at everything, whatever the machine as a whole seems to use."""

_IN_USE = (b"RssAnon:", b"RssShmem:")
_OWN = (b"Pss_Anon:",)
_SHARED = (b"Pss_Shmem:",)
"""Fields of which each page counts once. What is shared with files on a disk does not count."""

_IN_A_SOCKET = 2**18
"""Bytes that one may hold unread, which are no process's own."""

_UNKNOWN = 2**62
"""Bytes, where nobody can say: of a process that goes on without its first thread."""

_NAMELESS = "/dev/zero (deleted)"
"""How shared memory is called that no file stands for."""


class Use:
    """Of the processes of one child, from now on."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._least = _shared_by_all()
        self._looks = 0

    def too_much(self) -> str:
        """Which limit they are beyond, all together; or nothing."""
        limits, names = self._limits, _others()
        used = [_used(name, "status", _IN_USE) for name in names]
        there = [each for each in used if each is not None]  # the rest have just ended
        sockets = _in_sockets(names)
        shared = _shared_by_all()
        self._least = min(self._least, shared)
        most = sum(there) + sockets + shared - self._least
        self._looks += 1  # others may give back as much as these have taken
        closer = most > limits.memory or self._looks % CLOSER_LOOK == 0
        if closer and _counted_once() + sockets > limits.memory:
            return f"used more than {limits.memory >> 20:,} MiB of memory"
        if len(there) > limits.processes:
            return f"had more than {limits.processes} processes"
        return ""


def _others() -> list[str]:
    """Numbers of all processes but this one."""
    return [name for name in os.listdir("/proc") if name.isdecimal() and int(name) != os.getpid()]


def _counted_once() -> int:
    """Bytes in use, where a page that several processes share counts once. Takes longer."""
    names = _others()
    own = sum(_used(name, "smaps_rollup", _OWN) or 0 for name in names)
    shared = sum(_used(name, "smaps_rollup", _SHARED) or 0 for name in names)
    return own + max(shared, _nameless(names))


def _used(process: str, file: str, fields: tuple[bytes, ...]) -> int | None:
    """Bytes in these fields together; None if the process has ended."""
    found = _fields(f"/proc/{process}/{file}", fields)
    if not found:  # its first thread has ended, but others may go on
        for thread in _listed(f"/proc/{process}/task"):
            found = _fields(f"/proc/{process}/task/{thread}/{file}", fields) or found
    return None if found is None else sum(found)


def _fields(path: str, fields: tuple[bytes, ...]) -> list[int] | None:
    try:
        with open(path, "rb") as opened:
            lines = [line.split() for line in opened if line.startswith(fields)]
        return [int(line[1]) << 10 for line in lines]
    except (OSError, ValueError, IndexError):
        return None


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _shared_by_all() -> int:
    """Bytes of all shared memory of this machine: a hint that there may be more of theirs."""
    return sum(_fields("/proc/meminfo", (b"Shmem:",)) or ())


def _nameless(names: Iterable[str]) -> int:
    """Bytes of shared memory without a file, also of pages that are mapped nowhere now."""
    sizes: dict[str, int] = {}
    for name in names:
        for thread in _listed(f"/proc/{name}/task"):
            if found := _mapped(name, thread):
                sizes |= found
                break
    return sum(sizes.values())


def _mapped(process: str, thread: str) -> dict[str, int]:
    """For each piece of such memory that this thread sees, by its number, its bytes."""
    found = {}
    try:
        maps = f"/proc/{process}/task/{thread}/maps"
        with open(maps, encoding="utf-8", errors="replace") as opened:
            lines = [line.split(maxsplit=5) for line in opened if _NAMELESS in line]
    except OSError:
        return {}
    for place, rights, start, _device, number, *_name in lines:
        if rights.endswith("s") and number not in found:
            found[number] = _bytes_of(process, place, int(start, 16))
    return found


def _bytes_of(process: str, place: str, start: int) -> int:
    """What is in use of it; as much as seems likely, where only an administrator may ask."""
    try:
        return os.stat(f"/proc/{process}/map_files/{place}").st_blocks * 512
    except OSError:
        if _fields(f"/proc/{process}/status", _IN_USE) == []:
            return _UNKNOWN
        low, high = (int(number, 16) for number in place.split("-"))
        return start + high - low


def _in_sockets(names: Iterable[str]) -> int:
    """Bytes that all sockets of their network may hold together."""
    for name in names:
        try:
            with open(f"/proc/{name}/net/sockstat", "rb") as opened:
                return int(opened.readline().split()[-1]) * _IN_A_SOCKET
        except (OSError, ValueError, IndexError):
            continue  # it has just ended
    return 0
