"""The frame around a page's content: jinja2 templates, always escaping."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .links import from_to
from .plan import ACCESSIBILITY, FIND, INDEX, WORDS, Page

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["FILES", "fill"]

_TEMPLATES = Path(__file__).parent / "templates"
_MENU = (INDEX, FIND, WORDS, ACCESSIBILITY)

FILES = {name: (_TEMPLATES / name).read_text(encoding="utf-8") for name in ("site.css", "site.js")}
"""What all pages share: file of the site -> its text."""


def fill(
    template: str,
    page: Page,
    *,
    menu: Sequence[Page] = _MENU,
    templates: Path = _TEMPLATES,
    **values: object,
) -> str:
    """The whole HTML of `page`. `link(file)` in a template is the way there from this page.

    Args:
        menu: the pages that every page links to.
        templates: a folder whose templates come before those of the site.
    """
    return (
        _environment(templates)
        .get_template(template)
        .render(page=page, menu=menu, link=lambda file: from_to(page.file, file), **values)
    )


@cache
def _environment(templates: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([templates, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["minutes"] = _minutes
    return environment


def _minutes(number: Any) -> str:
    """
    >>> _minutes(45), _minutes(120), _minutes(75)
    ('45 minutes', '2 hours', '1 hour 15 minutes')
    """
    hours, rest = divmod(int(number), 60)
    said = [f"{hours} hour{'s' * (hours > 1)}"] * bool(hours)
    return " ".join([*said, *[f"{rest} minutes"] * bool(rest or not hours)])
