"""Each fault, planted: the build stops with one sentence that names the place and the mend."""

import pytest
from nbformat.v4 import new_markdown_cell

from course_lib.site import SiteError

DOT = "data:image/png;base64,AAAA"
HERE = 'notebooks/00_start.ipynb, cell "show"'


def fault_of(small_course) -> str:
    with pytest.raises(SiteError) as caught:
        small_course.files()
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize("picture", [f'<img src="{DOT}">', f'<img src="{DOT}" alt=" ">'])
def test_a_picture_without_alt_stops_the_build(small_course, shown, picture):
    good = f'<img src="{DOT}" alt="a line that rises">'
    small_course.lesson("# The lesson", shown(good + picture))

    assert fault_of(small_course) == (
        f"{HERE}: picture 2 has no alt text; show it with figure(fig, alt=...)."
    )


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/svg+xml"])
def test_a_picture_without_html_has_no_words(small_course, shown, kind):
    small_course.lesson("# The lesson", shown(**{kind: "AAAA", "text/plain": "<Figure>"}))

    assert "picture 1 has no alt text" in fault_of(small_course)


def test_a_markdown_picture_without_alt_stops_the_build(small_course):
    small_course.lesson(f"# The lesson\n\n![]({DOT})")

    assert 'cell "text-1": picture 1 has no alt text' in fault_of(small_course)


def test_a_picture_that_is_a_file_would_be_lost(small_course, shown):
    small_course.lesson("# The lesson", shown('<img src="line.png" alt="a line">'))

    assert f"{HERE}: picture 1 is a file of its own" in fault_of(small_course)


@pytest.mark.parametrize(
    "target", ["gone.ipynb", "#gone", "../exercises/00_start/1_try/exercise.ipynb#gone", "../.."]
)
def test_a_link_that_leads_nowhere_stops_the_build(small_course, target):
    small_course.lesson(f"# The lesson\n\n[there]({target})")

    assert fault_of(small_course) == (
        f'notebooks/00_start.ipynb, cell "text-1": links to "{target}", which is not there; '
        "mend the link."
    )


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        (["# The lesson", "### Deep"], 'the heading "Deep" jumps from level 1 to 3; use level 2.'),
        (["# The lesson", "# Again"], 'the heading "Again" is a second title; use level 2.'),
        (["## Part"], 'the heading "Part" jumps from level 0 to 2; use level 1.'),
        (["No heading"], "has no title; begin its first cell with one line `# Title`."),
    ],
)
def test_headings_that_mislead_stop_the_build(small_course, cells, fault):
    small_course.lesson(*cells)

    assert fault in fault_of(small_course)


def test_a_word_without_a_meaning_stops_the_build(small_course):
    small_course.lesson("# The lesson\n\n**Words:** *page*: eight kilobytes · *plan*.")

    assert 'the entry "plan ." of its words is not `*term*: meaning`' in fault_of(small_course)


@pytest.mark.parametrize("text", [None, "no notebook", "{}"])
def test_a_notebook_that_cannot_be_read_is_named(small_course, text):
    path = small_course.root / "notebooks/00_start.ipynb"
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")

    assert "notebooks/00_start.ipynb: cannot be read" in fault_of(small_course)


def test_a_fault_in_an_exercise_is_found_as_well(small_course):
    small_course._write(
        "exercises/00_start/1_try/exercise.ipynb", [new_markdown_cell("# T\n\n[a](b)", id="t")]
    )

    assert fault_of(small_course).startswith("exercises/00_start/1_try/exercise.ipynb")
