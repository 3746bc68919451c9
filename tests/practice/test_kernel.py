"""Bad input in a real kernel: a kind, exact message every time, and the kernel lives on."""

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_lib.index import ROOT

ID = "01.1-counter"
SETUP = "import pathlib\nfrom course_lib.practice import check\nroot = pathlib.Path({root!r})"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Cell number to the text of its output, in a kernel that runs all of them."""
    root = tmp_path_factory.mktemp("kernel") / "course"
    shutil.copytree(Path(__file__).parent / "fixtures" / "course", root)
    checks = root / "exercises/01_shop/1_counter/checks.py"
    text = checks.read_text(encoding="utf-8")
    checks.write_text(text.replace("points=2,", "points=2, limit=0.3,"), encoding="utf-8")
    cells = [
        SETUP.format(root=str(root)),
        *(part for code in ANSWERS.values() for part in (code, f"check({ID!r}, root=root)")),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    environment = os.environ | {"COURSE_HOME": str(root / "home"), "PYTHONPATH": str(ROOT)}
    client = NotebookClient(notebook, timeout=60, allow_errors=True, kernel_name="python3")
    client.execute(env=environment)
    shown = [cell.outputs for cell in notebook.cells[2::2]]
    return dict(zip(ANSWERS, shown, strict=True))


def counter(*lines):
    body = "\n".join(f"        {line}" for line in lines)
    return f"""
class TooFew(Exception):
    pass

class Counter:
    def __init__(self, chairs=10):
        self.chairs = chairs

    def take(self, n):
{body}
        if n > self.chairs:
            raise TooFew
        self.chairs -= n
        return self.chairs

    def refill(self, n):
        self.chairs += n
        return self.chairs
""".strip()


ANSWERS = {
    "nothing": "pass",
    "near miss": "class Conuter: pass",
    "loop": counter("while True:", "    try: pass", "    except: pass"),
    "exit": counter("import sys", "sys.exit(3)"),
    "print": counter("print('x' * 40_000_000)"),
    "syntax": counter("if n"),
    "right": counter("pass"),
}


def text(outputs):
    (output,) = outputs
    assert output.output_type == "execute_result"
    assert "<output>" in output.data["text/html"]
    return output.data["text/plain"]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("nothing", "Missing: Counter"),
        ("near miss", "there is Conuter, which is nearly the same"),
        ("loop", r"stopped after 0.3 s\nYour code: line 9 of your cell: "),
        ("exit", r"SystemExit: 3\nYour code: line 10 of your cell: sys.exit\(3\)"),
        ("print", "Your code printed 120,000,003 characters; they are not shown."),
        ("syntax", r"SyntaxError: expected ':'\nYour code: line 9: if n"),
        ("right", "right, 4 of 4 points"),
    ],
)
def test_each_answer_gets_its_message(outputs, answer, sentence):
    shown = text(outputs[answer])

    assert re.search(sentence, shown), shown
    assert len(shown) <= 600
