"""What becomes of the parts of a notebook."""

from dataclasses import replace

from nbformat.v4 import new_code_cell, new_output

VIEW = "application/vnd.jupyter.widget-view+json"


def test_a_control_is_shown_as_its_static_twin(small_course, shown):
    cell = shown("<p>Ten calls.</p>", **{VIEW: '{"model_id": "1"}', "text/plain": "Slider()"})

    page = small_course.lesson("# The lesson", cell).page()

    assert page.find(class_="output").get_text(strip=True) == "Ten calls."


def test_text_outputs_and_intended_errors_are_readable(small_course):
    outputs = [
        new_output("stream", name="stdout", text="a < b\n"),
        new_output("execute_result", data={"text/plain": "4"}, execution_count=1),
        new_output(
            "error", ename="E", evalue="no", traceback=["\x1b[31mE\x1b[0m: no <tea>", "line 2"]
        ),
    ]

    page = small_course.lesson("# The lesson", new_code_cell("f()", outputs=outputs)).page()

    shown = [(o.p.get_text(), o.pre.get_text()) for o in page.find_all(class_="output")]
    assert shown == [
        ("Output", "a < b\n"),
        ("Output", "4"),
        ("Error, shown on purpose", "E: no <tea>\nline 2"),
    ]
    assert page.find(class_="ansi-red-fg").get_text() == "E"


def test_scripts_and_styles_of_the_notebook_are_left_out(small_course, shown):
    page = small_course.lesson("# The lesson", shown("<style>a{}</style><script>x</script>")).page()

    assert not page.find("style")
    assert [tag["src"] for tag in page.find_all("script")] == ["../site.js"]
    assert not page.find(class_="output")


def test_the_code_of_a_question_is_folded(small_course):
    folded = new_code_cell("predict(f)", metadata={"jupyter": {"source_hidden": True}})

    page = small_course.lesson("# The lesson", folded).page()

    assert page.find("details").find("pre").get_text().strip() == "predict(f)"


def test_wide_code_and_tables_are_named_boxes_that_take_the_focus(small_course, shown):
    table = '<table><caption>Prices</caption><tr><th scope="col">tea</th></tr></table>'
    wide, narrow = new_code_cell("x" * 27), new_code_cell("x" * 26)

    page = small_course.lesson("# The lesson", wide, narrow, shown(table, source="t")).page()

    boxes = [(box["aria-label"], box.get("tabindex")) for box in page.find_all(role="group")]
    assert boxes == [
        ("Code 1", "0"),
        ("Code 2", None),
        ("Code 3", None),
        ("Table 1: Prices", "0"),
    ]


def test_a_markdown_table_says_what_its_headings_head(small_course):
    page = small_course.lesson("# The lesson\n\n| | price |\n| --- | --- |\n| tea | 2 |").page()

    (heading,) = page.find("table").find_all("th")
    assert (heading["scope"], heading.get_text()) == ("col", "price")
    assert page.find(class_="scroll")["aria-label"] == "Table 1: price"


def test_links_lead_to_pages_and_files_without_a_page_are_plain_text(small_course):
    (small_course.root / "README.md").write_text("hello", encoding="utf-8")
    text = """# The lesson

[task](../exercises/00_start/1_try/exercise.ipynb) [part](#How-many,-how-recent?)
[title](../exercises/00_start/1_try/exercise.ipynb#The-exercise)
[read me](../README.md) [far](https://example.org/)

## How many, how recent?"""

    page = small_course.lesson(text).page()

    prose = page.find(class_="prose")
    assert [a["href"] for a in prose.find_all("a")] == [
        "../exercises/00_start/1_try.html",
        "#how-many-how-recent",
        "../exercises/00_start/1_try.html#the-exercise",
        "https://example.org/",
    ]
    assert "read me" in prose.get_text()


def test_the_contents_list_takes_the_place_of_the_one_in_the_notebook(small_course):
    first = "# The lesson\n\n1. [Try](#Try)\n\nAbout tea."
    page = small_course.lesson(first, "## Try", "### A detail", "## Try").page()

    contents = page.find("nav", class_="contents")
    assert [a["href"] for a in contents.find_all("a")] == ["#try", "#a-detail", "#try-2"]
    assert not page.find("ol")
    assert "About tea." in page.find(class_="prose").get_text()


def test_a_page_says_how_to_run_it(small_course):
    assert "notebooks/00_start.ipynb" in small_course.page().find(class_="note").get_text()
    task = small_course.page("exercises/00_start/1_try.html").find(class_="note").get_text()
    assert "python3 course.py check 00-try" in task


def test_the_index_is_an_ordered_list_with_minutes_and_what_comes_before(small_course):
    chapter = small_course.page("index.html").find("ol", class_="chapters").find("li")

    assert chapter.h3.get_text() == "Start"
    lesson, exercise = chapter.find_all("li")
    assert "1 hour 15 minutes" in lesson.get_text()
    assert exercise.get_text(" ", strip=True) == "The exercise warm-up, 5 minutes, after The lesson"


def test_a_heading_with_signs_of_html_stays_text(small_course):
    files = small_course.lesson("# The lesson", "## Is `1 < 2`?").files()

    assert "Is 1 &lt; 2?" in files["find.html"]
    assert '<a href="#is-1-2">Is 1 &lt; 2?</a>' in files["lessons/00_start.html"]


def test_a_task_written_in_markdown_is_a_page(small_course):
    folder = small_course.root / "exercises/projects/blog"
    folder.mkdir(parents=True)
    (folder / "TASK.md").write_text("# A blog\n\nBuild it.", encoding="utf-8")

    chapter = small_course.course.chapters[0]
    (exercise,) = chapter.exercises
    project = replace(exercise, id="projects.blog", slug="blog", kind="project")
    chapter = replace(chapter, exercises=(project,))
    small_course.course = replace(small_course.course, chapters=(chapter,))

    page = small_course.page("exercises/projects/blog.html")

    assert page.h1.get_text() == "A blog"
    assert "Build it." in page.main.get_text()
