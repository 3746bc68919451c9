"""What learners handed in: files, zips and folders of any name, read and never unpacked.

Each is read when it is asked for: a class may be larger than the memory. Nothing is
followed that leads elsewhere: a link in a folder or a zip is not opened.
Sizes are limited before anything is read, so a zip that grows without end is refused.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

__all__ = ["File", "HandedIn", "Submission", "handed_in"]

MOST_BYTES = 16 * 2**20
"""Of one file."""

MOST_FILES = 200
"""Notebooks and scripts of one learner."""

MOST_TOTAL = 4 * MOST_BYTES
"""Bytes of all of them."""

MOST_MEMBERS = 50_000
"""Files in a zip, wanted or not."""

PIECE = 4_096
"""Bytes of a zip read at a time: zipfile unpacks all that it reads of LZMA at once."""

MOST_DEPTH = 32
"""Folders within folders; what lies deeper is not looked at."""

MOST_PATH = 1_000
"""Letters of a path in a zip; a file with a longer one is not looked at."""

_WANTED = (".ipynb", ".py", ".pyw", ".sql", ".ipynb.json", ".ipynb.txt", ".py.txt")
"""`.sql` is in projects only; the last three are what some browsers and editors make."""
_ZIP = ".zip"
_IGNORED = ("__MACOSX", "__pycache__", "desktop.ini")
_NOTEBOOK = re.compile(r"\.ipynb(?:\.json|\.txt)?$", re.IGNORECASE)
_MOODLES = re.compile(r"_\d+_assign")
"""In the name of the folder that Moodle makes of one learner's files."""
_GRADESCOPES = re.compile(r"submission_\d+$")
"""The name of the folder that Gradescope makes of one learner's files."""


@dataclass(frozen=True)
class File:
    """A notebook or a script; `path` is inside what was handed in."""

    path: str
    data: bytes


@dataclass(frozen=True)
class HandedIn:
    """What one learner handed in: `files`, or `problem`, a sentence why there are none."""

    name: str
    files: tuple[File, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Submission:
    """One learner's, not read yet."""

    name: str
    read: Callable[[], HandedIn]


@contextmanager
def handed_in(place: Path) -> Iterator[list[Submission]]:
    """One for each file and folder in a folder, or in a zip of a whole class, by name.

    They can be read inside the `with` block.

    Raises:
        ValueError: `place` is neither.
    """
    if place.is_dir():
        entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        kept = [entry for entry in entries if not _ignored(entry.name)]
        yield [Submission(entry.name, partial(_entry, entry)) for entry in kept]
    elif place.suffix.lower() == _ZIP and place.is_file():
        with _class_zip(place) as found:
            yield found
    else:
        raise ValueError(f"{place} is no folder and no zip; name what your learners handed in.")


def _entry(entry: os.DirEntry[str]) -> HandedIn:
    try:
        if entry.is_symlink():
            return HandedIn(entry.name, problem="It is a link, which is not followed.")
        if entry.is_dir(follow_symlinks=False):
            return _collected(entry.name, _in_folder(Path(entry.path)))
        return _collected(entry.name, _from_file(entry.name, _read(Path(entry.path))))
    except _Refused as error:
        return HandedIn(entry.name, problem=str(error))


class _Refused(Exception):
    """A sentence for the learner's row."""


def _collected(name: str, files: Iterator[File]) -> HandedIn:
    found = []
    total = 0
    for file in files:
        found.append(file)
        total += len(file.data)
        if len(found) > MOST_FILES or total > MOST_TOTAL:
            raise _Refused("There is too much in it; keep the notebook only.")
    if not found:
        raise _Refused("There is no notebook and no .py file in it.")
    return HandedIn(name, tuple(found))


def _in_folder(folder: Path) -> Iterator[File]:
    for above, folders, names in os.walk(folder, followlinks=False):
        depth = len(Path(above).relative_to(folder).parts)
        kept = [name for name in folders if not _ignored(name)]
        folders[:] = sorted(kept) if depth < MOST_DEPTH else []
        for name in sorted(names):
            path = Path(above) / name
            wanted = name.lower().endswith((*_WANTED, _ZIP)) and not _ignored(name)
            if wanted and not path.is_symlink():
                yield from _from_file(path.relative_to(folder).as_posix(), _read(path))


def _read(path: Path) -> bytes:
    """The file's bytes; a link, a pipe or a device is refused and never opened for long."""
    try:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _Refused(f"{path.name} is no ordinary file.")
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _Refused(f"{path.name} cannot be read: {error.strerror}.") from error
    if len(data) > MOST_BYTES:
        raise _Refused(f"{path.name} has more than {MOST_BYTES >> 20} MiB; clear its outputs.")
    return data


def _from_file(path: str, data: bytes) -> Iterator[File]:
    """The file itself, or what is in it if it is a zip."""
    if path.lower().endswith(_ZIP):
        for member, content in _members(data, path):
            yield File(member, content)
    elif path.lower().endswith(_WANTED):
        yield File(path, data)
    else:
        kind = PurePosixPath(path).suffix or "This"
        raise _Refused(f"{kind} is no notebook and no .py file; hand in the notebook itself.")


def _members(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of the notebooks and scripts in a zip."""
    with _unzipping(name), zipfile.ZipFile(io.BytesIO(data)) as archive:
        listed = [*_listed(archive, name)]
        kept = [(path, info) for path, info in listed if path.lower().endswith(_WANTED)]
        if not kept and any(path.lower().endswith(_ZIP) for path, _ in listed):
            raise _Refused(f"{name} has a zip within a zip; hand in the notebook itself.")
        for path, info in kept:
            yield path, _extracted(archive, info)


@contextmanager
def _unzipping(name: str) -> Iterator[None]:
    try:
        yield
    except _Refused:
        raise
    except Exception as error:  # zipfile has a dozen kinds of errors for broken zips
        raise _Refused(f"{name} cannot be unzipped; zip the notebook again.") from error


def _listed(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Files of any kind; links and hidden ones are left out."""
    if len(archive.infolist()) > MOST_MEMBERS:
        raise _Refused(f"{name} has more than {MOST_MEMBERS:,} files; split it.")
    for info in archive.infolist():
        parts = PurePosixPath(info.filename[: MOST_PATH + 1].replace("\\", "/")).parts
        if not parts or len(parts) > MOST_DEPTH + 1 or len(info.filename) > MOST_PATH:
            continue
        if info.is_dir() or _is_link(info) or any(map(_ignored, parts)):
            continue
        yield "/".join(parts), info


def _extracted(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Reads no further than the limit, whatever size the zip states."""
    if info.compress_type == zipfile.ZIP_BZIP2:  # a hundred bytes of it may become gigabytes
        raise _Refused(f"{info.filename} is packed with bzip2; make an ordinary zip.")
    data = bytearray()
    with archive.open(info) as member:
        while len(data) <= MOST_BYTES and (piece := member.read(PIECE)):
            data += piece
    if len(data) > MOST_BYTES:
        raise _Refused(f"{info.filename} has more than {MOST_BYTES >> 20} MiB when unzipped.")
    return bytes(data)


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


@contextmanager
def _class_zip(place: Path) -> Iterator[list[Submission]]:
    """A zip with a file or a folder for each learner, as Moodle and Canvas give."""
    found: dict[str, list[tuple[str, zipfile.ZipInfo]]] = {}
    try:
        with _unzipping(place.name):
            archive = zipfile.ZipFile(place)
        listed = [*_listed(archive, place.name)]
        wrapping = _wrapping([path for path, _ in listed])
        for path, info in listed:
            top, _, rest = path.removeprefix(wrapping).partition("/")
            members = found.setdefault(top, [])  # also whose files are all of other kinds
            if path.lower().endswith((*_WANTED, _ZIP)):
                members.append((rest or top, info))
    except _Refused as error:
        raise ValueError(str(error)) from error
    with archive:
        yield [
            Submission(name, partial(_of_class, archive, name, found[name]))
            for name in sorted(found)
        ]


def _wrapping(paths: list[str]) -> str:
    """The folder around a whole class, as "compress folder" gives it, with its slash; or "".

    It is the only one and holds several submissions: files, or, as from Gradescope, only
    folders with notebooks. The folder of the only learner of a class is known by Moodle's
    name for it, or by the package in it.
    """
    top = paths[0].partition("/")[0] + "/" if paths else ""
    if not all(path.startswith(top) for path in paths) or _MOODLES.search(top):
        return ""
    wanted = [p.removeprefix(top) for p in paths if p.lower().endswith((*_WANTED, _ZIP))]
    direct = [name.lower() for name in wanted if "/" not in name]
    if direct:
        return top if len(direct) > 1 and "__init__.py" not in direct else ""
    folders = {name.partition("/")[0] for name in wanted}
    theirs = {name.partition("/")[0] for name in wanted if _NOTEBOOK.search(name)}
    return top if len(folders) > 1 and all(map(_GRADESCOPES.match, folders - theirs)) else ""


def _of_class(
    archive: zipfile.ZipFile, name: str, members: list[tuple[str, zipfile.ZipInfo]]
) -> HandedIn:
    try:
        return _collected(name, _contents(archive, name, members))
    except _Refused as error:
        return HandedIn(name, problem=str(error))


def _contents(
    archive: zipfile.ZipFile, name: str, members: list[tuple[str, zipfile.ZipInfo]]
) -> Iterator[File]:
    for path, info in members:
        with _unzipping(name):
            data = _extracted(archive, info)
        yield from _from_file(path, data)


def _ignored(name: str) -> bool:
    return name.startswith(".") or name in _IGNORED
