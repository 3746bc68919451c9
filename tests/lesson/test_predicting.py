import pytest

from course_lib import progress
from course_lib.lesson import predict, start

from .widgets import all_html, control, press, told

CHOICES = {5: "Half of them.", 0: "All of them wait."}


def free_workers() -> int:
    print("ten orders wait")
    return 0


def test_the_text_has_question_choices_answer_and_every_reason() -> None:
    assert repr(predict(free_workers, "How many are free?", CHOICES)).splitlines() == [
        "How many are free?",
        "  1. 5",
        "  2. 0",
        "Answer: 0",
        "  5: Half of them.",
        "  0 (right): All of them wait.",
        "It printed:",
        "ten orders wait",
    ]


def test_a_saved_page_folds_the_answer_away() -> None:
    html = predict(free_workers, "How many are free?", CHOICES).as_html

    before, after = html.split("<details>")
    assert "All of them wait." not in before
    assert "All of them wait." in after


def test_showing_the_question_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    bet = predict(free_workers, "How many are free?", CHOICES)

    bundle = bet._repr_mimebundle_()

    assert capsys.readouterr().out == ""
    assert {"text/html", "text/plain"} < set(bundle)


def test_a_wrong_answer_is_told_with_the_right_one() -> None:
    widget = predict(free_workers, "How many are free?", CHOICES).widget

    control(widget, "Your answer:").value = "5"
    press(widget, "Answer")

    assert told(widget).startswith("<p>You said 5. It was 0.</p>")
    assert "Half of them." in all_html(widget)
    assert "ten orders wait" in all_html(widget)


def test_an_answer_is_recorded_under_lesson_and_snippet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start("01.5")
    widget = predict(free_workers, "How many are free?", CHOICES).widget

    control(widget, "Your answer:").value = "0"
    press(widget, "Answer")

    recorded = progress.events("prediction")
    assert [(e.item, e.value) for e in recorded] == [("01.5/free_workers", "right: 0")]


def test_an_earlier_answer_is_remembered() -> None:
    widget = predict(free_workers, "How many are free?", CHOICES).widget
    control(widget, "Your answer:").value = "5"
    press(widget, "Answer")

    again = predict(free_workers, "How many are free?", CHOICES)

    assert told(again.widget) == "<p>Last time you said 5.</p>"
    assert "Last time" not in repr(again)


def test_answering_without_a_choice_asks_for_one() -> None:
    widget = predict(free_workers, "How many are free?", CHOICES).widget

    press(widget, "Answer")

    assert "Choose an answer first" in told(widget)
    assert progress.events("prediction") == []


def test_the_readers_own_reason_is_kept() -> None:
    widget = predict(free_workers, "How many are free?", CHOICES, because=True).widget
    control(widget, "Your answer:").value = "0"
    control(widget, "Because:").value = "  they all wait "

    press(widget, "Answer")

    assert [e.value for e in progress.events("because")] == ["they all wait"]


def test_a_record_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("COURSE_HOME", f"{tmp_path}/file/below")
    (progress.home().parent).write_text("not a folder")
    widget = predict(free_workers, "How many are free?", CHOICES).widget
    control(widget, "Your answer:").value = "0"

    press(widget, "Answer")

    assert "You said 0. That is right." in told(widget)
    assert "was not recorded" in told(widget)


def test_choices_that_the_code_contradicts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"free_workers\(\) gives 0, which is none of .* 5, 7"):
        predict(free_workers, "How many are free?", {5: "Half.", 7: "Most."})


@pytest.mark.parametrize(
    "choices", [{0: "Only one."}, {0: "One.", "0": "The same."}, {0: "Right.", 5: " "}]
)
def test_choices_that_are_no_choice_are_refused(choices: dict[object, str]) -> None:
    with pytest.raises(ValueError, match=r"choices|reason"):
        predict(free_workers, "How many are free?", choices)  # type: ignore[arg-type]


def test_an_error_answers_with_its_name() -> None:
    def divides() -> float:
        return 1 / 0

    bet = predict(divides, "What comes?", {"inf": "No.", "ZeroDivisionError": "Yes."})

    assert "Answer: ZeroDivisionError" in repr(bet)


def test_a_snippet_that_returns_nothing_answers_with_what_it_prints() -> None:
    bet = predict(lambda: print("finally"), "Last line?", {"else": "No.", "finally": "Yes."})

    assert "Answer: finally" in repr(bet)


def test_true_is_not_one() -> None:
    with pytest.raises(ValueError, match="none of the choices"):
        predict(lambda: True, "What?", {1: "One.", 2: "Two."})


def test_a_list_is_compared_as_text() -> None:
    bet = predict(lambda: [1, 2], "What?", {"[1, 2]": "Yes.", "[2, 1]": "No."})

    assert "Answer: [1, 2]" in repr(bet)


def test_tags_in_any_text_stay_text() -> None:
    tag = "<script>alert(1)</script>"

    bet = predict(lambda: print(tag), f"ß→漢 {tag}", {tag: f"Why {tag}", "no": "No."})
    control(bet.widget, "Your answer:").value = tag
    press(bet.widget, "Answer")

    assert "<script>" not in bet.as_html + all_html(bet.widget)
    assert "ß→漢" in bet.as_html


def test_two_runs_show_the_same() -> None:
    one, two = (predict(free_workers, "How many are free?", CHOICES) for _ in range(2))

    assert (one.as_html, one.as_text) == (two.as_html, two.as_text)
