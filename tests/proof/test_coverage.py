"""The gate of topics counts, and bites when a finished chapter misses one."""

import pytest

from course_lib.proof.coverage import topics_are_covered

COURSE = """
[course]
title = "Shop"
promise = "It breaks."

[[chapter]]
stem = "01_shop"
package = "shop"
title = "Shop"
question = "Why?"
finished = true

[[chapter.exercise]]
id = "01.1-counter"
catalogue = "A01"
slug = "1_counter"
title = "A counter"
level = "core"
minutes = 5
needs = []
covers = ["TA1", "TA2"]
extra = ""
"""
TOPICS = """
TA1 = { chapters = ["01_shop"], name = "counting" }
TA2 = { chapters = ["01_shop", "02_more"], name = "refusing" }
TA3 = { chapters = ["02_more"], name = "not of this chapter" }
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/minimums.toml").write_text("topics = 2\n")
    (tmp_path / "course.toml").write_text(COURSE)
    (tmp_path / "topics.toml").write_text(TOPICS)
    return tmp_path


def test_a_finished_chapter_with_all_its_topics_passes_and_is_counted(root):
    said = []

    found = topics_are_covered(root, progress=said.append)

    assert found.passed, found.complaints
    assert found.covered == 2
    assert said == ["01_shop: 2 of 2 topics"]


def test_a_finished_chapter_that_misses_a_topic_is_told_which(root):
    (root / "course.toml").write_text(COURSE.replace('"TA1", "TA2"', '"TA1"'))

    found = topics_are_covered(root)

    assert "TA2 (refusing)" in found.complaints[0]


def test_an_unfinished_chapter_may_miss_topics(root):
    text = COURSE.replace("finished = true", "finished = false")
    (root / "course.toml").write_text(text.replace('"TA1", "TA2"', '"TA1"'))
    (root / "tests/minimums.toml").write_text("topics = 1\n")

    assert topics_are_covered(root).passed


def test_a_topic_that_nobody_knows_is_named(root):
    (root / "course.toml").write_text(COURSE.replace('"TA2"', '"TA2", "TB99"'))

    found = topics_are_covered(root)

    assert "TB99" in found.complaints[0]
