"""End the run of the lessons when the process that asked for it is gone.

Whoever is killed with -9 cannot stop its children any more. So the child looks
at its parent, and interrupts itself as Ctrl-C would: every lesson that runs
then closes its kernel and clears its room.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path

import psutil

__all__ = ["FOLDER", "end_with_parent"]

FOLDER = "break-it-first-report-"  # how the name of the run's own temporary folder begins


def end_with_parent(folder: Path | None) -> None:
    """Watch the parent; when it is gone, interrupt this process and remove the run's `folder`."""
    parent = psutil.Process(os.getppid())
    threading.Thread(target=_watch, args=(parent, folder), daemon=True).start()


def _watch(parent: psutil.Process, folder: Path | None) -> None:
    parent.wait()
    if folder and folder.name.startswith(
        FOLDER
    ):  # one that the parent made, and would have removed
        shutil.rmtree(folder, ignore_errors=True)
    if hasattr(signal, "pthread_kill"):  # else a main thread that waits does not hear it
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
