"""A notebook, or a task written in Markdown, as HTML that is not yet a page.

nbconvert does it with our own small template: no script, no style, nothing
from another host. It takes the stored HTML of an output before anything else;
the view of a control would be an empty box in a page without a kernel.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

from .faults import SiteError

__all__ = ["Converter"]

_TEMPLATES = Path(__file__).parent / "templates"
_SHOWN_FIRST = ["text/html", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]


class Converter:
    """Turns files into HTML; keeps nbconvert, which takes long to start."""

    def html(self, path: Path, source: str) -> BeautifulSoup:
        """The content of the file; `source` is how a message names it.

        Raises:
            SiteError: the file is missing or no notebook.
        """
        body, _ = self._exporter.from_notebook_node(_notebook(path, source))
        return BeautifulSoup(body, "html.parser")

    @cached_property
    def _exporter(self) -> Any:
        from nbconvert import HTMLExporter, TemplateExporter
        from traitlets.config import Config

        class Reading(HTMLExporter):
            """Without the last step of HTMLExporter, which makes up alt texts."""

            def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
                return TemplateExporter.from_notebook_node(self, nb, resources, **kw)

        exporter: Any = Reading
        return exporter(
            config=Config(NbConvertBase={"display_data_priority": _SHOWN_FIRST}),
            extra_template_basedirs=[str(_TEMPLATES)],
            template_name="reading",
            exclude_anchor_links=True,
        )


def _notebook(path: Path, source: str) -> Any:
    import nbformat
    from nbformat.v4 import new_markdown_cell, new_notebook

    try:
        if path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            return new_notebook(cells=[new_markdown_cell(text, id="task")])
        return nbformat.read(str(path), as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        why = type(error).__name__
        raise SiteError(f"{source}: cannot be read ({why}); build it again.") from error
