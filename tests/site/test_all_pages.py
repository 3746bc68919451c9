"""The site of this course, as a whole."""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup

from course_lib.index import ROOT, course
from course_lib.site import pages
from course_lib.site.building import render

PAGES = [page.file for page in pages(course())]
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return render(ROOT, course())


@pytest.fixture(scope="module")
def soups(files) -> dict[str, BeautifulSoup]:
    return {name: BeautifulSoup(files[name], "html.parser") for name in PAGES}


def test_every_planned_page_is_made_and_no_other(files):
    assert sorted(files) == sorted([*PAGES, "site.css", "site.js"])


def test_every_page_has_the_same_frame(soups):
    for name, html in soups.items():
        assert html.html["lang"] == "en", name
        assert html.title.get_text().endswith(f" · {course().title}"), name
        frame = [tag.name for tag in html.body.find_all(recursive=False)]
        assert frame == ["a", "header", "main", "footer"], name
        assert html.body.a["href"] == "#main", name
        assert html.main["id"] == "main", name
        assert html.header.nav, name


def test_titles_of_pages_differ(soups):
    titles = [html.title.get_text() for html in soups.values()]

    assert len(set(titles)) == len(titles)


def test_every_page_has_one_title_and_no_heading_skips_a_level(soups):
    for name, html in soups.items():
        levels = [int(tag.name[1]) for tag in html.find_all(re.compile(r"^h[1-6]$"))]
        assert levels.count(1) == 1, name
        assert levels[0] == 1, name
        assert all(b <= a + 1 for a, b in pairwise(levels)), name


def test_no_two_names_lead_to_one_place(soups):
    places = [link["href"] for link in soups["find.html"].select("#entries a")]

    assert len(set(places)) == len(places) > 100


def test_every_link_leads_somewhere(soups):
    ids = {name: [tag["id"] for tag in html.find_all(id=True)] for name, html in soups.items()}
    for name, html in soups.items():
        assert len(set(ids[name])) == len(ids[name]), f"{name} has an id twice"
        for link in html.find_all("a", href=True):
            if urlsplit(link["href"]).scheme:
                continue
            path, _, part = link["href"].partition("#")
            there = posixpath.normpath(posixpath.join(posixpath.dirname(name), path or "."))
            there = there if path else name
            assert there in PAGES, (name, link["href"])
            assert not part or part in ids[there], (name, link["href"])


def test_nothing_is_fetched_from_elsewhere(files, soups):
    for name, html in soups.items():
        loaded = [tag["src"] for tag in html.find_all(src=True) if tag.name != "script"]
        assert all(source.startswith("data:image/") for source in loaded), name
        beside = [t["src"] for t in html.find_all("script")] + [
            t["href"] for t in html.find_all("link")
        ]
        up = "../" * name.count("/")
        assert sorted(beside) == [f"{up}site.css", f"{up}site.js"], name
        assert not html.find(["iframe", "object", "embed", "style", "base"]), name
    assert "url(" not in files["site.css"]
    assert not re.search(r"fetch|XMLHttp|import", files["site.js"])


def test_every_picture_has_words_and_every_table_a_name(soups):
    for name, html in soups.items():
        assert all(picture.get("alt", "").strip() for picture in html.find_all("img")), name
        for table in html.find_all("table"):
            assert table.parent["aria-label"].split(": ")[1], name
            assert all(heading.get("scope") for heading in table.find_all("th")), name


def test_every_box_that_scrolls_has_a_name_of_its_own(soups):
    for name, html in soups.items():
        names = [box["aria-label"] for box in html.find_all(class_="scroll")]
        assert len(set(names)) == len(names), name
        assert all(box.get("role") == "group" for box in html.find_all(class_="scroll")), name


def test_no_page_holds_a_solution(soups):
    looked_at = 0
    for page in pages(course()):
        if page.kind != "exercise":
            continue
        source = ROOT / course().exercise(page.id).source
        text = _flat(soups[page.file].get_text())
        for path in [source] if source.is_file() else sorted(source.rglob("*.py")):
            for region in SOLUTION.findall(path.read_text(encoding="utf-8")):
                looked_at += 1
                assert _flat(region) not in text, f"{page.file} holds a solution of {path.name}"
    assert looked_at >= len(course().exercises)


def _flat(text: str) -> str:
    return " ".join(text.split())


def test_no_page_knows_where_it_was_made(files):
    for name, text in files.items():
        assert str(ROOT) not in text, name
        assert str(Path.home()) not in text, name


def test_the_own_script_is_small(files):
    assert files["site.js"].count("\n") <= 30


def test_the_command_writes_the_same_bytes_a_second_time(files, tmp_path):
    command = [sys.executable, "-P", "-m", "course_lib", "site", "--out", str(tmp_path / "site")]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{len(PAGES)} pages written; open ")
    written = {name: (tmp_path / "site" / name).read_text(encoding="utf-8") for name in files}
    assert written == files
