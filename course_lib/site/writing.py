"""Puts the files of the site into a folder that is the site's alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .faults import SiteError

__all__ = ["LIST", "write"]

LIST = "files.txt"
"""Names every file of the site, so that the next build can remove what it no longer makes."""

_TITLE = "Written by `{by}`; the next run replaces or removes these files:"


def write(
    files: Mapping[str, str], out: Path, *, by: str = "python3 course.py site"
) -> tuple[str, ...]:
    """Write `files` (path in `out` -> text); remove those of an earlier site. The paths.

    Args:
        by: the command; what another command has written is not replaced.

    Raises:
        SiteError: `out` is not empty and no site, so that nothing of yours is written over.
    """
    title = _TITLE.format(by=by)
    earlier = _earlier(out, title)
    for name, text in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for name in earlier - files.keys():
        stale = out / name
        if stale.is_file() and stale.resolve().is_relative_to(out.resolve()):
            stale.unlink()
    listed = "\n".join([title, *sorted(files), ""])
    (out / LIST).write_text(listed, encoding="utf-8", newline="\n")
    return tuple(sorted(files))


def _earlier(out: Path, wanted: str) -> set[str]:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return set()
    try:
        title, *names = (out / LIST).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        title, names = "", []
    if title != wanted:
        raise SiteError(f"{out} holds other files; name an empty or new folder.")
    return set(names)
