"""course.py says what is wrong even to a Python that cannot run the course."""

import ast
import importlib.util
import re
import tomllib

import pytest

from course_lib.index import ROOT

SOURCE = (ROOT / "course.py").read_text(encoding="utf-8")
TOO_NEW_FOR_PYTHON_2 = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef)


def newer_than_python_2(source):
    """The parts of the text that Python 2.7 cannot read."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, TOO_NEW_FOR_PYTHON_2)]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg) and node.annotation:
            found.append(node)
        if isinstance(node, ast.arguments) and (node.kwonlyargs or node.posonlyargs):
            found.append(node)
        if isinstance(node, ast.FunctionDef) and node.returns:
            found.append(node)
    return found + [char for char in source if ord(char) > 127]


@pytest.fixture
def course():
    spec = importlib.util.spec_from_file_location("course", ROOT / "course.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_holds_nothing_that_an_old_python_cannot_read():
    assert newer_than_python_2(SOURCE) == []


@pytest.mark.parametrize(
    "planted",
    ["f'{1}'", "x: int = 1", "(y := 2)", "def f(*, x): pass", "def f(x: int): pass", "'é'"],
)
def test_a_planted_newer_word_is_found(planted):
    assert newer_than_python_2(SOURCE + "\n" + planted) != []


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 15, 0)])
def test_a_python_that_will_not_do_is_told_in_one_sentence(course, monkeypatch, capsys, version):
    monkeypatch.setattr(course.sys, "version_info", version)

    assert course.main() == 2

    told = capsys.readouterr().err
    assert told.startswith(f"This is Python {version[0]}.{version[1]} and the course needs 3.11")
    assert told.count("\n") == 1


def test_the_versions_it_takes_are_those_of_pyproject(course):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    numbers = re.findall(r"3\.(\d+)", project["requires-python"])

    assert [(3, int(n)) for n in numbers] == [course.FIRST, course.BEYOND]
    named = ", ".join(f"3.{n}" for n in range(int(numbers[0]), int(numbers[1]) - 1))
    assert f"{named} or 3.{int(numbers[1]) - 1}" in SOURCE
