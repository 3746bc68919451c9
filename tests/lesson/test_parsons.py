import html

import pytest

from course_lib import progress
from course_lib.lesson import parsons
from course_lib.lesson.arranging import Arranged, judged, pool
from course_lib.lesson.items import Item, ItemError, find

from .widgets import control, press, told

pytestmark = pytest.mark.usefixtures("questions")


def number_of(line: str, *, item: str = "01.5-after") -> int:
    return pool(find(item)).index(line) + 1


RIGHT = ["def after(ok):", "if not ok:", "stop()"]


def test_the_lines_come_shuffled_and_always_the_same() -> None:
    item = find("01.5-after")

    assert pool(item) == pool(item)
    assert sorted(pool(item)) == sorted([*RIGHT, "sleep()"])
    assert pool(item)[:3] != RIGHT


def test_the_shuffled_lines_are_never_the_answer_by_chance() -> None:
    many = [Item(f"x-{n}", "x", "order", lines=("first", "second")) for n in range(20)]

    assert all(pool(item) == ["second", "first"] for item in many)


def test_the_text_has_shuffled_lines_and_the_answer_last() -> None:
    text = repr(parsons("01.5-after"))

    assert text.index("Answer:") > text.index("  4. ")
    assert "  def after(ok):\n      if not ok:\n          stop()" in text
    assert "sleep(): Nobody waits here." in text


def test_numbers_in_the_right_order_are_right() -> None:
    verdict = parsons("01.5-after", order=[number_of(line) for line in RIGHT])

    assert repr(verdict) == "That is right. First look, then act."
    assert [e.value for e in progress.events("parsons")] == ["right"]


def test_a_line_that_does_not_belong_is_named_with_its_reason() -> None:
    order = [number_of(line) for line in [RIGHT[0], "sleep()", *RIGHT[1:]]]

    verdict = repr(parsons("01.5-after", order=order))

    assert verdict == "Line 2, `sleep()`, does not belong there. Nobody waits here."


def test_only_the_first_wrong_line_is_named() -> None:
    lines = ["retry", "timeout", "breaker"]
    order = [number_of(line, item="01.5-wrappers") for line in lines]

    verdict = repr(parsons("01.5-wrappers", order=order))

    assert verdict == "Line 1, `retry`, does not belong there. A refusal is not retried."


def test_a_missing_line_is_told() -> None:
    assert "line 3 is missing" in repr(
        parsons("01.5-after", order=[number_of(line) for line in RIGHT[:2]])
    )


def test_a_line_too_many_is_told() -> None:
    order = [number_of(line) for line in [*RIGHT, "sleep()"]]

    assert repr(parsons("01.5-after", order=order)).startswith("Line 4, `sleep()`")


def test_indentation_is_judged_in_the_form() -> None:
    item = find("01.5-after")
    flat = [Arranged(line) for line in RIGHT]
    stepped = [Arranged(line, step) for step, line in enumerate(RIGHT)]

    assert judged(item, flat) == (
        False,
        "Line 2, `if not ok:`, is not indented as it should be.",
    )
    assert judged(item, stepped)[0]


@pytest.mark.parametrize("order", [[1, 1], [0, 1], [9]])
def test_numbers_that_are_no_lines_are_refused(order: list[int]) -> None:
    with pytest.raises(ValueError, match="different numbers from 1 to 4"):
        parsons("01.5-after", order=order)


def test_another_kind_of_question_is_refused() -> None:
    with pytest.raises(ItemError, match="of kind single"):
        parsons("01.5-minimum")


def test_the_whole_problem_can_be_solved_with_buttons() -> None:
    widget = parsons("01.5-after").widget
    lines = control(widget, "Lines:")

    def select(text: str) -> None:
        lines.value = next(n for n, (row, _) in enumerate(lines.options) if row.endswith(text))

    select("sleep()")
    press(widget, "Leave out or put back")
    assert told(widget) == "<p>Left out: sleep()</p>"
    for place, text in enumerate(RIGHT):
        select(text)
        while lines.value > place:
            press(widget, "Move up")
        for _ in range(place):
            press(widget, "Indent")
    press(widget, "Check")

    assert told(widget) == "<p>That is right. First look, then act.</p>"


def test_there_is_no_way_beyond_the_edge() -> None:
    widget = parsons("01.5-after").widget

    press(widget, "Move up")
    assert "nothing to move" in told(widget)
    press(widget, "Unindent")
    assert "Not indented: " in told(widget)
    press(widget, "Indent")
    assert "Indented once: " in told(widget)


def test_the_place_that_is_told_is_the_one_in_the_list() -> None:
    widget = parsons("01.5-after").widget
    lines = control(widget, "Lines:")
    count = len(lines.options)

    press(widget, "Leave out or put back")
    press(widget, "Move down")
    assert "Moved, still left out: " in told(widget)
    lines.value = 2
    press(widget, "Move down")

    shown = lines.options[3][0]
    assert shown.startswith("3. ")
    assert told(widget) == f"<p>Now line 3 of {count - 1}: {html.escape(shown[3:])}</p>"
