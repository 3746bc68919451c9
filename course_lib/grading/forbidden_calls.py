"""Calls of the kernel that no learner's code needs, refused for good.

With them code could look into other processes, keep things in the kernel's key rings
for the next submission, hold memory that counts as nobody's, slow others down on their
cores, or reach parts of the kernel that have had many faults. A second line behind namespaces.

Manual pages: seccomp(2), bpf(4). Numbers: asm/unistd_64.h, asm-generic/unistd.h.
"""

from __future__ import annotations

import errno
import platform
import struct

from course_lib.grading.kernel_calls import has_filters, set_filter

__all__ = ["can_forbid", "forbid_calls"]

_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE_3 = 435  # keeps its flags where a filter cannot read them; libc then uses clone
_FORBIDDEN = {
    "x86_64": {
        "semget": 64,
        "msgget": 68,
        "ptrace": 101,
        "sched_setaffinity": 203,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "unshare": 272,
        "vmsplice": 278,
        "perf_event_open": 298,
        "setns": 308,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "kcmp": 312,
        "memfd_create": 319,
        "bpf": 321,
        "userfaultfd": 323,
    },
    "aarch64": {
        "vmsplice": 75,
        "unshare": 97,
        "ptrace": 117,
        "sched_setaffinity": 122,
        "msgget": 186,
        "semget": 190,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "perf_event_open": 241,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "kcmp": 272,
        "memfd_create": 279,
        "bpf": 280,
        "userfaultfd": 282,
    },
}
_EVERYWHERE = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}
_EVERYWHERE |= {"pidfd_getfd": 438, "memfd_secret": 447}

_SET_OPTION = {"x86_64": 54, "aarch64": 208}
_OF_THE_SOCKET = 1
_SIZES = {"SO_SNDBUF": 7, "SO_RCVBUF": 8}
"""What a socket holds counts as no process's: nobody makes that more."""

_NEW_NAMESPACES = 0x7E02_0000
"""Flags of clone: every kind of namespace that it can make."""

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _MACHINE, _ARGUMENT = 0, 4, (16, 24, 32)  # places in what the filter is given
_OTHER_TABLE = 0x4000_0000  # x86_64 has a second one, from here on
_ALLOW, _FAIL_WITH = 0x7FFF_0000, 0x0005_0000


def can_forbid() -> bool:
    """Whether the kernel has such filters, and the numbers of its calls are known here."""
    return bool(_PROGRAM) and has_filters()


def forbid_calls() -> None:
    """Let the forbidden ones fail from here on, in this process and all that it starts.

    Raises:
        OSError: the kernel has no such filters.
    """
    set_filter(_PROGRAM)


def _program(machine: str) -> bytes:
    """The filter, each step 8 bytes; b"" for a machine whose numbers are not known here."""
    if machine not in _FORBIDDEN:
        return b""
    refuse, unknown = _FAIL_WITH | errno.EPERM, _FAIL_WITH | errno.ENOSYS
    steps = [
        _step(_LOAD, _MACHINE),
        _step(_EQUAL, _ARCHITECTURE[machine], yes=1),
        _step(_RETURN, refuse),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _OTHER_TABLE, no=1),
        _step(_RETURN, refuse),
        _step(_EQUAL, _CLONE_3, no=1),
        _step(_RETURN, unknown),
    ]
    for number in (_FORBIDDEN[machine] | _EVERYWHERE).values():
        steps += [_step(_EQUAL, number, no=1), _step(_RETURN, refuse)]
    steps += [
        _step(_EQUAL, _SET_OPTION[machine], no=7),
        _step(_LOAD, _ARGUMENT[1]),
        _step(_EQUAL, _OF_THE_SOCKET, no=3),
        _step(_LOAD, _ARGUMENT[2]),
        _step(_EQUAL, _SIZES["SO_SNDBUF"], yes=2),
        _step(_EQUAL, _SIZES["SO_RCVBUF"], yes=1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, refuse),
        _step(_EQUAL, _CLONE[machine], no=3),
        _step(_LOAD, _ARGUMENT[0]),
        _step(_ANY_BIT, _NEW_NAMESPACES, no=1),
        _step(_RETURN, refuse),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """`yes` and `no`: how many steps are left out where the comparison holds or does not."""
    return struct.pack("HBBI", code, yes, no, value)


_PROGRAM = _program(platform.machine())
"""Made once, before any child."""
