"""What a stored output or a Markdown table lacks to be a good part of a page.

Wide code and wide tables become boxes that scroll by themselves, so that a
page never scrolls in two directions (WCAG 2.2, 1.4.10). A box has a name and
can be reached by keyboard (2.1.1). It is a group and not a region: sixty
landmarks on a page would hide the four that matter.
"""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag

from .faults import SiteError, place

__all__ = ["check_pictures", "drop_scripts", "frame_code", "frame_tables"]

_FITS = 26
"""So many characters of code stand in one line at 320 CSS pixels."""


def drop_scripts(html: BeautifulSoup) -> None:
    """Take out scripts and styles: lessons bring some for JupyterLab."""
    for tag in html.find_all(["script", "style"]):
        tag.decompose()
    for output in html.find_all(class_="output"):
        if not output.get_text(strip=True) and not output.find("img"):
            output.decompose()


def check_pictures(html: BeautifulSoup, source: str) -> None:
    """Raises SiteError at the first picture that has no alt, or is not in the notebook itself."""
    for number, picture in enumerate(html.find_all("img"), 1):
        where = f"{place(source, picture)}: picture {number}"
        alt = str(picture.get("alt") or "").strip()
        if not alt:
            raise SiteError(f"{where} has no alt text; show it with figure(fig, alt=...).")
        if not str(picture.get("src", "")).startswith("data:"):
            raise SiteError(f"{where} is a file of its own; show it with figure(fig, alt=...).")


def frame_code(html: BeautifulSoup) -> None:
    """Number the pieces of code and let the wide ones scroll. Output wraps instead."""
    pieces = [pre for pre in html.find_all("pre") if "text" not in pre.get_attribute_list("class")]
    for number, pre in enumerate(pieces, 1):
        widest = max(map(len, pre.get_text().splitlines()), default=0)
        _scrolls(pre, f"Code {number}", focus=widest > _FITS)


def frame_tables(html: BeautifulSoup) -> None:
    """Say what the headings of Markdown tables head, and let every table scroll."""
    for number, table in enumerate(html.find_all("table"), 1):
        for heading in table.find_all("th"):
            _scope(heading)
        frame = html.new_tag("div")
        table.wrap(frame)
        _scrolls(frame, f"Table {number}: {_table_name(table)}", focus=True)


def _scrolls(box: Tag, name: str, *, focus: bool) -> None:
    box["class"] = "scroll"
    box["role"], box["aria-label"] = "group", name
    if focus:
        box["tabindex"] = "0"


def _scope(heading: Tag) -> None:
    if not heading.get_text(strip=True):
        heading.name = "td"  # a heading that says nothing is announced as one all the same
    elif not heading.get("scope"):
        heading["scope"] = "col"


def _table_name(table: Tag) -> str:
    caption = table.find("caption")
    if caption:
        return caption.get_text(" ", strip=True)
    return ", ".join(th.get_text(" ", strip=True) for th in table.find_all("th", scope="col"))
