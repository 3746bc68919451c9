"""Every page of the HTML edition: wide and narrow, light and dark, without the network."""

from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from course_lib.index import course
from course_lib.site import build, pages

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
def test_a_page_can_be_read_by_everyone(edition: Path, read_by_everyone: Any, file: str) -> None:
    asked = read_by_everyone(edition / file)

    assert not [url for url in asked if not url.startswith(("file:", "data:"))]


def test_whoever_comes_back_to_find_goes_on_there(edition: Path, context: Any) -> None:
    page = context.new_page()
    page.goto((edition / "find.html").as_uri())
    page.locator("#sought").focus()
    page.keyboard.type("jitter")
    left = page.inner_text("#found")

    page.goto((edition / "index.html").as_uri())
    page.go_back()

    assert page.input_value("#sought") == "jitter"
    assert page.inner_text("#found") == left
    assert not left.startswith("0 ")
    page.close()
