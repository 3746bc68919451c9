"""The check of a file: found cells, hard limits, the same text."""

import json
import os
import re
import subprocess
import sys

import pytest

from course_lib import progress
from course_lib.practice import check_file, terminal
from course_lib.practice.build import build_exercise
from course_lib.practice.learner import code_cells, load_cells

ID = "01.1-counter"
NAMES = ("Counter", "TooFew")


@pytest.fixture
def script(root):
    """Writes the learner's script; checks it."""

    def run(code, name="mine.py"):
        path = root / name
        path.write_text(code, encoding="utf-8")
        return check_file(ID, path, root=root)

    return run


@pytest.fixture
def answered(root, counter):
    """The exercise's notebook with a right answer in it, as JSON."""
    notebook = json.loads(build_exercise(ID, root=root))
    for cell in notebook["cells"]:
        if cell["id"] == "counter":
            cell["source"] = counter("pass").splitlines(keepends=True)
    return notebook


def test_a_right_script_exits_with_0_and_is_recorded(script, counter):
    report, code = script(counter("pass"))

    assert (report.right, code) == (True, 0)
    assert [e.value for e in progress.events(kind="check")] == ["right"]


def test_a_wrong_script_exits_with_1_and_says_the_same_as_the_notebook(script, counter, learner):
    report, code = script(counter("self.chairs -= 1"))

    assert code == 1
    assert report.text == learner(counter("self.chairs -= 1")).text


def test_a_crash_names_the_line_of_the_file(script, counter):
    report, _ = script(counter("1 / 0"))

    assert "Your code: line 9 of mine.py: 1 / 0" in report.text


def test_code_that_ends_the_process_is_an_answer_too(script, counter):
    report, code = script(counter("import os", "os._exit(0)"))

    assert (report.outcome, code) == ("crashed", 1)
    assert "ended without an answer" in report.headline


def test_code_that_no_signal_reaches_ends_at_the_hard_limit(script, counter, monkeypatch):
    monkeypatch.setattr(terminal, "HARD_LIMIT", 1.0)

    report, _ = script(counter("import itertools", "all(itertools.count(1))"))

    assert "stopped after 1 s" in report.text


def test_a_loop_at_the_top_of_the_file_is_stopped(script, root, monkeypatch):
    monkeypatch.setattr(terminal, "CELLS_LIMIT", 0.1)
    path = root / "loop.py"
    path.write_text("while True:\n    pass\n", encoding="utf-8")

    report = terminal.check_cells(ID, path, root=root)

    assert "your cells do not run" in report.headline
    assert re.search(r"line [12] of loop\.py", report.text)


def test_a_file_that_does_not_parse_names_the_line(script):
    report, code = script("x = 1\ndef broken(:\n")

    assert code == 1
    assert "Python cannot read mine.py" in report.headline
    assert "line 2: def broken(:" in report.text


def test_what_the_learner_prints_does_not_reach_the_terminal(script, counter, capfd):
    script("import os\nos.write(1, b'noise')\nprint('noise')\n" + counter("pass"))

    assert capfd.readouterr() == ("", "")


def test_threads_that_never_end_do_not_hold_the_answer_back(script, counter):
    thread = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"

    assert script(thread + counter("pass"))[0].right


def test_by_default_the_learners_notebook_in_work_is_checked(root, answered):
    starter = root / "exercises/01_shop/1_counter/exercise.ipynb"
    starter.write_text(build_exercise(ID, root=root), encoding="utf-8")
    assert check_file(ID, root=root)[0].outcome == "not started"

    mine = root / "work/exercises/01_shop/1_counter/exercise.ipynb"
    mine.parent.mkdir(parents=True)
    mine.write_text(json.dumps(answered), encoding="utf-8")

    assert check_file(ID, root=root)[0].right


def without_metadata(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    return notebook


def without_ids(notebook):
    for cell in notebook["cells"]:
        del cell["id"], cell["metadata"]
    return notebook


def doubled(notebook):
    notebook["cells"] = [cell for cell in notebook["cells"] for _ in range(2)]
    return notebook


def with_sources_as_text(notebook):
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def with_magics(notebook):
    notebook["cells"][3]["source"].insert(0, "%load_ext autoreload\n")
    return notebook


def split_in_two(notebook):
    cell = notebook["cells"][3]
    notebook["cells"].insert(4, {**cell, "metadata": {}, "source": cell["source"][3:]})
    cell["source"] = cell["source"][:3]
    return notebook


def with_a_stray_error(notebook):
    notebook["cells"].insert(3, {**notebook["cells"][3], "source": ["oops\n"]})
    return notebook


@pytest.mark.parametrize(
    "mangle",
    [
        without_metadata,
        without_ids,
        doubled,
        with_sources_as_text,
        with_magics,
        split_in_two,
        with_a_stray_error,
    ],
)
def test_a_mangled_notebook_is_still_right(root, answered, mangle):
    path = root / "mangled.ipynb"
    path.write_text(json.dumps(mangle(answered)), encoding="utf-8")

    assert terminal.check_cells(ID, path, root=root).right


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 5}', '{"cells": [5]}', "\x00"])
def test_a_file_that_is_no_notebook_is_a_sentence(root, text):
    path = root / "odd.ipynb"
    path.write_text(text, encoding="utf-8")

    report, code = check_file(ID, path, root=root)

    assert code == 1
    assert report.text == "odd.ipynb is not a notebook; save it as .ipynb, or hand in a .py file."


def test_a_missing_file_is_a_sentence(root):
    report, _ = check_file(ID, root / "gone.py", root=root)

    assert report.text == "gone.py cannot be read: No such file or directory."


def test_playground_and_check_cells_are_not_run(root, answered):
    for cell in answered["cells"]:
        if cell["id"] in ("check", "playground"):
            cell["source"] = ["class Counter: pass\n"]
    path = root / "played.ipynb"
    path.write_text(json.dumps(answered), encoding="utf-8")

    assert [c.name for c in code_cells(load_cells(path), NAMES)] == ["cell setup", "cell counter"]
    assert terminal.check_cells(ID, path, root=root).right


def test_a_future_import_counts_for_the_cells_after_it(root, answered):
    for cell in answered["cells"]:
        if cell["id"] == "counter":
            cell["source"].insert(0, "def later(n: NotDefinedYet): pass\n")
    path = root / "annotated.ipynb"
    path.write_text(json.dumps(answered), encoding="utf-8")

    assert terminal.check_cells(ID, path, root=root).right


def test_a_script_that_begins_with_a_byte_order_mark_is_read(script, counter):
    report, code = script("\ufeff" + counter())

    assert (report.outcome, code) == ("right", 0), report.text


def test_half_a_surrogate_pair_can_be_printed(script, counter):
    broken = counter().replace("raise TooFew", 'raise TooFew("\\ud800")')

    report, _ = script(broken.replace("if n > self.chairs", "if n > 0"))

    report.text.encode("utf-8")
    assert "TooFew" in report.text


def test_a_missing_import_is_told_to_run_the_cells_above(script, counter):
    report, _ = script(counter().replace("if n > self.chairs", "if Decimal(n) > self.chairs"))

    assert "NameError" in report.text
    assert "Run the cells above first" in report.text


@pytest.mark.skipif(os.name != "posix", reason="Windows has no limit on processor time")
def test_a_loop_ends_although_the_process_that_counted_is_gone():
    code = (
        "from course_lib.practice import terminal\n"
        "terminal.HARD_LIMIT = 1\n"
        "terminal._end_with_the_limit()\n"
        "while True:\n"
        "    pass\n"
    )

    ended = subprocess.run([sys.executable, "-c", code], timeout=60)

    assert ended.returncode < 0, "the kernel's limit ends it, not the loop"
