"""`course.py site`: write the pages, and say where they are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import course_lib.proof.light_imports  # noqa: F401  two seconds less, before nbconvert
from course_lib.index import ROOT

from .building import build

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="course.py site", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="default: site/")
    out = parser.parse_args(arguments).out
    pages = [name for name in build(out) if name.endswith(".html")]
    print(f"{len(pages)} pages written; open {out / 'index.html'} in a browser.")
    return 0
