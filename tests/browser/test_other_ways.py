"""Other ways to a lesson: Notebook 7, the profiles, and the frame around the notebook."""

from typing import Any

import pytest

from course_lib.lesson.profiles import PROFILES
from course_lib.proof.browser import audit
from course_lib.proof.browser.findings import told
from course_lib.proof.browser.lab import Lab, close_lesson, open_lesson, run_all

LESSON = "notebooks/00_start.ipynb"
FRAME = {"aria-allowed-attr": 4, "region": 1}
"""Findings of axe-core in JupyterLab 4.6 around the notebook; the list may only shrink."""


@pytest.fixture
def first(running_lab: Lab, lab_page: Any) -> Any:
    running_lab.forget()
    open_lesson(lab_page, running_lab, LESSON)
    run_all(lab_page)
    audit.prepare(lab_page)
    yield lab_page
    close_lesson(lab_page)


def test_the_frame_of_jupyterlab_gets_no_worse(first: Any) -> None:
    found = first.evaluate(
        """async tags => {
          const options = { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] };
          const frame = { include: [['body']], exclude: [['.jp-Notebook']] };
          const seen = await axe.run(frame, options);
          return Object.fromEntries(seen.violations.map((one) => [one.id, one.nodes.length]));
        }""",
        list(audit.AXE_TAGS),
    )

    assert {rule: count for rule, count in found.items() if count > FRAME.get(rule, 0)} == {}


def test_the_profiles_change_letters_and_stop_motion(first: Any) -> None:
    _choose(first)
    before = first.evaluate(_LETTERS)

    _choose(first, "large print", "calm")

    after = first.evaluate(_LETTERS)
    moves, faint = first.evaluate(_MOVES), audit.contrast(first, audit.NOTEBOOK)
    _choose(first)  # the next lessons as they were
    assert after > before
    assert not moves
    assert not faint


_LETTERS = """\
() => parseFloat(getComputedStyle(document.querySelector('.jp-MarkdownOutput p')).fontSize)"""
_MOVES = """\
() => [...document.querySelectorAll('.jp-Notebook *')].some((one) =>
  parseFloat(getComputedStyle(one).transitionDuration) > 0)"""


def _choose(page: Any, *names: str) -> None:
    """Tick these profiles and no others, by keyboard."""
    for each in PROFILES:
        box = page.locator(".jp-Notebook").get_by_role("checkbox", name=each.name)
        if box.is_checked() != (each.name in names):
            box.focus()
            page.keyboard.press("Space")
    page.get_by_role("button", name="Use and keep these").focus()
    page.keyboard.press("Enter")
    told = f"Now on: {', '.join(names) or 'nothing extra'}."
    page.wait_for_function("told => document.body.innerText.includes(told)", arg=told)


def test_a_lesson_that_was_not_run_can_be_read_in_notebook_7(
    running_lab: Lab, context: Any
) -> None:
    """The stored words, pictures and tables are enough: no kernel, no trust, 320 pixels."""
    path = "notebooks/01_errors/5_circuit_breakers_and_bulkheads.ipynb"
    page = context.new_page()
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{running_lab.url}notebooks/{path}?token={running_lab.token}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    audit.prepare(page)

    found = [
        one for one in audit.content(page, audit.NOTEBOOK, whole=False) if one.rule in _TO_READ
    ]
    page.close()

    assert not found, told(found)


_TO_READ = {
    "picture without words",
    "stand-in for words",
    "picture without long text",
    "no first heading",
    "more than one first heading",
    "heading level left out",
    "empty heading",
    "no contents",
    "table without a caption",
    "table without headers",
    "header without scope",
    "link without a name",
    "link name says nothing",
}
"""Rules for what is read; names of controls come with the kernel."""
