import pytest

from course_lib import progress
from course_lib.lesson import quiz, start
from course_lib.lesson.items import ItemError, find
from course_lib.lesson.questions import judged_multi, judged_number

from .widgets import all_html, control, inside, press, told

pytestmark = pytest.mark.usefixtures("questions")


def test_a_checkpoint_asks_everything_for_this_use() -> None:
    start("01.5")

    text = repr(quiz())

    assert [line for line in text.splitlines() if line.startswith("Question")] == [
        "Question 1 of 3: Six of ten failed. `State`?",
        "Question 2 of 3: Which are failures?",
        "Question 3 of 3: How many calls?",
    ]
    assert "Answer: 503; timeout\n  404: It answered.\n  503 (right): It cannot serve." in text
    assert "Answer: 27, give or take 0.5\n  Three times three times three." in text


def test_a_saved_page_folds_every_answer_away() -> None:
    html = quiz("01.5-minimum").as_html

    assert "Too few calls." not in html.split("<details>")[0]
    assert "<code>State</code>" in html


def test_a_choice_is_judged_and_explained() -> None:
    widget = quiz("01.5-minimum").widget

    control(widget, "Your answer:").value = "open"
    press(widget, "Answer")

    assert told(widget) == "<p>You said open. That is not right.</p><p>Only after ten.</p>"
    assert "closed (right): Too few calls." in all_html(widget)
    assert [(e.item, e.value) for e in progress.events("quiz")] == [("01.5-minimum", "wrong: open")]


def test_nothing_chosen_is_not_an_answer() -> None:
    widget = quiz("01.5-minimum", "01.5-failures", "01.5-calls").widget

    for one in [w for w in inside(widget) if getattr(w, "description", "") == "Answer"]:
        one.click()

    assert [told(widget, n) for n in range(3)] == [
        "<p>Choose an answer first.</p>",
        "<p>Tick at least one.</p>",
        "<p>Type a number, such as 27 or 0.5.</p>",
    ]
    assert progress.events("quiz") == []


def test_several_ticks_are_right_only_all_together() -> None:
    widget = quiz("01.5-failures").widget

    control(widget, "503").value = True
    press(widget, "Answer")
    first = told(widget)
    control(widget, "timeout").value = True
    press(widget, "Answer")

    assert "timeout: belongs to it. It may be gone." in first
    assert "You said 503; timeout. That is right." in told(widget)


def test_a_tick_too_many_is_named() -> None:
    verdict = judged_multi(find("01.5-failures"), ["404", "503", "timeout"])

    assert not verdict.right
    assert verdict.reason == "404: does not belong to it. It answered."


@pytest.mark.parametrize(
    ("said", "right"),
    [("27", True), (" 27,5 ", True), ("26.5", True), ("26.4", False), ("9", False)],
)
def test_a_number_is_right_within_its_tolerance(said: str, right: bool) -> None:
    assert judged_number(find("01.5-calls"), said).right is right


def test_lines_are_put_in_order_with_buttons() -> None:
    widget = quiz("01.5-wrappers").widget
    lines = control(widget, "Lines:")
    names = [row.partition(". ")[2] for row, _ in lines.options]

    for place, name in enumerate(["breaker", "retry", "timeout"]):
        lines.value = names.index(name)
        while lines.value > place:
            press(widget, "Move up")
        names = [row.partition(". ")[2] for row, _ in lines.options]
    press(widget, "Answer")

    assert "That is right. A refusal is not retried." in told(widget)


def test_a_vote_is_kept_and_the_second_one_judged() -> None:
    widget = quiz("01.5-minimum", vote=True).widget

    control(widget, "Your answer:").value = "open"
    press(widget, "Answer")
    first = told(widget)
    control(widget, "Your answer:").value = "closed"
    press(widget, "Answer")

    assert "first vote is open" in first
    assert "Only after ten" not in first
    assert "First you said open." in told(widget)
    assert "You said closed. That is right." in told(widget)
    assert [e.value for e in progress.events("vote")] == ["wrong: open"]


def test_what_a_quiz_cannot_ask_is_refused() -> None:
    with pytest.raises(ItemError, match="of kind hunt; a quiz cannot ask that"):
        quiz("01.5-count")


def test_a_use_without_questions_is_refused() -> None:
    start("00")

    with pytest.raises(ItemError, match='no question for the use "checkpoint"'):
        quiz()


def test_a_quiz_before_the_lesson_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="run its first code cell"):
        quiz()
