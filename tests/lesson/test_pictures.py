import base64
import re
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import pytest

from course_lib.lesson import figure
from course_lib.lesson.drawn import drawn
from course_lib.lesson.pictures import COLOURS, checked_alt, house_style, picture_html

ALT = "A line that climbs from one to three."


def a_line(**changes: Any) -> Any:
    fig, axes = plt.subplots()
    axes.plot([1, 2, 3], color=changes.get("color", "blue"), marker=changes.get("marker", "o"))
    axes.plot([1, 2, changes.get("last", 4)])
    axes.set_title(changes.get("title", "Calls"))
    axes.set_xlabel(changes.get("xlabel", "second"))
    plt.close(fig)
    return fig


def shown(capsys: pytest.CaptureFixture[str], call: Callable[[], None]) -> str:
    call()
    return capsys.readouterr().out.rstrip("\n")


def test_the_text_twin_has_the_alt_the_drawing_and_the_numbers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = shown(
        capsys,
        lambda: figure(a_line(), alt=ALT, long="Steady.", data=[(1, 2.5)], header=("x", "y")),
    )

    lines = text.splitlines()
    assert lines[0] == f"Picture: {ALT}"
    assert "  Axes 1: 'Calls'" in lines
    assert lines[-3:] == ["Steady.", "The numbers in this picture", "  x: 1; y: 2.5"]


def test_the_html_is_a_figure_whose_image_has_the_alt() -> None:
    html = picture_html(a_line(), alt=ALT, caption="Calls <by> second")

    assert html.startswith("<figure")
    assert f'alt="{ALT}"' in html
    assert "<figcaption>Calls &lt;by&gt; second</figcaption>" in html


def test_an_alt_with_quotes_and_tags_stays_text() -> None:
    html = picture_html(a_line(), alt='"><script>alert(1)</script> a line')

    assert "<script>" not in html
    assert 'alt="&quot;&gt;&lt;script&gt;' in html


def test_the_same_drawing_gives_the_same_bytes() -> None:
    assert picture_html(a_line(), alt=ALT) == picture_html(a_line(), alt=ALT)


def test_the_alt_travels_inside_the_file() -> None:
    html = picture_html(a_line(), alt=ALT)

    file = base64.b64decode(re.search('base64,([^"]+)', html)[1])  # type: ignore[index]
    assert ALT.encode() in file
    assert b"Matplotlib" not in file


@pytest.mark.parametrize(
    "change",
    [{"color": "red"}, {"marker": "s"}, {"last": 5}, {"title": "Errors"}, {"xlabel": "minute"}],
)
def test_a_changed_drawing_is_a_changed_text(change: dict[str, Any]) -> None:
    assert drawn(a_line()) == drawn(a_line())
    assert drawn(a_line()) != drawn(a_line(**change))


@pytest.mark.parametrize(
    "draw",
    [
        lambda axes, high: axes.bar(["a", "b"], [1, 3 if high else 2]),
        lambda axes, high: axes.bar(["a", "c" if high else "b"], [1, 2]),
        lambda axes, high: axes.bar(["a"], [1], hatch="/" if high else None),
        lambda axes, high: axes.scatter([1, 2], [1, 3 if high else 2]),
        lambda axes, high: axes.fill_between([1, 2], [1, 3 if high else 2]),
        lambda axes, high: axes.imshow([[1, 3 if high else 2]]),
        lambda axes, high: axes.text(1, 1, "high" if high else "low"),
        lambda axes, high: axes.annotate("x", (1, 1), xytext=(2, 3 if high else 2)),
        lambda axes, high: axes.set_yscale("log" if high else "linear"),
        lambda axes, high: axes.plot([1, 2], label="high" if high else "low") and axes.legend(),
    ],
)
def test_each_way_of_drawing_shows_in_the_text(draw: Callable[[Any, bool], Any]) -> None:
    def text(high: bool) -> list[str]:
        fig, axes = plt.subplots()
        draw(axes, high)
        plt.close(fig)
        return drawn(fig)

    assert text(False) == text(False)
    assert text(False) != text(True)


def test_a_negative_zero_is_drawn_like_zero() -> None:
    def text(value: float) -> list[str]:
        fig, axes = plt.subplots()
        axes.plot([value, 1.0])
        plt.close(fig)
        return drawn(fig)

    assert text(-0.0) == text(0.0)


@pytest.mark.parametrize("alt", ["", "A plot", "image of the chart", "figure 1", "Too short."])
def test_an_alt_that_says_nothing_is_refused(alt: str) -> None:
    with pytest.raises(ValueError, match="say what there is to see"):
        checked_alt(alt)


def test_an_alt_that_repeats_the_title_is_refused() -> None:
    fig = a_line(title="Calls to the payment service")

    with pytest.raises(ValueError, match="repeats the title"):
        checked_alt("Calls to the payment service.", fig)


def test_a_very_long_alt_is_refused() -> None:
    with pytest.raises(ValueError, match="301 characters"):
        checked_alt("a" * 301)


def test_data_without_header_is_refused() -> None:
    with pytest.raises(ValueError, match="header="):
        figure(a_line(), alt=ALT, data=[(1, 2)])


def test_a_shown_figure_is_closed(capsys: pytest.CaptureFixture[str]) -> None:
    fig, _ = plt.subplots()

    figure(fig, alt=ALT)

    assert not plt.fignum_exists(fig.number)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colour", COLOURS)
def test_every_line_colour_stands_out_from_white_by_three_to_one(colour: str) -> None:
    assert 1.05 / (_luminance(colour) + 0.05) >= 3


def test_lines_differ_by_more_than_colour() -> None:
    with house_style():
        fig, axes = plt.subplots()
        lines = [axes.plot([1, 2])[0] for _ in range(5)]
        plt.close(fig)

    assert len({line.get_marker() for line in lines}) == 5
    assert len({line.get_color() for line in lines}) == 5


def test_dots_without_a_line_are_never_thinned_out():
    fig, ax = plt.subplots()
    (dots,) = ax.plot(range(200), [1] * 200, "x")
    (line,) = ax.plot(range(200), [2] * 200)

    figure(fig, alt="Two hundred crosses, and a line above them.")

    assert dots.get_markevery() is None
    assert line.get_markevery() is not None
