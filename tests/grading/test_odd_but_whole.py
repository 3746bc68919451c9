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
