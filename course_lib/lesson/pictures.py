"""Pictures that can be read without seeing them.

JupyterLab drops the alternative text of an image output, so a picture is shown
as HTML: `<figure>` with `<img alt>`, its caption, and a long text and a table of
the numbers to unfold. The plain-text twin lists what was drawn, so that a
changed picture is a changed text.
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .drawn import drawn
from .markup import details, escape, paragraph, show
from .picture_faults import check, checking
from .profiles import chosen
from .tables import table_html, table_text

__all__ = [
    "checked_alt",
    "figure",
    "house_style",
    "picture_html",
    "picture_text",
    "use_house_style",
]

DOTS_PER_INCH = 144
SCREEN_DOTS_PER_INCH = 96  # how large CSS draws an inch
SHORTEST_ALT, LONGEST_ALT = 20, 300
CROWDED = 20  # points on a line, from which not every one gets its mark
NUMBERS = "The numbers in this picture"

# The colours of Okabe and Ito that stand out from white by 3:1 or more, and a
# darker purple (5.8:1). Each comes with its own dash and mark: WCAG 1.4.1, 1.4.11.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#000000", "#A0447C")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)))
MARKS = "osD^v"

_SAYS_NOTHING = re.compile(r"(an? |the )?(image|picture|plot|chart|graph|figure|diagram)\b.{0,12}")


def figure(
    fig: Any,
    *,
    alt: str,
    long: str | None = None,
    data: Iterable[Sequence[object]] | None = None,
    header: Sequence[object] | None = None,
    caption: str | None = None,
) -> None:
    """Show a matplotlib figure with its text, and close it.

    Args:
        alt: what there is to see, 20 to 300 characters.
        long: values, relations and trend, for whoever wants more.
        data: rows of the numbers drawn; `header` names their columns.
        caption: the line under the picture; without it there is none.

    Raises:
        ValueError: `alt` says nothing, or `data` comes without `header`.
    """
    alt = checked_alt(alt, fig)
    rows = None if data is None else [tuple(row) for row in data]
    if rows is not None and not header:
        raise ValueError("The data of a picture needs header=, the names of its columns.")
    html = picture_html(fig, alt=alt, caption=caption, more=_more_html(long, rows, header))
    text = picture_text(fig, alt=alt)
    if long:
        text += f"\n{long}"
    if rows is not None and header:
        text += "\n" + table_text(rows, header, NUMBERS)
    _close(fig)
    show(html, text)


def checked_alt(alt: str, fig: Any = None) -> str:
    """The alt text on one line. Raises ValueError when it tells a reader nothing."""
    alt = " ".join(str(alt).split())
    if len(alt) < SHORTEST_ALT or _SAYS_NOTHING.fullmatch(alt.lower()):
        raise ValueError(f"The alt text has to say what there is to see; {alt!r} does not.")
    if len(alt) > LONGEST_ALT:
        raise ValueError(
            f"The alt text has {len(alt)} characters; keep it under {LONGEST_ALT} "
            "and put the rest into long= or data=."
        )
    if fig is not None and alt.lower().rstrip(".") in _titles(fig):
        raise ValueError("The alt text only repeats the title; say what there is to see.")
    return alt


def _titles(fig: Any) -> set[str]:
    titles = [axes.get_title() for axes in fig.axes] + [text.get_text() for text in fig.texts]
    return {title.strip().lower().rstrip(".") for title in titles}


def picture_html(fig: Any, *, alt: str, caption: str | None = None, more: str = "") -> str:
    """The figure as one HTML element with the picture inside it.

    Raises:
        ValueError: pictures are checked, and this one is hard to see.
    """
    image_file = _png(fig, alt)
    if checking():
        check(fig, alt)
    width = round(fig.get_figwidth() * SCREEN_DOTS_PER_INCH)
    image = (
        f'<img src="data:image/png;base64,{base64.b64encode(image_file).decode()}" '
        f'alt="{escape(alt)}" style="width:{width}px;max-width:100%">'
    )
    under = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure style="margin:0">{image}{under}{more}</figure>'


def picture_text(fig: Any, *, alt: str) -> str:
    """The alt text and what was drawn, line by line."""
    return "\n".join([f"Picture: {alt}", *drawn(fig)])


def _more_html(
    long: str | None, rows: Sequence[Sequence[object]] | None, header: Sequence[object] | None
) -> str:
    parts = paragraph(long) if long else ""
    if rows is not None and header:
        parts += table_html(rows, header=header, caption=NUMBERS)
    unfolded = "more worked steps" in chosen()
    return details("Read this picture as text", parts, unfolded=unfolded) if parts else ""


def _png(fig: Any, alt: str) -> bytes:
    """The picture as a file: the same bytes on every run, and its text inside."""
    if fig.get_layout_engine() is None:
        fig.set_layout_engine("constrained")
    for axes in fig.axes:
        for line in axes.lines:
            thinned = line.get_markevery() is not None or line.get_linestyle() == "None"
            if len(line.get_xdata()) > CROWDED and not thinned:  # dots alone are all data
                line.set_markevery(0.1)
    file = io.BytesIO()
    metadata = {"Description": alt, "Software": None}
    fig.savefig(file, format="png", dpi=DOTS_PER_INCH, metadata=metadata)
    return file.getvalue()


def _close(fig: Any) -> None:
    import matplotlib.pyplot as plt

    plt.close(fig)


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Inside it, new figures have the course's colours, dashes and marks."""
    import matplotlib as mpl

    with mpl.rc_context(_settings()):
        yield


def use_house_style() -> None:
    """The same for the rest of the session, if matplotlib is already imported."""
    if "matplotlib" in sys.modules:
        sys.modules["matplotlib"].rcParams.update(_settings())


def _settings() -> dict[str, Any]:
    from cycler import cycler

    styles = cycler(color=COLOURS) + cycler(linestyle=DASHES) + cycler(marker=list(MARKS))
    return {
        "axes.prop_cycle": styles,
        "axes.axisbelow": True,
        "axes.edgecolor": "#333333",
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.constrained_layout.h_pad": 0.1,  # inches
        "figure.constrained_layout.use": True,
        "figure.constrained_layout.w_pad": 0.1,
        "figure.facecolor": "white",
        "figure.figsize": (6.4, 3.8),
        "font.size": 12,
        "grid.color": "#8A8A8A",
        "grid.linewidth": 0.5,
        "lines.linewidth": 2.2,
        "lines.markersize": 6,
    }
