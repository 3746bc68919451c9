"""Makes all pages in memory first, with the machinery of the HTML edition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bs4 import BeautifulSoup

from course_lib import index
from course_lib.index import ROOT, Course, Exercise
from course_lib.site import SiteError, pages, rendering, tidying
from course_lib.site.converting import Converter
from course_lib.site.headings import name_headings
from course_lib.site.plan import Page
from course_lib.site.writing import write

from .exercises import exercise_notes
from .lessons import lesson_notes
from .links import keep_inside

__all__ = ["INDEX", "build", "render"]

INDEX = Page("index.html", "Teacher edition", "course")
_TEMPLATES = Path(__file__).parent / "templates"
_BY = "python3 course.py export teacher"


Told = Callable[[Exercise], Mapping[str, str]]
"""What learners read with each known mistake of an exercise, by the name of its file."""


def build(
    out: Path, *, root: Path = ROOT, course: Course | None = None, told: Told | None = None
) -> tuple[str, ...]:
    """Write the teacher edition of the course in `root` into the folder `out`; its files.

    Args:
        told: whole messages; without it the pages show the words that the proof looks for.

    Raises:
        SiteError: `out` holds other files, or lies where learners look; or a lesson is broken.
        BadExercise: an exercise is broken.
    """
    if out.resolve().is_relative_to(root.resolve()):
        raise SiteError(
            f"{out} lies in the course's folder, where learners look; name a folder outside of it."
        )
    return write(render(root, course or index.course(), told), out, by=_BY)


def render(root: Path, course: Course, told: Told | None = None) -> dict[str, str]:
    """Every file of the teacher edition -> its text. The same course gives the same bytes."""
    edition = _Edition(root, course)
    files = dict(rendering.FILES)
    files[INDEX.file] = edition.page("index.html.j2", INDEX, where=edition.where)
    for lesson in course.notebooks:
        files[edition.where[lesson.id].file] = edition.lesson(lesson.id)
    for exercise in course.exercises:
        messages = told(exercise) if told else {}
        files[edition.where[exercise.id].file] = edition.exercise(exercise, messages)
    return files


class _Edition:
    """`where`: id of a lesson or exercise -> its page."""

    def __init__(self, root: Path, course: Course) -> None:
        self._root = root
        self._course = course
        self._converter = Converter()
        self.where = {page.id: page for page in pages(course) if page.source}

    def lesson(self, id: str) -> str:
        page, lesson = self.where[id], self._course.notebook(id)
        notes = lesson_notes(self._root / page.source, self._content(page))
        after = [each for each in self._course.exercises if id in each.needs]
        body = self._body("lesson.html.j2", page, lesson=lesson, notes=notes, after=after)
        return self.page("page.html.j2", page, **_tidied(body, page))

    def exercise(self, exercise: Exercise, told: Mapping[str, str]) -> str:
        page = self.where[exercise.id]
        notes = exercise_notes(exercise, self._root)
        task = _below(self._content(page))
        values = {"exercise": exercise, "notes": notes, "task": task, "told": told}
        body = self._body("exercise.html.j2", page, **values)
        return self.page("page.html.j2", page, **_tidied(body, page))

    def page(self, template: str, page: Page, **values: object) -> str:
        values = {"course": self._course, **values}
        return rendering.fill(template, page, menu=(INDEX,), templates=_TEMPLATES, **values)

    def _body(self, template: str, page: Page, **values: object) -> BeautifulSoup:
        made = self.page(template, page, where=self.where, **values)
        return BeautifulSoup(made, "html.parser")

    def _content(self, page: Page) -> BeautifulSoup:
        html = self._converter.html(self._root / page.source, page.source)
        tidying.drop_scripts(html)
        keep_inside(html, page, {each.source: each for each in self.where.values()})
        return html


def _below(task: BeautifulSoup) -> str:
    """The task without its title, its headings one level down: the page has its own."""
    for tag in task.find_all(["h1", "h2", "h3", "h4"]):
        if tag.name == "h1":
            tag.decompose()
        else:
            tag.name = f"h{int(tag.name[1]) + 1}"
    return str(task)


def _tidied(body: BeautifulSoup, page: Page) -> Mapping[str, object]:
    headings = name_headings(body, page.source)
    if body.h1:
        body.h1.decompose()  # the page has its own
    tidying.frame_code(body)
    tidying.frame_tables(body)
    folded = {tag.get("id") for tag in body.select("details :is(h2, h3)")}
    shown = [each for each in headings if each.level in (2, 3) and each.id not in folded]
    return {"body": str(body), "headings": shown}
