"""A bad network on this machine: a proxy that delays, throttles, cuts and loses.

It sits between a client and any TCP server and copies bytes, so it works for
HTTP, PostgreSQL or a protocol of your own. The settings may change while
connections are open. It connects to this machine only.

What it leaves out: packets. TCP hides loss and reordering from both ends, so
what programs really meet is what is here: slow, silent, reset.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import math
import socket
import struct
import sys
from urllib.parse import urlsplit

from course_lib.labs.loop_thread import LoopThread, settle

__all__ = ["TcpProxy", "tcp_proxy"]

_CHUNK = 64 * 1024  # bytes read at once
_UNDER_WAY = 64  # chunks that may be delayed at once, each way; more wait with the sender
_SLICE = 0.05  # seconds; a throttled stream moves in slices this long

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TcpProxy:
    """A running proxy. Use it in a `with` block, or call `stop`.

    Attributes:
        port, url: where clients connect instead of to the target.
        accepted: connections so far.
        bytes_up, bytes_down: bytes handed on to the target, and back to clients.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._delay = 0.0
        self._rate: float | None = None
        self._losing = False
        self._cut_at: int | None = None
        self._links: dict[asyncio.Task[None], _Link] = {}
        self.accepted = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = LoopThread(f"labs-proxy-{self.port}")
        self._server = self._thread.call(self._listen())
        self._stopped = False

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, sock=self._socket)

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._links)

    @property
    def delay(self) -> float:
        """Seconds added in each direction; bytes under way keep the delay they began with."""
        return self._delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        if not 0 <= seconds < math.inf:
            raise ValueError(f"a delay is 0 s or more and finite, not {seconds}")
        self._delay = seconds

    def throttle(self, bytes_per_second: float | None) -> None:
        """Limit each direction of each connection; None is no limit."""
        if bytes_per_second is not None and not 0 < bytes_per_second < math.inf:
            raise ValueError(f"throttle() takes a rate above 0 or None, not {bytes_per_second}")
        self._rate = bytes_per_second

    def half_open(self) -> None:
        """From now on every byte vanishes, and so does the news that a side has closed."""
        self._losing = True

    def cut(self, *, after_bytes: int | None = None) -> None:
        """Reset all connections now, or the one that brings the client its Nth byte from here.

        The cut is abrupt (RST), as when a machine loses power. It happens once;
        new connections pass.
        """
        if after_bytes is None:
            self._thread.call(self._cut(list(self._links)))
        elif after_bytes < 0:
            raise ValueError(f"cut() takes 0 bytes or more, not {after_bytes}")
        else:
            self._cut_at = self.bytes_down + after_bytes

    def heal(self) -> None:
        """Be a good network again.

        Connections that lost bytes are reset: TCP never delivers a stream with
        a hole in it, so they cannot be mended.
        """
        self._delay, self._rate, self._losing, self._cut_at = 0.0, None, False, None
        torn = [task for task, link in list(self._links.items()) if link.lost_bytes]
        self._thread.call(self._cut(torn))

    def stop(self) -> None:
        """Reset what is open, close the port, end the thread. May be called twice."""
        if not self._stopped:
            self._stopped = True
            self._thread.call(self._close())
            self._thread.stop()

    async def _close(self) -> None:
        await settle()
        self._server.close()
        await self._cut(list(self._links))

    async def _cut(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = _Link(self, (reader, writer))
        task = asyncio.current_task()
        assert task is not None  # this is a coroutine of a task by definition
        self._links[task] = link
        try:
            await link.carry(*self._target)
        finally:
            del self._links[task]

    def __enter__(self) -> TcpProxy:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return (
            f"TcpProxy({self.connections} open, {self.bytes_up} bytes up, "
            f"{self.bytes_down} bytes down)"
        )


class _Link:
    """One client's connection and its twin to the target."""

    def __init__(self, proxy: TcpProxy, client: _Streams) -> None:
        self._proxy = proxy
        self._client = client
        self.lost_bytes = False

    async def carry(self, host: str, port: int) -> None:
        """Copy both ways until both sides have closed, or reset both."""
        writers = [self._client[1]]
        try:
            target = await asyncio.open_connection(host, port)
            writers.append(target[1])
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(self._client[0], target[1], up=True))
                group.create_task(self._copy(target[0], self._client[1], up=False))
            for writer in writers:
                writer.close()
                await writer.wait_closed()
        except (asyncio.CancelledError, OSError, ExceptionGroup):
            # Cancelled by a cut, or one side reset: the other must notice as abruptly.
            for writer in writers:
                _reset(writer)

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_UNDER_WAY)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive(reader, under_way))
            group.create_task(self._deliver(under_way, writer, up=up))

    async def _receive(
        self, reader: asyncio.StreamReader, under_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        """Stamp each chunk with the moment it is due; an empty one is the end."""
        now = asyncio.get_running_loop().time
        data = b"?"
        while data:
            data = await reader.read(_CHUNK)
            await under_way.put((now() + self._proxy._delay, data))

    async def _deliver(
        self,
        under_way: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
        *,
        up: bool,
    ) -> None:
        now = asyncio.get_running_loop().time
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0.0, due - now()))
            if self._proxy._losing:
                self.lost_bytes = True
            elif data:
                await self._write(data, writer, up=up)
            else:
                writer.write_eof()
                return

    async def _write(self, data: bytes, writer: asyncio.StreamWriter, *, up: bool) -> None:
        while data and not self._proxy._losing:
            rate = self._proxy._rate
            size = len(data) if rate is None else max(1, int(rate * _SLICE))
            piece, data = data[:size], data[size:]
            if up:
                self._proxy.bytes_up += len(piece)
            else:
                piece = self._up_to_the_cut(piece)
                self._proxy.bytes_down += len(piece)
            writer.write(piece)
            await writer.drain()
            self._cut_here_if_due()
            if rate is not None:
                await asyncio.sleep(len(piece) / rate)
        self.lost_bytes |= bool(data)

    def _up_to_the_cut(self, piece: bytes) -> bytes:
        limit = self._proxy._cut_at
        return piece if limit is None else piece[: limit - self._proxy.bytes_down]

    def _cut_here_if_due(self) -> None:
        if self._proxy.bytes_down == self._proxy._cut_at:
            self._proxy._cut_at = None
            raise ConnectionResetError


def tcp_proxy(target: int | str) -> TcpProxy:
    """A running `TcpProxy` in front of `target`.

    Args:
        target: a port, `"127.0.0.1:5432"`, or the `url` of a lab server.

    Raises:
        ValueError: the target is not on this machine, or names no port.
    """
    parts = urlsplit(f"//127.0.0.1:{target}" if isinstance(target, int) else _with_slashes(target))
    host, port = parts.hostname or "", parts.port
    if not _is_this_machine(host):
        raise ValueError(f"tcp_proxy() connects to this machine only: use 127.0.0.1, not {host!r}")
    if not port:
        raise ValueError(f"tcp_proxy() needs a port, such as '127.0.0.1:5432', not {target!r}")
    return TcpProxy(host, port)


def _with_slashes(target: str) -> str:
    return target if "//" in target else f"//{target}"


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side sees a reset (RST) and not an orderly end."""
    layout = "hh" if sys.platform == "win32" else "ii"
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it is closed already: the other side was faster
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))
    writer.transport.abort()
