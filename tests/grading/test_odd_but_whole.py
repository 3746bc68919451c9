"""Right answers that an editor, a merge or a habit has put into an odd form."""

import json
import textwrap

import pytest

from .conftest import ANSWER, ID

CHECK = f'check("{ID}")'


def notebook(*sources):
    cells = [
        {"cell_type": "code", "metadata": {}, "source": source}
        if isinstance(source, str)
        else source
        for source in sources
    ]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 4, "metadata": {}})


def guarded(code, guard='if __name__ == "__main__":'):
    return f"{guard}\n{textwrap.indent(code, '    ')}"


CLASS_AT = ANSWER.index("class Counter")
BELOW_MAIN = {
    "all of it": guarded(ANSWER),
    "a part of it": ANSWER[:CLASS_AT] + guarded(ANSWER[CLASS_AT:]),
    "the other way round": guarded(ANSWER, "if '__main__' == __name__:"),
    "with an end of the program": guarded(ANSWER + "import sys\nsys.exit(Counter().take(1))\n"),
    "a part that it needs": (
        ANSWER.replace("self.chairs += n", "self.chairs += n * ONE") + guarded("ONE = 1")
    ),
    "a demonstration only": f"{ANSWER}\n" + guarded("Counter = None\n1 / 0"),
}


@pytest.mark.parametrize("text", BELOW_MAIN.values(), ids=BELOW_MAIN)
@pytest.mark.parametrize("form", [str, notebook], ids=["script", "notebook"])
def test_what_stands_below_the_question_for_main_counts(text, form, mark):
    name = "answer.py" if form is str else "answer.ipynb"

    assert mark(form(text), name).points == 4


THEIRS = ANSWER.replace("chairs=10", "chairs = 10")
TWO_LINES = """\
<<<<<<< HEAD
        self.chairs += n
||||||| 1f2e3d4
        pass
=======
        self.chairs = self.chairs + n
>>>>>>> main
"""
PASTED = {
    "with a fence": f"```python\n{ANSWER}```",
    "with a fence and a magic": f"%%time\n```py\n{ANSWER}```\n!ls",
    "with spaces of a web page": ANSWER.replace("    ", "\u00a0" * 4),
    "with signs of no width": ANSWER.replace("class", "\u200bclass").replace("def", "\ufeffdef"),
    "with both sides of a merge": f"<<<<<<< HEAD\n{ANSWER}=======\n{THEIRS}>>>>>>> main",
    "with a merge of two lines": ANSWER.replace("        self.chairs += n\n", TWO_LINES),
    "with a merge of which one side is broken": (
        f"<<<<<<< HEAD\n{ANSWER[:-40]}(\n=======\n{ANSWER}>>>>>>> main"
    ),
}


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED)
@pytest.mark.parametrize("form", [str, notebook], ids=["script", "notebook"])
def test_what_was_pasted_or_merged_counts(text, form, mark):
    name = "answer.py" if form is str else "answer.ipynb"

    assert mark(form(text), name).points == 4


@pytest.mark.parametrize("line", ["%run shop.py", "%run -i './shop.py'\nCounter(3).take(1)"])
def test_a_module_that_a_cell_writes_may_be_run(line, mark):
    text = notebook(f"%%writefile shop.py\n{ANSWER}", line, CHECK)

    assert mark(text, "answer.ipynb").points == 4


def words(source, kind="markdown"):
    return {"cell_type": kind, "metadata": {}, "source": source}


IN_WORDS = {
    "a raw cell": [words(ANSWER, "raw")],
    "a text cell": [words(ANSWER)],
    "a fence": [words(f"My answer:\n\n```python\n{ANSWER}```\n\nThat is all.")],
    "two fences": [words(f"```\n{ANSWER[:CLASS_AT]}```\nand\n```\n{ANSWER[CLASS_AT:]}```\n")],
    "two cells": [words(ANSWER[:CLASS_AT], "raw"), words(ANSWER[CLASS_AT:], "raw")],
}


@pytest.mark.parametrize("cells", IN_WORDS.values(), ids=IN_WORDS)
def test_code_in_words_counts_where_there_is_no_other(cells, mark):
    assert mark(notebook("print(1)", *cells, CHECK), "answer.ipynb").points == 4


@pytest.mark.parametrize("cells", IN_WORDS.values(), ids=IN_WORDS)
def test_code_in_words_counts_beside_the_starter(cells, mark, root):
    given = json.loads(
        (root / "exercises/01_shop/1_counter/exercise.ipynb").read_text(encoding="utf-8")
    )
    given["cells"] += cells

    assert mark(json.dumps(given), "answer.ipynb").points == 4


def test_code_in_words_does_not_count_beside_an_answer(mark):
    text = notebook(ANSWER.replace("+= n", "+= 1"), words(ANSWER), CHECK)

    assert mark(text, "answer.ipynb").points < 4


def test_a_notebook_that_git_could_not_merge_counts(mark):
    lines = json.dumps(json.loads(notebook(ANSWER, CHECK)), indent=1).splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if "nbformat_minor" in line)
    lines[at:at] = ["<<<<<<< HEAD\n", lines[at], "=======\n"]
    lines.insert(at + 4, ">>>>>>> main\n")

    assert mark("".join(lines), "answer.ipynb").points == 4
