"""Messages between two processes that need not trust each other: a length, then bytes."""

from __future__ import annotations

import socket
import time

from course_lib.grading.encoding import MOST_BYTES, decode, encode

__all__ = ["Channel", "Closed", "TooLate"]

_LENGTH = 4


class Closed(Exception):
    """The other side has ended, or sends what is no message."""


class TooLate(Exception):
    """No whole message came in time."""


class Channel:
    """One end of a pair of sockets. Every message is one encoded value."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, value: object, *, seconds: float | None = None) -> None:
        """Send a plain value.

        Raises:
            Closed: nobody reads it.
            TooLate: nobody reads it in time.
        """
        data = encode(value)
        self._end.settimeout(seconds)
        try:
            self._end.sendall(len(data).to_bytes(_LENGTH, "big") + data)
        except TimeoutError as error:
            raise TooLate from error
        except OSError as error:
            raise Closed from error

    def receive(self, *, seconds: float | None = None, most: int = MOST_BYTES) -> object:
        """The next message.

        Args:
            seconds: for the whole message, however slowly it trickles in.

        Raises:
            Closed, TooLate: as their names say.
            Malformed: the bytes are no encoded value.
        """
        end = None if seconds is None else time.monotonic() + seconds
        length = int.from_bytes(self._read(_LENGTH, end), "big")
        if length > most:
            raise Closed
        return decode(self._read(length, end), most=most)

    def _read(self, count: int, end: float | None) -> bytes:
        found = bytearray()
        while len(found) < count:
            self._end.settimeout(None if end is None else max(end - time.monotonic(), 0.001))
            try:
                part = self._end.recv(min(count - len(found), 65_536))
            except TimeoutError as error:
                raise TooLate from error
            except OSError as error:
                raise Closed from error
            if not part:
                raise Closed
            if end is not None and time.monotonic() > end:
                raise TooLate
            found += part
        return bytes(found)

    def close(self) -> None:
        self._end.close()
