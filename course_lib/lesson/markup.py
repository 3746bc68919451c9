"""HTML and its plain-text twin: the two forms in which everything here is shown.

The one rule: text from outside is escaped here and nowhere else. The tags are
plain ones (`p`, `ol`, `details`, `table`) because JupyterLab takes roles and
ARIA attributes out of notebooks that the reader has not run yet.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from typing import Any

__all__ = [
    "Interactive",
    "Shown",
    "bold",
    "bullets",
    "details",
    "escape",
    "inline",
    "numbered",
    "paragraph",
    "preformatted",
    "show",
]


def escape(text: object) -> str:
    """The text, safe between tags and inside a quoted attribute."""
    return html.escape(str(text), quote=True)


def inline(text: object) -> str:
    """Escaped text in which `backticks` mark code, as in Markdown."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def paragraph(text: object) -> str:
    return f"<p>{inline(text)}</p>"


def bold(text: object) -> str:
    return f"<p><strong>{inline(text)}</strong></p>"


def preformatted(text: object) -> str:
    return f"<pre>{escape(text)}</pre>"


def numbered(rows: Iterable[object]) -> str:
    return _list("ol", rows)


def bullets(rows: Iterable[object]) -> str:
    return _list("ul", rows)


def _list(tag: str, rows: Iterable[object]) -> str:
    lines = "".join(f"<li>{inline(row)}</li>" for row in rows)
    return f"<{tag}>{lines}</{tag}>" if lines else ""


def details(summary: object, body: str, *, unfolded: bool = False) -> str:
    """A part that opens on demand. `body` is HTML, already escaped."""
    opening = "<details open>" if unfolded else "<details>"
    return f"{opening}<summary>{inline(summary)}</summary>{body}</details>"


class Shown:
    """Something a cell shows: HTML for the page, text for everything else."""

    def __init__(self, html: str, text: str) -> None:
        self.as_html = html
        self.as_text = text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/html": self.as_html, "text/plain": self.as_text}

    def __repr__(self) -> str:
        return self.as_text


class Interactive(Shown):
    """Something to operate, with static twins for readers without a kernel.

    Args:
        build: makes the widget; called once, when it is first shown.
    """

    def __init__(self, html: str, text: str, build: Callable[[], Any]) -> None:
        super().__init__(html, text)
        self._build = build
        self._widget: Any = None

    @property
    def widget(self) -> Any:
        """The ipywidgets widget."""
        if self._widget is None:
            self._widget = self._build()
        return self._widget

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        live = self.widget._repr_mimebundle_()
        return {**live, **super()._repr_mimebundle_()}


def show(html: str, text: str) -> None:
    """Show both forms at once, here."""
    from IPython.display import display

    display(Shown(html, text))
