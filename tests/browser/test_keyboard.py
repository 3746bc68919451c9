"""What only the keyboard meets, in the real JupyterLab: busy and restarted kernels, links, folds.

One notebook for all: to open it takes longer than to look.
"""

from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from nbformat import v4

from course_lib.proof.browser.lab import Lab, close_lesson, open_lesson, run_all
from course_lib.proof.browser.walk import SOON

SETUP = """\
import time
import ipywidgets as w
from course_lib import lesson
from course_lib.lesson.live import button, group, region, say

lesson.start("00")
"""
QUESTION = """\
radio = w.RadioButtons(options=["a", "b", "c"], value=None, description="Choose:")
number = w.Text(description="Number:")
status = region()
answer = button("Answer", status, lambda: say(status, f"You said {radio.value} {number.value}."))
second = w.RadioButtons(options=["c", "d"], value=None, description="Second:")
w.VBox([group("A question", [radio, number, answer, status]), second])
"""
SLIDER = """\
slider = w.IntSlider(value=5, min=1, max=32, description="wait")
part = w.FloatSlider(value=1, max=3, step=0.1, readout_format=".1f", description="part")
group("A slider", [slider, part, region()])
"""
BUSY = "time.sleep(2)"
CELLS = [
    v4.new_markdown_cell("# Contents\n\n- [The second part](#The-second-part)"),
    v4.new_code_cell(SETUP),
    v4.new_code_cell(QUESTION),
    v4.new_markdown_cell("## The second part"),
    v4.new_code_cell(SLIDER),
    v4.new_code_cell("time.sleep(2)"),
]
PART, PAUSE = 3, 5  # their places in CELLS
WORDS = "() => document.activeElement.parentElement.textContent.trim()"
CHECKED = """\
() => [...document.querySelectorAll('.widget-radio-box input:checked')]
  .map((one) => one.parentElement.textContent)"""
NAMED = "() => [...document.querySelectorAll('.widget-radio-box input')].every((one) => one.name)"
TOLD = """\
([place, words]) =>
  document.querySelectorAll('.course-status')[place].textContent.includes(words)"""
RUN = """\
place => {
  jupyterapp.shell.currentWidget.content.activeCellIndex = place;
  jupyterapp.commands.execute('notebook:run-cell');
}"""
ANOTHER = """\
() => document.body.insertAdjacentHTML('beforeend',
  '<div id="another" class="jp-Notebook"><p class="jp-InputPrompt">[*]:</p></div>')"""
RUNS = """\
() => [...document.querySelectorAll('.jp-InputPrompt')].some((one) => one.textContent === '[*]:')"""
KERNEL = "jupyterapp.shell.currentWidget.sessionContext.session.kernel"


@pytest.fixture
def page(running_lab: Lab, lab_page: Any) -> Iterator[Any]:
    notebook = v4.new_notebook(cells=CELLS)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, running_lab.work / "keyboard.ipynb")
    open_lesson(lab_page, running_lab, "keyboard.ipynb")
    run_all(lab_page)
    lab_page.wait_for_function(NAMED)
    yield lab_page
    close_lesson(lab_page)


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def told(page: Any, words: str, place: int = 0) -> None:
    page.wait_for_function(TOLD, arg=[place, words])


def test_what_the_keyboard_does_reaches_the_reader(page: Any) -> None:
    arrows_stay_in_their_question(page)
    the_answer_judged_is_the_one_on_screen(page)
    a_running_cell_is_told(page)
    a_cell_of_another_notebook_is_not_told(page)
    a_link_takes_the_keyboard_along(page)
    a_fold_says_whether_it_is_open(page)
    a_refused_value_is_told(page)
    after_a_restart_a_control_says_so(page)


def arrows_stay_in_their_question(page: Any) -> None:
    page.locator(".widget-radio-box input").first.focus()
    press(page, "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    assert page.evaluate(WORDS) == "b"  # round and back
    press(page, "Tab", "Tab", "Tab", "ArrowDown")  # past the number and the button
    assert page.evaluate(CHECKED) == ["b", "d"]


def the_answer_judged_is_the_one_on_screen(page: Any) -> None:
    """Also when the kernel is busy, so that the choices arrive after the press."""
    page.evaluate(f"() => {{ {KERNEL}.requestExecute({{ code: '{BUSY}' }}); }}")
    page.locator(".widget-radio-box input").first.focus()
    press(page, "Space", "ArrowDown", "ArrowDown", "Tab")
    page.keyboard.type("0.75")
    press(page, "Tab", "Enter")
    told(page, "You said c 0.75.")


def a_running_cell_is_told(page: Any) -> None:
    """Nothing of it is left when the answer comes."""
    page.evaluate(RUN, PAUSE)
    page.wait_for_function(RUNS)
    page.get_by_role("textbox", name="Number:").focus()
    page.keyboard.type("5")
    page.get_by_role("button", name="Answer").focus()
    for words in ("A cell is still running.", "As before: A cell is still running."):
        press(page, "Enter")
        page.wait_for_function(TOLD, arg=[0, words], timeout=SOON)
    told(page, "You said c 0.755.")
    assert "running" not in page.locator(".course-status").first.inner_text()


def a_cell_of_another_notebook_is_not_told(page: Any) -> None:
    page.evaluate(ANOTHER)
    page.evaluate(f"() => {{ {KERNEL}.requestExecute({{ code: '{BUSY}' }}); }}")
    page.get_by_role("button", name="Answer").focus()
    press(page, "Enter")
    page.wait_for_timeout(2 * SOON)
    assert "running" not in page.locator(".course-status").first.inner_text()
    page.evaluate("() => document.getElementById('another').remove()")


def a_link_takes_the_keyboard_along(page: Any) -> None:
    page.locator("a", has_text="The second part").first.focus()
    press(page, "Enter")
    page.wait_for_function(
        "place => jupyterapp.shell.currentWidget.content.activeCellIndex === place", arg=PART
    )
    press(page, "Tab")
    cells = "[...document.querySelectorAll('.jp-Notebook .jp-Cell')]"
    at = f"() => {cells}.indexOf(document.activeElement.closest('.jp-Cell'))"
    assert page.evaluate(at) >= PART


def a_fold_says_whether_it_is_open(page: Any) -> None:
    fold = page.get_by_role("button", name="Section: The second part")
    assert fold.get_attribute("aria-expanded") == "true"
    fold.focus()
    press(page, "Enter")
    page.wait_for_function("one => one.ariaExpanded === 'false'", arg=fold.element_handle())
    press(page, "Enter")
    page.wait_for_function("one => one.ariaExpanded === 'true'", arg=fold.element_handle())


def a_refused_value_is_told(page: Any) -> None:
    field = page.get_by_role("textbox", name="wait, type a value from 1 to 32")
    for typed, words in (("ab", '"ab" is not possible'), ("999", "It is 32 now.")):
        field.focus()
        press(page, "Control+A")
        page.keyboard.type(typed)
        assert page.get_by_role("slider", name="wait").get_attribute("aria-valuetext") == "5"
        press(page, "Enter")
        told(page, words, place=1)

    for typed in ("2.55", "much"):  # the first is taken, and shown with one decimal
        page.get_by_role("textbox", name="part, type a value from 0 to 3").focus()
        press(page, "Control+A")
        page.keyboard.type(typed)
        press(page, "Enter")
    told(page, '"much" is not possible', place=1)
    assert "2.55" not in page.locator(".course-status").nth(1).inner_text()


def after_a_restart_a_control_says_so(page: Any) -> None:
    page.evaluate(f"() => {KERNEL}.restart()")
    page.wait_for_selector(".course-group .jupyter-widgets-disconnected")
    page.get_by_role("button", name="Answer").focus()
    press(page, "Enter")
    told(page, "Run the cells again, from the top.")
