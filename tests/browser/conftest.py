"""One JupyterLab and one browser for all pages; no test opens the learner's own."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import course_lib.proof.light_imports  # noqa: F401  before nbconvert, which makes the pages
from course_lib.labs.postgres_server import PostgresMissing, postgres
from course_lib.proof.browser import audit
from course_lib.proof.browser.chromium import MISSING, browser, program
from course_lib.proof.browser.findings import told
from course_lib.proof.browser.lab import Lab, lab

SIZE = {"width": 1280, "height": 1000}
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}


LONGEST = ("test_planted_faults", "test_lessons_in_jupyterlab", "test_other_ways")


def pytest_configure() -> None:
    """One PostgreSQL for all lessons: their kernels use the server of the first process."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with contextlib.suppress(PostgresMissing):  # the lessons say what is missing
            postgres()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that no process is left alone with it at the end."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if program() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with browser() as one:
        yield one


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def running_lab(room: Path) -> Iterator[Lab]:
    with lab(room) as one:
        yield one


@pytest.fixture(scope="session")
def context(chromium: Any) -> Iterator[Any]:
    one = chromium.new_context(viewport=SIZE)  # a fresh profile
    yield one
    one.close()


@pytest.fixture(scope="session")
def lab_page(context: Any) -> Iterator[Any]:
    """JupyterLab is loaded into it once, and shows one lesson after the other."""
    one = context.new_page()
    yield one
    one.close()


@pytest.fixture
def read_by_everyone(chromium: Any) -> Iterator[Callable[[Path], list[str]]]:
    """Audits a page, wide and narrow, light and dark; gives the addresses that it asked for."""
    page = chromium.new_page(viewport=WIDE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def read(file: Path) -> list[str]:
        page.goto(file.as_uri())
        audit.prepare(page)
        found = [*audit.look(page, "body", whole=True), *audit.whole_page(page)]
        page.emulate_media(color_scheme="dark")
        found += audit.contrast(page, "body")
        page.set_viewport_size(NARROW)  # also what a page 1,280 wide is at 400 %
        found += audit.whole_page(page)
        assert not found, told(found)
        return asked

    yield read
    page.close()
