"""A part of a lesson that needs a newer Python than the one it is written for.

    # the cell has the tag `version-box`
    if since(3, 14):
        print(t"a template string")

On an older Python the cell says what it needs, and nothing else runs. Only in
cells with that tag may a lesson show something else on another Python.
"""

from __future__ import annotations

import sys

from .markup import paragraph, show

__all__ = ["since"]


def since(major: int, minor: int) -> bool:
    """Whether this Python is at least `major.minor`; where it is not, say so under the cell."""
    if sys.version_info >= (major, minor):
        return True
    words = f"This part needs Python {major}.{minor} or newer, so it was not run."
    show(paragraph(words), words)
    return False
