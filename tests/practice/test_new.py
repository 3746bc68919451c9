"""The next exercise: from an id to something that builds, checks and names its gaps."""

import subprocess
import sys

import pytest

from course_lib.index import ROOT, load
from course_lib.practice import check_file
from course_lib.practice.build import build
from course_lib.practice.new import scaffold
from course_lib.practice.proof import prove

ID = "01.2-table-legs"


@pytest.fixture
def listed(root):
    """The root, with the new exercise in course.toml as the scaffold asks for it."""
    block = scaffold(ID, root=root).partition("\n\n")[2]
    with (root / "course.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + block)
    return root


def test_an_exercise_that_is_not_listed_gets_its_block_for_the_index(listed):
    exercise = load((listed / "course.toml").read_text(encoding="utf-8")).exercise(ID)

    assert (exercise.slug, exercise.title) == ("2_table_legs", "Table legs")


def test_the_skeleton_builds_and_checks_at_once(listed):
    scaffold(ID, root=listed)

    assert build([ID], check=True, root=listed) == []
    assert check_file(ID, root=listed)[0].outcome == "not started"
    assert check_file(ID, listed / "solutions/01_shop/2_table_legs.py", root=listed)[0].right


def test_the_proof_of_the_skeleton_names_exactly_what_is_missing(listed):
    scaffold(ID, root=listed)

    assert prove(ID, root=listed).problems == (
        "There are 1 files in also_right; write at least 2.",
        "There are 1 files in mutants; write at least 3.",
        "Hint 1 is still a TODO; write it.",
        "Hint 2 is still a TODO; write it.",
        "Hint 3 is still a TODO; write it.",
    )


def test_the_skeleton_is_in_the_projects_own_style(listed):
    scaffold(ID, root=listed)

    files = [listed / "solutions/01_shop/2_table_legs.py"]
    files.append(listed / "exercises/01_shop/2_table_legs/checks.py")
    command = [sys.executable, "-m", "ruff", "check", "--config", ROOT / "pyproject.toml", *files]
    done = subprocess.run(command, timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_nothing_is_overwritten(listed):
    scaffold(ID, root=listed)

    with pytest.raises(FileExistsError, match=r"solutions/01_shop/2_table_legs\.py is there"):
        scaffold(ID, root=listed)


@pytest.mark.parametrize(
    ("id", "sentence"),
    [("Table Legs", "is not like"), ("99.1-table", "has no chapter 99")],
)
def test_an_id_that_cannot_be_is_one_sentence(root, id, sentence):
    with pytest.raises(ValueError, match=sentence):
        scaffold(id, root=root)
