"""Makes all pages in memory first, so that a fault leaves the old site as it was."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bs4 import BeautifulSoup

from course_lib import index
from course_lib.index import ROOT, Course
from course_lib.proof.plain_language import measured

from . import finding, links, rendering, tidying
from .converting import Converter
from .counts import Counts, count
from .headings import Heading, name_headings
from .plan import ACCESSIBILITY, FIND, INDEX, WORDS, Page, pages
from .words import ADDRESS, Word, explained
from .writing import write

__all__ = ["build", "render"]


@dataclass(frozen=True)
class _Content:
    html: BeautifulSoup
    headings: tuple[Heading, ...]
    words: tuple[Word, ...]

    @property
    def addresses(self) -> frozenset[str]:
        return frozenset(h.id for h in self.headings) | ({ADDRESS} if self.words else set())


def build(out: Path, *, root: Path = ROOT, course: Course | None = None) -> tuple[str, ...]:
    """Write the site of the course in `root` into the folder `out`; the files written.

    Raises:
        SiteError: a lesson lacks something, or `out` holds other files.
    """
    return write(render(root, course or index.course()), out)


def render(root: Path, course: Course) -> dict[str, str]:
    """Every file of the site -> its text. The same course gives the same bytes."""
    converter = Converter()
    sources = [page for page in pages(course) if page.source]
    contents = {page: _content(converter, root, page) for page in sources}
    language = measured(root, course)
    counted = {
        page: count(root / page.source, content.html, language[page.source])
        for page, content in contents.items()
        if page.kind == "lesson"
    }
    addresses = {page.source: (page, content.addresses) for page, content in contents.items()}
    for page, content in contents.items():
        links.mend(content.html, page, addresses, root)
    files = dict(rendering.FILES)
    files |= _own_pages(course, contents, counted)
    for kind in ("lesson", "exercise"):
        files |= _read_pages(course, {p: c for p, c in contents.items() if p.kind == kind})
    return files


def _content(converter: Converter, root: Path, page: Page) -> _Content:
    html = converter.html(root / page.source, page.source)
    tidying.drop_scripts(html)
    tidying.check_pictures(html, page.source)
    headings = name_headings(html, page.source)
    tidying.frame_code(html)
    tidying.frame_tables(html)
    return _Content(html, headings, explained(html, page))


def _own_pages(
    course: Course, contents: dict[Page, _Content], counted: dict[Page, Counts]
) -> dict[str, str]:
    words = sorted(
        (word for content in contents.values() for word in content.words),
        key=lambda word: (word.term.casefold(), word.page.file),
    )
    names = finding.entries({page: c.headings for page, c in contents.items()}, words)
    where = {page.id: page for page in contents}
    return {
        INDEX.file: rendering.fill("index.html.j2", INDEX, course=course, where=where),
        FIND.file: rendering.fill("find.html.j2", FIND, course=course, entries=names),
        WORDS.file: rendering.fill("words.html.j2", WORDS, course=course, words=words),
        ACCESSIBILITY.file: rendering.fill(
            "accessibility.html.j2", ACCESSIBILITY, course=course, counted=counted
        ),
    }


def _read_pages(course: Course, contents: dict[Page, _Content]) -> dict[str, str]:
    """Lessons, or exercises: each knows the one before it and the one after it."""
    before = {after: page for page, after in pairwise(contents)}
    after = dict(pairwise(contents))
    files = {}
    for page, content in contents.items():
        head, body = _parts(content.html)
        files[page.file] = rendering.fill(
            "page.html.j2",
            page,
            course=course,
            head=head,
            body=body,
            headings=[h for h in content.headings if h.level in (2, 3)],
            before=before.get(page),
            after=after.get(page),
        )
    return files


def _parts(html: BeautifulSoup) -> tuple[str, str]:
    """(first cell, the others); the first cell's own contents list gives way to ours."""
    first = html.find(class_="prose")
    if first is None:
        return "", str(html)
    for numbered in first.find_all("ol"):
        if all(str(a.get("href", "")).startswith("#") for a in numbered.find_all("a")):
            numbered.decompose()
    head = str(first)
    first.decompose()
    return head, str(html)
