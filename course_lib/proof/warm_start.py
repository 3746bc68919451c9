"""Start the template of the run's kernels, and find it again in the run's workers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from course_lib.index import ROOT
from course_lib.proof import rooms
from course_lib.proof.warm_template import BLANK

__all__ = ["ADDRESS", "can_fork", "template", "wait_for"]

ADDRESS = "COURSE_WARM_TEMPLATE"  # the variable in which workers find the socket; "" for none

HERE = Path(sys.executable)
SECONDS = 60.0  # in which a template must have imported everything


def can_fork() -> bool:
    """Whether this system can fork, as Windows cannot."""
    return hasattr(os, "fork") and hasattr(os, "killpg")


@contextlib.contextmanager
def template(folder: Path, *, python: Path = HERE) -> Iterator[str]:
    """The address of a template that is being started; it ends with this block.

    It also ends when this process is killed, since its standard input does.

    Args:
        folder: new and empty; its path is short enough for a Unix socket (70 characters).
    """
    folder.mkdir()
    command = [str(python), "-m", "course_lib.proof.warm_template", str(folder)]
    environment = {**rooms.common_environment(), rooms.MARKER: BLANK}
    with (
        (folder / "said.txt").open("wb") as said,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
        ) as process,
    ):
        try:
            yield str(folder / "template")
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()


def wait_for(address: str) -> None:
    """Wait until the template listens.

    Raises:
        OSError: it does not; the message ends with what it said last.
    """
    end = time.monotonic() + SECONDS
    while not os.path.exists(address):
        if time.monotonic() > end:
            said = (Path(address).parent / "said.txt").read_text(encoding="utf-8")
            raise OSError(f"the template of the kernels did not start; {said.strip()[-300:]}")
        time.sleep(0.01)
