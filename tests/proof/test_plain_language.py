"""Plain language: each rule on a text that breaks just it, and the numbers by hand."""

import json
from pathlib import Path

import pytest

from course_lib.proof.plain_language import Before, Plain, language_is_plain, measure
from course_lib.proof.syllables import syllables

NAME = "notebooks/01_shop/1_the_queue.ipynb"
EXERCISE = "exercises/01_shop/1_counter/exercise.ipynb"


def text(source: str) -> dict:
    return {"cell_type": "markdown", "id": "more", "metadata": {}, "source": source}


def add(path: Path, source: str) -> None:
    """Give the notebook at `path` this one text more."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"].append(text(source))
    path.write_text(json.dumps(notebook), encoding="utf-8")


def complaints(root: Path, source: str, *, name: str = NAME) -> list[str]:
    add(root / name, source)
    return list(language_is_plain(root).problems)


BROKEN = [
    (
        "sentences are long on average",
        "\n\n".join(["The till is shut and so we all have to wait here in a row until six."] * 20),
        f"{NAME}: its sentences have 15.7 words on average, the limit is 15; split the longest.",
    ),
    (
        "words are long",
        "\n\n".join(["Organisational considerations necessitate documentation."] * 9),
        f"{NAME}: its reading grade is 38.7, the limit is 8; take shorter words and sentences.",
    ),
    (
        "one sentence is long",
        "We wait " + "and wait " * 14 + "here.",
        f'{NAME}: cell "more" has a sentence of 31 words, the limit is 30; '
        'split "We wait and wait and wait and wait and w".',
    ),
    (
        "a paragraph is long",
        "One. Two? (Three.) **Four!** \nFive.",
        f'{NAME}: cell "more" has a paragraph of 5 sentences, the limit is 4; '
        'split the one that begins "One.".',
    ),
    (
        "a list item is as long as a paragraph may not be",
        "- One. Two. Three. Four. `Five` is five.",
        f'{NAME}: cell "more" has a paragraph of 5 sentences, the limit is 4; '
        'split the one that begins "One.".',
    ),
    (
        "an acronym is not explained",
        "The WAL is long.\n\nA **WAL** is a log.",
        f'{NAME}: cell "more" uses WAL first and does not say what it is; explain it there.',
    ),
    (
        "an acronym in a table is not explained",
        "<table><caption>The WAL</caption></table>",
        f'{NAME}: cell "more" uses WAL first and does not say what it is; explain it there.',
    ),
    (
        "a word is explained that nobody uses",
        "**Words:** *queue*: a row · *jitter*: chance",
        f'{NAME}: cell "more" explains "jitter", which nothing above uses; use it or take it out.',
    ),
    (
        "code inside text is wide",
        f"```python\n{'x' * 80}\n```",
        f'{NAME}: cell "more" shows a line of code with 80 columns, the limit is 79; wrap it.',
    ),
    (
        "an idiom stands in a text",
        "Look under the hood.",
        f'{NAME}: cell "more" says "under the hood", which not every reader knows; '
        "say it in plain words.",
    ),
]


@pytest.mark.parametrize(
    ("source", "words"), [row[1:] for row in BROKEN], ids=[r[0] for r in BROKEN]
)
def test_a_broken_rule_is_named_and_nothing_else(root: Path, source: str, words: str) -> None:
    assert complaints(root, source) == [words]


def test_exercises_follow_the_same_rules(root: Path) -> None:
    assert (
        f'{EXERCISE}: cell "more" uses WAL first'
        in complaints(root, "The WAL is long.", name=EXERCISE)[0]
    )


PROJECT = """
[[chapter.exercise]]
id = "projects.till"
kind = "project"
catalogue = "T02"
slug = "till"
title = "A till"
level = "project"
minutes = 60
needs = ["01.1"]
covers = ["TA1"]
extra = ""
"""


def test_the_task_of_a_project_follows_the_same_rules(root: Path) -> None:
    with (root / "course.toml").open("a", encoding="utf-8") as index:
        index.write(PROJECT)
    task = root / "exercises/projects/till/TASK.md"
    task.parent.mkdir(parents=True)
    task.write_text("# A till\n\nCount.\n\n## M1: the log\n\nThe WAL is long.\n", "utf-8")

    problems = [one for one in language_is_plain(root).problems if "TASK.md" in one]

    assert problems == [
        'exercises/projects/till/TASK.md: cell "M1: the log" uses WAL first '
        "and does not say what it is; explain it there."
    ]


GOOD = {
    "the limits themselves": "We wait " + "and wait " * 13 + "right here.\n\nA b. C d. E f. G h.",
    "an acronym in brackets": "The write-ahead log (WAL) is long. A WAL helps.",
    "an acronym explained in brackets": "The WAL (write-ahead log) is long.",
    "an acronym in the list of words": "The WAL is long.\n\n**Words:** *WAL*: a log",
    "an acronym below its heading": "### What a WAL is\n\nA **WAL** is a log.",
    "an everyday acronym": "The CPU is hot.",
    "an acronym in the sources": "**Sources:** IBM, 1970",
    "words of SQL": "After COMMIT it is READ COMMITTED.",
    "code is no acronym": "Call `WAL` here.",
    "an inflected word": "They were pickling.\n\n**Words:** *pickle*: bytes",
    "a word that only a result uses": "**Words:** *3 in the queue*: a number",
    "a comma in a word": "Expand first, contract later.\n\n**Words:** *expand, contract*: in two",
}


@pytest.mark.parametrize("source", GOOD.values(), ids=GOOD)
def test_what_keeps_the_rules_passes(root: Path, source: str) -> None:
    assert complaints(root, source) == []


def test_what_a_needed_lesson_explains_is_known(root: Path) -> None:
    add(root / "notebooks/00_start.ipynb", "A **WAL** is a log.")

    assert complaints(root, "The WAL is long.") == []
    assert complaints(root, "The WAL is long.", name=EXERCISE) == []


def test_the_numbers_of_a_text() -> None:
    source = (
        "# A title of many words\n\n1. [A line of contents](#x)\n\n"
        "The cat sat. It has `two.legs()` now: a lot.\n\n"
        "| a | b |\n| --- | --- |\n| never | counted |\n\n"
        "**Words:** *cat*: an animal\n\n**Sources:** A book"
    )
    notebook = {"cells": [text(source)]}

    # 3 and 6 words, 10 syllables: 0.39 x 4.5 + 11.8 x 10/9 - 15.59 is less than 0
    assert measure(notebook) == Plain(words=9, sentences=2, mean=4.5, longest=6, grade=0.0)


def test_a_term_that_was_explained_before_is_two_syllables() -> None:
    notebook = {"cells": [text("Transactions wait.")]}

    unknown = measure(notebook)
    known = measure(notebook, Before(terms=frozenset({"transaction"})))

    assert unknown.grade == pytest.approx(0.39 * 2 + 11.8 * 4 / 2 - 15.59, abs=0.05)
    assert known.grade == pytest.approx(0.39 * 2 + 11.8 * 3 / 2 - 15.59, abs=0.05)


def test_a_text_without_words_has_no_grade() -> None:
    assert measure({"cells": [text("# Title")]}) == Plain(0, 0, 0.0, 0, 0.0)


SPOKEN = {
    1: "a time rules asked called queue year page guess does cause caused writes thread don't",
    2: "table tables waited handled rhythm client quiet question version layer doing people isn't",
    3: "exception transaction database serious previous area idea created variant period audience",
    4: "isolation databases algorithm experience dependency anomaly scenario reliable",
}


@pytest.mark.parametrize(
    ("word", "count"), [(word, count) for count, words in SPOKEN.items() for word in words.split()]
)
def test_the_syllables_of_a_known_word(word: str, count: int) -> None:
    assert syllables(word) == count
