"""Cut this process off from everything beyond loopback, and write down who tried.

A lesson must work on a train. So while it is proved, a connection, a datagram
or a name lookup that would leave this machine raises an error, and is also
written to a log: a lesson that catches the error is still found out.

The rule is an audit hook (PEP 578), which no Python code can remove. It sees
what goes through Python's `socket` module, in this process, in forks of it
and in Python children (course_lib/proof/children). It does not see native
code that opens sockets itself, such as libpq, or programs in other languages.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import sys
from typing import Any

__all__ = ["ASK", "LOG", "BeyondLoopback", "cut", "cut_if_asked", "is_cut", "is_loopback"]

ASK = "COURSE_LOOPBACK_ONLY"
LOG = "COURSE_NETWORK_LOG"

_ADDRESSED = {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}
_LOOKED_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_INTERNET = {2, 10, 23, 30}  # AF_INET, and AF_INET6 on Linux, Windows, macOS
_cut = False


class BeyondLoopback(OSError):
    """The lesson reached for another machine; code sees it as being offline."""


def cut_if_asked() -> None:
    """Cut the network when the environment says so."""
    if os.environ.get(ASK) == "1":
        cut(log=os.environ.get(LOG, ""))


def cut(*, log: str = "") -> None:
    """Refuse every address beyond loopback, from now until this process ends.

    Args:
        log: file to which each attempt is added as one line; "" for none.
    """
    global _cut
    if _cut:
        return
    _cut = True
    own_name = _host_name()

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _ADDRESSED:
            _check_address(event, arguments, log)
        elif event in _LOOKED_UP:
            _check_name(event, arguments[0], own_name, log)

    sys.addaudithook(refuse)


def is_cut() -> bool:
    return _cut


def _host_name() -> str:
    import socket

    return socket.gethostname()


def _check_address(event: str, arguments: tuple[Any, ...], log: str) -> None:
    connection, address = arguments[0], arguments[1]
    if connection.family not in _INTERNET or not isinstance(address, tuple):
        return  # a Unix socket, or a datagram on a connected one
    if not is_loopback(address[0]):
        _fail(event, f"{address[0]}:{address[1]}", log)


def _check_name(event: str, host: Any, own_name: str, log: str) -> None:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    # Looking up a number asks nobody; http.server and smtplib look up this machine's own name.
    if host is None or host in ("", own_name) or _is_number(host) or is_loopback(host):
        return
    _fail(event, str(host), log)


def is_loopback(host: object) -> bool:
    """Whether `host`, a name or a number, is this machine and only this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost")
    (True, True, True)
    >>> is_loopback("0.0.0.0"), is_loopback(""), is_loopback("192.0.2.1")
    (False, False, False)
    """
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(str(host))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _fail(event: str, target: str, log: str) -> None:
    if log:
        line = f"{event.removeprefix('socket.')} {target}\n".encode()
        number = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(number, line)  # one write, so lines of several processes stay whole
        finally:
            os.close(number)
    raise BeyondLoopback(
        errno.ENETUNREACH,
        f"{event} to {target} was refused: a lesson works without a network; "
        f"use a server of course_lib.labs on 127.0.0.1.",
    )
