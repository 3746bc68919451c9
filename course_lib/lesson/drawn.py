"""What was drawn in a matplotlib figure, as lines of text.

Pictures in a notebook are compared through these lines: titles, labels, limits,
styles, colours and a hash of the data. They do not depend on fonts or on dots
per inch, and a difference can be read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

__all__ = ["drawn", "named_by_hand"]

DIGITS = 6  # significant; the rest differs between processors


def drawn(figure: Any) -> list[str]:
    """One line for the figure, then those of each of its axes."""
    lines = [f"Figure {figure.get_figwidth():g} x {figure.get_figheight():g} inches"]
    lines += [f"  text {text.get_text()!r}" for text in figure.texts]
    for number, axes in enumerate(figure.axes, 1):
        lines += _axes(number, axes)
    return lines


def _axes(number: int, axes: Any) -> Iterable[str]:
    yield f"  Axes {number}: {axes.get_title()!r}"
    yield f"    x {_scale(axes.xaxis, axes.get_xlim())}"
    yield f"    y {_scale(axes.yaxis, axes.get_ylim())}"
    yield from (f"    line {_line(line)}" for line in axes.lines)
    yield from (f"    {_patch(patch)}" for patch in axes.patches)
    yield from (f"    {_collection(collection)}" for collection in axes.collections)
    yield from (f"    image {_hash(_numbers(image.get_array()))}" for image in axes.images)
    yield from (f"    text {_text(text)}" for text in axes.texts)
    if axes.get_legend():
        yield f"    legend {[text.get_text() for text in axes.get_legend().get_texts()]}"


def _scale(axis: Any, limits: Any) -> str:
    words = f"{axis.get_label_text()!r} {axis.get_scale()} {_numbers(limits, 4)}"
    labels = [label.get_text() for label in axis.get_ticklabels()]
    return f"{words} ticks {labels}" if named_by_hand(axis) else words


def named_by_hand(axis: Any) -> bool:
    from matplotlib.category import StrCategoryFormatter
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    formatter = axis.get_major_formatter()
    return isinstance(formatter, StrCategoryFormatter | FixedFormatter | FuncFormatter)


def _line(line: Any) -> str:
    style = f"{line.get_linestyle()} {line.get_drawstyle()} width {line.get_linewidth():g}"
    data = _hash(_numbers(line.get_xdata(orig=False)), _numbers(line.get_ydata(orig=False)))
    return (
        f"{line.get_label()!r} n={len(line.get_xdata())} {style} marker {line.get_marker()} "
        f"{_colour(line.get_color())} data {data}"
    )


def _patch(patch: Any) -> str:
    outline = patch.get_path().transformed(patch.get_patch_transform()).vertices
    return (
        f"{type(patch).__name__} {patch.get_label()!r} {_colour(patch.get_facecolor())} "
        f"edge {_colour(patch.get_edgecolor())} hatch {patch.get_hatch()} "
        f"data {_hash(_numbers(outline))}"
    )


def _collection(collection: Any) -> str:
    shapes = [_numbers(path.vertices) for path in collection.get_paths()]
    values = collection.get_array()
    data = _hash(
        _numbers(collection.get_offsets()), *shapes, "" if values is None else _numbers(values)
    )
    colours = [_colour(c) for c in (*collection.get_facecolor(), *collection.get_edgecolor())]
    return (
        f"{type(collection).__name__} {collection.get_label()!r} "
        f"n={len(collection.get_offsets())} colours {_hash(*colours)} data {data}"
    )


def _text(text: Any) -> str:
    return f"{text.get_text()!r} at {_numbers(text.get_position(), 4)}"


def _colour(colour: Any) -> str:
    from matplotlib.colors import to_hex

    return str(to_hex(colour, keep_alpha=True))


def _numbers(values: Any, digits: int = DIGITS) -> str:
    import numpy as np

    flat: Any = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan).ravel()
    # `+ 0.0` turns a negative zero, which cannot be seen, into zero.
    return " ".join(f"{value + 0.0:.{digits}g}" for value in flat)


def _hash(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:10]
