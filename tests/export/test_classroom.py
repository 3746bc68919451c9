"""The workflow's own lines are run here, and they say points in the form that Classroom read."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from course_lib import commands
from course_lib.export import counting
from course_lib.export.command import main
from course_lib.index import ROOT, course
from course_lib.practice.source import solution_text

ID = "01.2-error-boundary"
SLUG = "2_error_boundary"
URL = "https://example.org/break-it-first.git"
SECONDS = 120

NOTEBOOKS = [exercise for exercise in course().exercises if not exercise.is_project]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The export of all exercises."""
    folder = tmp_path_factory.mktemp("whole") / "templates"
    assert main(["github-classroom", str(folder), "--course", URL, "--revision", "v1"]) == 0
    return folder


def workflow_of(folder):
    return yaml.safe_load((folder / ".github/workflows/checks.yml").read_text(encoding="utf-8"))


def test_the_workflows_fit_githubs_schema(whole):
    workflows = [str(path) for path in whole.glob("*/.github/workflows/checks.yml")]
    command = [sys.executable, "-m", "check_jsonschema"]
    command += ["--builtin-schema", "vendor.github-workflows", *workflows]

    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)

    assert len(workflows) == len(NOTEBOOKS)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("exercise", NOTEBOOKS, ids=lambda exercise: exercise.id)
def test_a_workflow_is_careful(exercise, whole):
    workflow = workflow_of(whole / exercise.slug)
    [job] = workflow["jobs"].values()

    uses = [step["uses"] for step in job["steps"] if "uses" in step]
    assert workflow["permissions"] == {"contents": "read"}
    assert job["timeout-minutes"] <= 60
    assert [action.split("@")[0] for action in uses] == ["actions/checkout", "actions/setup-python"]
    assert all(re.fullmatch(r".+@[0-9a-f]{40}", action) for action in uses)
    assert not any("${{" in step.get("run", "") for step in job["steps"])
    assert job["steps"][0]["with"] == {"persist-credentials": False}


@pytest.mark.parametrize("exercise", NOTEBOOKS, ids=lambda exercise: exercise.id)
def test_the_notebook_is_the_learners_without_links_out_of_the_repository(exercise, whole):
    text = (whole / exercise.slug / f"{exercise.slug}.ipynb").read_text(encoding="utf-8")
    given = json.loads((ROOT / exercise.notebook).read_text(encoding="utf-8"))

    codes = [
        [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for notebook in (json.loads(text), given)
    ]
    assert codes[0] == codes[1]
    assert "](../" not in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["new"], "add --course URL"),
        (["new", "--course", "elsewhere"], '"elsewhere" is no address'),
        (["new", "--course", "https://a.org/b c"], "is no address"),
        (["new", "--course", URL, "--revision", "$(id)"], "is no tag and no branch"),
        (["new", "--course", URL, "--revision=--upload-pack=x"], "is no tag and no branch"),
    ],
)
def test_what_cannot_be_cloned_is_one_sentence(words, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert commands.main(["export", "github-classroom", *words]) == 2

    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def git(*words, cwd):
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    names = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "gc.auto=0"]
    subprocess.run(
        ["git", *names, *words],
        cwd=cwd,
        env=os.environ | own,
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )


def as_repository(folder):
    git("init", "--quiet", cwd=folder)
    git("add", "--all", "--force", cwd=folder)
    git("commit", "--quiet", "--message", "Begin", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where the course, as it is now, can be cloned from without a network."""
    folder = tmp_path_factory.mktemp("host") / "course"
    exercise = course().exercise(ID)
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "course_lib", folder / "course_lib", ignore=unwanted)
    shutil.copytree(ROOT / exercise.folder, folder / exercise.folder, ignore=unwanted)
    for name in ("course.toml", exercise.source):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return as_repository(folder).as_uri()


class Runner:
    """Does what a hosted runner does with the steps that have a `run`."""

    def __init__(self, folder, template, answer):
        self.temp = folder / "temp"
        self.temp.mkdir()
        self.outputs = self.temp / "outputs"
        programs = folder / "bin"
        programs.mkdir()
        python = programs / "python3"  # one without the course's packages
        python.write_text(f'#!/bin/sh\nexec "{sys._base_executable}" -S "$@"\n')
        python.chmod(0o755)
        git("clone", "--quiet", template.as_uri(), "repository", cwd=folder)
        self.repository = folder / "repository"
        self._write(answer)
        [self.job] = workflow_of(self.repository)["jobs"].values()
        self.env = {
            "PATH": f"{programs}{os.pathsep}{os.defpath}",
            "HOME": str(self.temp),
            "COURSE_HOME": str(self.temp / "record"),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(self.outputs),
            "GIT_ALLOW_PROTOCOL": "file",
            **self.job["env"],
        }

    def _write(self, answer):
        path = self.repository / f"{SLUG}.ipynb"
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if answer and "solution" in cell["metadata"].get("tags", []):
                cell["source"] = answer
        path.write_text(json.dumps(notebook), encoding="utf-8")

    def run(self):
        """What the steps said, in order; a step that fails ends the job, as on a runner."""
        said, self.failed = {}, False
        for step in self.job["steps"]:
            if "run" not in step:
                continue
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.repository,
                env=self.env,
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
            said[step["name"]] = done.stdout + done.stderr
            self.failed = done.returncode != 0 and not step.get("continue-on-error")
            if self.failed:
                break
        return said

    def results(self):
        """The outputs of the step that counts."""
        lines = self.outputs.read_text(encoding="utf-8").splitlines()
        pairs = (line.partition("=")[::2] for line in lines)
        return {name: json.loads(base64.b64decode(value)) for name, value in pairs}


@pytest.fixture(scope="module")
def template(address, tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    main(["github-classroom", str(folder), ID, "--course", address])
    return as_repository(folder / SLUG)


REFERENCE = solution_text((ROOT / course().exercise(ID).source).read_text(encoding="utf-8"))


def total(results):
    """The points as Classroom's reporter added them: scores of tests, of max_score."""
    points = sum(test["score"] for each in results.values() for test in each["tests"])
    return points, sum(each["max_score"] for each in results.values())


@pytest.mark.parametrize(
    ("answer", "points", "words"),
    [
        (REFERENCE, 16, "right, 16 of 16 points"),
        ("", 0, "not started"),
        ("import os\nos._exit(0)", 0, "ended without an answer"),
    ],
    ids=["reference", "starter", "ends its process"],
)
def test_the_steps_check_and_count(answer, points, words, template, tmp_path):
    runner = Runner(tmp_path, template, answer)

    said = runner.run()

    assert words in said["Check"]
    assert total(runner.results()) == (points, 16)
    assert f"title=Autograding complete::Points {points}/16\n" in said["Count points"]
    assert runner.failed == (points < 16)


def test_a_wrong_answer_keeps_the_points_of_what_is_right(template, tmp_path):
    runner = Runner(tmp_path, template, REFERENCE.replace("Conflict: 409", "Conflict: 400"))

    said = runner.run()
    results = runner.results()

    points, of_points = total(results)
    assert 0 < points < of_points
    failed = [test["name"] for test in results["task1"]["tests"] if test["status"] == "fail"]
    assert failed[0] == "each known class has its status"
    assert results["task1"]["status"] == "fail"
    assert "Task 1: " in said["Count points"]


def installs(folder):
    [job] = workflow_of(folder)["jobs"].values()
    return any('course.py" install' in step.get("run", "") for step in job["steps"])


def test_what_needs_a_database_installs_the_course(whole):
    installing = {folder.name for folder in whole.iterdir() if installs(folder)}

    assert installing == {"3_bank_ledger", "4_shop_database", "5_migrations"}


STDLIB_ONLY = """
import sys
from course_lib.practice.opened import open_exercise
from course_lib.export.points import by_task, outcomes
for id in sys.argv[1:]:
    opened = open_exercise(id)
    found = outcomes(opened, opened.reference)
    assert sum(by_task(found).values()) == opened.checks.points, id
"""


def test_the_others_need_the_standard_library_only(whole):
    ids = [exercise.id for exercise in NOTEBOOKS if not installs(whole / exercise.slug)]

    done = subprocess.run(
        [sys._base_executable, "-S", "-c", STDLIB_ONLY, *ids],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )

    assert len(ids) >= 8
    assert done.returncode == 0, done.stderr


def test_a_file_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert counting.main([ID, str(tmp_path / "none.ipynb")]) == 2

    assert capsys.readouterr().err == "none.ipynb cannot be read: No such file or directory.\n"
