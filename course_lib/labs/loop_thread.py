"""An asyncio loop in a thread of its own.

A notebook cell already runs inside an event loop and must stay free to act as
the client. So each lab server lives in its own loop, in its own thread, and the
cell talks to it through `call`. The thread ends with `stop`, in every case.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import wait
from typing import Any, TypeVar

__all__ = ["LoopThread", "settle"]

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads, until `stop`."""

    def __init__(self, name: str) -> None:
        self._runner = asyncio.Runner()
        self._loop: asyncio.AbstractEventLoop
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._running.wait()

    def _run(self) -> None:
        with self._runner as runner:
            self._loop = runner.get_loop()
            self._running.set()
            self._loop.run_forever()

    def call(self, coroutine: Coroutine[Any, Any, T], *, timeout: float = 10.0) -> T:
        """Run it in the loop, wait for it, and give back its result.

        Raises:
            TimeoutError: it was not done after `timeout` seconds.
        """
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        wait([future], timeout)
        if not future.done():
            future.cancel()
            raise TimeoutError(f"{self._thread.name} was not done within {timeout:g} s")
        return future.result()

    def stop(self) -> None:
        """Cancel what still runs and end the thread; a second call does nothing."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10.0)


async def settle() -> None:
    """Let connections that the loop has just accepted reach their handler.

    asyncio takes about four rounds of its loop from accepting a connection to
    the handler's first line. Await this before closing the listener: whoever
    closes it in between (seen on 3.11) leaves such a connection open for ever.
    """
    for _ in range(10):
        await asyncio.sleep(0)
