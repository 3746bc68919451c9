"""The learner's copies in work/: new ones arrive, edited ones are never touched.

work/ mirrors the course's folder (work/notebooks, work/exercises), so links
between notebooks lead to the same places. The rule: a copy is replaced only
when the learner has changed nothing in it. Otherwise the new version is put
beside it as NAME.new.ipynb. A project is a folder of such files: each is treated alone.

What counts as a change? Running a lesson and saving it alters outputs, counts
and metadata but no cell's source: the lesson stays unchanged and a new version
may replace it. In an exercise outputs count too: they are the learner's results.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from course_lib.index import ROOT

__all__ = ["WORK", "Changes", "refresh"]

WORK = ROOT / "work"
"""Where learners work; ignored by git."""

_PATTERNS = ("notebooks/**/*.ipynb", "exercises/**/exercise.ipynb", "exercises/projects/*/**/*")
_NOT_COPIED = {".ipynb_checkpoints", "__pycache__", "checks.py"}
_NOTES_FOLDER = ".course"
_NOTES_FILE = f"{_NOTES_FOLDER}/delivered.json"


@dataclass(frozen=True)
class Changes:
    """What one refresh did. Names are from work/, with forward slashes."""

    added: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    beside: dict[str, str] = field(default_factory=dict)  # the learner's -> the new version
    retired: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One sentence for each thing the learner should know; "" for nothing."""
        sentences = [
            f"You changed {mine}: it stays as it is, and the new version is {new}."
            for mine, new in self.beside.items()
        ]
        for names, what in (
            (self.updated, "Brought up to date, as you had not changed them"),
            (self.restored, "Put back, as they were missing"),
            (self.retired, "Kept, although the course no longer has them"),
        ):
            if names:
                sentences.append(f"{what}: {', '.join(names)}.")
        return "\n".join(sentences)


@dataclass(frozen=True)
class _Copy:
    """What a copy in work/ began as, and which version was last offered (digests)."""

    cells: str
    offered: str


@dataclass(frozen=True)
class _Notes:
    """What earlier refreshes did: copies by name, and the digests of new versions beside."""

    copies: dict[str, _Copy] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)


def refresh(root: Path = ROOT, work: Path | None = None) -> Changes:
    """Bring work/ up to date. May be repeated, and interrupted at any point.

    Raises:
        OSError: something in work/ is in the way; the message names the mend.
    """
    work = root / "work" if work is None else work
    sources = {
        path.relative_to(root).as_posix(): path
        for pattern in _PATTERNS
        for path in sorted(root.glob(pattern))
        if path.is_file() and not _NOT_COPIED & set(path.parts)
    }
    for name in (*sources, _NOTES_FILE):
        _refuse_links(work, name)
    notes = _read_notes(work)
    changes = Changes()
    for name, path in sources.items():
        _bring(work, name, path.read_bytes(), notes, changes)
    for name in sorted(set(notes.copies) - set(sources)):
        del notes.copies[name]
        if (work / name).exists():
            changes.retired.append(name)
    _write(work, _NOTES_FILE, json.dumps(asdict(notes), indent=1).encode())
    return changes


def _bring(work: Path, name: str, new: bytes, notes: _Notes, changes: Changes) -> None:
    """Bring one notebook up to date, and write down what was done."""
    arriving = _Copy(cells=_cells_digest(name, new), offered=_digest(new))
    before = notes.copies.get(name)
    mine = _read(work / name)
    if mine is None:
        _write(work, name, new)
        (changes.restored if before else changes.added).append(name)
        notes.copies[name] = arriving
        return
    text = _cells_digest(name, mine)
    version_is_new = before is None or before.offered != arriving.offered
    if text == arriving.cells and (before is None or not version_is_new):
        notes.copies[name] = arriving  # at most outputs differ, and those are the learner's
    elif text == arriving.cells or (before and text == before.cells):
        _write(work, name, new)
        changes.updated.append(name)
        notes.copies[name] = arriving
    elif version_is_new:
        changes.beside[name] = _put_beside(work, name, new, notes)
        began_as = before.cells if before else ""
        notes.copies[name] = _Copy(cells=began_as, offered=arriving.offered)


def _put_beside(work: Path, name: str, new: bytes, notes: _Notes) -> str:
    """Write NAME.new.ipynb, or with the next number if that one was edited too."""
    stem, suffix = os.path.splitext(name)
    beside, number = f"{stem}.new{suffix}", 1
    while not _may_be_replaced(work, beside, new, notes):
        number += 1
        beside = f"{stem}.new-{number}{suffix}"
    _write(work, beside, new)
    notes.beside[beside] = _cells_digest(beside, new)
    return beside


def _may_be_replaced(work: Path, beside: str, new: bytes, notes: _Notes) -> bool:
    _refuse_links(work, beside)
    there = _read(work / beside)
    return there is None or there == new or _cells_digest(beside, there) == notes.beside.get(beside)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _cells_digest(name: str, content: bytes) -> str:
    """Digest of what a learner could have written; of all bytes if it is no notebook."""
    try:
        cells = json.loads(content)["cells"]
        written = [_written(cell, outputs=name.startswith("exercises/")) for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _digest(content)
    return _digest(json.dumps(written, sort_keys=True).encode())


def _written(cell: dict[str, Any], *, outputs: bool) -> list[object]:
    source = "".join(cell["source"])  # a text or a list of lines: both are valid
    shown = cell.get("outputs", []) if outputs else []
    return [cell["cell_type"], source, cell.get("attachments", {}), shown]


def _read_notes(work: Path) -> _Notes:
    """The notes of the last refresh. Damaged or missing ones count as empty: then
    every copy that differs from the course is taken for the learner's, and kept."""
    try:
        data = json.loads(_read(work / _NOTES_FILE) or b"{}")
        copies = {name: _Copy(**row) for name, row in data.get("copies", {}).items()}
        return _Notes(copies, dict(data.get("beside", {})))
    except (ValueError, TypeError, AttributeError):
        return _Notes()


def _read(path: Path) -> bytes | None:
    """The file's bytes; None when there is no such file."""
    with _one_sentence(path):
        return path.read_bytes() if os.path.lexists(path) else None


def _write(work: Path, name: str, content: bytes) -> None:
    """Write the whole file or nothing: beside first, then renamed."""
    path, arriving = work / name, work / _NOTES_FOLDER / f"arriving-{os.getpid()}"
    with _one_sentence(path):
        for folder in (path.parent, arriving.parent):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            with arriving.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # else a power cut may leave an empty file
            os.replace(arriving, path)
        finally:
            arriving.unlink(missing_ok=True)


def _refuse_links(work: Path, name: str) -> None:
    """Raise OSError if a folder or file on the way is a symbolic link.

    work/ itself may be one; below it, we would overwrite files elsewhere.
    """
    path = work / name
    for step in (path, *path.parents):
        if step == work:
            return
        if step.is_symlink():
            raise OSError(f"{step} is a symbolic link; put a plain file or folder in its place.")


@contextlib.contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno == errno.ENOSPC
        mend = "free some disk space" if full else "move what is in the way or make it writable"
        raise OSError(f"{path} cannot be used ({error.strerror}); {mend}.") from error
