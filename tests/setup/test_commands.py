"""Every command answers, and every mistake is one sentence."""

import os
import sqlite3
import subprocess
import sys

import pytest

from course_lib import commands, lab, progress
from course_lib.index import ROOT


def run(capsys, *words):
    code = commands.main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_help_names_every_command(capsys):
    code, out, _ = run(capsys)

    assert code == 0
    assert all(f"\n  {verb} " in out for verb in commands.VERBS)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lst"], 'There is no command "lst"'),
        (["list", "--all"], "course.py list: unrecognized arguments: --all; `course.py list -h`"),
        (["check"], "course.py check: the following arguments are required: id"),
        (["hint", "00-frist-check"], 'Did you mean "00-first-check"?'),
        (["lab", "--port", "x"], "course.py lab: argument --port: invalid int value"),
        (["lab", "--port", "99999"], "99999 is not a port"),
        (["progress", "sow"], 'progress has no "sow"; it takes show, next'),
        (["progress", "import", "nowhere.json"], "nowhere.json"),
        (["install", "everything"], "course.py install: argument what: invalid choice"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(capsys, words, sentence):
    code, out, err = run(capsys, *words)

    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def failing(monkeypatch, error):
    def fail(_words):
        raise error

    monkeypatch.setitem(commands.VERBS, "list", commands.Verb("", "", fail))


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        ValueError("two\nlines"),
        OSError(28, "No space left on device"),
        sqlite3.OperationalError("database is locked"),
        ImportError("No module named 'polars'"),
        ValueError(),
    ],
)
def test_what_goes_wrong_anywhere_is_one_line(monkeypatch, capsys, error):
    failing(monkeypatch, error)

    code, _, err = run(capsys, "list")

    assert code == 2
    assert err.strip()
    assert err.count("\n") == 1


def test_course_debug_shows_where_it_came_from(monkeypatch):
    failing(monkeypatch, ValueError("wrong"))
    monkeypatch.setenv("COURSE_DEBUG", "1")

    with pytest.raises(ValueError, match="wrong"):
        commands.main(["list"])


def test_a_mistake_in_our_own_code_is_not_hidden(monkeypatch):
    failing(monkeypatch, ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        commands.main(["list"])


def test_ctrl_c_is_one_sentence(monkeypatch, capsys):
    failing(monkeypatch, KeyboardInterrupt())

    assert run(capsys, "list") == (130, "", "Stopped.\n")


def test_a_reader_that_has_enough_is_no_error():
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    code += "from course_lib.commands import main\nsys.exit(main(['list']))"
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE)
    os.close(write)

    assert (done.returncode, done.stderr) == (0, b"")


def test_the_list_shows_lessons_and_exercises_with_their_state(capsys):
    progress.record("done", "00")

    code, out, _ = run(capsys, "list")

    assert code == 0
    assert "  done      20 min  lesson    00  " in out
    assert "exercise  01.5-circuit-breaker" in out


def test_next_says_what_and_why(capsys):
    assert run(capsys, "next")[1].startswith("Next: 00 ")
    assert run(capsys, "progress", "next")[1].startswith("Next: 00 ")


def test_progress_is_shown_exported_erased_and_imported_again(capsys, tmp_path):
    file = str(tmp_path / "mine.json")
    progress.record("done", "00")

    assert "Done: 00." in run(capsys, "progress")[1]
    assert "1 entries written" in run(capsys, "progress", "export", file)[1]
    assert "1 entries erased" in run(capsys, "progress", "erase", "--yes")[1]
    assert "Nothing recorded" in run(capsys, "progress", "show")[1]
    assert "1 new entries" in run(capsys, "progress", "import", file)[1]
    assert progress.done("00")


def test_erasing_without_being_asked_twice_is_refused(capsys, monkeypatch):
    progress.record("done", "00")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)

    code, _, err = run(capsys, "progress", "erase")

    assert code == 2
    assert "add --yes" in err
    assert progress.done("00")


@pytest.mark.parametrize(("answer", "left"), [("no", True), ("", True), ("yes", False)])
def test_erasing_asks_first(capsys, monkeypatch, answer, left):
    progress.record("done", "00")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _question: answer)

    run(capsys, "progress", "erase")

    assert progress.done("00") is left


def test_a_damaged_record_is_reported_once(capsys):
    progress.home().mkdir(parents=True, exist_ok=True)
    progress.file().write_bytes(b"not a database at all" * 100)

    assert "was damaged" in run(capsys, "progress")[1]
    assert "was damaged" not in run(capsys, "progress")[1]


def test_the_lab_gets_its_words_and_passes_the_others_on(monkeypatch):
    started = []
    monkeypatch.setattr(lab, "start", lambda **named: started.append(named) or 0)

    assert commands.main(["lab", "--port", "9000", "--no-browser", "--debug", "--Lab.x=1"]) == 0

    assert started == [{"port": 9000, "browser": False, "others": ["--debug", "--Lab.x=1"]}]


def test_help_doctor_and_lists_load_no_heavy_library():
    code = f"""import sys; sys.path.insert(0, {str(ROOT)!r})
from course_lib import commands, launch
for words in ([], ["list"], ["next"], ["progress"]): commands.main(words)
heavy = {{"jupyterlab", "IPython", "matplotlib", "numpy", "nbformat"}}
sys.exit(", ".join(heavy & set(sys.modules)) or 0)"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
