"""The questions of a lesson, read from what its cells showed: answers come from a run."""

from __future__ import annotations

from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag

__all__ = ["Choice", "Question", "questions_in"]

_RIGHT = " (right): "


@dataclass(frozen=True)
class Choice:
    """A wrong one is a misconception, and `why` says what to answer to it. Both are HTML."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Question:
    """`words` is text; all others are HTML.

    `lines` are to be put in order, or empty. `answer` is what else the answer says.
    """

    words: str
    before: str
    choices: tuple[Choice, ...]
    lines: tuple[str, ...]
    answer: str


def questions_in(output: Tag) -> list[Question]:
    """The questions that a stored output shows: a bold line, choices, a folded answer."""
    found: list[Question] = []
    before: list[str] = []
    words = ""
    options: tuple[str, ...] = ()
    for tag in output.find_all(recursive=False):
        if bold := _bold(tag):
            words, options = bold, ()
        elif tag.name == "ol":
            options = tuple(item.decode_contents() for item in tag.find_all("li", recursive=False))
        elif tag.name == "details" and words:
            found.append(_question(words, "".join(before), options, tag))
            words, before = "", []
        elif not found:
            before.append(str(tag))
    return found


def _bold(tag: Tag) -> str:
    """The words of a paragraph that is bold as a whole, or nothing."""
    strong = tag.find("strong", recursive=False) if tag.name == "p" else None
    whole = " ".join(tag.get_text().split())
    return whole if strong and " ".join(strong.get_text().split()) == whole else ""


def _question(words: str, before: str, options: tuple[str, ...], folded: Tag) -> Question:
    answer = BeautifulSoup(folded.decode_contents(), "html.parser")
    for summary in answer.find_all("summary", recursive=False):
        summary.decompose()
    reasons = answer.find("ul", recursive=False)
    choices = _choices(options, reasons) if reasons else ()
    if choices and reasons:
        for said_already in (*reasons.find_previous_siblings(), reasons):
            said_already.decompose()
        return Question(words, before, choices, (), str(answer))
    return Question(words, before, (), options, str(answer))


def _choices(options: tuple[str, ...], reasons: Tag) -> tuple[Choice, ...]:
    """The options with their reasons; none when the reasons are not one for each option."""
    lines = [line.decode_contents() for line in reasons.find_all("li", recursive=False)]
    if len(lines) != len(options):
        return ()
    made = [_choice(option, line) for option, line in zip(options, lines, strict=True)]
    return tuple(choice for choice in made if choice) if all(made) else ()


def _choice(option: str, line: str) -> Choice | None:
    for text in (option, option.rstrip(".")):
        for right, sign in ((True, _RIGHT), (False, ": ")):
            if line.startswith(text + sign):
                return Choice(option, right, line.removeprefix(text + sign))
    return None
