"""The gates of exercises pass on a good miniature course and bite on planted faults."""

import shutil
from pathlib import Path

import pytest

from course_lib.proof import exercises
from course_lib.proof.exercises import (
    changed_exercises_are_proved,
    checks_notice_small_changes,
    exercises_are_fresh,
    exercises_are_proved,
)

COURSE = Path(__file__).parents[1] / "practice" / "fixtures" / "course"
CHECKS = "exercises/01_shop/1_counter/checks.py"
MUTANTS = "tests/exercises/01_shop/1_counter/mutants"


@pytest.fixture
def root(tmp_path):
    root = Path(shutil.copytree(COURSE, tmp_path / "course"))
    (root / "tests/minimums.toml").write_text("fresh = 1\nexercises = 3\nmutation = 5\n")
    return root


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    "gate", [exercises_are_fresh, exercises_are_proved, checks_notice_small_changes]
)
def test_an_untouched_course_passes(root, gate):
    found = gate(root)

    assert found.passed, found.complaints


def test_a_notebook_that_differs_from_its_source_is_named(root):
    edit(root / "exercises/01_shop/1_counter/exercise.ipynb", "Counter", "Kounter")

    found = exercises_are_fresh(root)

    assert not found.passed
    assert "exercise.ipynb" in found.complaints[0]


def test_a_mutant_that_fails_elsewhere_is_named(root):
    mutant = root / MUTANTS / "off_by_one.py"
    first, rest = mutant.read_text(encoding="utf-8").split("\n", 1)
    mutant.write_text('# fails "takes chairs" with "no such words"\n' + rest, encoding="utf-8")

    found = exercises_are_proved(root)

    assert first.startswith("# fails")
    assert not found.passed
    assert "off_by_one.py" in found.complaints[0]


def test_a_right_answer_that_is_refused_is_named(root):
    edit(
        root / "tests/exercises/01_shop/1_counter/also_right/plain_class.py", "self.chairs + n", "n"
    )

    found = exercises_are_proved(root)

    assert not found.passed
    assert "plain_class.py" in found.complaints[0]


def test_a_scenario_that_notices_nothing_lets_changes_survive(root):
    edit(root / CHECKS, "return solution.Counter(1).refill(5)", "return 6")

    found = checks_notice_small_changes(root)

    assert not found.passed
    assert "Survived" in found.complaints[0]


def test_a_gate_that_covers_too_little_fails(root):
    (root / "tests/minimums.toml").write_text("exercises = 99\n")

    found = exercises_are_proved(root)

    assert not found.passed
    assert "99" in " ".join(found.complaints)


@pytest.mark.parametrize(("changed", "scenarios"), [(CHECKS, 3), ("README.md", 0)])
def test_only_reached_exercises_are_proved_again(root, monkeypatch, changed, scenarios):
    monkeypatch.setattr(exercises, "changed_files", lambda root, base: [changed])

    found = changed_exercises_are_proved(root, base="HEAD")

    assert (found.covered, found.problems) == (scenarios, ())


def test_a_change_that_opens_a_hole_is_found(root, monkeypatch):
    monkeypatch.setattr(exercises, "changed_files", lambda root, base: [CHECKS])
    edit(root / CHECKS, "return solution.Counter(1).refill(5)", "return 6")

    found = changed_exercises_are_proved(root, base="HEAD", jobs=2)

    assert not found.passed
    assert "Survived" in "".join(found.complaints)
