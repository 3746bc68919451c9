"""The lessons as plain pages: `python3 course.py site`.

A notebook needs JupyterLab; a page needs only a browser, works from the disk,
and is what a telephone, a screen reader or a printer reads best. Nothing is
made up on the way: a picture without words stops the build.
"""

from __future__ import annotations

from .building import build
from .faults import SiteError
from .plan import Page, pages

__all__ = ["Page", "SiteError", "build", "pages"]
