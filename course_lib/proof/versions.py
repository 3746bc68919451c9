"""The lessons under another Python: `course.py test --python 3.13`.

The other Python gets an environment of its own beside the course's, with the
same lock: core and test. It is made by that Python itself, once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from course_lib.environment import VENV
from course_lib.installing import python_in

__all__ = ["python_for"]

_MAKE = (
    "import sys; from pathlib import Path; from course_lib import environment; "
    "environment.prepare(Path(sys.argv[1]), ('core', 'test'), say=print, name=sys.argv[2])"
)
_NUMBER = re.compile(r"3\.\d+")


def python_for(root: Path, version: str) -> Path:
    """The interpreter of the course's environment for a version such as "3.13", made if needed.

    Raises:
        ValueError: no such Python is installed, or its environment cannot be made.
    """
    if not _NUMBER.fullmatch(version):
        raise ValueError(f'--python takes a version such as 3.13, not "{version}".')
    base = next(_interpreters(version), None)
    if base is None:
        raise ValueError(f"Python {version} was not found; install it and run the same again.")
    name = f"{VENV}-{version}"
    if subprocess.run([base, "-c", _MAKE, str(root), name], cwd=root).returncode:
        raise ValueError(f"{name} could not be made with {base}; the reason is above.")
    return python_in(root / name)


def _interpreters(version: str) -> Iterator[str]:
    """Paths of this version: on PATH, the Windows launcher's, pyenv's; the first that works."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    kept = [str(python_in(folder)) for folder in sorted(pyenv.glob(f"{version}.*"), reverse=True)]
    for command in ([f"python{version}"], ["py", f"-{version}"], *([path] for path in kept)):
        if shutil.which(command[0]) and (path := _told_path(command, version)):
            yield path


def _told_path(command: list[str], version: str) -> str:
    """What this command says it is, when it is that version; else ""."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    try:
        done = subprocess.run(
            [*command, "-c", ask], capture_output=True, encoding="utf-8", timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    number, _, path = done.stdout.strip().partition(" ")
    return path if number == version else ""
