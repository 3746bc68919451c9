"""Make a virtual environment and put pinned packages into it.

Uses what the machine has: uv if there is one, else pip. Some Pythons come
without ensurepip (Debian keeps it in a package of its own), so there are
several ways, tried in order. The rule: a file whose hash is not in the lock is
refused, and nothing is compiled: what was vetted is what is installed.
Standard library only; runs before anything is installed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["SetupError", "disk_full", "install", "make_environment", "python_in", "run"]

FLAGS = ("--require-hashes", "--no-deps", "--only-binary", ":all:")
_REPORT_EVERY = 25  # packages between two lines of progress

# Settings of the user that would send packages elsewhere.
_MISLEADING = (
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_TARGET",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV",
)
_NO_SPACE = ("no space left on device", "not enough space on the disk", "(os error 28)")
_NOT_AS_PINNED = ("hash mismatch", "do not match the hashes")
_REASONS = ("error", "cause", "×", "╰─▶")  # how pip and uv begin the line that says why


class SetupError(Exception):
    """The environment cannot be made; the message is one sentence with the mend."""


def disk_full() -> SetupError:
    return SetupError("A disk is full (here or for temporary files); free 2 GB and run it again.")


def python_in(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_environment(folder: Path) -> None:
    """Make a virtual environment; with pip in it unless uv or another pip will do.

    Raises:
        SetupError: this Python cannot make one.
    """
    uv = _uv()
    bare = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    ways = [
        [sys.executable, "-m", "venv", str(folder)],
        [sys.executable, "-m", "virtualenv", str(folder)],
        bare,
    ]
    if uv:
        ways = [bare, [uv, "venv", "--python", sys.executable, str(folder)]]
    for way in ways:
        if _succeeds(way):
            return
        shutil.rmtree(folder, ignore_errors=True)  # venv leaves half of one when it fails
    _refuse_full_disk(folder.parent)
    raise SetupError(_NO_WAY)


def install(python: Path, requirements: str, *, say: Callable[[str], None]) -> None:
    """Install what the text pins, into the environment of `python`.

    Raises:
        SetupError: something was not found, not as pinned, or did not fit.
    """
    command = [*_installer(python), *FLAGS, "-r"]
    with tempfile.TemporaryDirectory(prefix="break-it-first-") as scratch:
        listed = Path(scratch) / "requirements.txt"
        listed.write_text(requirements, encoding="utf-8")
        run([*command, str(listed)], say=say)


def run(command: Sequence[str], *, say: Callable[[str], None], folder: Path | None = None) -> None:
    """Run an installer, in `folder`. On failure its whole output stays in a named file.

    Raises:
        SetupError: it failed; the message holds the line that says why.
    """
    lines: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        cwd=folder,
        env=_environment(),
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            _report(lines, say)
    if process.returncode != 0:
        raise _failure(lines)


def _report(lines: Sequence[str], say: Callable[[str], None]) -> None:
    """Say now and then how far pip is, judging by its last line."""
    if lines[-1].startswith("Collecting "):
        fetched = sum(line.startswith("Collecting ") for line in lines)
        if fetched % _REPORT_EVERY == 0:
            say(f"  {fetched} packages fetched")
    elif lines[-1].startswith("Installing collected packages"):
        say("  all fetched, now unpacking")


def _failure(lines: Sequence[str]) -> SetupError:
    text = "".join(lines)
    if any(words in text.lower() for words in _NO_SPACE):
        return disk_full()
    log = _kept_log(text)
    told = [line.strip() for line in lines if line.strip()]
    errors = [line for line in told if line.lower().startswith(_REASONS)]
    reason = (errors or told or ["it said nothing"])[-1]
    if any(words in text.lower() for words in _NOT_AS_PINNED):
        return SetupError(
            "A package is not the one that requirements.lock names, so it was refused; run the"
            f" same again, and if it stays so, report it ({log})."
        )
    return SetupError(
        f"The packages were not installed ({reason}); check your connection and run the same"
        f" again ({log})."
    )


def _kept_log(text: str) -> str:
    """Keeps the installer's output in a file; says where."""
    with contextlib.suppress(OSError):
        number, name = tempfile.mkstemp(prefix="break-it-first-", suffix=".log", text=True)
        with open(number, "w", encoding="utf-8") as log:
            log.write(text)
        return f"all it said is in {name}"
    return "what it said could not be kept"


def _installer(python: Path) -> list[str]:
    if uv := _uv():
        return [uv, "pip", "install", "--python", str(python)]
    own = [str(python), "-m", "pip"]
    borrowed = [sys.executable, "-m", "pip", "--python", str(python)]  # since pip 22.3
    for pip in (own, borrowed):
        if _succeeds([*pip, "--version"]):
            return [*pip, "install"]
    raise SetupError(_NO_WAY)


_NO_WAY = (
    "This Python cannot make an environment with pip; on Debian or Ubuntu run"
    " `sudo apt install python3-venv`, elsewhere install Python from python.org or uv,"
    " then run the same again."
)


def _uv() -> str | None:
    """The path of a uv that works, or None."""
    found = shutil.which("uv")
    return found if found and _succeeds([found, "--version"]) else None


def _succeeds(command: Sequence[str]) -> bool:
    with contextlib.suppress(OSError):
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            check=False,
        )
        return done.returncode == 0
    return False


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    return kept | {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _refuse_full_disk(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x" * 65_536)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_full() from error
        raise
