"""What the stored pictures were drawn with, and whether it is the same here.

A picture is the same to the byte only from the same builds of the libraries
that draw it. Elsewhere the bytes say nothing about the lesson, and only the
text of what was drawn is compared. nbval 0.11 leaves pictures out altogether
(#10, #97, #117: a changed or a missing one passes).

`course.py build --run` stores all lessons and writes the record.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution
from pathlib import Path

from course_lib.index import ROOT

__all__ = ["DRAWN_ELSEWHERE", "RECORD", "drawn_with", "pictures_are_comparable", "record"]

RECORD = ROOT / "tests" / "notebooks" / "pictures.toml"

DRAWN_ELSEWHERE = "The other lessons' pictures were drawn with other libraries or elsewhere."

# Text and lines, numbers, the PNG file; matplotlib's own wheel holds its FreeType.
_LIBRARIES = ("matplotlib", "numpy", "pillow", "contourpy")

_HEAD = "# What the stored pictures were drawn with; written by: python3 course.py build --run\n"


def drawn_with() -> str:
    """The libraries that draw here: versions, and the platforms that they were built for."""
    return ", ".join(_build(name) for name in _LIBRARIES)


def _build(name: str) -> str:
    """Name, version and platforms, such as "pillow 13.0.0 for manylinux_2_28_x86_64"."""
    found = distribution(name)
    lines = (found.read_text("WHEEL") or "").splitlines()
    tags = [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")]
    platforms = sorted({tag.rpartition("-")[2] for tag in tags})
    return f"{name} {found.version} for {' '.join(platforms) or 'an unknown platform'}"


def pictures_are_comparable(file: Path = RECORD) -> bool:
    """Whether pictures must be the same to the byte here."""
    try:
        stored = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return stored.get("drawn_with") == drawn_with()


def record(file: Path = RECORD) -> None:
    """Say that the stored pictures were drawn here."""
    file.write_text(f'{_HEAD}drawn_with = "{drawn_with()}"\n', encoding="utf-8", newline="\n")
