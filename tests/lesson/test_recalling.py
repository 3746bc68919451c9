import pytest

from course_lib import progress
from course_lib.clock import ManualClock
from course_lib.lesson import recall, start

from .widgets import all_html, control, inside, press, told

pytestmark = pytest.mark.usefixtures("questions")


def test_a_new_learner_gets_the_first_three_cards_of_earlier_lessons() -> None:
    start("01.5")

    text = repr(recall())

    assert [line for line in text.splitlines() if "?" in line] == [
        "Question 1?",
        "Question 2?",
        "Question 3?",
    ]
    assert "Answer: Answer 1." in text


def test_a_first_lesson_asks_its_own_cards() -> None:
    start("00")

    assert "Question 1?" in repr(recall())


def test_the_answer_shows_only_on_demand() -> None:
    start("01.5")
    widget = recall().widget
    assert "Answer 1." not in all_html(widget)
    assert control(widget, "I knew it").disabled

    press(widget, "Show answer")

    answer = "<p>Answer 1.</p><p>Did you know it?</p>"
    assert told(widget) == answer
    assert not control(widget, "I knew it").disabled
    press(widget, "Show answer")
    assert told(widget) == f"<p>As before:</p>{answer}"  # else nothing would be heard


@pytest.mark.parametrize(("button", "value"), [("I knew it", "right"), ("I did not", "wrong")])
def test_what_the_learner_knew_is_recorded(button: str, value: str) -> None:
    start("01.5")
    widget = recall().widget

    press(widget, "Show answer")
    press(widget, button)

    assert [(e.item, e.value) for e in progress.events("recall")] == [("00-card1", value)]


def test_a_known_card_makes_room_for_the_next() -> None:
    start("01.5")
    progress.record("recall", "00-card1", "right")

    assert "Question 1?" not in repr(recall())
    assert "Question 4?" in repr(recall())


def test_a_card_comes_back_when_it_is_time() -> None:
    start("01.5")
    progress.record("recall", "00-card1", "right", clock=ManualClock(now=0.0))

    assert "Question 1?" in repr(recall())


def test_a_day_without_cards_says_so() -> None:
    start("01.5")
    for number in range(1, 5):
        progress.record("recall", f"00-card{number}", "right")

    assert repr(recall()).startswith("No card is due today.")
    assert len(list(inside(recall().widget))) == 1
