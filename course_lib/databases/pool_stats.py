"""What a pool counts, so that its size need not be guessed.

Little's law: requests that arrive X times a second and hold a connection for W seconds
keep X * W connections busy on average. Source: John Little, "A Proof for the Queuing
Formula L = λW" (1961).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

__all__ = ["Stats", "Tally"]


@dataclass(frozen=True)
class Stats:
    """The first five are of now, the others since the start.

    `held_seconds / returned` is the mean time W that a connection is out.
    """

    max_size: int = 0
    live: int = 0  # idle, lent or being opened
    idle: int = 0
    lent: int = 0
    waiting: int = 0
    opened: int = 0
    borrowed: int = 0
    returned: int = 0
    discarded: int = 0  # broken, too old, unfit on return, or closed with the pool
    lost: int = 0  # collected as garbage without being given back
    timeouts: int = 0
    waited_seconds: float = 0.0
    held_seconds: float = 0.0


class Tally:
    """Adds up. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals = Stats()
        self._lost: list[None] = []

    def add(self, **more: float) -> None:
        """Add to the totals of these names."""
        with self._lock:
            new = {name: getattr(self._totals, name) + value for name, value in more.items()}
            self._totals = replace(self._totals, **new)

    def add_lost(self) -> None:
        """One more lost. For a finaliser: it must not wait for a lock."""
        self._lost.append(None)

    def stats(self, **now: int) -> Stats:
        """The totals, with what is true now."""
        return replace(self._totals, lost=len(self._lost), **now)
