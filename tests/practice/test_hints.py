"""Hints one at a time, the solution on the second asking, and a fresh start."""

import pytest

from course_lib import progress
from course_lib.practice import hint, reset, solution
from course_lib.practice.build import build

ID = "01.1-counter"


@pytest.fixture
def mine(root):
    """The learner's notebook, which they have changed."""
    build(root=root)
    path = root / "work/exercises/01_shop/1_counter/exercise.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text("mine", encoding="utf-8")
    return path


def test_each_call_opens_one_more_hint_and_keeps_the_others_open(root):
    counts = [len(hint(ID, root=root).rows) for _ in range(4)]

    assert counts == [1, 2, 3, 3]
    assert [e.value for e in progress.events(kind="hint")] == ["1", "2", "3"]


def test_the_last_hint_names_the_solution(root):
    texts = [hint(ID, root=root).text for _ in range(3)]

    assert "2 more" in texts[0]
    assert f'solution("{ID}")' in texts[2]


def test_a_record_from_elsewhere_cannot_confuse_the_hints(root):
    progress.record("hint", ID, "many")

    assert len(hint(ID, root=root).rows) == 1


def test_when_progress_cannot_be_read_all_hints_are_open(root, monkeypatch):
    def unreadable(**_):
        raise OSError

    monkeypatch.setattr(progress, "events", unreadable)

    card = hint(ID, root=root)

    assert len(card.rows) == 3
    assert "Your progress cannot be read" in card.text


def test_the_solution_asks_once_and_then_shows(root):
    first, second = solution(ID, root=root).text, solution(ID, root=root).text

    assert "not solved yet" in first
    assert "self.chairs" not in first
    assert "self.chairs -= n" in second


@pytest.mark.parametrize("way", ["show", "solved"])
def test_the_solution_is_shown_at_once_to_who_asks_for_it_or_has_solved_it(root, way):
    if way == "solved":
        progress.record("check", ID, "right")

    card = solution(ID, show=way == "show", root=root)

    assert "self.chairs -= n" in card.text
    assert "SOLUTION" not in card.text
    assert "<pre><code>class TooFew" in card._repr_html_()


def test_reset_puts_the_starter_back_and_keeps_mine(root, mine):
    card = reset(ID, root=root)

    assert "raise NotImplementedError" in mine.read_text(encoding="utf-8")
    assert mine.with_name("exercise.1.mine.ipynb").read_text(encoding="utf-8") == "mine"
    assert "exercise.1.mine.ipynb" in card.text


def test_a_second_reset_overwrites_nothing(root, mine):
    reset(ID, root=root)
    mine.write_text("mine again", encoding="utf-8")

    reset(ID, root=root)

    assert mine.with_name("exercise.1.mine.ipynb").read_text(encoding="utf-8") == "mine"
    assert mine.with_name("exercise.2.mine.ipynb").read_text(encoding="utf-8") == "mine again"


def test_an_unchanged_exercise_needs_no_reset(root, mine):
    reset(ID, root=root)

    assert "nothing to reset" in reset(ID, root=root).text
    assert not mine.with_name("exercise.2.mine.ipynb").exists()


def test_reset_works_before_there_is_a_copy(root):
    build(root=root)

    reset(ID, root=root)

    assert (root / "work/exercises/01_shop/1_counter/exercise.ipynb").exists()


@pytest.mark.parametrize("function", [hint, solution, reset])
def test_an_unknown_id_is_a_sentence(root, function):
    assert "Did you mean" in function("01.1-count", root=root).text


def test_a_missing_notebook_is_a_sentence(root):
    for path in root.glob("exercises/*/*/exercise.ipynb"):
        path.unlink()

    assert reset(ID, root=root).text == (
        "exercise.ipynb cannot be read or written: No such file or directory."
    )
