"""An ASGI app in front of yours that takes one step of the plan per request.

Faults that an app can show (late, refused, silent, slow) happen here. Those it
cannot show (cut, wrong length) are ordered from the `Wire` below.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from course_lib.clock import Clock
from course_lib.labs.faults import (
    Faults,
    Step,
    cut,
    error,
    hang,
    latency,
    ok,
    slow_body,
    too_many,
    wrong_length,
)

__all__ = ["WIRE", "App", "FaultyApp"]

WIRE = "course_lib.labs.wire"
"""The key under which a request finds its `Wire` in `scope["extensions"]`."""

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class FaultyApp:
    """Writes each request down, then lets the step of the plan happen to it."""

    def __init__(
        self, app: App, faults: Faults | Mapping[str, Faults] | None, *, clock: Clock
    ) -> None:
        self._app = app
        self._faults = faults
        self._clock = clock
        self.requests: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self.startup_error = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            # An app without a lifespan raises here, and that is its right.
            await self._app(scope, receive, self._noting_startup_errors(send))
            return
        try:
            await (self._http if scope["type"] == "http" else self._app)(scope, receive, send)
        except Exception as raised:
            self.errors.append(f"{type(raised).__name__}: {raised}")
            raise

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests.append((scope["method"], scope["path"]))
        match self._step(scope["path"]):
            case error(status=status):
                await _answer(send, status)
            case too_many() as refusal:
                await _answer(send, 429, retry_after=self._retry_after(refusal))
            case hang():
                await _until_the_client_leaves(receive)
            case latency(seconds=seconds):
                await asyncio.sleep(seconds)
                await self._app(scope, receive, send)
            case slow_body() as slow:
                await self._app(scope, receive, _in_pieces(send, slow))
            case step:
                await self._damaged(step, scope, receive, send)

    def _step(self, path: str) -> Step:
        plan = self._faults.get(path) if isinstance(self._faults, Mapping) else self._faults
        return ok if plan is None else plan.next()

    def _retry_after(self, refusal: too_many) -> str:
        if not refusal.as_date:
            return str(refusal.retry_after)
        # A date has whole seconds: rounded up, it never promises too early a moment.
        return formatdate(math.ceil(self._clock.now() + refusal.retry_after), usegmt=True)

    async def _damaged(self, step: Step, scope: Scope, receive: Receive, send: Send) -> None:
        wire = scope["extensions"][WIRE]

        async def damaged_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                _order_damage(step, wire, message)
            await send(message)

        await self._app(scope, receive, damaged_send)
        wire.answer_is_over()

    def _noting_startup_errors(self, send: Send) -> Send:
        async def noting_send(message: Any) -> None:
            if message["type"] == "lifespan.startup.failed":
                lines = message.get("message", "").strip().splitlines()
                self.startup_error = lines[-1] if lines else "no reason given"
            await send(message)

        return noting_send


def _order_damage(step: Step, wire: Any, start: Any) -> None:
    match step:
        case cut(after_bytes=count):
            wire.cut_after(count)
        case wrong_length(delta=delta):
            names = {name.lower() for name, _ in start.get("headers", [])}
            if b"content-length" not in names:
                raise ValueError("wrong_length() needs an answer that has a Content-Length")
            wire.shift_length(delta)


async def _answer(send: Send, status: int, *, retry_after: str | None = None) -> None:
    """Send a small RFC 9457 problem."""
    title = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Error"
    body = json.dumps({"status": status, "title": title}).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if retry_after is not None:
        headers.append((b"retry-after", retry_after.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _until_the_client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _in_pieces(send: Send, slow: slow_body) -> Send:
    async def slow_send(message: Any) -> None:
        body = message.get("body", b"")
        for begin in range(0, len(body), slow.chunk_bytes):
            await asyncio.sleep(slow.pause)
            piece = body[begin : begin + slow.chunk_bytes]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if message["type"] == "http.response.start" or not message.get("more_body"):
            await send({**message, "body": b""} if "body" in message else message)

    return slow_send
