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
from queue import Empty

from jupyter_client.manager import KernelManager
from nbval.kernel import RunningKernel

from course_lib.proof.kernel_start import kernel_manager
from course_lib.proof.rooms import Room

__all__ = ["KernelGone", "LessonKernel"]

REPLY_SECONDS = 60.0  # where nbval names no limit itself

_LEAKS = "__import__('course_lib.proof.leaks', fromlist=['_'])"


class KernelGone(Exception):
    """The kernel's process ended while a cell was running."""


class LessonKernel(RunningKernel):  # type: ignore[misc]  # nbval has no types
    """One running kernel in a room."""

    def __init__(self, place: Room, *, seconds: float) -> None:
        self.km = kernel_manager(place, KernelManager)
        with open(os.devnull, "w") as nowhere:
            self.km.start_kernel(
                env=place.environment(), cwd=str(place.lesson), stdout=nowhere, stderr=nowhere
            )
        self.kc = self.km.client()
        self.kc.start_channels()
        self.kc.wait_for_ready(timeout=seconds)
        self._ensure_iopub_up()
        if (answer := self._ask(f"{_LEAKS}.remember()")) != "ok":
            raise RuntimeError(answer)

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
        if self.km.has_kernel:
            self.km.shutdown_kernel(now=not self.km.is_alive())
        self.km.cleanup_resources()
