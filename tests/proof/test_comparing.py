import pytest

from course_lib.proof.comparing import difference


def printed(text: str) -> dict:
    return {"output_type": "stream", "name": "stdout", "text": text}


def displayed(**data: str) -> dict:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def raised(*traceback: str) -> dict:
    return {"output_type": "error", "ename": "E", "evalue": "e", "traceback": list(traceback)}


PLAIN, HTML, PNG, WIDGET = (
    "text/plain",
    "text/html",
    "image/png",
    "application/vnd.jupyter.widget-view+json",
)


@pytest.mark.parametrize(
    ("stored", "now"),
    [
        ([printed("1")], [printed("2")]),
        ([printed("1")], []),
        ([printed("1"), displayed(**{PLAIN: "2"})], [displayed(**{PLAIN: "2"}), printed("1")]),
        ([displayed(**{PNG: "AAAA"})], [displayed(**{PNG: "BBBB"})]),
        ([displayed(**{HTML: "1", PLAIN: "1"})], [displayed(**{PLAIN: "1"})]),
        ([raised("line 1")], [raised("line 2")]),
        ([printed("1")], [{"output_type": "stream", "name": "stderr", "text": "1"}]),
    ],
    ids=["text", "absence", "order", "picture", "kind", "traceback", "stream"],
)
def test_a_difference_is_seen(stored: list[dict], now: list[dict]) -> None:
    assert difference(stored, now, clean=str) != ""
    assert difference(stored, stored, clean=str) == ""


def test_the_random_number_of_a_widget_is_no_difference() -> None:
    stored = [displayed(**{PLAIN: "a slider"})]
    now = [displayed(**{PLAIN: "a slider", WIDGET: '{"model_id": "7f"}'})]

    assert difference(stored, now, clean=str) == ""


def test_what_the_rules_take_out_is_no_difference() -> None:
    stored, now = [printed("took 1 s")], [printed("took 2 s")]

    assert difference(stored, now, clean=lambda text: text[:4]) == ""


def test_a_long_difference_is_cut() -> None:
    said = difference([], [printed("x" * 1_000 + "\n" * 1_000)], clean=str)

    assert len(said.splitlines()) <= 25
    assert max(map(len, said.splitlines())) <= 121


def test_a_difference_deep_in_a_long_line_is_shown() -> None:
    before, after = ("<p>" + "same " * 100 + end + "</p><p>same</p>" for end in ("left", "right"))

    said = difference([displayed(**{HTML: before})], [displayed(**{HTML: after})], clean=str)

    assert "left</p>" in said
    assert "right</p>" in said


def test_lines_broken_elsewhere_are_a_difference() -> None:
    before, after = displayed(**{HTML: "<b><i>"}), displayed(**{HTML: "<b>\n<i>"})

    assert difference([before], [after], clean=str) != ""
