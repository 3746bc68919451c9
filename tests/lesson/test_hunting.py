from pathlib import Path

import pytest

from course_lib import progress
from course_lib.lesson import hunt
from course_lib.lesson.items import ItemError

from .widgets import control, press, told

pytestmark = pytest.mark.usefixtures("questions")


def broken(day: int) -> str:
    return "refused" if day > 5 else "answered"


def mended(day: int) -> str:
    return "answered"


def crashes(day: int) -> str:
    raise KeyError(day)


def test_the_text_has_the_story_and_what_the_observation_saw() -> None:
    text = repr(hunt("01.5-count", code=broken))

    assert text.splitlines()[:4] == [
        "On Tuesday it was <gone>.",
        "Which observation shows it?",
        "  1. Five in a row.",
        "  2. One a day.",
    ]
    assert "It shows: On day eight the call is refused." in text
    assert "Mended" not in text


def test_a_saved_page_folds_the_answer_away_and_escapes_the_story() -> None:
    html = hunt("01.5-count", code=broken).as_html

    before = html.split("<details>")[0]
    assert "day eight" not in before
    assert "unbounded growth" not in before
    assert "&lt;gone&gt;" in before


def test_the_right_observation_shows_what_was_seen() -> None:
    widget = hunt("01.5-count", code=broken).widget

    control(widget, "Observe:").value = "One a day."
    press(widget, "Run this observation")

    assert "It ran. On day eight the call is refused." in told(widget)
    assert [e.value for e in progress.events("observation")] == ["right: One a day."]


def test_a_wrong_observation_says_why() -> None:
    widget = hunt("01.5-count", code=broken).widget

    control(widget, "Observe:").value = "Five in a row."
    press(widget, "Run this observation")

    assert told(widget) == "<p>That does not show it.</p><p>That is meant.</p>"


def test_the_class_of_bug_is_named() -> None:
    widget = hunt("01.5-count", code=broken).widget

    press(widget, "Name it")
    assert "Choose a class" in told(widget, 1)
    control(widget, "Class of bug:").value = "deadlock"
    press(widget, "Name it")
    assert "Not deadlock" in told(widget, 1)
    control(widget, "Class of bug:").value = "unbounded growth"
    press(widget, "Name it")

    assert told(widget, 1) == "<p>Yes, unbounded growth.</p><p>Count in a window.</p>"


def test_mended_code_is_said_to_be_mended_and_recorded() -> None:
    assert repr(hunt("01.5-count", code=mended)).startswith(
        "Mended. On day eight the call is answered."
    )
    assert [(e.item, e.value) for e in progress.events("hunt")] == [("01.5-count", "mended")]


def test_code_that_crashes_is_not_mended() -> None:
    assert "The observation stopped with KeyError: 7" in repr(hunt("01.5-count", code=crashes))
    assert progress.events("hunt") == []


def test_a_hunt_without_observation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notebooks" / "01_errors" / "hunts.py").write_text("")

    with pytest.raises(ItemError, match=r"has no observe_01_5_count\(\)"):
        hunt("01.5-count", code=broken)


def test_a_chapter_without_hunts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notebooks" / "01_errors" / "hunts.py").unlink()

    with pytest.raises(ItemError, match="is missing"):
        hunt("01.5-count", code=broken)
