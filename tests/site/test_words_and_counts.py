from bs4 import BeautifulSoup

from course_lib.proof.plain_language import Plain
from course_lib.site.counts import count
from course_lib.site.finding import entries
from course_lib.site.headings import Heading
from course_lib.site.plan import Page
from course_lib.site.words import Word, explained

TEA, JAM = Page("tea.html", "Tea", "lesson"), Page("jam.html", "Jam", "lesson")


def test_words_of_a_summary_keep_their_code_and_lose_the_full_stop():
    html = BeautifulSoup(
        "<p><strong>Words:</strong> <em>page</em>: 8 <code>kB</code> ·\n"
        "<em>expand</em>, <em>contract</em>: add: remove.</p>",
        "html.parser",
    )

    words = explained(html, TEA)

    assert [(w.term, w.meaning) for w in words] == [
        ("page", "8 <code>kB</code>"),
        ("expand, contract", "add: remove"),
    ]
    assert html.p["id"] == "words"


def test_a_page_without_words_has_none():
    html = BeautifulSoup("<p>In other <strong>Words:</strong> none</p>", "html.parser")

    assert explained(html, TEA) == ()


def test_the_counts_of_a_lesson(small_course, shown):
    dot = '<img src="data:,x" alt="a dot">'
    table = '<table><caption>Prices</caption><tr><th scope="col">tea</th></tr></table>'
    alone, both = shown(dot), shown(dot + table)
    alone.id, both.id = "alone", "both"
    silent = shown(source="quiz()", **{"text/plain": "a quiz"})
    silent.id = "silent"
    text = "# The lesson\n\nFive words are in this. Here are four.\n\n**Sources:** a book\n\n- One."
    small_course.lesson(text, alone, both, shown("<p>bet</p>", source="predict(f)"), silent)

    html = small_course.page()
    for extra in html.find_all(["nav", "header", "footer"]):
        extra.decompose()
    plain = Plain(words=9, sentences=3, mean=3.0, longest=5, grade=1.0)
    counts = count(small_course.root / "notebooks/00_start.ipynb", html, plain)

    assert (counts.pictures, counts.pictures_in_words) == (2, 1)
    assert (counts.tables, counts.tables_with_caption) == (1, 1)
    assert (counts.controls, counts.controls_with_twin) == (2, 1)
    assert counts.plain == plain


def test_find_leaves_out_headings_that_are_everywhere():
    summary = Heading(2, "Summary", "summary")
    pages = [TEA, JAM, Page("pie.html", "A pie", "exercise")]
    headings = {page: [Heading(1, page.title, "t"), summary] for page in pages}
    headings[TEA].append(Heading(2, "The pot", "the-pot"))

    names = [(entry.name, entry.kind, entry.url) for entry in entries(headings, ())]

    assert names == [
        ("Jam", "lesson", "jam.html"),
        ("A pie", "exercise", "pie.html"),
        ("The pot", "part of Tea", "tea.html#the-pot"),
        ("Tea", "lesson", "tea.html"),
    ]


def test_a_word_leads_to_its_meaning():
    words = [Word("lease, permit", "a loan", TEA), Word("lease", "rent", JAM)]

    assert [entry.url for entry in entries({}, words)] == [
        "words.html#lease-in-jam",
        "words.html#lease-permit-in-tea",
    ]
