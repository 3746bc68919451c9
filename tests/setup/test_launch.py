"""course.py installs what a command needs, no more, and passes the rest on."""

import pytest

from course_lib import commands, environment, launch
from course_lib.installing import SetupError


@pytest.mark.parametrize(
    ("words", "sections"),
    [
        ("", ()),
        ("help", ()),
        ("lst", ()),
        ("lock", ()),
        ("lab --port 9000", ("core",)),
        ("check 00-first-check", ("core",)),
        ("test", ("core", "test")),
        ("build", ("core", "test")),
        ("install", ("core",)),
        ("install test", ("core", "test")),
        ("install all", ("core", "test", "extras")),
    ],
)
def test_each_command_gets_the_sections_it_needs(words, sections, tmp_path):
    assert launch.wanted_sections(words.split(), root=tmp_path) == sections


def test_installing_something_unknown_is_one_sentence():
    with pytest.raises(SetupError, match='"everything" cannot be installed; choose core'):
        launch.wanted_sections(["install", "everything"])


@pytest.mark.parametrize(("ready", "sections"), [(True, ("core",)), (False, ())])
def test_the_doctor_comes_also_where_nothing_is_installed(monkeypatch, ready, sections):
    monkeypatch.setattr(environment, "is_ready", lambda root, wanted: ready)

    assert launch.wanted_sections(["doctor"]) == sections


def test_a_command_that_needs_nothing_runs_without_an_environment(monkeypatch, capsys):
    monkeypatch.setattr(environment, "prepare", None)

    assert launch.main([]) == 0
    assert "python3 course.py lab" in capsys.readouterr().out


def test_a_command_is_handed_over_with_its_words(monkeypatch, tmp_path):
    handed = []
    monkeypatch.setattr(environment, "prepare", lambda *_args, **_named: tmp_path / "python")
    monkeypatch.setattr(launch.os, "execv", lambda python, words: handed.append(words))
    monkeypatch.setattr(launch.subprocess, "Popen", None)

    with pytest.raises(TypeError):  # execv came back, which it never does
        launch.main(["check", "00-first-check"])

    assert handed == [
        [str(tmp_path / "python"), "-P", "-m", "course_lib", "check", "00-first-check"]
    ]


class Child:
    """A child process that is interrupted once and then ends with 3."""

    def __init__(self, command):
        self.interrupts = [KeyboardInterrupt()]

    def wait(self):
        if self.interrupts:
            raise self.interrupts.pop()
        return 3


def test_on_windows_the_exit_code_is_passed_on_and_ctrl_c_waits_for_the_child(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(launch, "_HAS_EXEC", False)
    monkeypatch.setattr(launch.subprocess, "Popen", Child)

    assert launch._hand_over(tmp_path / "python", ["lab"]) == 3


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (SetupError("No room; make some."), 2, "No room; make some.\n"),
        (KeyboardInterrupt(), 130, "Stopped"),
    ],
)
def test_what_stops_the_set_up_is_one_sentence(monkeypatch, capsys, error, code, told):
    def fail(*_args, **_named):
        raise error

    monkeypatch.setattr(environment, "prepare", fail)

    assert launch.main(["lab"]) == code

    err = capsys.readouterr().err
    assert err.startswith(told)
    assert err.count("\n") == 1


def test_every_command_of_the_help_is_one_the_launcher_knows():
    for verb in commands.VERBS:
        launch.wanted_sections([verb])
