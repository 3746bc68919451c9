"""Mangled notebooks. In each the right answer is still there, and must get all its marks."""

import copy
import json
import sys

import pytest

from course_lib.grading.given_cells import read_given
from course_lib.grading.learners_cells import run
from course_lib.grading.notebook_cells import read_handed_in
from course_lib.grading.recovering import recover
from course_lib.index import ROOT
from course_lib.practice.learner import CodeCell

from .conftest import ANSWER

CLASS_AT = ANSWER.index("class Counter")
METHODS_AT = ANSWER.index("    def take")
EXPERIMENT = "chairs = Counter(3)\nchairs.take(1)\nprint(chairs.chairs)"


def code(source, **metadata):
    return {"cell_type": "code", "metadata": metadata, "outputs": [], "source": source}


def without_metadata(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)


def answer_cell(notebook):
    return next(cell for cell in notebook["cells"] if cell["source"] == ANSWER)


def replaced(notebook, *cells):
    """Put these cells, without metadata, where the answer was."""
    at = notebook["cells"].index(answer_cell(notebook))
    without_metadata(notebook)
    notebook["cells"][at : at + 1] = cells


def only(notebook, *sources):
    notebook["cells"] = [code(source) for source in sources]


def metadata_stripped(notebook):
    without_metadata(notebook)


def ids_lost(notebook):
    for cell in notebook["cells"]:
        del cell["id"]


def saved_as_version_4_4(notebook):
    ids_lost(notebook)
    notebook["nbformat_minor"] = 4


def source_as_list_of_lines(notebook):
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)


def saved_with_windows_line_ends(notebook):
    answer_cell(notebook)["source"] = ANSWER.replace("\n", "\r\n")


def answer_cell_doubled(notebook):
    cells = notebook["cells"]
    cells.insert(cells.index(answer_cell(notebook)), copy.deepcopy(answer_cell(notebook)))


def starter_left_behind_the_answer(notebook):
    """The learner wrote in a new cell above, and left the given one as it was."""
    cells = notebook["cells"]
    at = cells.index(answer_cell(notebook))
    starter = copy.deepcopy(cells[at])
    starter["source"] = STARTER
    starter["metadata"] = {}
    cells.insert(at + 1, starter)


def starter_with_metadata_and_answer_in_a_new_cell(notebook):
    answer_cell(notebook)["source"] = STARTER
    notebook["cells"].insert(3, code(ANSWER))


def whole_notebook_twice(notebook):
    notebook["cells"] += copy.deepcopy(notebook["cells"])


def setup_deleted(notebook):
    notebook["cells"] = [cell for cell in notebook["cells"] if cell.get("id") != "setup"]


def everything_else_deleted(notebook):
    only(notebook, ANSWER)


def one_class_a_cell(notebook):
    replaced(notebook, code(ANSWER[:CLASS_AT]), code(ANSWER[CLASS_AT:]))


def cut_inside_the_class(notebook):
    replaced(notebook, code(ANSWER[:METHODS_AT]), code(ANSWER[METHODS_AT:]))


def cut_inside_the_class_with_metadata(notebook):
    """As the editor's "split cell" does it: both halves keep their metadata."""
    cell = answer_cell(notebook)
    second = copy.deepcopy(cell)
    cell["source"], second["source"] = ANSWER[:METHODS_AT], ANSWER[METHODS_AT:]
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, second)


def cut_inside_a_method(notebook):
    at = ANSWER.index("            raise TooFew")
    replaced(notebook, code(ANSWER[:at]), code(ANSWER[at:]))


def cut_in_three(notebook):
    at = ANSWER.index("    def refill")
    parts = (ANSWER[:METHODS_AT], ANSWER[METHODS_AT:at], ANSWER[at:])
    replaced(notebook, *map(code, parts))


def helper_in_a_cell_of_its_own(notebook):
    changed = ANSWER.replace("n > self.chairs", "too_many(n, self.chairs)")
    replaced(notebook, code("def too_many(n, chairs):\n    return n > chairs"), code(changed))


def constant_in_a_cell_of_its_own(notebook):
    changed = ANSWER.replace("self.chairs += n", "self.chairs += n * ONE")
    replaced(notebook, code("ONE = int('1')"), code("print('nothing')"), code(changed))


def helper_in_the_cell_to_play_with(notebook):
    changed = ANSWER.replace("n > self.chairs", "too_many(n, self.chairs)")
    helper = "def too_many(n, chairs):\n    return n > chairs"
    replaced(notebook, code(changed), code(helper, tags=["play"]))


def answer_in_the_cell_that_checks(notebook):
    answer_cell(notebook)["source"] = STARTER
    notebook["cells"].append(code(ANSWER + '\ncheck("01.1-counter")', tags=["check"]))


def helper_below_the_class(notebook):
    changed = ANSWER.replace("n > self.chairs", "too_many(n, self.chairs)")
    replaced(notebook, code(changed), code("def too_many(n, chairs):\n    return n > chairs"))


def cells_in_any_order(notebook):
    """As marimo has them, and those who jump between cells while they write."""
    base = "class Base(Root):\n    def __init__(self, chairs=CHAIRS):\n        self.chairs = chairs"
    changed = ANSWER.replace("class Counter", "class Counter(Base)")
    changed = changed.replace("def __init__", "def _unused").replace(
        "n > self", "STEP['n'] * n > self"
    )
    step = "register('n', 1)"
    register = "STEP = {}\ndef register(name, value):\n    STEP[name] = value"
    below = ("class Root:\n    pass", "CHAIRS = int('10')")
    replaced(notebook, *map(code, (step, changed, base, *below, register)))


def registered_in_cells_of_their_own(notebook):
    changed = ANSWER.replace(
        "self.chairs += n", "self.chairs += sum(f(n) for f in STEPS + Rule.all)"
    )
    rule = "class Rule:\n    all = []\n    def __init_subclass__(cls): cls.all.append(cls.step)"
    cells = (
        "STEPS = []\ndef step(part):\n    def keep(function):\n        STEPS.append(function)\n"
        "    return keep",
        "@step(1)\ndef _(n):\n    return n - 3",
        "def one(n): return 1",
        "def register(function):\n    STEPS.append(function)",
        "register(one)",
        "step(3)(one)",
        rule,
        "class One(Rule):\n    def step(n): return 1",
        changed,
        "def nobody(n): 1 / 0\nprint(len(STEPS))",
    )
    replaced(notebook, *map(code, cells))


def import_in_a_cell_of_its_own(notebook):
    changed = ANSWER.replace("self.chairs += n", "self.chairs = operator.add(self.chairs, n)")
    replaced(notebook, code("import operator"), code(changed))


def method_added_from_outside(notebook):
    start = ANSWER[: ANSWER.index("    def refill")]
    outside = "def refill(self, n):\n    self.chairs += n\n    return self.chairs\n"
    replaced(notebook, code(start), code(outside + "Counter.refill = refill"))


def class_continued_by_inheritance(notebook):
    start = ANSWER[: ANSWER.index("    def refill")]
    more = "class Counter(Counter):\n" + ANSWER[ANSWER.index("    def refill") :]
    replaced(notebook, code(start), code(more))


def magics_and_shell_lines(notebook):
    magics = "%matplotlib inline\n!pip install nothing\nfiles = !ls\nlen?\n"
    answer_cell(notebook)["source"] = magics + ANSWER + "%timeit Counter().take(1)\n"


def cell_magic_above(notebook):
    answer_cell(notebook)["source"] = "%%time\n" + ANSWER


def magics_that_run_python(notebook):
    changed = ANSWER.replace("self.chairs += n", "self.chairs += operator.mul(n, ONE)")
    magics = "!pip install nothing \\\n    'and more'\n%time import operator\n%time ONE = 1\n"
    answer_cell(notebook)["source"] = magics + changed


def future_below_a_magic(notebook):
    magic = "%load_ext autoreload\nfrom __future__ import annotations\nimport math\n"
    changed = ANSWER.replace(", n):", ", n: Chairs):")
    answer_cell(notebook)["source"] = magic + changed


def future_below_imports(notebook):
    changed = ANSWER.replace(", n):", ", n: Chairs):")
    future = "import math\nfrom __future__ import (\n    annotations,\n)\n"
    replaced(notebook, code(future + changed))


def future_below_a_class(notebook):
    changed = ANSWER.replace(", n):", ", n: Chairs):")
    at = changed.index("class Counter")
    future = "from __future__ import annotations\n"
    replaced(notebook, code(changed[:at] + future + changed[at:]))


def pasted_with_prompts(notebook):
    lines = ["... " + line for line in ANSWER.split("\n")]
    lines[0] = lines[0].replace("...", ">>>")
    answer_cell(notebook)["source"] = "\n".join(lines)


def pasted_with_prompts_of_ipython(notebook):
    answer_cell(notebook)["source"] = "In [3]: " + ANSWER.replace("\n", "\n   ...: ")


def magic_inside_a_function(notebook):
    changed = ANSWER.replace(
        "        self.chairs += n\n", "        %time 1\n        self.chairs += n\n"
    )
    answer_cell(notebook)["source"] = changed


def text_that_looks_like_magics(notebook):
    note = 'NOTE = """\n!important\n%d chairs\n"""\n'
    answer_cell(notebook)["source"] = (
        "!ls\n"
        + note
        + ANSWER.replace("self.chairs += n", "self.chairs += n * len(NOTE.splitlines()[1]) // 10")
    )


def cells_in_other_languages(notebook):
    notebook["cells"].insert(2, code("%%bash\nclass Counter\nrm -rf /"))
    notebook["cells"].append(code("%%html\n<b>Counter</b>"))


def experiments_around_it(notebook):
    cells = [code(EXPERIMENT), code(ANSWER), code(EXPERIMENT), code("1 / 0"), code("input()")]
    replaced(notebook, *cells)


def experiment_that_never_ends(notebook):
    replaced(notebook, code(ANSWER), code("while True:\n    pass"))


def broken_experiment(notebook):
    replaced(notebook, code("counter = Counter("), code(ANSWER), code("def f(:"))


def awaits_outside_functions(notebook):
    wait = "import asyncio\nawait asyncio.sleep(0)\n"
    answer_cell(notebook)["source"] = wait + ANSWER


def pasted_with_an_indent(notebook):
    indented = "".join(f"    {line}\n" if line else "\n" for line in ANSWER.splitlines())
    answer_cell(notebook)["source"] = indented


def tabs_and_spaces(notebook):
    lines = ANSWER.splitlines()
    mixed = [line.replace("        ", "\t", 1) if n % 2 else line for n, line in enumerate(lines)]
    answer_cell(notebook)["source"] = "\n".join(mixed)


def answer_saved_as_a_text_cell(notebook):
    answer_cell(notebook)["cell_type"] = "markdown"


def calls_check_in_the_same_cell(notebook):
    answer_cell(notebook)["source"] = ANSWER + '\nassert check("01.1-counter")\n'


def saved_by_colab(notebook):
    without_metadata(notebook)
    for cell in notebook["cells"]:
        cell["metadata"] = {"id": "Xb3_9fQ2", "colab": {"base_uri": "https://localhost"}}


def merged_into_one_cell(notebook):
    only(
        notebook,
        "\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"),
    )


def answer_above_the_setup(notebook):
    cells = notebook["cells"]
    cells.insert(0, cells.pop(cells.index(answer_cell(notebook))))


def unknown_kinds_and_tags(notebook):
    notebook["cells"].insert(0, {"cell_type": "raw", "source": "class Counter: pass"})
    notebook["cells"].append({"cell_type": "code", "metadata": {"tags": [1, None]}, "source": []})


STARTER = '''\
class TooFew(Exception):
    """There are not that many chairs."""


@dataclass
class Counter:
    """How many chairs are left."""

    chairs: int = 10

    def take(self, n: int) -> int:
        """Take `n` chairs and return how many are left."""
        # TODO: task 1: refuse more than there are
        raise NotImplementedError

    def refill(self, n: int) -> int:
        """Add `n` chairs and return how many there are."""
        # TODO: task 2: add them
        raise NotImplementedError
'''

MANGLED = (
    metadata_stripped,
    ids_lost,
    saved_as_version_4_4,
    source_as_list_of_lines,
    saved_with_windows_line_ends,
    answer_cell_doubled,
    starter_left_behind_the_answer,
    starter_with_metadata_and_answer_in_a_new_cell,
    whole_notebook_twice,
    setup_deleted,
    everything_else_deleted,
    one_class_a_cell,
    cut_inside_the_class,
    cut_inside_the_class_with_metadata,
    cut_inside_a_method,
    cut_in_three,
    helper_in_a_cell_of_its_own,
    constant_in_a_cell_of_its_own,
    helper_in_the_cell_to_play_with,
    answer_in_the_cell_that_checks,
    helper_below_the_class,
    cells_in_any_order,
    registered_in_cells_of_their_own,
    import_in_a_cell_of_its_own,
    method_added_from_outside,
    class_continued_by_inheritance,
    magics_and_shell_lines,
    cell_magic_above,
    magics_that_run_python,
    future_below_a_magic,
    future_below_imports,
    future_below_a_class,
    pasted_with_prompts,
    pasted_with_prompts_of_ipython,
    magic_inside_a_function,
    text_that_looks_like_magics,
    cells_in_other_languages,
    experiments_around_it,
    experiment_that_never_ends,
    broken_experiment,
    awaits_outside_functions,
    pasted_with_an_indent,
    tabs_and_spaces,
    answer_saved_as_a_text_cell,
    calls_check_in_the_same_cell,
    saved_by_colab,
    merged_into_one_cell,
    answer_above_the_setup,
    unknown_kinds_and_tags,
)


@pytest.mark.parametrize("mangle", MANGLED, ids=lambda mangle: mangle.__name__)
def test_a_mangled_notebook_gets_all_its_marks(mangle, notebook, mark):
    mangle(notebook)

    marked = mark(json.dumps(notebook), "handed_in.ipynb")

    assert marked.report.text.startswith("01.1-counter: right, 4 of 4 points")


def test_the_starter_here_is_the_one_that_learners_get(root):
    text = (root / "exercises/01_shop/1_counter/exercise.ipynb").read_text(encoding="utf-8")
    cells = json.loads(text)["cells"]

    assert STARTER.strip() in ["".join(cell["source"]) for cell in cells]


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        "# %% [markdown]\n# words\n\n# %%\n" + ANSWER,
        '# %% id="counter" tags=["solution"]\n' + ANSWER,
        "#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\n\nget_ipython().system('ls')\n\n\n"
        "# In[ ]:\n\n\n" + ANSWER + "\n\n# In[2]:\n\n\n1 / 0\n",
        "# In[1]:\n\n\nget_ipython().run_line_magic('time', 'ONE = 1')\n\n\n# In[2]:\n\n\n"
        f"get_ipython().run_cell_magic('time', '', {ANSWER.replace('= n', '= n * ONE')!r})\n",
        ANSWER.encode("utf-8-sig"),
        ANSWER.encode("utf-16"),
        b"# coding: latin-1\nNAME = '\xe9'\n" + ANSWER.encode(),
        b"NAME = '\xe9'\n" + ANSWER.encode(),
        ANSWER.replace("\n", "\r"),
    ],
    ids=[
        "plain",
        "cells",
        "tagged",
        "saved by Jupyter",
        "saved magics",
        "BOM",
        "UTF-16",
        "cookie",
        "none",
        "Mac",
    ],
)
def test_a_script_gets_all_its_marks(text, mark):
    assert mark(text).points == 4


def test_a_notebook_of_version_3_gets_all_its_marks(mark):
    cells = [{"cell_type": "code", "input": ANSWER, "language": "python", "outputs": []}]
    notebook = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}

    assert mark(json.dumps(notebook), "old.ipynb").points == 4


def test_what_was_not_written_is_not_started(root, mark):
    text = (root / "exercises/01_shop/1_counter/exercise.ipynb").read_text(encoding="utf-8")

    marked = mark(text, "exercise.ipynb")

    assert (marked.points, marked.report.outcome) == (0, "not started")


def test_the_given_classes_are_made_once_wherever_the_learner_keeps_them():
    folder = ROOT / "exercises/01_errors/2_error_boundary"
    cells = read_handed_in("exercise.ipynb", (folder / "exercise.ipynb").read_bytes())
    given = read_given(folder / "exercise.ipynb")

    recovered = recover(reversed(cells), ("boundary",), given)

    codes = [cell.code for cell in recovered.cells]
    assert sum("class NotFound" in code for code in codes) == 1


def test_a_name_that_is_nearly_right_is_named(mark):
    marked = mark(ANSWER.replace("TooFew", "ToFew"))

    assert "there is ToFew, which is nearly the same" in marked.report.text


def test_a_cell_that_python_cannot_read_is_quoted(mark):
    marked = mark(ANSWER.replace("def take(self, n):", "def take(self, n:"))

    assert "Python cannot read your file" in marked.report.headline
    assert "def take(self, n:" in marked.report.text


def test_code_nested_too_deep_for_python_costs_nobody_else_anything(mark):
    marked = mark(ANSWER + "x = " + "(" * 100_000 + ")" * 100_000)

    assert marked.points == 0
    assert mark(ANSWER).points == 4


TOO_SLOW = """
import time
tries = []
def slow():
    tries.append(1)
    time.sleep(5)
first = slow()
second = 2
"""


def test_what_took_too_long_is_not_run_again_and_what_is_below_it_is(monkeypatch):
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setenv("USER", "somebody")
    monkeypatch.setitem(sys.modules, "learner", sys)

    there, failure = run([CodeCell("demo", TOO_SLOW)], seconds=0.3)

    assert failure.too_long
    assert there["tries"] == [1]
    assert "first" not in there
    assert there["second"] == 2
