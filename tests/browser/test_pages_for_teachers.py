"""The teacher edition: its index, a lesson and two exercises, wide and narrow, light and dark."""

from pathlib import Path
from typing import Any

import pytest

from course_lib.index import course
from course_lib.proof.browser import audit
from course_lib.proof.browser.findings import told
from course_lib.site import pages
from course_lib.teacher.building import build

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
IDS = ["01.5", "01.5-circuit-breaker", "projects.user-management"]
PAGES = ["index.html", *(page.file for page in pages(course()) if page.id in IDS)]


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher") / "edition"
    build(folder)
    return folder


@pytest.mark.parametrize("file", PAGES)
def test_a_page_for_teachers_can_be_read_by_everyone(
    chromium: Any, edition: Path, file: str
) -> None:
    page = chromium.new_page(viewport=WIDE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((edition / file).as_uri())
    audit.prepare(page)

    found = [*audit.look(page, "body", whole=True), *audit.whole_page(page)]
    page.emulate_media(color_scheme="dark")
    found += audit.contrast(page, "body")
    page.set_viewport_size(NARROW)
    found += audit.whole_page(page)
    page.close()

    assert not found, told(found)
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
