"""What comes next: what was begun, else the first thing whose needs are met."""

import pytest

from course_lib import route
from course_lib.index import load
from course_lib.progress import Event

LESSON = """
[[chapter.notebook]]
id = "{id}"
file = "{id}.ipynb"
title = "Lesson {id}"
question = "?"
minutes = 30
needs = {needs}
covers = []
extra = ""
browser_kernel = false
reason = ""
"""
EXERCISE = """
[[chapter.exercise]]
id = "{id}"
catalogue = "{id}"
slug = "{id}"
title = "Exercise {id}"
level = "core"
minutes = 60
needs = {needs}
covers = []
extra = ""
"""
CHAPTER = """
[[chapter]]
stem = "{stem}"
package = ""
title = "{stem}"
question = "?"
finished = true
"""


@pytest.fixture
def course():
    """Lesson 1 with exercise x, lesson 2, and lesson 3 that needs both lessons."""
    text = '[course]\ntitle = ""\npromise = ""\n' + CHAPTER.format(stem="01_a")
    text += LESSON.format(id="1", needs=[]) + LESSON.format(id="2", needs=["1"])
    text += EXERCISE.format(id="x", needs=["1"])
    text += CHAPTER.format(stem="02_b") + LESSON.format(id="3", needs=["1", "2"])
    return load(text + CHAPTER.format(stem="03_c"))


def log(*pairs):
    return [Event(float(n), kind, item) for n, (kind, item) in enumerate(pairs)]


@pytest.mark.parametrize(
    ("events", "id", "reason"),
    [
        ([], "1", "as it needs nothing before it"),
        ([("done", "1")], "x", "as you have done what it needs: 1"),
        ([("done", "1"), ("done", "x")], "2", "as you have done what it needs: 1"),
        ([("done", "1"), ("predict", "2")], "2", "as you have begun it"),
        ([("done", "2"), ("done", "1"), ("done", "x")], "3", "what it needs: 1, 2"),
    ],
)
def test_the_next_step_and_its_reason(course, events, id, reason):
    step = route.next_step(course, log(*events))

    assert step.id == id
    assert reason in str(step)


def test_when_all_is_done_it_says_so(course):
    everything = log(*(("done", id) for id in ("1", "2", "3", "x")))

    assert str(route.next_step(course, everything)) == (
        "You have done everything that is here so far."
    )


def test_an_item_whose_needs_nobody_can_meet_is_still_offered(course):
    text = '[course]\ntitle = ""\npromise = ""\n' + CHAPTER.format(stem="01_a")
    lonely = load(text + LESSON.format(id="9", needs=["8"]))

    assert "although it needs 8" in str(route.next_step(lonely, []))


def test_the_listing_shows_each_item_once_with_its_state(course):
    lines = route.listing(course, log(("done", "1"), ("hint", "x"))).splitlines()

    assert lines == [
        "01_a  01_a",
        "  done      30 min  lesson    1  Lesson 1",
        "  started   60 min  exercise  x  Exercise x",
        "  new       30 min  lesson    2  Lesson 2",
        "02_b  02_b",
        "  new       30 min  lesson    3  Lesson 3",
        "03_c  03_c (to come)",
    ]
