"""What the cut lets through and what it refuses, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.index import ROOT
from course_lib.proof.network import is_loopback

START = "from course_lib.proof.network import cut; cut(log=LOG); import socket, asyncio\n"

ALLOWED = {
    "a server and its client on loopback": """\
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
""",
    "localhost by name": 'socket.getaddrinfo("localhost", 80)',
    "a number, which nobody is asked about": 'socket.getaddrinfo("192.0.2.1", 80)',
    "this machine's own name": "socket.getfqdn()",
    "an event loop": "asyncio.run(asyncio.sleep(0))",
    "a socket without an address": "a, b = socket.socketpair(); a.send(b'1'); a.close(); b.close()",
}
REFUSED = {
    "a connection": 'socket.create_connection(("192.0.2.1", 80), timeout=1)',
    "a connection that returns a number": 'socket.socket().connect_ex(("192.0.2.1", 80))',
    "a connection over IPv6": 'socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80))',
    "a datagram": """\
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"1", ("192.0.2.1", 53))
""",
    "a lookup": 'socket.getaddrinfo("shop.example", 80)',
    "an old lookup": 'socket.gethostbyname("shop.example")',
    "a lookup as bytes": 'socket.getaddrinfo(b"shop.example", 80)',
    "a server for everybody": 'socket.socket().bind(("", 0))',
}


def run(code: str, log: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", START.replace("LOG", repr(str(log))) + code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_what_stays_on_this_machine_works(tmp_path: Path) -> None:
    log = tmp_path / "log"

    done = run("\n".join(ALLOWED.values()), log)

    assert done.returncode == 0, done.stderr
    assert not log.exists()


def test_what_would_leave_this_machine_is_refused_and_written_down(tmp_path: Path) -> None:
    log = tmp_path / "log"
    attempts = "\n".join(
        f"try:\n    {code.strip()}\nexcept OSError as error: print(type(error).__name__)"
        for code in REFUSED.values()
    )

    done = run(attempts, log)

    assert done.stdout.splitlines() == ["BeyondLoopback"] * len(REFUSED), done.stderr
    assert log.read_text().splitlines() == [
        "connect 192.0.2.1:80",
        "connect 192.0.2.1:80",
        "connect 2001:db8::1:80",
        "sendto 192.0.2.1:53",
        "getaddrinfo shop.example",
        "gethostbyname shop.example",
        "getaddrinfo shop.example",
        "bind :0",
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "::ffff:127.0.0.1"])
def test_this_machine_is_recognised(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.0.2.1", "localhost.example", None])
def test_everything_else_is_not_this_machine(host: str | None) -> None:
    assert not is_loopback(host)
