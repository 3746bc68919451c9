"""Every lesson in the real JupyterLab: run, used by keyboard, looked at in both themes."""

from typing import Any

import pytest

from course_lib.index import course
from course_lib.proof.browser import audit
from course_lib.proof.browser.findings import told
from course_lib.proof.browser.lab import Lab, close_lesson, dark_theme, open_lesson, run_all
from course_lib.proof.browser.walk import walk

LESSONS = [notebook.path for notebook in course().notebooks]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_can_be_read_heard_and_used_by_keyboard(
    running_lab: Lab, lab_page: Any, lesson: str
) -> None:
    page = lab_page
    running_lab.forget()  # the profile, say, that the test before chose
    open_lesson(page, running_lab, lesson)
    run_all(page)
    audit.prepare(page)

    walked = walk(page)
    found = [*walked.found, *audit.look(page, audit.NOTEBOOK, whole=False)]
    with dark_theme(page):
        found += audit.contrast(page, audit.NOTEBOOK)
    close_lesson(page)

    assert not found, told(found)
    assert walked.groups, "no interactive was found, so nothing was used"
