"""Which lessons a change reaches, and how the first failing cell is named."""

import subprocess
from pathlib import Path

import pytest

from course_lib.proof.changes import changed_files, exercises_reached, reached
from course_lib.proof.gates import course_of
from course_lib.proof.lessons import run_lessons

START, QUEUE = "notebooks/00_start.ipynb", "notebooks/01_shop/1_the_queue.ipynb"


@pytest.fixture
def uses_shop(root: Path) -> Path:
    """The miniature course, whose second lesson imports the shop."""
    queue = root / QUEUE
    queue.write_text(queue.read_text().replace('"import math"', '"import course_lib.shop"'))
    return root


REACHES = {
    QUEUE: [QUEUE],
    "notebooks/01_shop/items.toml": [QUEUE],
    "notebooks/01_shop/hunts.py": [QUEUE],
    "course_lib/shop/__init__.py": [QUEUE],
    "course_lib/shop/menu.json": [QUEUE],
    "course_lib/clock.py": [QUEUE],
    "course_lib/labs/__init__.py": [],
    "README.md": [],
    "requirements.lock": [START, QUEUE],
    "course_lib/proof/rooms.py": [START, QUEUE],
}


@pytest.mark.parametrize("changed", REACHES)
def test_a_change_reaches_the_lessons_that_stand_on_it(uses_shop: Path, changed: str) -> None:
    found = reached(uses_shop, [changed, "README.md"])

    assert [path.relative_to(uses_shop).as_posix() for path in found] == REACHES[changed]
    assert set(found.values()) <= {changed}


def test_imports_of_a_file_beside_the_lesson_and_relative_ones_count(root: Path) -> None:
    (root / "notebooks/01_shop/hunts.py").write_text("from course_lib import labs\n")
    (root / "course_lib/labs/__init__.py").write_text("from .. import clock\n")

    found = reached(root, ["course_lib/clock.py"])

    assert found == {root / QUEUE: "course_lib/clock.py"}


EXERCISE_CHANGES = {
    "solutions/01_shop/1_counter.py": True,
    "exercises/01_shop/1_counter/checks.py": True,
    "tests/exercises/01_shop/1_counter/mutants/new.py": True,
    "course_lib/shop/menu.json": True,
    "course_lib/clock.py": True,
    "course.toml": True,
    "course_lib/labs/__init__.py": False,
    "exercises/01_shop/1_counters/checks.py": False,
    QUEUE: False,
}


@pytest.mark.parametrize(("changed", "reaches"), EXERCISE_CHANGES.items())
def test_a_change_reaches_the_exercises_that_stand_on_it(
    root: Path, changed: str, reaches: bool
) -> None:
    checks = root / "exercises/01_shop/1_counter/checks.py"
    checks.write_text("from course_lib.shop import opened\n")

    found = exercises_reached(root, course_of(root).exercises, [changed, "README.md"])

    assert list(found.values()) == [changed] * reaches


def test_git_says_what_differs_and_what_is_new(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True)

    git("init", "-q")
    for name in ("same", "changed", "gone"):
        (tmp_path / name).write_text("1")
    git("add", ".")
    git("commit", "-qm", "one")
    (tmp_path / "changed").write_text("2")
    (tmp_path / "gone").unlink()
    (tmp_path / "new").write_text("1")

    assert changed_files(tmp_path) == ["changed", "gone", "new"]
    with pytest.raises(ValueError, match=r"git says .*nosuch"):
        changed_files(tmp_path, base="nosuch")


def test_a_problem_names_the_lesson_the_section_and_the_cell(root: Path) -> None:
    start = root / START
    start.write_text(start.read_text().replace('"text": "2\\n"', '"text": "3\\n"'))

    found = run_lessons([start])

    assert len(found.problems) == 1
    assert found.problems[0].startswith('00_start.ipynb, section "Run a cell": cell "sum": ')
