"""Every page of the HTML edition: wide and narrow, light and dark, without the network."""

from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from course_lib.index import course
from course_lib.proof.browser import audit
from course_lib.proof.browser.findings import told
from course_lib.site import build, pages

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
PAGES = [page.file for page in pages(course())]


@pytest.fixture(scope="session")
def edition(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Built once, for all processes of the run."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "edition"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            build(folder)
    return folder


@pytest.mark.parametrize("file", PAGES)
def test_a_page_can_be_read_by_everyone(edition: Path, page: Any, file: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size(WIDE)
    page.goto((edition / file).as_uri())
    audit.prepare(page)

    found = [*audit.look(page, "body", whole=True), *audit.whole_page(page)]
    page.emulate_media(color_scheme="dark")
    found += audit.contrast(page, "body")
    page.set_viewport_size(NARROW)  # also what a page 1,280 wide is at 400 %
    found += audit.whole_page(page)

    assert not found, told(found)
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
