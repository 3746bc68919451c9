from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import pytest

from course_lib.lesson import explorable
from course_lib.lesson.picture_faults import CHECK, WIDEST, faults_of
from course_lib.lesson.pictures import COLOURS, house_style, picture_html

ALT = "Two lines that climb from one to three."


def a_figure(draw: Callable[[Any], object] = lambda axes: None) -> Any:
    with house_style():
        fig, axes = plt.subplots()
        axes.plot([1, 2, 3], label="one")
        axes.plot([1, 3, 5], label="two")
        axes.bar([0, 1], [1, 1])
        axes.set(title="Calls", xlabel="seconds", ylabel="calls", ylim=(0, 6), xlim=(-1, 3))
        draw(axes)
        plt.close(fig)
        return fig


def two_bars(axes: Any, first: str, second: str, **more: Any) -> None:
    axes.bar([0], [2], color=first, label="answered")
    axes.bar([1], [2], color=second, label="refused", **more)
    axes.legend()


def test_a_sound_picture_has_no_faults() -> None:
    assert faults_of(a_figure()) == []


@pytest.mark.parametrize(
    ("draw", "fault"),
    [
        (
            lambda axes: axes.text(0, 5, "tiny", fontsize=8),
            "the text 'tiny' has 8 points, under 9",
        ),
        (
            lambda axes: axes.text(2.9, 5, "a long way out", in_layout=False),
            "the text 'a long way out' reaches out of the picture",
        ),
        (
            lambda axes: (axes.text(0, 5, "first"), axes.text(0.1, 5.05, "second")),
            "the texts 'first' and 'second' overlap",
        ),
        (
            lambda axes: axes.text(0, 5, "pale", color="0.6"),
            "the text 'pale' stands out by less than 4.5:1",
        ),
        (
            lambda axes: (
                axes.bar([2.5], [6], color="#0072B2"),
                axes.text(2.5, 3, "here", ha="center"),
            ),
            "the text 'here' stands out by less than 4.5:1",
        ),
        (
            lambda axes: axes.plot([0, 1], [5, 5], color="#56B4E9"),
            "a line in #56b4e9 stands out by less than 3:1",
        ),
        (
            lambda axes: axes.plot([0], [5], "o", color="#F0E442"),
            "a line in #f0e442 stands out by less than 3:1",
        ),
        (
            lambda axes: axes.bar([2], [3], color="0.85"),
            "a shape in #d9d9d9 stands out by less than 3:1",
        ),
        (
            lambda axes: axes.scatter([2], [5], color="#E69F00"),
            "a shape in #e69f00 stands out by less than 3:1",
        ),
        (
            lambda axes: axes.set_ylabel(""),
            "the y axis has numbers and no label",
        ),
        (
            lambda axes: axes.lines[1].set(linestyle="-", marker="o"),
            "lines in #0072b2 and #d55e00 differ by colour alone",
        ),
        (
            lambda axes: two_bars(axes, COLOURS[0], COLOURS[1]),
            "the shapes 'answered' and 'refused' differ by colour alone",
        ),
    ],
)
def test_each_fault_is_named_and_no_other(draw: Callable[[Any], object], fault: str) -> None:
    assert faults_of(a_figure(draw)) == [fault]


@pytest.mark.parametrize(
    "draw",
    [
        lambda axes: axes.bar([2], [3], color="0.95", edgecolor="black"),
        lambda axes: (axes.axvspan(2, 3, color="0.9"), axes.text(2.5, 5.5, "down", ha="center")),
        lambda axes: axes.text(0, 5, "pale and small", color="0.9", fontsize=4, visible=False),
        lambda axes: (axes.axis("off"), axes.set(xlabel="", ylabel="")),
        lambda axes: axes.set(ylabel="", yticks=[0, 5], yticklabels=["shut", "open"]),
        lambda axes: two_bars(axes, COLOURS[0], COLOURS[1], hatch="//"),
        lambda axes: (
            two_bars(axes, "white", COLOURS[0], edgecolor="black")
            or axes.patches[-2].set_edgecolor("black")
        ),
    ],
)
def test_what_can_be_seen_another_way_is_no_fault(draw: Callable[[Any], object]) -> None:
    assert faults_of(a_figure(draw)) == []


def test_text_counts_in_the_size_to_which_a_wide_picture_is_shrunk() -> None:
    fig = a_figure(lambda axes: axes.text(0, 5, "wide", fontsize=12))
    fig.set_size_inches(2 * WIDEST, 4)

    assert "the text 'wide' has 6 points, under 9" in faults_of(fig)


def test_looking_for_faults_changes_nothing() -> None:
    before = picture_html(a_figure(), alt=ALT)
    fig = a_figure()

    faults_of(fig)

    assert picture_html(fig, alt=ALT) == before


def test_a_faulty_picture_is_refused_while_lessons_are_proved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fig = a_figure(lambda axes: axes.text(0, 5, "tiny", fontsize=8))
    assert picture_html(fig, alt=ALT)

    monkeypatch.setenv(CHECK, "1")

    with pytest.raises(ValueError, match=f"'{ALT}' is hard to see: the text 'tiny' has 8 points"):
        picture_html(fig, alt=ALT)


def an_explorable(**controls: object) -> object:
    def draw(axes: Any, result: tuple[int, str]) -> None:
        size, word = result
        axes.text(0.95, 0.5, word, fontsize=size, in_layout=False)
        axes.axis("off")

    return explorable(
        lambda **settings: tuple(settings.values()),
        draw=draw,
        describe=lambda result, previous: f"A word of {result[0]} points.",
        label="The word",
        controls=controls,
    )


def test_an_explorable_is_checked_at_the_ends_of_its_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(CHECK, "1")
    an_explorable(size=(9, 20, 1, 12), word=["a", "b"])

    with pytest.raises(ValueError, match=r"size: 8; word: a.' is hard .* 'a' has 8 points"):
        an_explorable(size=(8, 20, 1, 12), word=["a", "b"])
    with pytest.raises(ValueError, match=r"word: far away.' is hard .* out of the picture"):
        an_explorable(size=(9, 20, 1, 12), word=["a", "b", "far away"])
