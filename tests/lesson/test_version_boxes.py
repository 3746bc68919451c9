"""A part that needs a newer Python runs there, and says elsewhere what it needs."""

import sys

import pytest

from course_lib.lesson import since


def test_a_part_for_this_python_runs_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert since(*sys.version_info[:2])
    assert since(3, 9)
    assert capsys.readouterr().out == ""


def test_a_part_for_a_newer_python_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert not since(sys.version_info.major, sys.version_info.minor + 1)
    assert not since(4, 0)
    assert "This part needs Python 4.0 or newer, so it was not run." in capsys.readouterr().out
