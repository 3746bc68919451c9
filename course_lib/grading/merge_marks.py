"""Texts that git could not merge: with both sides, and marks between them.

Format: https://git-scm.com/docs/git-merge, "How conflicts are presented".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["sides"]

_MARK = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?: .*)?")
_SIDES = {"<<<<<<<": "ours", "|||||||": "before", "=======": "theirs", ">>>>>>>": ""}


def sides(text: str) -> Iterator[str]:
    """The text with one side of each conflict: ours, then theirs; nothing if there is none.

    >>> list(sides("a\\n<<<<<<< HEAD\\nb\\n=======\\nc\\n>>>>>>> main\\nd"))
    ['a\\nb\\nd', 'a\\nc\\nd']
    """
    lines = text.split("\n")
    if any(line.startswith("<<<<<<<") for line in lines):
        yield from ("\n".join(_of(lines, side)) for side in ("ours", "theirs"))


def _of(lines: list[str], wanted: str) -> Iterator[str]:
    side = ""
    for line in lines:
        mark = _MARK.fullmatch(line.rstrip("\r"))
        if mark and (side or mark[1] == "<<<<<<<"):
            side = _SIDES[mark[1]]
        elif side in ("", wanted):
            yield line
