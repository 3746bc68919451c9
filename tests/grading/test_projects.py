"""Projects in the sandbox: a package at any depth, marks for the scenarios of each milestone."""

import pytest

from course_lib.grading.choosing import Undecided, choose
from course_lib.grading.handed_in import File, HandedIn
from course_lib.grading.project_files import SUFFIXES, starter
from course_lib.index import ROOT, course
from course_lib.practice.answers import promise, read_variant
from course_lib.practice.projects import read_files, stripped

USERS = "projects.user-management"
DASHBOARD = "projects.analytics-dashboard"
MUTANTS = {
    USERS: ["m1_last_one_wins", "m2_locked_for_ever", "m3_used_again"],
    DASHBOARD: ["m1_gaps_missing", "m2_adds_again", "m4_colour_alone"],
}


def reference(id):
    return read_files(ROOT / course().exercise(id).source)


def submission(files, folder=""):
    """What somebody handed in who has these files in this folder."""
    kept = {name: text for name, text in files.items() if name.endswith(SUFFIXES)}
    found = [File(f"{folder}{name}", text.encode("utf-8")) for name, text in kept.items()]
    return HandedIn("anna.zip", tuple(found))


def chosen(handed_in, id=""):
    return choose(handed_in, course(), ROOT, exercise=id)


@pytest.fixture(scope="module")
def mark(marker_of):
    def mark(id, files, folder="", named=""):
        found = chosen(submission(files, folder), named)
        assert found.exercise == id
        return marker_of(id).mark(found.cells)

    return mark


@pytest.mark.parametrize("id", MUTANTS)
def test_the_starter_gets_nothing_and_is_not_started(id, mark):
    marked = mark(id, stripped(reference(id)))

    assert (marked.points, marked.report.outcome) == (0, "not started")
    assert marked.report.headline == f"{id}, M1: not started"
    assert marked.report.of_points == marked.of_points > 40


@pytest.mark.parametrize("id", MUTANTS)
def test_the_reference_gets_full_marks(id, mark):
    marked = mark(id, reference(id))

    assert (marked.points, marked.report.outcome) == (marked.of_points, "right")


def test_each_milestone_has_marks_of_its_own(mark):
    marked = mark(USERS, stripped(reference(USERS), done=2))

    right = {mark.task for mark in marked.marks if mark.outcome == "right"}
    others = {mark.task for mark in marked.marks if mark.outcome != "right"}
    assert (right, others) == ({1, 2}, {3, 4})
    assert marked.report.headline == f"{USERS}, M3: not started"


@pytest.mark.parametrize(("id", "name"), [(id, name) for id in MUTANTS for name in MUTANTS[id]])
def test_a_mistake_fails_where_it_must(id, name, mark):
    path = ROOT / course().exercise(id).proofs / "mutants" / f"{name}.toml"

    marked = mark(id, read_variant(path).of(reference(id)))

    scenario, words = promise(path)
    assert marked.report.scenario == scenario
    assert words in marked.report.text
    assert marked.points < marked.of_points


def test_a_package_that_python_cannot_import_is_told_why(mark):
    files = reference(USERS) | {"models.py": "def broken(:\n"}

    marked = mark(USERS, files)

    assert marked.points == 0
    assert "SyntaxError" in marked.report.text


@pytest.mark.parametrize("folder", ["", "user_management/", "final/v2 (copy)/Users-project/"])
def test_a_package_is_found_at_any_depth_and_under_any_name(folder):
    found = chosen(submission(reference(USERS), folder))

    assert found.exercise == USERS
    texts = {cell["name"]: cell["source"] for cell in found.cells}
    assert texts["service.py"] == reference(USERS)["service.py"]
    assert "checks.py" not in texts


def test_files_that_are_missing_are_as_they_were_given():
    files = {"repository.py": "# mine"}

    found = chosen(submission(files, "work/"), USERS)

    texts = {cell["name"]: cell["source"] for cell in found.cells}
    assert texts.pop("repository.py") == "# mine"
    given = starter(ROOT / course().exercise(USERS).folder)
    assert texts == {name: text for name, text in given.items() if name != "repository.py"}


def test_a_path_that_leads_elsewhere_is_left_out():
    files = (*submission(reference(USERS), "work/").files, File("work/../../x.py", b"x = 1"))

    found = chosen(HandedIn("anna.zip", files))

    assert not any(".." in cell["name"] for cell in found.cells)


def test_a_file_of_something_else_is_no_project():
    files = HandedIn("anna", (File("notes.py", b"x = 1"),))

    with pytest.raises(Undecided, match=r"No file of projects\.user-management is in it"):
        chosen(files, USERS)


def test_a_notebook_beside_a_project_is_another_answer():
    notebook = (ROOT / "exercises/01_errors/4_retry/exercise.ipynb").read_bytes()
    begun = notebook.replace(b"raise NotImplementedError", b"pass")
    project = submission(reference(USERS)).files

    assert chosen(HandedIn("anna", (*project, File("exercise.ipynb", notebook)))).exercise == USERS
    files = (*project, File("exercise.ipynb", begun))
    with pytest.raises(Undecided, match=r"It answers .*retry and projects.user-management"):
        chosen(HandedIn("anna", files))
