"""What stops the build, and how a message names the place."""

from __future__ import annotations

from bs4 import Tag

__all__ = ["SiteError", "place"]


class SiteError(ValueError):
    """A page cannot be made; one sentence with what is wrong and the mend."""


def place(source: str, tag: Tag) -> str:
    """Where `tag` stands, as `notebooks/x.ipynb, cell "try"`."""
    cell = tag.find_parent(attrs={"data-cell": True})
    return f'{source}, cell "{cell["data-cell"]}"' if cell else source
