"""Another Python for the lessons, and words of `course.py test` that ask for less."""

import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.index import ROOT
from course_lib.proof import running, versions
from course_lib.proof.nbval_plugin import is_compared


def test_the_interpreter_of_a_version_is_asked_which_it_is(tmp_path: Path) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert versions._told_path([sys.executable], here)
    assert versions._told_path([sys.executable], "3.1") == ""
    assert versions._told_path([str(tmp_path / "absent")], here) == ""


@pytest.mark.parametrize("version", ["3", "4.0", "3.13.1", "latest"])
def test_a_version_that_is_none_is_one_sentence(tmp_path: Path, version: str) -> None:
    with pytest.raises(ValueError, match=r"--python takes a version such as 3\.13"):
        versions.python_for(tmp_path, version)


def test_a_python_that_is_not_installed_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Python 3\.1 was not found; install it"):
        versions.python_for(tmp_path, "3.1")


@pytest.mark.parametrize("word", [["--fast"], ["--changed"], ["--python", "3.12"]])
def test_ci_refuses_to_run_less(word: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    assert running.main(word) == 1


def test_the_slow_grammars_stay_out_of_the_process_that_tests() -> None:
    code = "import course_lib.proof.light_imports, nbformat, sys; print('lark' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    ("tags", "python", "compared"),
    [
        ([], (3, 11), True),
        ([], (3, 13), True),
        (["version-box"], (3, 11), True),
        (["version-box"], (3, 13), False),
        (["volatile"], (3, 11), False),
    ],
)
def test_only_a_version_box_may_differ_on_another_python(
    tags: list[str], python: tuple[int, int], compared: bool
) -> None:
    assert is_compared(tags, python=python) is compared
