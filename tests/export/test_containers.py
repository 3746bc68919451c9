"""What the page on containers says is true of the grader, and its files are well formed."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from course_lib.index import ROOT, course
from course_lib.practice.source import solution_text

ID = "01.2-error-boundary"
PAGE = (ROOT / "docs/grading_in_containers.md").read_text(encoding="utf-8")
JOB = [*yaml.safe_load_all((ROOT / "docs/container/job.yaml").read_text(encoding="utf-8"))]
SECONDS = 120
SEPARATE = "Learners' code runs with its own files and processes and without a network."
TOGETHER = "Learners' code is not kept from reading solutions, other submissions and the seed"


def grade_words():
    """What stands behind the image's name in the first `docker run`."""
    [line, *_] = re.findall(r"break-it-first (grade .*)", PAGE)
    return shlex.split(line.replace("/class", "/mnt/class").replace("/marks", "/tmp/marks"))


@pytest.fixture
def handed_in(tmp_path):
    """A class of two: a right answer, and the notebook as it was given."""
    exercise = course().exercise(ID)
    starter = (ROOT / exercise.notebook).read_text(encoding="utf-8")
    notebook = json.loads(starter)
    for cell in notebook["cells"]:
        if "solution" in cell["metadata"].get("tags", []):
            cell["source"] = solution_text((ROOT / exercise.source).read_text(encoding="utf-8"))
    (tmp_path / "class").mkdir()
    (tmp_path / "class/ana.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (tmp_path / "class/ben.ipynb").write_text(starter, encoding="utf-8")
    (tmp_path / "seed").write_text("a seed for one term only, and long enough", encoding="utf-8")
    return tmp_path


def contained(folder, namespaces, script, *words):
    if not sys.platform.startswith("linux"):
        pytest.skip("a container needs Linux")
    if ROOT.is_relative_to("/tmp"):
        pytest.skip("the course lies in /tmp, which is empty in the box")
    entering = [sys.executable, str(Path(__file__).with_name("as_in_a_container.py"))]
    done = subprocess.run(
        [*entering, str(folder), namespaces, "sh", "-c", script, sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if done.returncode == 77:
        pytest.skip(f"this machine allows no namespaces: {done.stderr}")
    return done


GRADE = '"$0" -P -m course_lib "$@"'


@pytest.mark.parametrize(
    ("namespaces", "first_line"), [("allowed", SEPARATE), ("refused", TOGETHER)]
)
def test_the_command_of_the_page_grades_in_a_closed_box(namespaces, first_line, handed_in):
    script = f"{GRADE} && cut -d , -f 1,4,5 /tmp/marks/marks.csv"

    done = contained(handed_in, namespaces, script, *grade_words())

    assert done.stderr.startswith(first_line)
    assert done.stdout.splitlines()[-3:] == ["name,points,of", "ana,16,16", "ben,0,16"]


def test_the_box_is_closed(handed_in):
    connect = "import socket; socket.create_connection(('192.0.2.1', 9), 2)"
    script = f'id -u; touch {ROOT}/new; touch /mnt/new; "$0" -c "{connect}"'

    done = contained(handed_in, "refused", script)

    assert done.stdout == "10001\n"
    assert done.stderr.count("Read-only file system") == 2
    assert "Network is unreachable" in done.stderr


@pytest.mark.parametrize(("namespaces", "code"), [("allowed", 0), ("refused", 2)])
def test_a_secret_seed_needs_the_inner_sandbox(namespaces, code, handed_in):
    words = [*grade_words(), "--seed-file", "/mnt/seed"]

    done = contained(handed_in, namespaces, GRADE, *words)

    assert done.returncode == code
    assert ("or add --accept-missing-protections." in done.stderr) == (code == 2)


def test_the_job_is_as_closed_as_the_container():
    policy, job = JOB
    pod = job["spec"]["template"]["spec"]
    [container] = pod["containers"]

    assert [policy["kind"], job["kind"]] == ["NetworkPolicy", "Job"]
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app": "grading"}
    assert job["spec"]["template"]["metadata"]["labels"] == {"app": "grading"}
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & {*policy["spec"]}
    assert job["spec"]["completionMode"] == "Indexed"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"memory", "cpu"} <= {*container["resources"]["limits"]}
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_the_job_gives_the_grader_words_that_it_takes():
    from course_lib.grading.command import _parser

    [container] = JOB[1]["spec"]["template"]["spec"]["containers"]
    verb, *words = container["args"]

    options = _parser().parse_args(words)
    assert verb == "grade"
    assert (str(options.place), str(options.out)) == ("/class/$(PART)", "/marks/$(PART)")


def test_the_image_copies_what_is_there_and_starts_as_an_ordinary_user():
    text = (ROOT / "docs/container/Containerfile").read_text(encoding="utf-8")

    sources = [name for line in re.findall(r"^COPY (.+) \S+$", text, re.M) for name in line.split()]
    assert len(sources) == 8
    assert all((ROOT / name).exists() for name in sources)
    assert text.index("\nUSER 10001:10001\n") < text.index("\nENTRYPOINT ")
