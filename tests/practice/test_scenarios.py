"""What checks.py may hold, and what its author is told otherwise."""

import pytest

from course_lib.practice.scenarios import read_checks, scenario
from course_lib.practice.source import BadExercise


@pytest.fixture
def checks(root):
    return root / "exercises/01_shop/1_counter/checks.py"


def edited(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_checks_are_read_in_the_order_of_the_file(checks):
    found = read_checks(checks)

    assert found.names == ("Counter", "TooFew")
    assert [s.meaning for s in found.scenarios] == [
        "takes chairs",
        "refuses more than there are",
        "refills",
    ]
    assert found.points == 4
    assert found.scenarios[0].done == "A counter with 10 chairs, a few taken."


def test_a_scenario_without_a_docstring_has_no_story_to_show():
    @scenario("works", task=1)
    def story(solution, rng):
        return 1

    assert story.done == ""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('NAMES = ("Counter", "TooFew")', "", "NAMES is missing"),
        ('    "Look before you take: compare first, change afterwards.",\n', "", "HINTS has 2"),
        ('needs=("takes chairs",)', 'needs=("refills",)', 'needs "refills", which is not an earl'),
        ('"refills", task', '"takes chairs", task', "is there twice"),
        ('"""A counter with 1 chair, 5 added."""', "pass", "has no docstring"),
        ("points=2", "points=0", "needs points of 1 or more"),
        ('"refills", task', '"r" * 81, task', "its meaning has 81 characters; at most 80"),
        ("A counter with 1 chair, 5 added.", "d" * 121, "first line has 121 characters"),
        ("Take n away from chairs.", "n" * 161, "its next_step has 161 characters"),
        ("NAMES =", "NAMES ==", "does not run: NameError"),
        ("NAMES =", "NAMES = =", "does not run: SyntaxError"),
    ],
)
def test_a_mistake_of_the_author_is_one_sentence(checks, old, new, sentence):
    edited(checks, old, new)

    with pytest.raises(BadExercise, match=sentence) as caught:
        read_checks(checks)

    assert "\n" not in str(caught.value)


def test_checks_without_a_scenario_are_refused(checks):
    edited(checks, "@scenario(", "@(lambda *a, **k: lambda f: None)(")

    with pytest.raises(BadExercise, match="there is no scenario"):
        read_checks(checks)


def test_missing_checks_are_said_to_be_missing(checks):
    checks.unlink()

    with pytest.raises(BadExercise, match=r"checks.py cannot be read: No such file"):
        read_checks(checks)
