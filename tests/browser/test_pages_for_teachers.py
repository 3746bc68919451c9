"""The teacher edition: its index, a lesson and two exercises, wide and narrow, light and dark."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from course_lib.index import Course, course
from course_lib.site import pages
from course_lib.teacher.building import build

IDS = ["01.5", "01.5-circuit-breaker", "projects.user-management"]


def a_part() -> Course:
    """The course with these only: pages of one kind are made alike."""

    def kept(all_of_them: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(replace(each, needs=()) for each in all_of_them if each.id in IDS)

    whole = course()
    chapters = [
        replace(each, notebooks=kept(each.notebooks), exercises=kept(each.exercises))
        for each in whole.chapters
    ]
    return replace(whole, chapters=tuple(chapters))


PAGES = ["index.html", *(page.file for page in pages(a_part()) if page.id in IDS)]


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher") / "edition"
    build(folder, course=a_part())
    return folder


@pytest.mark.parametrize("file", PAGES)
def test_a_page_for_teachers_can_be_read_by_everyone(
    edition: Path, read_by_everyone: Any, file: str
) -> None:
    asked = read_by_everyone(edition / file)

    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
