"""The system's Chromium, driven by Playwright.

No browser is downloaded: a Chromium or Chrome of the system is used.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["MISSING", "SECONDS", "browser", "program"]

SECONDS = 60
"""Time limit of everything that is awaited in a page."""

MISSING = (
    "There is no Chromium here, so no page was opened; install it "
    "(apt-get install chromium, or any Chrome) or name it in COURSE_CHROMIUM."
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PLACES = (  # where it is not on the PATH
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
_QUIET = (
    "--disable-gpu",
    "--disable-dev-shm-usage",  # small in containers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
)


def program() -> str | None:
    """The browser to use; None where there is none."""
    chosen = os.environ.get("COURSE_CHROMIUM")
    return chosen or next(
        (found for name in (*_NAMES, *_PLACES) if (found := shutil.which(name))), None
    )


@contextmanager
def browser() -> Iterator[Any]:
    """A headless browser (playwright's Browser), closed at the end.

    Raises:
        RuntimeError: there is none on this machine.
    """
    from playwright.sync_api import sync_playwright

    path = program()
    if path is None:
        raise RuntimeError(MISSING)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    flags = [*_QUIET, *(["--no-sandbox"] if root else [])]  # Chromium refuses root without
    with sync_playwright() as play:
        one = play.chromium.launch(executable_path=path, args=flags, timeout=SECONDS * 1000)
        try:
            yield one
        finally:
            one.close()
