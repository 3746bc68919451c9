"""The instructors' pages: every command is one that exists, with options that it has."""

import re
import shlex

import pytest

from course_lib import commands
from course_lib.index import ROOT, course

PAGES = ("docs/for_instructors.md", "docs/grading_in_containers.md")

_COMMAND = re.compile(r"python3 course\.py ([^`\n\\]*)|break-it-first (grade [^`\n\\]*)")


def commands_in(text):
    text = text.replace("\\\n", " ")
    return [shlex.split(first or second) for first, second in _COMMAND.findall(text)]


ALL = [
    (page, words)
    for page in PAGES
    for words in commands_in((ROOT / page).read_text(encoding="utf-8"))
]


def test_both_pages_have_commands():
    assert {page for page, _ in ALL} == {*PAGES}
    assert len(ALL) >= 10


@pytest.mark.parametrize(("page", "words"), ALL, ids=[" ".join(words)[:60] for _, words in ALL])
def test_a_command_is_real_with_all_its_options(page, words, capsys):
    verb, *rest = words
    options = {word for word in rest if word.startswith("--")}

    assert verb in commands.VERBS
    if options:
        with pytest.raises(SystemExit) as stopped:
            commands.main([verb, "-h"])
        assert stopped.value.code == 0
        assert options <= {*re.findall(r"--[a-z-]+", capsys.readouterr().out)}


@pytest.mark.parametrize("page", PAGES)
def test_an_exercise_on_a_page_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")

    for id in re.findall(r"\b\d\d\.\d-[a-z-]+[a-z]", text):
        assert course().exercise(id).id == id


@pytest.mark.parametrize("page", PAGES)
def test_sentences_are_short(page):
    """15 words on average, without code, tables and links."""
    text = re.sub(r"```.*?```|^\|.*?$|`[^`]*`", " x ", read(page), flags=re.DOTALL | re.MULTILINE)
    sentences = [re.findall(r"[\w'-]+", each) for each in re.split(r"[.:?!]\s+|\n\n|\n- ", text)]
    counts = [len(words) for words in sentences if len(words) > 2]

    assert sum(counts) / len(counts) <= 15
    assert max(counts) <= 40


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")
