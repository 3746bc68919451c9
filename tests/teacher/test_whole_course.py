"""The teacher edition of this course: every answer is in it, and none in what learners get."""

from __future__ import annotations

import html
import re
import tomllib

import pytest

from course_lib.index import ROOT, course
from course_lib.practice.answers import answers_in, promise
from course_lib.site import pages
from course_lib.site.building import render as learners_pages
from course_lib.teacher.building import render
from course_lib.teacher.differences import first_words


@pytest.fixture(scope="module")
def edition():
    return render(ROOT, course())


@pytest.fixture(scope="module")
def page_of():
    return {page.id: page.file for page in pages(course()) if page.source}


@pytest.mark.parametrize("exercise", course().exercises, ids=lambda each: each.id)
def test_every_known_mistake_stands_with_its_words(edition, page_of, exercise):
    page = html.unescape(edition[page_of[exercise.id]])

    for path in answers_in(ROOT / exercise.proofs / "mutants"):
        scenario, words = promise(path)
        name = path.stem.replace("_", " ")
        assert f">{name}</h3>" in page
        assert f"Learners read: “{words}”" in page
        assert f"<summary>{scenario}:" in page


@pytest.mark.parametrize("exercise", course().exercises, ids=lambda each: each.id)
def test_every_other_right_design_is_there(edition, page_of, exercise):
    page = edition[page_of[exercise.id]]

    for path in answers_in(ROOT / exercise.proofs / "also_right"):
        assert f"The code of “{path.stem.replace('_', ' ')}”" in page
        assert first_words(path), f"{path}: say in a comment at its start what differs"


@pytest.mark.parametrize("lesson", course().notebooks, ids=lambda each: each.id)
def test_every_prediction_hunt_and_checkpoint_of_a_lesson_is_there(edition, page_of, lesson):
    page = edition[page_of[lesson.id]]
    source = (ROOT / lesson.path).read_text(encoding="utf-8")
    items = tomllib.loads((ROOT / lesson.items).read_text(encoding="utf-8"))["item"]
    mine = [item for item in items if item["lesson"] == lesson.id]

    assert page.count("Predict, vote, run: ") == len(re.findall(r'"predict\(', source))
    assert page.count("Bug hunt: ") == sum(item["kind"] == "hunt" for item in mine)
    for item in mine:
        if "checkpoint" in item.get("use", ()) or item["kind"] in ("hunt", "parsons"):
            shown = re.sub("`([^`]+)`", r"\1", item["question"])
            assert shown in html.unescape(page), item["id"]


@pytest.mark.parametrize("lesson", course().notebooks, ids=lambda each: each.id)
def test_every_stop_point_of_a_lesson_is_in_its_timetable(edition, page_of, lesson):
    page = edition[page_of[lesson.id]]
    stops = re.findall(r'"stop_point\((\d)', (ROOT / lesson.path).read_text(encoding="utf-8"))

    assert re.findall(r'<tr><th scope="row">(\d)</th><td>', page) == stops


def test_no_heading_says_the_same_twice(edition):
    for name, page in edition.items():
        text = re.sub("<[^>]+>", "", re.sub(r"</h3>\s*", ": ", page))
        assert not re.search(r"^(Question|Recall|Try it first): \1\b", text, re.MULTILINE), name


def test_nothing_of_it_is_in_the_learners_edition(edition):
    learners = "".join(learners_pages(ROOT, course()).values())

    assert "also_right" not in learners
    for exercise in course().exercises:
        for path in answers_in(ROOT / exercise.proofs / "mutants"):
            assert f"{path.stem.replace('_', ' ')}</h3>" not in learners
    assert "teacher edition" not in learners
