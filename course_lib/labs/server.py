"""A real HTTP server on this machine that fails when you ask it to.

uvicorn runs your ASGI app in a thread, on 127.0.0.1 and a free port; a plan of
`Faults` says what goes wrong with which request. Leaving the `with` block ends
it at once: requests in flight are dropped, as in a crash, so that nothing a
lesson left hanging can hold the notebook.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

from course_lib.clock import Clock, SystemClock
from course_lib.labs.faults import Faults
from course_lib.labs.faulty_app import App, FaultyApp
from course_lib.labs.loop_thread import LoopThread, settle

__all__ = ["Server", "serve"]

_STARTING_TAKES = 5.0  # seconds an app may need to start


class Server:
    """A running server. Use it in a `with` block, or call `stop`.

    Attributes:
        url: such as `http://127.0.0.1:49152`, without a slash at the end.
        requests: `(method, path)` of every request that arrived, in order.
        errors: `Type: message` of every exception that your app raised. The client may have
            its 500 a moment before the entry is there; after the block all are.
    """

    def __init__(
        self,
        app: App,
        faults: Faults | Mapping[str, Faults] | None = None,
        *,
        clock: Clock,
    ) -> None:
        # The socket is bound here, once, so no other program can take the port in between.
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._uvicorn, self._app = _uvicorn(app, faults, clock)
        self.requests = self._app.requests
        self.errors = self._app.errors
        self._thread = LoopThread(f"labs-serve-{self.port}")
        try:
            self._thread.call(self._start())
        except BaseException:
            self._release()
            raise

    async def _start(self) -> None:
        self._serving = asyncio.create_task(self._serve())
        deadline = asyncio.get_running_loop().time() + _STARTING_TAKES
        while not self._uvicorn.started:
            if self._serving.done():
                raise RuntimeError(
                    f"the app did not start because its lifespan raised {self._app.startup_error}; "
                    "mend the lifespan, then serve the app again"
                )
            if asyncio.get_running_loop().time() > deadline:
                raise RuntimeError(
                    f"the app did not start within {_STARTING_TAKES:g} s; look for a wait in "
                    "its lifespan"
                )
            await asyncio.sleep(0.002)

    async def _serve(self) -> None:
        try:
            await self._uvicorn.serve(sockets=[self._socket])
        except SystemExit:
            pass  # uvicorn's way of saying that the lifespan failed; `_start` says why

    def stop(self) -> None:
        """Drop what is in flight, close the port, end the thread. May be called twice."""
        try:
            if not self._serving.done():
                self._thread.call(self._stop())
        finally:
            self._release()

    async def _stop(self) -> None:
        # Not by uvicorn's own shutdown, which waits for requests in flight.
        await settle()
        for listener in self._uvicorn.servers:
            listener.close()
        for connection in list(self._uvicorn.server_state.connections):
            connection.transport.abort()
        tasks = list(self._uvicorn.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
        await self._uvicorn.lifespan.shutdown()
        self._serving.cancel()
        await asyncio.wait([self._serving])

    def _release(self) -> None:
        self._thread.stop()
        self._socket.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "stopped" if self._serving.done() else "running"
        return f"Server({state}, {len(self.requests)} requests)"


def serve(
    app: App | None = None,
    faults: Faults | Mapping[str, Faults] | None = None,
    *,
    clock: Clock | None = None,
) -> Server:
    """A running `Server` for `app`; without one, for the small `shop_app()`.

    Args:
        app: any ASGI app.
        faults: one plan for all requests, or a plan per exact path.
        clock: read for the dates of `too_many(..., as_date=True)`, nothing else.

    Raises:
        RuntimeError: the app's lifespan failed, or took more than 5 s.
        TypeError: `app` cannot be called.
    """
    if app is None:
        from course_lib.labs.web_shop import shop_app

        app = shop_app()
    if not callable(app):
        raise TypeError(f"serve() takes an ASGI app, which can be called; this is {app!r}")
    return Server(app, faults, clock=clock or SystemClock())


def _uvicorn(
    app: App, faults: Faults | Mapping[str, Faults] | None, clock: Clock
) -> tuple[Any, FaultyApp]:
    import uvicorn

    from course_lib.labs.wire import FaultyProtocol

    faulty = FaultyApp(app, faults, clock=clock)
    config = uvicorn.Config(
        faulty,
        http=FaultyProtocol,
        ws="websockets-sansio",  # the other one is deprecated
        proxy_headers=False,
        log_config=None,
        log_level="critical",  # what the app raises is in `errors`
        access_log=False,
    )
    return uvicorn.Server(config), faulty
