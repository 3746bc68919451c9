"""Right answers in a style that a strict grader might punish. None may lose a mark."""

import json

import pytest

from course_lib.grading.choosing import choose
from course_lib.grading.handed_in import handed_in
from course_lib.index import load

from .conftest import ANSWER, ID

NAMES = ("Counter", "TooFew")

ABOVE = {
    "two hundred thousand lines of output": "for number in range(200_000): print(number)",
    "words on stderr": "import sys; print('careful', file=sys.stderr)",
    "bytes past Python's own output": "import os; os.write(1, b'hello'); os.write(2, b'oh')",
    "warnings": "import warnings; warnings.warn('old'); PATTERN = '\\d'",
    "warnings as errors": "import warnings; warnings.simplefilter('error')",
    "logging to the root logger": "import logging; logging.basicConfig(level=0); logging.info(1)",
    "other streams": "import io, sys; sys.stdout = sys.stderr = io.StringIO()",
    "closed streams": "import sys; sys.stdout.close()",
    "words of many languages": "NAME_Ö = 'stół 椅子 \\ud83e'; print(ascii(NAME_Ö))",
    "modules nobody has loaded yet": "import fractions, sqlite3, zoneinfo, csv, xml.dom.minidom",
    "a lock and a thread": """
import threading
LOCK = threading.Lock()
thread = threading.Thread(target=print)
thread.start(); thread.join()
""",
    "a pool of threads": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool: list(pool.map(abs, range(100)))
""",
    "a child process": """
import multiprocessing
child = multiprocessing.get_context("fork").Process(target=print)
child.start(); child.join(); assert child.exitcode == 0
""",
    "another program": """
import subprocess, sys
assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout == b"1\\n"
""",
    "asyncio": """
import asyncio
async def main(): await asyncio.sleep(0)
asyncio.run(main())
""",
    "a temporary file": """
import tempfile
with tempfile.NamedTemporaryFile() as file: file.write(b"x" * 2**20)
""",
    "a file in the current folder": """
from pathlib import Path
Path("notes.txt").write_text("x"); assert Path("notes.txt").read_text() == "x"
""",
    "a deep recursion limit": "import sys; sys.setrecursionlimit(20_000)",
    "a hundred megabytes": "BIG = bytes(100 * 2**20)",
    "its own signal handler": "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)",
    "the chance seeded globally": "import random; random.seed(1); random.random()",
    "names of its own that hide built-ins": "list = dict = print = None",
    "a form feed": "\f",
    "a question before it": "import math\nname = input('Your name? ')\nprint(name)",
    "a loop of questions before it": """
import random
while True:
    number = int(input('A number? '))
    if number == random.randint(1, 3): break
""",
    "a loop before it that takes every error": """
while True:
    try: print(int(input('A number? '))); break
    except Exception: print('Try again.')
""",
    "a module that is not here": "import pandas_profiling_of_mine",
    "another version before a question": """
class Counter:
    def __init__(self, chairs=10): pass
input('Ready? ')
""",
    "a version after it that never runs": f"""{ANSWER}
import sys
if sys.argv: sys.exit()
class Counter: take = refill = None
""",
    "await outside functions": "import asyncio\nawait asyncio.sleep(0)",
}
"""Each stands above a right answer."""

BELOW = {
    "the end of the program": "import sys\nif __name__ == '__main__': sys.exit(0)\nsys.exit(1)",
    "a test of its own that fails": "assert Counter(1).take(1) == 1",
    "tests with unittest": "import unittest\nclass T(unittest.TestCase): pass",
    "a question to the reader": "input('Press Enter')",
    "a call of check": "from course_lib.practice import check\ncheck('01.1-counter').rows[0]",
}
"""Each stands below a right answer."""

CHANGED = {
    "prints in every call": ("        self.chairs += n", "        print(self); self.chairs += n"),
    "imports within methods": ("self.chairs += n", "import operator; self.chairs += n"),
    "slow but right": ("self.chairs += n", "import time; time.sleep(0.7); self.chairs += n"),
    "a class above it": ("class Counter:", "class _Old: pass\n\nclass Counter(_Old):"),
    "helpers below a line that stops": (
        "class TooFew(Exception):",
        """
name = input('Who? '); FIRST = 0
try:
    from no_such_module import Failure
except ImportError:
    Failure = Exception
if Failure is Exception:
    bases = [Failure]

class TooFew(bases[FIRST]):""",
    ),
    "streams used as Python's own": (
        "self.chairs += n",
        """import io, subprocess, sys
        sys.stdout.buffer.write(b"more\\xff"); sys.stdout.buffer.flush()
        sys.stdout.reconfigure(encoding="utf-8"); sys.stdout.encoding.lower()
        subprocess.run([sys.executable, "-c", "print(1)"], stdout=sys.stdout, check=True)
        print(n, file=io.TextIOWrapper(sys.stderr.buffer))
        self.chairs += n""",
    ),
    "what a script asks for": (
        "class TooFew(Exception):",
        """
import argparse, getpass, pathlib
NAMES = [argparse.ArgumentParser().parse_args(), getpass.getuser(), pathlib.Path(__file__).stem]

class TooFew(Exception, *[object][len(NAMES) - 3:]):""",
    ),
    "tabs": ("    ", "\t"),
    "no line end": ("return self.chairs\n", "return self.chairs"),
}

OTHERS = {
    "numbers of numpy": """
import numpy as np

class TooFew(Exception): pass

class Counter:
    def __init__(self, chairs=10): self._chairs = np.array([chairs])
    chairs = property(lambda self: self._chairs[0])
    def take(self, n):
        if n > self.chairs: raise TooFew
        self._chairs -= n
        return self._chairs.sum()
    def refill(self, n):
        self._chairs += n
        return np.int64(self._chairs[0])
""",
    "numbers of a class of its own": """
class TooFew(Exception): pass

class Chairs(int):
    def __sub__(self, other): return Chairs(int(self) - other)
    def __add__(self, other): return Chairs(int(self) + other)
    def __repr__(self): return f"{int(self)} chairs"

class Counter:
    def __init__(self, chairs=10): self.chairs = Chairs(chairs)
    def take(self, n):
        if n > self.chairs: raise TooFew
        self.chairs = self.chairs - n
        return self.chairs
    def refill(self, n):
        self.chairs = self.chairs + n
        return self.chairs
""",
    "state in a default dictionary": """
from collections import Counter as Tally, OrderedDict, defaultdict

class TooFew(Exception): pass

class Counter:
    def __init__(self, chairs=10):
        self.state = defaultdict(int, OrderedDict(chairs=chairs))
        self.calls = Tally()
    chairs = property(lambda self: self.state["chairs"])
    def take(self, n):
        self.calls["take"] += 1
        if n > self.chairs: raise TooFew
        self.state["chairs"] -= n
        return self.chairs
    def refill(self, n):
        self.state["chairs"] += n
        return self.chairs
""",
    "a frozen dataclass that is replaced": """
import dataclasses

class TooFew(Exception): pass

@dataclasses.dataclass(frozen=True, order=True)
class State:
    chairs: int

class Counter:
    def __init__(self, chairs=10): self.state = State(chairs)
    chairs = property(lambda self: self.state.chairs)
    def _change(self, n):
        self.state = dataclasses.replace(self.state, chairs=self.chairs + n)
        return self.chairs
    def take(self, n):
        if n > self.chairs: raise TooFew(n)
        return self._change(-n)
    refill = _change
""",
    "async inside": """
import asyncio

class TooFew(Exception): pass

class Counter:
    def __init__(self, chairs=10): self.chairs = chairs
    async def _change(self, n):
        await asyncio.sleep(0)
        self.chairs += n
        return self.chairs
    def take(self, n):
        if n > self.chairs: raise TooFew
        return asyncio.run(self._change(-n))
    def refill(self, n): return asyncio.run(self._change(n))
""",
    "a dataclass with slots": """
from dataclasses import dataclass

class TooFew(ValueError): ...

@dataclass(slots=True)
class Counter:
    chairs: int = 10

    def take(self, n: "int") -> "int":
        if n > self.chairs: raise TooFew(n)
        self.chairs -= n; return self.chairs

    def refill(self, n): return (setattr(self, "chairs", self.chairs + n), self.chairs)[1]
""",
    "made by a function": """
TooFew = type("TooFew", (Exception,), {})

def make():
    class Counter:
        def __init__(self, chairs=10): self.chairs = chairs
        def take(self, n):
            match n > self.chairs:
                case True: raise TooFew
            self.chairs = self.chairs - n
            return self.chairs
        refill = lambda self, n: self.__dict__.update(chairs=self.chairs + n) or self.chairs
    return Counter

Counter = make()
""",
}

HONEST = (
    {name: f"{above}\n{ANSWER}" for name, above in ABOVE.items()}
    | {name: f"{ANSWER}\n{below}" for name, below in BELOW.items()}
    | {name: ANSWER.replace(old, new) for name, (old, new) in CHANGED.items()}
    | OTHERS
)


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST)
def test_an_honest_answer_gets_all_its_marks(text, mark):
    marked = mark(text)

    assert marked.report.text.startswith("01.1-counter: right, 4 of 4 points")


def notebook(*sources):
    cells = [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5})


CALL = f'check("{ID}")'
USES = ANSWER.replace("self.chairs += n", "self.chairs = plus(self.chairs, n)")
PLUS = "def plus(a, b): return a + b\n"
FILES = {
    "a module beside the notebook": {
        "work/answer.ipynb": notebook(f"from helper import plus\n{USES}", CALL),
        "work/helper.py": PLUS,
    },
    "a package below a script": {
        "answer.py": f"import tools.sums\nplus = tools.sums.plus\n{USES}",
        "tools/__init__.py": "",
        "tools/sums.py": PLUS,
    },
    "all of it in a module": {
        "answer.ipynb": notebook("from solution import *", CALL),
        "solution.py": ANSWER,
    },
    "a module that a cell writes": {
        "answer.ipynb": notebook(f"%%writefile shop.py\n{ANSWER}", f"from shop import *\n{CALL}")
    },
    "a module that two cells write": {
        "answer.ipynb": notebook(
            f"%%writefile sums.py\n{PLUS}",
            "%%writefile -a sums.py\ndef minus(a, b): return plus(a, -b)\n",
            f"from sums import *\nassert minus(2, 1) == 1\n{USES}",
            CALL,
        )
    },
    "a notebook that is called a script": {"answer.py": notebook(ANSWER, CALL)},
    "a notebook that a browser has renamed": {"answer.ipynb.txt": notebook(ANSWER, CALL)},
    "a cell without source": {"answer.ipynb": notebook(None, ANSWER, CALL)},
    "nothing but zeros at the end": {"answer.py": ANSWER + "\0" * 100},
    "the end of a text of DOS": {"answer.py": ANSWER.replace("\n", "\r\n") + "\x1a"},
}


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
@pytest.mark.parametrize("exercise", ["", ID], ids=["any exercise", "this exercise"])
def test_files_that_belong_together_get_all_their_marks(files, exercise, marker, root, tmp_path):
    for name, text in files.items():
        path = tmp_path / "ana" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    index = load((root / "course.toml").read_text(encoding="utf-8"))
    with handed_in(tmp_path) as [submission]:
        found = choose(submission.read(), index, root, exercise=exercise, names=NAMES)

    marked = marker.mark(found.cells)

    assert marked.report.text.startswith("01.1-counter: right, 4 of 4 points")


def test_the_corpus_has_as_many_answers_as_it_must():
    assert len(HONEST) >= 40
