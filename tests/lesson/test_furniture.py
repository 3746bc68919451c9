import os
import subprocess
import sys

import matplotlib as mpl
import pytest

import course_lib.lesson
from course_lib import progress
from course_lib.index import UnknownId
from course_lib.lesson import (
    expect,
    predict,
    production_gap,
    profile,
    progress_map,
    show_source,
    start,
    stop_point,
    table,
)
from course_lib.lesson.furniture import _names
from course_lib.lesson.live import region
from course_lib.lesson.profiles import PROFILES, chosen, profile_css
from course_lib.lesson.tables import table_html

from .widgets import all_html, control, press, told

Output = pytest.CaptureFixture[str]


def test_a_lesson_starts_with_one_line(capsys: Output) -> None:
    start("01.5")

    assert capsys.readouterr().out == "Lesson 01.5 · about 45 minutes · three parts\n"


def test_an_unknown_lesson_is_refused() -> None:
    with pytest.raises(UnknownId, match="Did you mean"):
        start("01.55")


def test_starting_gives_pictures_the_house_style(capsys: Output) -> None:
    start("01.5")

    assert mpl.rcParams["axes.grid"] is True


def test_the_names_are_a_style_and_a_script() -> None:
    html = _names("")

    assert html.startswith("<style>")
    assert html.count("</script>") == 1
    assert "aria-live" in html


def test_a_stop_point_says_where_you_are(capsys: Output) -> None:
    start("01.5")
    capsys.readouterr()

    stop_point(1, "Waiting is a resource.")

    assert capsys.readouterr().out.splitlines() == [
        "Stop point 1 of 3: about 15 minutes so far",
        "Waiting is a resource.",
        "It is safe to stop here: everything is saved.",
        "To come: two parts, about 30 minutes.",
    ]
    assert [(e.item, e.value) for e in progress.events("stop")] == [("01.5", "1")]
    assert not progress.done("01.5")


def test_the_last_stop_point_finishes_the_lesson(capsys: Output) -> None:
    start("00", parts=1)

    stop_point(1, "All of it.")

    assert "Lesson 00 is finished." in capsys.readouterr().out
    assert progress.done("00")


@pytest.mark.parametrize(("number", "recap"), [(0, "x"), (4, "x"), (1, " ")])
def test_a_stop_point_that_is_none_is_refused(capsys: Output, number: int, recap: str) -> None:
    start("01.5")

    with pytest.raises(ValueError, match=r"no part|needs a recap"):
        stop_point(number, recap)


def test_a_record_that_cannot_be_read_does_not_stop_a_lesson(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    progress.file().mkdir(parents=True)

    start("01.5")
    stop_point(1, "Seen.")

    out = capsys.readouterr().out
    assert "everything is saved" not in out
    assert "was not recorded" in out


def test_profiles_change_how_a_lesson_starts(capsys: Output) -> None:
    progress.set_setting("profile", "short chunks, fixed routine, checklists")

    start("01.5")
    stop_point(1, "Seen.")

    out = capsys.readouterr().out
    assert "Do the first part only" in out
    assert out.count("read, predict, run, explain, check") == 2
    assert "[ ] part 3 of 3, about 15 minutes" in out


def test_a_profile_is_chosen_kept_and_shown() -> None:
    widget = profile().widget
    large = next(each for each in PROFILES if each.name == "large print")

    control(widget, f"{large.name}: {large.effect}").value = True
    press(widget, "Use and keep these")

    assert told(widget) == "<p>Now on: large print.</p><p>Kept.</p>"
    assert chosen() == {"large print"}
    assert "20px" in all_html(widget)


def test_the_default_profile_changes_nothing() -> None:
    assert chosen() == frozenset()
    assert profile_css(()) == ""


def test_calm_can_be_set_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_CALM", "1")

    assert "animation: none" in profile_css(chosen())


def test_a_setting_of_an_older_course_is_ignored() -> None:
    progress.set_setting("profile", "rainbow, calm")

    assert chosen() == {"calm"}


def test_the_map_lists_everything_with_its_state(capsys: Output) -> None:
    progress.record("done", "00")
    progress.record("stop", "01.5", "2")
    progress.record("check", "01.5-circuit-breaker", "wrong")

    progress_map()

    out = capsys.readouterr().out
    assert out.startswith("1 of ")
    assert "Lesson 00: Start here; minutes: 20; how far: done" in out
    assert "minutes: 45; how far: reached stop point 2" in out
    assert "minutes: 75; how far: tried" in out


def test_an_expected_error_is_printed_and_kept(capsys: Output) -> None:
    with expect(KeyError, ValueError) as caught:
        int("x")

    assert capsys.readouterr().out.startswith("ValueError: invalid literal")
    assert isinstance(caught.error, ValueError)


def test_an_error_that_does_not_come_fails() -> None:
    with pytest.raises(AssertionError, match="KeyError was expected here, and nothing was raised"):
        with expect(KeyError):
            pass


def test_another_error_fails_and_stays_reachable() -> None:
    with pytest.raises(AssertionError, match="and ZeroDivisionError was raised") as caught:
        with expect(KeyError):
            1 / 0  # noqa: B018

    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_ctrl_c_is_never_an_answer() -> None:
    with pytest.raises(KeyboardInterrupt):
        with expect(KeyError):
            raise KeyboardInterrupt


def test_expecting_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the class"):
        expect()


def test_source_comes_with_its_place(capsys: Output) -> None:
    show_source(expect.__enter__)

    place, empty, *code = capsys.readouterr().out.splitlines()
    assert place.startswith("course_lib/lesson/expecting.py, from line ")
    assert empty == ""
    assert code == ["def __enter__(self) -> expect:", "    return self"]


def test_what_has_no_source_is_refused() -> None:
    with pytest.raises(ValueError, match="no source to show"):
        show_source(len)


class Small:
    production_gap = ("It keeps no <metrics>.",)


def test_a_production_gap_is_a_list(capsys: Output) -> None:
    production_gap(Small)

    assert capsys.readouterr().out.splitlines() == [
        "What Small leaves out, and a production library has:",
        "- It keeps no <metrics>.",
    ]


def test_a_class_without_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="int needs production_gap"):
        production_gap(int)


def test_a_table_has_caption_and_scoped_headers(capsys: Output) -> None:
    table([("open", 0.1 + 0.2)], header=("state", "s"), caption="States & times")

    assert capsys.readouterr().out == "States & times\n  state: open; s: 0.3\n"
    html = table_html([("<b>", 1)], header=("state", "s"), caption="States & times")
    assert "<caption>States &amp; times</caption>" in html
    assert '<th scope="col">state</th>' in html
    assert '<th scope="row">&lt;b&gt;</th><td>1</td>' in html


@pytest.mark.parametrize(
    ("rows", "header", "caption"),
    [([(1, 2)], ("a",), "C"), ([], ("a", ""), "C"), ([], (), "C"), ([], ("a",), " ")],
)
def test_a_table_that_cannot_be_read_aloud_is_refused(
    rows: list[tuple[int, ...]], header: tuple[str, ...], caption: str
) -> None:
    with pytest.raises(ValueError, match=r"caption|header"):
        table_html(rows, header=header, caption=caption)


def test_a_live_region_starts_empty() -> None:
    assert region().value == ""


def test_importing_the_furniture_loads_nothing_heavy() -> None:
    code = (
        "import sys, course_lib.lesson, course_lib.lesson.items, course_lib.lesson.predicting\n"
        "print(sorted({'matplotlib', 'ipywidgets', 'IPython', 'numpy'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=os.environ
    )

    assert done.stdout == "[]\n"


def test_every_public_name_is_there_and_no_other() -> None:
    for name in course_lib.lesson.__all__:
        assert callable(getattr(course_lib.lesson, name))
    with pytest.raises(AttributeError, match="has no 'figures'"):
        course_lib.lesson.figures  # noqa: B018


def test_a_shown_bet_is_a_value_with_all_forms() -> None:
    bundle = predict(lambda: 1, "One?", {1: "Yes.", 2: "No."})._repr_mimebundle_()

    assert set(bundle) == {
        "text/html",
        "text/plain",
        "application/vnd.jupyter.widget-view+json",
    }
