"""What is exported is an nbgrader course, and nbgrader itself gives the marks that we give."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib import commands
from course_lib.export.command import main
from course_lib.grading.command import main as grade
from course_lib.index import ROOT, course
from tests.grading.test_honest_but_odd import ABOVE, BELOW

ID = "01.2-error-boundary"
NOTEBOOK = "2_error_boundary.ipynb"
MOST = 16.0
SECONDS = 300

NOTEBOOKS = [exercise for exercise in course().exercises if not exercise.is_project]

STDERR_IN_EVERY_CALL = """
import sys
STDERR, written_quietly = sys.stderr, boundary

def boundary(handler):
    print("one more handler", file=STDERR)
    return written_quietly(handler)
"""

NOISY = [
    ABOVE["words on stderr"],
    ABOVE["bytes past Python's own output"],
    ABOVE["warnings"],
    ABOVE["two hundred thousand lines of output"],
    "import logging\nlogging.basicConfig(level=0)\nlogging.error('careful')",
]


def cells_of(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: cell for cell in cells}


def text_of(cell):
    return "".join(cell["source"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The export of all exercises."""
    folder = tmp_path_factory.mktemp("whole") / "nbgrader"
    assert main(["nbgrader", str(folder)]) == 0
    return folder


@pytest.mark.parametrize("exercise", NOTEBOOKS, ids=lambda exercise: exercise.id)
def test_every_notebook_exercise_has_a_graded_cell_for_each_task(exercise, whole):
    cells = cells_of(whole / "source" / exercise.id / f"{exercise.slug}.ipynb")

    graded = [cell["metadata"]["nbgrader"] for cell in cells.values() if "nbgrader" in str(cell)]
    graded = [metadata for metadata in graded if metadata["grade"]]
    text = (ROOT / exercise.checks).read_text(encoding="utf-8")
    assert [each["grade_id"] for each in graded] == [
        f"marks-task-{task}" for task in range(1, len(graded) + 1)
    ]
    assert f"task={len(graded)}" in text
    assert f"task={len(graded) + 1}" not in text
    assert all(each["points"] > 0 and each["locked"] for each in graded)


@pytest.mark.parametrize("exercise", NOTEBOOKS, ids=lambda exercise: exercise.id)
def test_no_link_leads_into_folders_that_the_export_has_not(exercise, whole):
    path = whole / "source" / exercise.id / f"{exercise.slug}.ipynb"

    assert "](../" not in path.read_text(encoding="utf-8")


def test_projects_are_left_out_with_a_sentence(tmp_path, capsys):
    main(["nbgrader", str(tmp_path / "new")])

    assert "Not exported: projects.analytics-dashboard and " in capsys.readouterr().out


def test_a_second_export_adds_to_the_first(tmp_path):
    main(["nbgrader", str(tmp_path), "00-first-check"])
    main(["nbgrader", str(tmp_path), "01.4-retry"])

    found = {path.name for path in (tmp_path / "source").iterdir()}
    assert found == {"00-first-check", "01.4-retry"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nbgrader"], "course.py export: the following arguments are required: DIR;"),
        (["otter", "new"], "invalid choice: 'otter'"),
        (["nbgrader", "new", "01.4-rety"], 'Did you mean "01.4-retry"?'),
        (["nbgrader", "new", "projects.user-management"], "a project is a package"),
    ],
)
def test_a_mistake_is_one_sentence(words, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert commands.main(["export", *words]) == 2

    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_the_instructor_is_written_over(tmp_path, capsys):
    config = tmp_path / "nbgrader_config.py"
    config.write_text("mine = True\n", encoding="utf-8")

    assert commands.main(["export", "nbgrader", str(tmp_path), "01.4-retry"]) == 2

    assert "is there already and differs; name a new folder." in capsys.readouterr().err
    assert config.read_text(encoding="utf-8") == "mine = True\n"
    assert not (tmp_path / "source").exists()


def test_without_nbgrader_the_sentence_says_how_to_get_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert commands.main(["export", "nbgrader", str(tmp_path), "01.4-retry"]) == 2

    assert "run `python3 course.py install test` first." in capsys.readouterr().err


class NbgraderRun:
    """nbgrader's own commands, on an exported course, with a few learners' submissions."""

    def __init__(self, folder):
        self.folder = folder
        assert main(["nbgrader", str(folder), ID]) == 0
        self.run("generate_assignment", ID)
        self.starter = folder / "release" / ID / NOTEBOOK
        self.answer = text_of(cells_of(folder / "source" / ID / NOTEBOOK)["boundary"])

    def run(self, *words):
        """As somebody whose PATH does not have nbgrader's other programs."""
        own = {
            name: str(self.folder.parent / "jupyter")
            for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
        }
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words],
            cwd=self.folder,
            env={**os.environ, **own, "PATH": os.defpath},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr[-2000:]

    def hand_in(self, student, answer=None):
        notebook = json.loads(self.starter.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["id"] == "boundary" and answer is not None:
                cell["source"] = answer
        path = self.folder / "submitted" / student / ID / NOTEBOOK
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook), encoding="utf-8")

    def graded(self, student):
        """The cells of the notebook after autograding."""
        return cells_of(self.folder / "autograded" / student / ID / NOTEBOOK)


def table(path, key, *values):
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row[key]: tuple(float(row[value]) for value in values) for row in csv.DictReader(file)
        }


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    made = NbgraderRun(tmp_path_factory.mktemp("course") / "nbgrader")
    right = made.answer
    made.hand_in("starter")
    made.hand_in("reference", right)
    made.hand_in("wrong", right.replace("Conflict: 409", "Conflict: 400"))
    noisy = [*NOISY, right, STDERR_IN_EVERY_CALL, *BELOW.values()]
    made.hand_in("noisy", "\n".join(noisy))
    made.hand_in("asyncio", f"{ABOVE['asyncio']}\n{right}")
    made.run("autograde", ID)
    made.run("generate_feedback", ID, "--student", "wrong")
    made.run("export")
    return made


@pytest.fixture(scope="module")
def theirs(nbgrader):
    """nbgrader's marks."""
    return table(nbgrader.folder / "grades.csv", "student_id", "score", "max_score")


@pytest.fixture(scope="module")
def ours(nbgrader, tmp_path_factory):
    """The marks of `course.py grade` on the same folder."""
    out = tmp_path_factory.mktemp("marks")
    assert grade([str(nbgrader.folder / "submitted"), "--out", str(out)]) == 0
    return table(out / "marks.csv", "name", "points", "of")


def test_learners_get_our_exercise_and_the_cells_that_count_points(nbgrader):
    given = cells_of(ROOT / course().exercise(ID).notebook)
    released = cells_of(nbgrader.starter)

    assert [*released][: len(given)] == [*given]
    assert text_of(released["boundary"]) == text_of(given["boundary"])
    assert [id for id in released if id not in given] == [
        "marks",
        "marks-count",
        *(f"marks-task-{task}" for task in (1, 2, 3, 4)),
    ]


@pytest.mark.parametrize(
    ("student", "points"), [("reference", MOST), ("noisy", MOST), ("starter", 0.0)]
)
def test_right_is_full_marks_and_the_starter_none(student, points, theirs):
    assert theirs[student] == (points, MOST)


def test_a_wrong_answer_keeps_the_points_of_what_is_right(nbgrader, theirs):
    cells = nbgrader.graded("wrong")
    shown = [
        cells[f"marks-task-{task}"]["outputs"][0]["data"]["text/plain"] for task in range(1, 5)
    ]

    points = [float("".join(text)) for text in shown]
    assert 0.0 < sum(points) < MOST
    assert theirs["wrong"] == (sum(points), MOST)


def test_nbgrader_and_we_agree(theirs, ours):
    agreeing = {*ours} - {"asyncio"}

    assert agreeing == {"reference", "noisy", "wrong", "starter"}
    assert {name: ours[name] for name in agreeing} == {name: theirs[name] for name in agreeing}


def test_words_on_stderr_cost_nothing_as_no_graded_cell_has_them(nbgrader):
    cells = nbgrader.graded("noisy")
    names = {id: [each.get("name") for each in cells[id].get("outputs", [])] for id in cells}

    assert "stderr" in names["marks-count"]  # graded, this cell would be worth nothing
    assert not any("stderr" in names[f"marks-task-{task}"] for task in range(1, 5))


def test_asyncio_run_is_where_we_cannot_agree_as_a_notebook_refuses_it(nbgrader, theirs, ours):
    """A kernel has a running loop. The learner would have seen this in the own notebook."""
    [*_, error] = nbgrader.graded("asyncio")["boundary"]["outputs"]

    assert error["evalue"] == "asyncio.run() cannot be called from a running event loop"
    assert (theirs["asyncio"], ours["asyncio"]) == ((0.0, MOST), (MOST, MOST))


def test_the_feedback_page_has_the_words_of_check(nbgrader):
    page = nbgrader.folder / "feedback" / "wrong" / ID / NOTEBOOK.replace("ipynb", "html")

    assert "each known class has its status" in page.read_text(encoding="utf-8")


def test_the_instructors_own_progress_is_left_alone(nbgrader):
    assert [*Path(os.environ["COURSE_HOME"]).iterdir()] == []
    assert [*(nbgrader.folder / "course_home").iterdir()]
