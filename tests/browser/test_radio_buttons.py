"""Arrows stay in one question, and Tab stops in it once: in the real JupyterLab."""

from typing import Any

import nbformat
from nbformat import v4

from course_lib.proof.browser.lab import Lab, close_lesson, open_lesson, run_all

TWO_QUESTIONS = """\
import ipywidgets as w
from course_lib import lesson

lesson.start("00")
first = w.RadioButtons(options=["a", "b", "c"], value=None, description="First:")
second = w.RadioButtons(options=["c", "d"], value=None, description="Second:")
w.VBox([first, second, w.Button(description="after both")])
"""
FOCUSED = "() => document.activeElement.parentElement.textContent.trim()"
CHECKED = """\
() => [...document.querySelectorAll('.widget-radio-box input:checked')]
  .map((one) => one.parentElement.textContent)"""
GROUPED = """\
() => {
  const all = [...document.querySelectorAll('.widget-radio-box input')];
  return all.length === 5 && all.every((one) => one.name);
}"""


def _pressed(page: Any, *keys: str) -> str:
    for key in keys:
        page.keyboard.press(key)
    return str(page.evaluate(FOCUSED))


def test_arrows_stay_in_their_question_and_tab_leaves_it(running_lab: Lab, lab_page: Any) -> None:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(TWO_QUESTIONS)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, running_lab.work / "radios.ipynb")
    open_lesson(lab_page, running_lab, "radios.ipynb")
    run_all(lab_page)
    lab_page.wait_for_function(GROUPED)
    lab_page.locator(".widget-radio-box input").first.focus()

    round_and_back = _pressed(lab_page, "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    second = _pressed(lab_page, "Tab")
    chosen_there = _pressed(lab_page, "ArrowDown")
    behind_both = _pressed(lab_page, "Tab")
    checked = lab_page.evaluate(CHECKED)
    close_lesson(lab_page)

    assert (round_and_back, second, chosen_there) == ("b", "c", "d")
    assert "after both" in behind_both
    assert checked == ["b", "d"]
