"""course.toml as objects: every field, every path, and what is wrong in words."""

import pytest

from course_lib import index
from course_lib.index import ROOT, UnknownId, course, load

TEXT = """
[course]
title = "Break It First"
promise = "It breaks."

[[chapter]]
stem = "00_start"
package = ""
title = "Start here"
question = "How?"
finished = true

[[chapter.notebook]]
id = "00"
file = "00_start.ipynb"
title = "Start here"
question = "How?"
minutes = 20
needs = []
covers = ["TB1"]
extra = ""
browser_kernel = false
reason = "a file"

[[chapter]]
stem = "01_errors"
package = "errors"
title = "Errors"
question = "What then?"
finished = false

[[chapter.notebook]]
id = "01.5"
file = "5_breakers.ipynb"
title = "Breakers"
question = "When?"
minutes = 40
needs = ["00"]
covers = ["TA10"]
extra = ""
browser_kernel = false
reason = "threads"

[[chapter.exercise]]
id = "01.5-circuit-breaker"
catalogue = "A01"
slug = "5_circuit_breaker"
title = "A circuit breaker"
level = "core"
minutes = 75
needs = ["01.5"]
covers = ["TA10"]
extra = ""
"""


@pytest.fixture
def small():
    return load(TEXT)


def test_chapters_come_in_order_with_their_numbers(small):
    assert [(chapter.number, chapter.stem) for chapter in small.chapters] == [
        (0, "00_start"),
        (1, "01_errors"),
    ]
    assert (small.title, small.promise) == ("Break It First", "It breaks.")


def test_the_first_lesson_lies_in_notebooks_itself_and_the_others_in_their_chapter(small):
    assert [notebook.path for notebook in small.notebooks] == [
        "notebooks/00_start.ipynb",
        "notebooks/01_errors/5_breakers.ipynb",
    ]
    assert [notebook.items for notebook in small.notebooks] == [
        "notebooks/items.toml",
        "notebooks/01_errors/items.toml",
    ]


def test_a_lesson_knows_its_chapter_needs_and_topics(small):
    notebook = small.notebook("01.5")

    assert (notebook.chapter, notebook.minutes) == ("01_errors", 40)
    assert (notebook.needs, notebook.covers) == (("00",), ("TA10",))


def test_an_exercise_knows_all_its_places(small):
    exercise = small.exercise("01.5-circuit-breaker")

    assert exercise.folder == "exercises/01_errors/5_circuit_breaker"
    assert exercise.notebook == "exercises/01_errors/5_circuit_breaker/exercise.ipynb"
    assert exercise.checks == "exercises/01_errors/5_circuit_breaker/checks.py"
    assert exercise.source == "solutions/01_errors/5_circuit_breaker.py"
    assert exercise.proofs == "tests/exercises/01_errors/5_circuit_breaker"


def test_an_exercise_is_found_by_its_catalogue_number_too(small):
    assert small.exercise("A01") is small.exercise("01.5-circuit-breaker")


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("01.5-circiut-braker", 'There is no exercise "01.5-circiut-braker". Did you mean'),
        ("zzz", "`python3 course.py list` shows them all."),
        ("", "`python3 course.py list` shows them all."),
    ],
)
def test_an_unknown_id_is_told_with_the_nearest_one_or_the_list(small, id, message):
    with pytest.raises(UnknownId) as caught:
        small.exercise(id)

    assert message in str(caught.value)


def test_an_unknown_lesson_is_told_as_one(small):
    with pytest.raises(UnknownId, match=r'no lesson "01\.6"'):
        small.notebook("01.6")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[course]", "[course"),
        ('title = "Break It First"', ""),
        ('stem = "01_errors"', ""),
        ("minutes = 75", "minuets = 75"),
        ("minutes = 40\n", ""),
        ("[[chapter.exercise]]", "[chapter.exercise]"),
    ],
)
def test_a_wrong_index_is_a_value_error_that_names_the_file(old, new):
    assert old in TEXT

    with pytest.raises(ValueError, match=r"^course\.toml: "):
        load(TEXT.replace(old, new))


def test_the_course_of_this_folder_is_read_once():
    assert course() is course()
    assert (ROOT / "course.toml").is_file()


def test_ids_and_places_of_the_course_are_unique():
    everything = [*course().notebooks, *course().exercises]
    ids = [item.id for item in everything]
    places = [n.path for n in course().notebooks] + [e.folder for e in course().exercises]

    assert len(set(ids)) == len(ids)
    assert len(set(places)) == len(places)


def test_every_need_is_a_lesson_that_comes_before():
    seen = set()
    for chapter in course().chapters:
        for notebook in chapter.notebooks:
            assert set(notebook.needs) <= seen, notebook.id
            seen.add(notebook.id)
        for exercise in chapter.exercises:
            assert set(exercise.needs) <= seen, exercise.id


def test_loading_does_not_change_the_text_it_was_given():
    assert load(TEXT) == load(TEXT)
    assert index.load(TEXT) is not index.load(TEXT)
