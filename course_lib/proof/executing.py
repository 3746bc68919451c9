"""One cell, run in a kernel until it has ended or went too far.

What it answers in nbval 0.11 (numbers are its issues): nbval waits for the
reply first and then five seconds for each output (#231, #151); here outputs
are read while the cell runs, so there is one limit, the cell's own, and a
kernel that floods or dies is noticed at once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from queue import Empty
from typing import Any

from course_lib.proof.collecting import MOST, Collector, Output, Shown
from course_lib.proof.lesson_kernel import KernelGone, LessonKernel

__all__ = ["WentTooFar", "collector_for", "run_cell"]

LOOK = 0.5  # seconds between two looks at the kernel's process
LAST_WORDS = 5.0  # seconds that an interrupted cell has to end


class WentTooFar(Exception):
    """The cell took too long or showed too much, and was stopped.

    `outputs` is what it had shown until then.
    """

    def __init__(self, said: str, outputs: Sequence[Output] = ()) -> None:
        super().__init__(said)
        self.outputs = outputs


def collector_for(kernel: LessonKernel) -> Collector:
    """A collector that answers this kernel's Output widgets as a front end does."""

    def send(parent: Mapping[str, Any], content: dict[str, Any]) -> None:
        session = kernel.kc.session
        kernel.kc.shell_channel.send(session.msg("comm_msg", content=content, parent=parent))

    return Collector(send)


def run_cell(kernel: LessonKernel, collector: Collector, source: str, *, seconds: float) -> Shown:
    """What the cell shows.

    Raises:
        KernelGone: the kernel's process ended.
        WentTooFar: the cell took longer than `seconds`, or sent more than MOST
            characters. It is interrupted; the kernel is ended if that does not help.
    """
    request = kernel.execute_cell_input(source, allow_stdin=False)
    shown = collector.begin(request)
    _listen(kernel, collector, shown, seconds=seconds)
    in_time = shown.ended
    if not shown.ended:
        kernel.interrupt()
        _listen(kernel, collector, shown, seconds=LAST_WORDS, all_of_it=True)
    if not shown.ended:
        kernel.stop()
    if shown.size > MOST:
        raise WentTooFar(f"showed more than {MOST:,} characters; print less")
    if not in_time:
        raise WentTooFar(
            f"Timeout of {seconds:g} seconds exceeded; make the cell shorter", shown.outputs
        )
    kernel.await_reply(request)
    return shown


def _listen(
    kernel: LessonKernel,
    collector: Collector,
    shown: Shown,
    *,
    seconds: float,
    all_of_it: bool = False,
) -> None:
    """Take messages until the cell has ended, the time is up or, but for `all_of_it`, it floods."""
    end = time.monotonic() + seconds
    while not shown.ended and time.monotonic() < end and (all_of_it or shown.size <= MOST):
        try:
            message = kernel.get_message("iopub", timeout=min(LOOK, seconds))
        except Empty:
            if not kernel.is_alive():
                raise KernelGone from None
        else:
            collector.take(message)
