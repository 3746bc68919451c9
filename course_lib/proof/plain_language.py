"""Gate: the words of a lesson are plain enough to read without effort.

The limits follow W3C's *Making Content Usable for People with Cognitive and
Learning Disabilities* (2021). The reading grade is Flesch and Kincaid's (1975):
0.39 x words per sentence + 11.8 x syllables per word - 15.59, the school year
in which it is read with ease. What is counted gently:

- a term that the lesson, or one that it needs, explains in its **Words:** has
  two syllables at most: who has learned "transaction" does not stumble at it;
- a piece of code is one word of two syllables, and so is an acronym;
- headings, tables, sources and the list of words are no sentences.

The width of code cells is in the structure gate; here it is code inside text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.index import Course, Notebook
from course_lib.proof.acronyms import ACRONYM, explained, unexplained
from course_lib.proof.gates import Gate, course_of, finished
from course_lib.proof.notebook_files import output_texts, read, source, where
from course_lib.proof.prose import CODE, Block, blocks, plain, words_in
from course_lib.proof.syllables import syllables

__all__ = ["Before", "Plain", "language_is_plain", "measure", "measured"]

MEAN = 15.0
LONGEST = 30
PARAGRAPH = 4
GRADE = 8.0
COLUMNS = 79

IDIOMS = (
    *("at the end of the day", "boil down", "boils down", "can of worms", "e.g.", "from scratch"),
    *("i.e.", "in a nutshell", "keep an eye on", "keep in mind", "low-hanging", "on the fly"),
    *("out of the box", "piece of cake", "rule of thumb", "silver bullet", "the devil is in"),
    *("tip of the iceberg", "under the hood"),
)
"""Who reads English as a second language cannot look these up word by word."""

_FENCED = re.compile(r"^(```|~~~)[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_IDIOM = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, IDIOMS))})(?!\w)", re.IGNORECASE)
_ENDING = re.compile(r"(?:ing|ed|es|s|e|y)$")


@dataclass(frozen=True)
class Plain:
    """The numbers of one text; `mean` and `longest` are words in a sentence."""

    words: int
    sentences: int
    mean: float
    longest: int
    grade: float


@dataclass(frozen=True)
class Before:
    """What a reader has met in the lessons that this one needs."""

    terms: frozenset[str] = frozenset()
    acronyms: frozenset[str] = frozenset()


def measure(notebook: dict[str, Any], before: Before = Before()) -> Plain:
    """The numbers of `notebook`, for a reader who knows what came `before`."""
    text = list(blocks(notebook))
    easy = _stems([*before.terms, *_terms(text)])
    sentences = [words_in(sentence) for block in text for sentence in _sentences(block)]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return Plain(0, 0, 0.0, 0, 0.0)
    mean = len(words) / len(sentences)
    spoken = sum(_syllables(word, easy) for word in words) / len(words)
    grade = max(0.0, 0.39 * mean + 11.8 * spoken - 15.59)
    longest = max(map(len, sentences))
    return Plain(len(words), len(sentences), round(mean, 1), longest, round(grade, 1))


def measured(root: Path, course: Course) -> dict[str, Plain]:
    """Path -> the numbers of every lesson, exercise and task of a project that is there."""
    texts = _texts(root, course)
    return {path: measure(notebook, before) for path, notebook, before in texts}


def language_is_plain(root: Path) -> Gate:
    """Lessons and exercises alike; covers sentences."""
    problems: list[str] = []
    covered = 0
    try:
        course = course_of(root)
    except ValueError:
        course = Course("", "", ())  # the index gate says why
    for path, notebook, before in _texts(root, course):
        numbers = measure(notebook, before)
        covered += numbers.sentences
        problems += [f"{path}: {what}" for what in _problems(notebook, before, numbers)]
    unit = "sentences"
    return finished(root, "plain language", covered=covered, unit=unit, problems=problems)


def _texts(root: Path, course: Course) -> Iterator[tuple[str, dict[str, Any], Before]]:
    lessons = {lesson.id: lesson for lesson in course.notebooks}
    learned = {id: _learned(root, lesson) for id, lesson in lessons.items()}
    paths = [(lesson.path, lesson.needs) for lesson in course.notebooks]
    paths += [(exercise.page, exercise.needs) for exercise in course.exercises]
    for path, needs in paths:
        if notebook := _read(root / path):
            met = [learned[id] for id in _all_needed(needs, lessons)]
            terms = frozenset[str]().union(*(one.terms for one in met))
            acronyms = frozenset[str]().union(*(one.acronyms for one in met))
            yield path, notebook, Before(terms, acronyms)


def _learned(root: Path, lesson: Notebook) -> Before:
    text = list(blocks(_read(root / lesson.path) or {"cells": []}))
    return Before(frozenset(_terms(text)), frozenset(explained(text)))


def _all_needed(needs: Iterable[str], lessons: dict[str, Notebook]) -> set[str]:
    found: set[str] = set()
    waiting = list(needs)
    while waiting:
        id = waiting.pop()
        if id in lessons and id not in found:
            found.add(id)
            waiting += lessons[id].needs
    return found


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.suffix == ".md":  # the task of a project
            return _sections(path.read_text("utf-8"))
        return read(path)
    except (OSError, ValueError):
        return None  # the gates of the index and the structure say so


def _sections(text: str) -> dict[str, Any]:
    """A page as a notebook: a text cell for each section, named by its heading."""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    cells = [(part.partition("\n")[0].lstrip("# "), part) for part in parts]
    return {"cells": [{"cell_type": "markdown", "id": id, "source": part} for id, part in cells]}


def _problems(notebook: dict[str, Any], before: Before, numbers: Plain) -> Iterator[str]:
    text = list(blocks(notebook))
    if numbers.mean > MEAN:
        yield (
            f"its sentences have {numbers.mean} words on average, the limit is {MEAN:g}; "
            "split the longest."
        )
    if numbers.grade > GRADE:
        yield (
            f"its reading grade is {numbers.grade}, the limit is {GRADE:g}; "
            "take shorter words and sentences."
        )
    for block in text:
        for what in _block(block):
            yield f"{block.where} {what}"
    for name, acronym in unexplained(text, before.acronyms):
        yield f"{name} uses {acronym} first and does not say what it is; explain it there."
    for name, term in _unused(text, notebook):
        yield f'{name} explains "{term}", which nothing above uses; use it or take it out.'
    yield from _wide(notebook)


def _block(block: Block) -> Iterator[str]:
    sentences = _sentences(block)
    if len(sentences) > PARAGRAPH:
        begins = _quoted(sentences[0])
        yield (
            f"has a paragraph of {len(sentences)} sentences, the limit is {PARAGRAPH}; "
            f"split the one that begins {begins}."
        )
    for sentence in sentences:
        if (length := len(words_in(sentence))) > LONGEST:
            begins = _quoted(sentence)
            yield f"has a sentence of {length} words, the limit is {LONGEST}; split {begins}."
    for idiom in _IDIOM.findall(plain(block.text)):
        yield f'says "{idiom}", which not every reader knows; say it in plain words.'


def _quoted(sentence: str) -> str:
    return f'"{sentence[:40].replace(CODE, "`...`").replace("**", "")}"'


def _sentences(block: Block) -> list[str]:
    return block.sentences if block.kind == "prose" else []


def _terms(text: Iterable[Block]) -> list[str]:
    return [term for block in text for term in block.terms]


def _unused(text: list[Block], notebook: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Words that neither a text nor a result uses."""
    used = [plain(block.text) for block in text if block.kind not in ("words", "sources")]
    used += [shown for cell in notebook["cells"] for _, shown in output_texts(cell)]
    lesson = " ".join(used)
    for block in text:
        for term in block.terms:
            stems = (re.escape(_stem(word)) + r"[\w'+]*" for word in term.split())
            if not re.search(rf"\b{'[ -]'.join(stems)}", lesson, re.IGNORECASE):
                yield block.where, term


def _stem(word: str) -> str:
    return _ENDING.sub("", word) if len(word) > 3 else word


def _stems(terms: Iterable[str]) -> frozenset[str]:
    return frozenset(_stem(word.lower()) for term in terms for word in words_in(term))


def _syllables(word: str, easy: frozenset[str]) -> int:
    if CODE in word or ACRONYM.fullmatch(word):
        return 2
    spoken = syllables(word)
    return min(spoken, 2) if _stem(word.lower()) in easy else spoken


def _wide(notebook: dict[str, Any]) -> Iterator[str]:
    for number, cell in enumerate(notebook["cells"], 1):
        if cell.get("cell_type") != "markdown":
            continue
        for _, code in _FENCED.findall(source(cell)):
            for line in code.splitlines():
                if len(line) > COLUMNS:
                    yield (
                        f"{where(cell, number)} shows a line of code with {len(line)} columns, "
                        f"the limit is {COLUMNS}; wrap it."
                    )
