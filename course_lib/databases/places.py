"""A fixed number of places, and a fair queue for them: the half of a pool that waits.

A place is free, idle with something in it, or taken. Who takes a place gets what is
in it, or None: an empty place to fill. It knows nothing of connections.

The rule: a place that becomes free is handed to the longest waiter directly. It is
never free in between, so no newcomer overtakes and no place gets lost.

Source: Andrew Birrell, "An Introduction to Programming with Threads" (1989).
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from course_lib.clock import Clock

__all__ = ["Places", "PlacesClosed"]

T = TypeVar("T")


class PlacesClosed(Exception):
    """No place is given away any more."""


class _Waiter(Generic[T]):
    """One taker in the queue; `content` is what the place holds once `admitted` is true."""

    def __init__(self) -> None:
        self.admitted = False
        self.content: T | None = None
        self.bell = _Bell()


class _Bell:
    """Wakes one thread. Unlike `Event.set`, `ring` may be called by a finaliser.

    A finaliser runs in the middle of anything, so also while its own thread holds the
    lock inside an Event; it would wait for ever. `SimpleQueue.put` promises to allow it.
    """

    def __init__(self) -> None:
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()

    def ring(self) -> None:
        self._rings.put(None)

    def wait(self, seconds: float) -> None:
        try:
            self._rings.get(timeout=min(seconds, threading.TIMEOUT_MAX))
        except queue.Empty:
            pass


class Places(Generic[T]):
    """`size` places, first come first served. Thread-safe.

    A waiter sleeps for the seconds it has left and then asks the clock again. So a
    clock that stands still makes it wait on.
    """

    def __init__(self, size: int, *, clock: Clock) -> None:
        self.size = size
        self._clock = clock
        self._lock = threading.Lock()
        self._used = 0
        self._idle: list[T] = []  # the last one in is the first one out: it is warm
        self._waiting: deque[_Waiter[T]] = deque()
        self._abandoned: deque[None] = deque()
        self._closed = False
        self._emptied = _Bell()

    @property
    def used(self) -> int:
        """Places that are idle or taken."""
        return self._used

    @property
    def idle(self) -> int:
        """Places with something in them that nobody uses."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """Takers in the queue."""
        return len(self._waiting)

    def take(self, timeout: float) -> T | None:
        """What is in the place, or None: an empty one, to be filled.

        Args:
            timeout: seconds to wait.

        Raises:
            TimeoutError: no place became free in time.
            PlacesClosed: `close` was called.
        """
        deadline = self._clock.monotonic() + timeout
        waiter = _Waiter[T]()
        with self._locked():
            if self._closed:
                raise PlacesClosed
            if self._idle:
                return self._idle.pop()
            if self._used < self.size:
                self._used += 1
                return None
            self._waiting.append(waiter)
        try:
            self._wait(waiter, deadline)
        except BaseException:
            self._stop_waiting(waiter)
            raise
        return waiter.content

    def put_back(self, content: T | None) -> None:
        """Give a taken place on, with its content, or empty."""
        with self._locked():
            self._pass_on(content)

    def abandon(self) -> None:
        """The same as `put_back(None)`, for a finaliser: it never waits for the lock.

        If the lock is taken, whoever holds it does the work on letting go.
        """
        self._abandoned.append(None)
        self._settle()

    def close(self) -> None:
        """Give away no more places, and turn all waiters away."""
        with self._locked():
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
            for waiter in waiting:
                waiter.bell.ring()

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._closed

    def clear(self) -> list[T]:
        """The contents of all idle places, which are now the caller's to take apart.

        The places count as taken until each is put back empty.
        """
        with self._locked():
            idle, self._idle = self._idle, []
            return idle

    def wait_until_unused(self, timeout: float) -> bool:
        """After `close`: True when no place is used any more, False if not in time."""
        deadline = self._clock.monotonic() + timeout
        while self._used:
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return False
            self._emptied.wait(left)
        self._emptied.ring()  # somebody else may wait for the same
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        finally:
            self._settle()

    def _settle(self) -> None:
        while self._abandoned and self._lock.acquire(blocking=False):
            try:
                while self._abandoned:
                    self._abandoned.popleft()
                    self._pass_on(None)
            finally:
                self._lock.release()

    def _pass_on(self, content: T | None) -> None:
        if self._waiting:
            waiter = self._waiting.popleft()
            waiter.content, waiter.admitted = content, True
            waiter.bell.ring()
        elif content is not None:
            self._idle.append(content)
        else:
            self._used -= 1
            if self._closed and self._used == 0:
                self._emptied.ring()

    def _wait(self, waiter: _Waiter[T], deadline: float) -> None:
        while not waiter.admitted:
            if self._closed:
                raise PlacesClosed
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise TimeoutError
            waiter.bell.wait(left)

    def _stop_waiting(self, waiter: _Waiter[T]) -> None:
        """Leave the queue; a place that was handed over in the meantime goes on."""
        with self._locked():
            if waiter.admitted:
                self._pass_on(waiter.content)
            elif waiter in self._waiting:  # `close` has emptied the queue
                self._waiting.remove(waiter)
