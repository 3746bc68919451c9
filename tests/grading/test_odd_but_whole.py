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
