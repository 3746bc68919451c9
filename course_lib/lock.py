"""Write requirements.lock: every package pinned with hashes, for every platform.

Everything is resolved together first, so that all extras fit. Then core, and
core with test, are resolved within those versions. The file has three sections,
each holding what the earlier ones lack. Needs uv; standard library only.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from course_lib import installing
from course_lib.environment import SECTIONS, sections
from course_lib.index import ROOT

__all__ = ["entries", "layered", "write"]

_FIRST_LINE = "# Every package, pinned with hashes; written by: python3 course.py lock\n"
_COMPILE = (
    *("pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-header", "--no-annotate", "--quiet"),
)
_EXTRAS = {"core": (), "test": ("--extra", "test"), "extras": ("--all-extras",)}


def write(*, root: Path = ROOT, upgrade: bool = False) -> str:
    """Resolve pyproject.toml into requirements.lock; returns a sentence.

    Args:
        upgrade: False keeps every pinned version that still fits.

    Raises:
        OSError: uv is not on PATH.
        SetupError: uv found no versions that fit together; its message.
    """
    uv = shutil.which("uv")
    if uv is None:
        raise OSError("Writing the lock needs uv, which is not on PATH; install uv and repeat.")
    lock = root / "requirements.lock"
    with tempfile.TemporaryDirectory(prefix="break-it-first-") as scratch:
        folder = Path(scratch)
        before = sections(lock.read_text(encoding="utf-8"))
        everything = folder / "extras.txt"
        if not upgrade:  # uv prefers the versions of the file it is to write
            everything.write_text("".join(before.values()), encoding="utf-8")
        resolved = {"extras": _compile(uv, root, everything, "extras")}
        pins = folder / "pins.txt"
        pins.write_text("\n".join(_pins(resolved["extras"])) + "\n", encoding="utf-8")
        for name in ("core", "test"):
            target = folder / f"{name}.txt"
            resolved[name] = _compile(uv, root, target, name, "--constraints", str(pins))
    text = layered([resolved[name] for name in SECTIONS])
    lock.write_text(text, encoding="utf-8", newline="\n")
    return f"requirements.lock written: {len(entries(text))} packages."


def _compile(uv: str, root: Path, target: Path, name: str, *more: str) -> str:
    command = [uv, *_COMPILE, *_EXTRAS[name], *more, "--output-file", str(target)]
    installing.run(command, say=print, folder=root)
    return target.read_text(encoding="utf-8")


def entries(text: str) -> list[str]:
    """The entries of a lock: each one package, its marker and its hashes.

    >>> entries("a==1 \\\\\\n    --hash=sha256:0\\nb==2\\n")
    ['a==1 \\\\\\n    --hash=sha256:0', 'b==2']
    """
    lines = "".join(line for line in text.splitlines(keepends=True) if line[:1] not in "#\n")
    return [entry.rstrip() for entry in re.split(r"^(?=\S)", lines, flags=re.MULTILINE) if entry]


def layered(resolved: Sequence[str]) -> str:
    """The lock's text: one section for each resolution, without what came before."""
    text, written = _FIRST_LINE, set[str]()
    for name, resolution in zip(SECTIONS, resolved, strict=True):
        new = [entry for entry in entries(resolution) if entry not in written]
        written.update(new)
        text += "".join(f"{line}\n" for line in (f"## {name}", *new))
    return text


def _pins(text: str) -> list[str]:
    return [entry.split(" \\", 1)[0].split("--hash", 1)[0].strip() for entry in entries(text)]
