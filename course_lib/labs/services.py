"""Which processes are services of a lab, meant to live as long as the kernel.

The leak check asks here, so that it can exempt exactly those.
"""

from __future__ import annotations

__all__ = ["forget", "pids", "register"]

_pids: set[int] = set()


def register(pid: int) -> None:
    """Count `pid` and all its children as a service."""
    _pids.add(pid)


def forget(pid: int) -> None:
    _pids.discard(pid)


def pids() -> frozenset[int]:
    """The services of this process that were started and not yet stopped."""
    return frozenset(_pids)
