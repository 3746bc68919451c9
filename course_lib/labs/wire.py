"""The last metre before the client: where an answer is cut or lied about.

An ASGI app cannot send a wrong Content-Length or stop in the middle of a byte
stream: the server (h11) rightly refuses. So these two faults are put between
the server and the client's socket. `FaultyProtocol` is uvicorn's own HTTP
protocol, only with a `Wire` in place of the socket's transport.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from course_lib.labs.faulty_app import WIRE

__all__ = ["FaultyProtocol", "Wire"]


class Wire:
    """A transport that can damage one answer. Used inside the server's loop only."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._bytes_left: int | None = None
        self._delta = 0

    def cut_after(self, count: int) -> None:
        """Let `count` more bytes through, then close."""
        self._bytes_left = count

    def shift_length(self, delta: int) -> None:
        """Change the number in the next Content-Length by `delta`, not below 0."""
        self._delta = delta

    def answer_is_over(self) -> None:
        """Be harmless again: an answer shorter than the cut arrives whole."""
        if self._delta > 0:
            self._transport.close()  # here the client waits for the bytes that were promised
        self._bytes_left, self._delta = None, 0

    def write(self, data: bytes) -> None:
        if self._delta and b"content-length" in data.lower():
            data = self._with_shifted_length(data)
        if self._bytes_left is not None:
            data = data[: self._bytes_left]
            self._bytes_left -= len(data)
        if data and not self._transport.is_closing():
            self._transport.write(data)
        if self._bytes_left == 0:
            self._transport.close()

    def _with_shifted_length(self, head: bytes) -> bytes:
        def shifted(match: re.Match[bytes]) -> bytes:
            return match[1] + b"%d" % max(0, int(match[2]) + self._delta)

        return re.sub(rb"(?i)(\r\ncontent-length: *)(\d+)", shifted, head, count=1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class FaultyProtocol(H11Protocol):  # type: ignore[misc]  # mypy does not read uvicorn here
    """uvicorn's HTTP/1.1, with a `Wire` for each connection, shown to the app."""

    app: Any

    def connection_made(self, transport: asyncio.Transport) -> None:
        wire = Wire(transport)
        app = self.app

        async def app_on_this_wire(scope: Any, receive: Any, send: Any) -> None:
            extensions = {**scope.get("extensions", {}), WIRE: wire}
            await app({**scope, "extensions": extensions}, receive, send)

        self.app = app_on_this_wire
        super().connection_made(wire)
