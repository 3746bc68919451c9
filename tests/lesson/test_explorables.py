from typing import Any

import pytest

from course_lib.lesson import explorable, pictures
from course_lib.lesson.drawn import drawn
from course_lib.lesson.knobs import knob

from .widgets import all_html, control, inside, told


@pytest.fixture(autouse=True)
def pictures_are_their_description(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time here, and test_pictures.py does it for real."""
    monkeypatch.setattr(pictures, "_png", lambda fig, alt: "\n".join(drawn(fig)).encode())


def model(rate: float, calls: int, policy: str, jitter: bool) -> float:
    if rate == 1.0:
        raise RuntimeError("nothing left to draw")
    return rate * calls


def describe(result: float, previous: float | None) -> str:
    change = "" if previous is None else f" Before, it was {previous:g}."
    return f"{result:g} calls fail.{change}"


def bench(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "draw": lambda axes, result: axes.bar(["failed"], [result]),
        "describe": describe,
        "label": "Failing calls",
        "controls": {
            "rate": (0.0, 1.0, 0.05, 0.5),
            "calls": (10, 50, 10, 20),
            "policy": ["count", "window"],
            "jitter": True,
        },
        "names": {"rate": "failure rate"},
        "data": lambda result: (("what", "calls"), [("failed", result)]),
    } | changes
    return explorable(model, **given)


def test_the_text_says_what_there_is_to_see_and_what_was_drawn() -> None:
    text = repr(bench(at=[{"rate": 0.1}, {"calls": 50, "jitter": False}]))

    assert text.startswith(
        "Failing calls\n10 calls fail.\nPicture: Failing calls with failure rate"
    )
    assert "Rectangle" in text
    assert text.endswith(
        "  settings: failure rate: 0.1; calls: 20; policy: count; jitter: on;"
        " what you see: 2 calls fail.\n"
        "  settings: failure rate: 0.5; calls: 50; policy: count; jitter: off;"
        " what you see: 25 calls fail."
    )


def test_two_runs_show_the_same() -> None:
    assert bench().as_html == bench().as_html
    assert bench().as_text == bench().as_text


def test_a_saved_page_has_words_picture_and_table() -> None:
    html = bench().as_html

    assert html.index("10 calls fail.") < html.index("<img") < html.index("<table")


def test_moving_a_slider_changes_words_and_picture() -> None:
    widget = bench().widget
    before = all_html(widget)

    control(widget, "failure rate").value = 0.6

    assert told(widget) == "<p>12 calls fail. Before, it was 10.</p>"
    assert all_html(widget) != before
    assert "failure rate: 0.6" in all_html(widget)


def test_the_words_do_not_wait_for_the_picture() -> None:
    words: list[str] = []
    shown: list[Any] = []
    whole = bench(draw=lambda axes, result: words.extend(told(one) for one in shown))
    shown.append(whole.widget)

    control(shown[0], "calls").value = 40

    assert "20 calls fail." in words[-1]


def test_what_was_before_is_the_last_setting_not_the_first() -> None:
    widget = bench().widget

    control(widget, "failure rate").value = 0.6
    control(widget, "calls").value = 10

    assert told(widget) == "<p>6 calls fail. Before, it was 12.</p>"


def test_the_numbers_come_when_asked_for() -> None:
    widget = bench().widget
    assert "<table" not in all_html(widget)

    control(widget, "Show the numbers as a table").value = True

    assert "<table" in all_html(widget)
    assert told(widget) == "<p>The table stands below the picture.</p>"


def test_an_error_in_the_model_is_told() -> None:
    widget = bench().widget

    control(widget, "failure rate").value = 1.0

    assert "RuntimeError: nothing left to draw" in told(widget)


def test_a_step_of_the_slider_is_a_round_number() -> None:
    seen = []
    widget = explorable(
        lambda rate: seen.append(rate) or rate,
        draw=lambda axes, result: None,
        describe=lambda result, previous: f"The rate is {result}.",
        label="Rates",
        controls={"rate": (0.0, 1.0, 0.05, 0.5)},
    ).widget

    control(widget, "rate").value = 0.05 * 3

    assert seen[-1] == 0.15


def test_without_widgets_it_answers_in_text_and_tables() -> None:
    failing = bench()

    assert failing.text(rate=0.25) == "5 calls fail."
    assert repr(failing.table(rate=0.25)).endswith("what: failed; calls: 5")
    assert "what you see: 5 calls fail." in repr(bench(data=None).table(rate=0.25))


def test_controls_are_named_and_grouped() -> None:
    widget = bench().widget

    named = [w.description for w in inside(widget) if hasattr(w, "description")]
    assert "course-group" in widget._dom_classes
    assert {"failure rate", "calls", "policy", "jitter"} <= set(named)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"speed": 1}, "speed is no setting here; there are rate, calls, policy, jitter"),
        ({"rate": 1.5}, "rate goes from 0.0 to 1.0; got 1.5"),
        ({"rate": True}, "rate goes from"),
        ({"policy": "luck"}, "policy is one of"),
    ],
)
def test_a_setting_it_does_not_have_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        bench().text(**settings)


@pytest.mark.parametrize("given", [(0, 1), "ab", [], {}, (5, 1, 1, 2), (0, 10, 20, 5), 7])
def test_a_control_that_makes_no_sense_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="The control speed"):
        knob("speed", given)


def test_a_name_for_no_control_is_refused() -> None:
    with pytest.raises(ValueError, match="speaks of speed"):
        bench(names={"speed": "speed"})


def test_words_are_required() -> None:
    with pytest.raises(ValueError, match="say in words"):
        bench(describe=lambda result, previous: " ")


def test_options_may_have_names_of_their_own() -> None:
    waits = knob("wait", {"short": 1, "long": 60})

    assert waits.start == 1
    assert waits.words(60) == "wait: long"


def test_tags_in_the_words_stay_text() -> None:
    risky = bench(label="<script>x</script>", describe=lambda r, p: "<script>y</script> seen")

    assert "<script>" not in risky.as_html + all_html(risky.widget)
