"""A fresh record for each test, a drawing backend without a window, no lesson started."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import pytest

from course_lib.lesson.session import current

mpl.use("agg")


@pytest.fixture(autouse=True)
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.delenv("COURSE_CALM", raising=False)
    return tmp_path


@pytest.fixture(autouse=True)
def no_lesson_yet() -> Iterator[None]:
    current.lesson, current.parts = "", 3
    yield
    current.lesson, current.parts = "", 3


@pytest.fixture(autouse=True)
def same_settings_afterwards() -> Iterator[None]:
    with mpl.rc_context():
        yield


QUESTIONS = """
[[item]]
id = "01.5-minimum"
lesson = "01.5"
kind = "single"
use = ["checkpoint", "recall"]
question = "Six of ten failed. `State`?"
choice = [
    { text = "closed", right = true, why = "Too few calls." },
    { text = "open", why = "Only after ten." },
]

[[item]]
id = "01.5-failures"
lesson = "01.5"
kind = "multi"
use = ["checkpoint"]
question = "Which are failures?"
choice = [
    { text = "404", why = "It answered." },
    { text = "503", right = true, why = "It cannot serve." },
    { text = "timeout", right = true, why = "It may be gone." },
]

[[item]]
id = "01.5-calls"
lesson = "01.5"
kind = "number"
use = ["checkpoint"]
question = "How many calls?"
answer = 27
tolerance = 0.5
why = "Three times three times three."

[[item]]
id = "01.5-wrappers"
lesson = "01.5"
kind = "order"
use = ["lesson"]
question = "From outside to inside?"
lines = ["breaker", "retry", "timeout"]
why = ["A refusal is not retried.", "Each try has its timeout."]

[[item]]
id = "01.5-after"
lesson = "01.5"
kind = "parsons"
use = ["lesson"]
question = "Put them in order."
lines = ["def after(ok):", "    if not ok:", "        stop()"]
distractors = [{ text = "    sleep()", why = "Nobody waits here." }]
why = "First look, then act."

[[item]]
id = "01.5-count"
lesson = "01.5"
kind = "hunt"
use = ["lesson"]
question = "Which observation shows it?"
story = "On Tuesday it was <gone>."
bug_class = "unbounded growth"
lesson_learned = "Count in a window."
choice = [
    { text = "Five in a row.", why = "That is meant." },
    { text = "One a day.", right = true, why = "It never forgets." },
]
"""

CARDS = "".join(
    f"""
[[item]]
id = "00-card{n}"
lesson = "00"
kind = "card"
use = ["recall"]
question = "Question {n}?"
answer = "Answer {n}."
"""
    for n in range(1, 5)
)

HUNTS = """
def observe_01_5_count(code):
    found = code(7)
    return found == "answered", f"On day eight the call is {found}."
"""


@pytest.fixture
def questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The course's folder, with these questions and hunts instead of the real ones."""
    folder = tmp_path / "notebooks" / "01_errors"
    folder.mkdir(parents=True)
    (folder / "items.toml").write_text(QUESTIONS)
    (folder / "hunts.py").write_text(HUNTS)
    (folder.parent / "items.toml").write_text(CARDS)
    monkeypatch.setattr("course_lib.lesson.items.ROOT", tmp_path)
    monkeypatch.setattr("course_lib.lesson.hunting.ROOT", tmp_path)
