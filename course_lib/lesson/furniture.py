"""The start of a lesson and its stop points.

`start` is the last line of a lesson's setup cell: it remembers the lesson,
turns on names for screen readers, and applies the learner's profile.
"""

from __future__ import annotations

from pathlib import Path

from .. import progress
from ..index import course
from .markup import bold, bullets, paragraph, show
from .pictures import use_house_style
from .profiles import chosen, profile_css
from .remembered import notice
from .session import current

__all__ = ["start", "stop_point"]

_HERE = Path(__file__).parent
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ROUTINE = "Every part goes the same way: read, predict, run, explain, check."


def start(lesson: str, *, parts: int = 3) -> None:
    """Start a lesson: one line on the page, and everything later knows where it is.

    Args:
        lesson: its id in course.toml, such as "01.5".
        parts: how many stop points it has.

    Raises:
        UnknownId: course.toml has no such lesson.
        ValueError: `parts` is not 1 to 9.
    """
    entry = course().notebook(lesson)
    if not 1 <= parts < len(_NUMBERS):
        raise ValueError(f"A lesson has 1 to {len(_NUMBERS) - 1} parts, not {parts}.")
    current.lesson, current.parts = lesson, parts
    use_house_style()
    names = chosen()
    lines = [f"Lesson {lesson} · about {entry.minutes} minutes · {_count(parts)}"]
    if news := notice():
        lines.append(news)
    lines += _hints(names)
    agenda = _agenda(parts, entry.minutes) if "checklists" in names else []
    html = _names(profile_css(names)) + "".join(map(paragraph, lines))
    show(html + (bullets(agenda) if agenda else ""), "\n".join([*lines, *agenda]))


def stop_point(number: int, recap: str) -> None:
    """A safe place to stop, with what the part was about.

    Args:
        number: 1 for the first; the last one finishes the lesson.
        recap: one to three sentences that say what the part showed.

    Raises:
        ValueError: the lesson has no such part, or `recap` is empty.
    """
    minutes, parts = current.notebook.minutes, current.parts
    if not 1 <= number <= parts:
        raise ValueError(f"Lesson {current.lesson} has {_count(parts)}, so no part {number}.")
    if not recap.strip():
        raise ValueError("A stop point needs a recap: what did this part show?")
    so_far = round(minutes * number / parts)
    head = f"Stop point {number} of {parts}: about {so_far} minutes so far"
    safe = "It is safe to stop here: everything is saved."
    trouble = progress.record("stop", current.lesson, str(number))
    if number == parts:
        rest = f"Lesson {current.lesson} is finished."
        trouble = progress.record("done", current.lesson) or trouble
    else:
        rest = f"To come: {_count(parts - number)}, about {minutes - so_far} minutes."
    body = [recap, trouble or safe, rest]
    if number < parts:
        body += _next_hints(chosen())
    show(bold(head) + "".join(map(paragraph, body)), "\n".join([head, *body]))


def _count(parts: int) -> str:
    return f"{_NUMBERS[parts]} part{'s' if parts > 1 else ''}"


def _hints(names: frozenset[str]) -> list[str]:
    hints = []
    if "short chunks" in names:
        hints.append("Do the first part only, then decide about the next.")
    if "fixed routine" in names:
        hints.append(_ROUTINE)
    return hints


def _next_hints(names: frozenset[str]) -> list[str]:
    hints = []
    if "short chunks" in names:
        hints.append("Stop now, walk about, and come back for the next part.")
    if "fixed routine" in names:
        hints.append(_ROUTINE)
    return hints


def _agenda(parts: int, minutes: int) -> list[str]:
    each = round(minutes / parts)
    return [f"[ ] part {n} of {parts}, about {each} minutes" for n in range(1, parts + 1)]


def _names(profile: str) -> str:
    css = (_HERE / "names.css").read_text(encoding="utf-8") + profile
    scripts = [(_HERE / name).read_text(encoding="utf-8") for name in ("names.js", "keyboard.js")]
    return f"<style>\n{css}</style>\n<script>\n{''.join(scripts)}</script>\n"
