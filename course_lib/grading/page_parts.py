"""What the pages of marks are made of: the frame, tables, bars. All text is escaped here.

No script, and nothing from elsewhere. A bar is a drawing in a table's row: its number stands
in the same row, so the table is the text form of the picture. Colours are of the palette of
Okabe and Ito, with a contrast of 3:1 or more on their ground; a test counts.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Bar", "Html", "link", "page", "paragraph", "table", "text"]

_STYLE = """\
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1a1a1a; --quiet: #4c4c4c;
        --line: #767676; --soft: #f4f2ec; --link: #0b4a94;
        --blue: #0072b2; --orange: #d55e00; --grey: #767676; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15171b; --ink: #ecebe7; --quiet: #bdbcb6; --line: #8f8f8f;
          --soft: #1f2329; --link: #9cc4ff;
          --blue: #56b4e9; --orange: #e69f00; --grey: #8f8f8f; } }
* { box-sizing: border-box; }
body { margin: 0; font: 1.1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere;
       color: var(--ink); background: var(--paper); }
header, main { max-width: 50rem; margin: 0 auto; padding: 0 1rem; }
main { padding-bottom: 3rem; }
main:focus { outline: none; }
h1, h2, h3 { line-height: 1.25; margin: 2rem 0 0.5rem; }
p, ul, dl { max-width: 42rem; }
a { color: var(--link); }
li a { display: inline-block; min-height: 1.5rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; background: var(--paper); padding: 0.5rem 1rem; }
.skip:focus { left: 0; }
.scroll { overflow-x: auto; margin: 0.75rem 0 1.5rem; }
table { border-collapse: collapse; width: 100%; overflow-wrap: normal; }
caption { text-align: start; font-weight: bold; padding: 0.5rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: 0.35rem 0.6rem 0.35rem 0;
         text-align: start; vertical-align: top; font-weight: normal; }
tbody th { overflow-wrap: anywhere; }
thead th { color: var(--quiet); border-bottom-width: 2px; vertical-align: bottom; }
.number { text-align: end; width: 5.5rem; font-variant-numeric: tabular-nums; }
.quiet { display: block; color: var(--quiet); font-size: 0.9em; }
.bar { display: block; width: 100%; height: 0.8rem; margin: 0.3rem 0; background: var(--soft); }
.bar rect, .key rect { stroke: var(--paper); stroke-width: 1px; }
.key { display: inline-block; width: 1rem; height: 0.8rem; }
.blue { fill: var(--blue); } .orange { fill: var(--orange); } .grey { fill: var(--grey); }
dt { font-weight: bold; margin-top: 0.75rem; }
dd { margin: 0; }
code, pre { font-family: ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
            font-size: 0.95em; }
dd pre, dd code { background: var(--soft); padding: 0.1rem 0.35rem; }
dd pre { margin: 0; padding: 0.5rem 0.75rem; }
pre code { padding: 0; }
.result { border: 2px solid var(--line); border-radius: 4px; padding: 0 1rem 0.5rem;
          margin: 1rem 0; }
summary { color: var(--link); cursor: pointer; min-height: 1.75rem; }
@media (max-width: 30rem) {
  th, td { padding-inline-end: 0.4rem; }
}
"""


class Html(str):
    """Text that is HTML already; any other text is escaped where it is put in."""

    __slots__ = ()


@dataclass(frozen=True)
class Bar:
    """Words with a bar under them: `parts` are (colour's class, how many), of `whole` in all."""

    words: Html
    parts: tuple[tuple[str, int], ...]
    whole: int

    @property
    def html(self) -> Html:
        drawn, start = [], 0.0
        for colour, many in self.parts:
            width = 100 * many / self.whole if self.whole else 0.0
            if many:
                drawn.append(
                    f'<rect class="{colour}" x="{start:.2f}%" width="{width:.2f}%" height="100%"/>'
                )
            start += width
        drawing = f'<svg class="bar" aria-hidden="true">{"".join(drawn)}</svg>'
        return Html(f"{self.words}{drawing}")


def text(value: object) -> Html:
    """The value as HTML; an Html stays what it is."""
    if isinstance(value, Html):
        return value
    if isinstance(value, Bar):
        return value.html
    return Html(html.escape(str(value).encode("utf-8", "replace").decode("utf-8")))


def paragraph(*sentences: object) -> str:
    return f"<p>{' '.join(map(text, sentences))}</p>"


def link(to: str, words: object) -> Html:
    """A link to another of these pages; `to` is a path that needs no escape in an address."""
    return Html(f'<a href="{text(to)}">{text(words)}</a>')


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[object]], *, scrolls: bool = False
) -> str:
    """A table; its first column heads the rows, and columns of numbers stand to the right.

    Args:
        scrolls: it may be wider than a narrow screen, and then scrolls by itself.
    """
    rows = list(rows)
    numbers = [
        place > 0 and bool(rows) and all(isinstance(row[place], int) for row in rows)
        for place in range(len(heads))
    ]
    head = "".join(
        f'<th scope="col"{_is_number(number)}>{text(each)}</th>'
        for each, number in zip(heads, numbers, strict=True)
    )
    body = "".join(f"<tr>{_row(row, numbers)}</tr>" for row in rows)
    made = (
        f"<table><caption>{text(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
    if not scrolls:
        return made
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{text(caption)}">{made}</div>'
    )


def _row(row: Sequence[object], numbers: Sequence[bool]) -> str:
    first, *others = row
    cells = zip(others, numbers[1:], strict=True)
    return f'<th scope="row">{text(first)}</th>' + "".join(
        f"<td{_is_number(number)}>{text(cell)}</td>" for cell, number in cells
    )


def _is_number(number: bool) -> str:
    return ' class="number"' if number else ""


def page(heading: str, *body: str) -> str:
    """A whole page."""
    title = text(heading)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title>\n<style>\n{_STYLE}</style></head>\n<body>"
        '<header><a class="skip" href="#main">Skip to the content</a></header>\n'
        f'<main id="main" tabindex="-1"><h1>{title}</h1>\n'
        + "\n".join(body)
        + "</main></body></html>\n"
    )
