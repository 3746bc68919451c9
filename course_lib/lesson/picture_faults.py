"""What is hard to see in a figure: small, cut off, on top of each other, faint, colour alone.

Contrasts are those of WCAG 2.2: 1.4.3 for text, 1.4.11 for lines and shapes. The
ground of a text is looked up in the drawn figure, without its texts. `CHECK` in the
environment lets every lesson's pictures be checked while they are made.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

from .drawn import named_by_hand

__all__ = ["CHECK", "check", "checking", "faults_of"]

CHECK = "COURSE_CHECK_PICTURES"  # "1" while lessons are built and proved
SMALLEST_TEXT = 9.0  # points, as shown
WIDEST = 700 / 96  # inches; a wider picture is shrunk to the width of the page
TEXT_CONTRAST, SHAPE_CONTRAST = 4.5, 3.0
SLACK = 1.5  # pixels by which boxes of text may touch
COVERED = 0.15  # part of a text's ground that may be too close to its colour, as a grid line is

_NONE = ("None", "", " ")
_CLEAR = (1.0, 1.0, 1.0, 0.0)


def checking() -> bool:
    return os.environ.get(CHECK) == "1"


def check(figure: Any, name: str) -> None:
    """Raises ValueError, with all faults in one sentence, when the figure has any."""
    if faults := dict.fromkeys(faults_of(figure)):
        raise ValueError(f"The picture {name!r} is hard to see: {'; '.join(faults)}.")


def faults_of(figure: Any) -> list[str]:
    """What is hard to see in a matplotlib figure, one clause each; empty if nothing is."""
    figure.draw_without_rendering()  # the layout moves things
    texts = _texts(figure)
    boxes = [(text, text.get_window_extent()) for text in texts]
    return [
        *_small(figure, texts),
        *_cut_off(figure, boxes),
        *_overlapping(boxes),
        *_faint_texts(figure, boxes),
        *(fault for axes in figure.axes for fault in _axes_faults(axes)),
    ]


def _axes_faults(axes: Any) -> Iterator[str]:
    ground = axes.get_facecolor()
    yield from _faint_lines(axes, ground)
    yield from _faint_shapes(axes, ground)
    yield from _unlabelled(axes)
    yield from _same_dash(axes)
    yield from _same_lightness(axes)


def _texts(figure: Any) -> list[Any]:
    """The texts that are drawn."""
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += [axes.title, *axes.texts]
        if axes.axison:
            texts += [text for axis in (axes.xaxis, axes.yaxis) for text in _axis_texts(axis)]
        if legend := axes.get_legend():
            texts += [*legend.get_texts(), legend.get_title()]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def _axis_texts(axis: Any) -> Iterator[Any]:
    if axis.get_visible():
        yield axis.label
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def _small(figure: Any, texts: Iterable[Any]) -> Iterator[str]:
    shrunk = min(1.0, WIDEST / figure.get_figwidth())
    for text in texts:
        points = text.get_fontsize() * shrunk
        if points < SMALLEST_TEXT:
            yield f"the text {_words(text)} has {points:.3g} points, under {SMALLEST_TEXT:g}"


def _cut_off(figure: Any, boxes: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    edge = figure.bbox
    for text, box in boxes:
        beyond = max(-box.x0, -box.y0, box.x1 - edge.x1, box.y1 - edge.y1)
        if beyond > SLACK:
            yield f"the text {_words(text)} reaches out of the picture"


def _overlapping(boxes: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    for (one, first), (two, second) in combinations(boxes, 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        high = min(first.y1, second.y1) - max(first.y0, second.y0)
        if min(wide, high) > SLACK:
            yield f"the texts {_words(one)} and {_words(two)} overlap"


def _faint_texts(figure: Any, boxes: list[tuple[Any, Any]]) -> Iterator[str]:
    import numpy as np

    pixels = _without_texts(figure, [text for text, _ in boxes])
    for text, box in boxes:
        left, right = (round(min(max(x, 0), pixels.shape[1])) for x in (box.x0, box.x1))
        low, high = (round(min(max(y, 0), pixels.shape[0])) for y in (box.y0, box.y1))
        behind = pixels[low:high, left:right].reshape(-1, 3)
        if not len(behind):
            continue
        close = _contrast(_rgb(text.get_color(), (1, 1, 1)), behind) < TEXT_CONTRAST
        if np.mean(close) > COVERED:
            yield f"the text {_words(text)} stands out by less than {TEXT_CONTRAST:g}:1"


def _without_texts(figure: Any, texts: list[Any]) -> Any:
    """Red, green and blue of every pixel, the lowest row first, as if no text were there."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    layout, canvas = figure.get_layout_engine(), figure.canvas
    figure.set_layout_engine("none")  # or the axes would grow into the free space
    for text in texts:
        text.set_visible(False)
    try:
        drawing = FigureCanvasAgg(figure)
        drawing.draw()
        return np.asarray(drawing.buffer_rgba())[::-1, :, :3] / 255
    finally:
        for text in texts:
            text.set_visible(True)
        figure.set_canvas(canvas)
        figure.set_layout_engine(layout)


def _faint_lines(axes: Any, ground: Any) -> Iterator[str]:
    for line in _seen_lines(axes):
        marks = [line.get_markerfacecolor(), line.get_markeredgecolor()]
        colours = [line.get_color()] if _dash(line) else marks
        if (_dash(line) or _mark(line)) and not _stands_out(colours, ground):
            yield f"a line in {_hex(colours[0])} stands out by less than {SHAPE_CONTRAST:g}:1"


def _faint_shapes(axes: Any, ground: Any) -> Iterator[str]:
    """Those that are seen neither by their face nor by their edge, and bear no text."""
    centres = [_centre(text.get_window_extent()) for text in axes.texts]
    for shape in (*axes.patches, *axes.collections):
        if shape.get_visible() and not any(_bears(shape, centre) for centre in centres):
            for face, edge in _colours(shape):
                if not _stands_out([face, edge], ground):
                    yield f"a shape in {_hex(face)} stands out by less than {SHAPE_CONTRAST:g}:1"


def _centre(box: Any) -> tuple[float, float]:
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2


def _bears(shape: Any, point: tuple[float, float]) -> bool:
    return bool(shape.get_window_extent().contains(*point))


def _colours(shape: Any) -> set[tuple[Any, Any]]:
    """(face, edge) of each of its parts; an edge without width counts as clear."""
    import numpy as np

    faces = [tuple(face) for face in np.atleast_2d(shape.get_facecolor())] or [_CLEAR]
    edges = [tuple(edge) for edge in np.atleast_2d(shape.get_edgecolor())] or [_CLEAR]
    if not np.any(shape.get_linewidth()):
        edges = [_CLEAR]
    number = max(len(faces), len(edges))
    pairs = {(faces[at % len(faces)], edges[at % len(edges)]) for at in range(number)}
    return {(face or _CLEAR, edge or _CLEAR) for face, edge in pairs}


def _seen_lines(axes: Any) -> list[Any]:
    return [line for line in axes.lines if line.get_visible() and len(line.get_xdata())]


def _dash(line: Any) -> str:
    style = str(line.get_linestyle())
    return "" if style in _NONE or not line.get_linewidth() else style


def _mark(line: Any) -> str:
    return "" if str(line.get_marker()) in _NONE else str(line.get_marker())


def _unlabelled(axes: Any) -> Iterator[str]:
    for axis in (axes.xaxis, axes.yaxis):
        marked = [text for text in _axis_texts(axis) if text is not axis.label and text.get_text()]
        if axes.axison and marked and not axis.get_label_text() and not named_by_hand(axis):
            yield f"the {axis.axis_name} axis has numbers and no label"


def _same_dash(axes: Any) -> Iterator[str]:
    for one, two in combinations(_seen_lines(axes), 2):
        colours = _hex(one.get_color()), _hex(two.get_color())
        if len({*colours}) == 2 and (_dash(one), _mark(one)) == (_dash(two), _mark(two)):
            yield f"lines in {colours[0]} and {colours[1]} differ by colour alone"


def _same_lightness(axes: Any) -> Iterator[str]:
    """Two shapes of one legend that look the same when printed grey."""
    from matplotlib.patches import Patch

    if legend := axes.get_legend():
        named = zip(legend.legend_handles, legend.get_texts(), strict=True)
        shapes = [(shape, _words(text)) for shape, text in named if isinstance(shape, Patch)]
        for (one, first), (two, second) in combinations(shapes, 2):
            faces = [_rgb(each.get_facecolor(), (1, 1, 1)) for each in (one, two)]
            if one.get_hatch() == two.get_hatch() and _contrast(*faces) < SHAPE_CONTRAST:
                yield f"the shapes {first} and {second} differ by colour alone"


def _stands_out(colours: Iterable[Any], ground: Any) -> bool:
    under = _rgb(ground, (1, 1, 1))
    return any(_contrast(_rgb(colour, under), under) >= SHAPE_CONTRAST for colour in colours)


def _rgb(colour: Any, ground: Any) -> Any:
    """Red, green and blue of a colour, mixed with what shines through."""
    import numpy as np
    from matplotlib.colors import to_rgba

    *own, alpha = to_rgba(colour)
    return alpha * np.array(own) + (1 - alpha) * np.asarray(ground)[:3]


def _contrast(one: Any, two: Any) -> Any:
    import numpy as np

    lights = _light(one), _light(two)
    return (np.maximum(*lights) + 0.05) / (np.minimum(*lights) + 0.05)


def _light(rgb: Any) -> Any:
    """Relative luminance, as WCAG 2.2 defines it."""
    import numpy as np

    rgb = np.asarray(rgb)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def _words(text: Any) -> str:
    return repr(" ".join(text.get_text().split())[:40])


def _hex(colour: Any) -> str:
    from matplotlib.colors import to_hex

    return str(to_hex(colour))
