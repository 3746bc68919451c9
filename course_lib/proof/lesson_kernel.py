"""The kernel that nbval talks to while it proves a lesson.

What it answers in nbval 0.11: cells run with history, as in JupyterLab, so
that `;` hides a value and `Out[n]` works (#194); a dead kernel is noticed
within a second and not after the time limit (#151, #231).
"""

from __future__ import annotations

import ast
import json
import os
import time
from contextlib import suppress
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager
from nbval.kernel import RunningKernel

from course_lib.proof.kernel_start import kernel_manager
from course_lib.proof.rooms import Room
from course_lib.proof.warm_start import ADDRESS

__all__ = ["KernelGone", "LessonKernel"]

REPLY_SECONDS = 60.0  # where nbval names no limit itself

_LEAKS = "__import__('course_lib.proof.leaks', fromlist=['_'])"


class KernelGone(Exception):
    """The kernel's process ended while a cell was running."""


class LessonKernel(RunningKernel):  # type: ignore[misc]  # nbval has no types
    """One running kernel in a room."""

    def __init__(self, place: Room, *, seconds: float) -> None:
        self.km = kernel_manager(place, KernelManager, template=os.environ.get(ADDRESS, ""))
        with open(os.devnull, "w") as nowhere:
            self.km.start_kernel(
                env=place.environment(), cwd=str(place.lesson), stdout=nowhere, stderr=nowhere
            )
        self.kc = self.km.client()
        self._connect(seconds)
        if (answer := self._ask(f"{_LEAKS}.remember()")) != "ok":
            raise RuntimeError(answer)

    def _connect(self, seconds: float) -> None:
        """What `wait_for_ready` does, without its 0.2 s of listening to silence."""
        end = time.monotonic() + seconds
        while not _listens(self.km) and self.km.is_alive() and time.monotonic() < end:
            time.sleep(0.005)  # to connect too early costs ZeroMQ's 0.1 s
        self.kc.start_channels()
        with suppress(Empty):
            self.kc.get_iopub_msg(timeout=1)  # ipykernel's welcome: from here on nothing is lost
        self._ensure_iopub_up()

    def get_message(self, stream: str, timeout: float | None = None) -> Any:
        """As nbval's, which formats each message, pictures too, for a log that nobody reads."""
        channel = self.kc.iopub_channel if stream == "iopub" else self.kc.shell_channel
        return channel.get_msg(timeout=timeout)

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        return str(
            self.kc.execute(
                cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
            )
        )

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """As nbval's, but raises KernelGone soon after the process ended."""
        end = time.monotonic() + (timeout or REPLY_SECONDS)
        while True:
            try:
                super().await_reply(msg_id, timeout=0.5)
                return
            except Empty:
                if not self.km.is_alive():
                    raise KernelGone from None
                if time.monotonic() >= end:
                    raise

    def left(self) -> list[str]:
        """What is still there in the kernel, in words (course_lib.proof.leaks)."""
        return [str(one) for one in json.loads(self._ask(f"{_LEAKS}.report()"))]

    def _ask(self, expression: str) -> str:
        """The value of an expression that gives a str, evaluated out of the learner's sight."""
        sent = self.kc.execute("", silent=True, user_expressions={"answer": expression})
        while True:
            reply = self.kc.get_shell_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == sent:
                break
        answer = reply["content"]["user_expressions"]["answer"]
        if answer["status"] != "ok":
            raise RuntimeError(f"{answer['ename']}: {answer['evalue']}")
        return str(ast.literal_eval(answer["data"]["text/plain"]))

    def stop(self) -> None:
        """What nbval calls when a cell cannot even be interrupted."""
        self.km.shutdown_kernel(now=True)

    def close(self) -> None:
        """Let the kernel end by itself, so that what it registered to run at its end does run."""
        self.kc.stop_channels()
        if self.km.has_kernel and self.km.is_alive():
            self.km.interrupt_kernel()
            self.km.request_shutdown()
            self.km.finish_shutdown(pollinterval=0.005)
        elif self.km.has_kernel:
            self.km.shutdown_kernel(now=True)
        self.km.cleanup_resources()


def _listens(manager: KernelManager) -> bool:
    """Whether the kernel has made its sockets; they are files, except on Windows."""
    files = [f"{manager.ip}-{port}" for port in manager.ports]
    return manager.transport != "ipc" or all(map(os.path.exists, files))
