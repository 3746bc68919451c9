"""Kernels forked from the template: the same bytes as plain ones, and nothing of them stays."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode, v4

from course_lib.index import ROOT
from course_lib.proof.kernel_start import kernel_manager
from course_lib.proof.rooms import MARKER, Room, room
from course_lib.proof.warm_start import can_fork, template

pytestmark = pytest.mark.skipif(not can_fork(), reason="this system cannot fork")

SECONDS = 60

FIGURE = """\
import matplotlib.pyplot as plt
figure, axes = plt.subplots()
axes.plot([3, 1, 2], label="chairs")
axes.set_title("The queue")
axes.legend();
"""
DEPTH = """\
def depth(n):
    try:
        return depth(n + 1)
    except RecursionError:
        return n
depth(0)
"""
ALIKE = [
    "import warnings\nwarnings.filters",
    "40 + 2",
    FIGURE,
    "figure",
    "import ipywidgets\nipywidgets.IntSlider(3, description='chairs')",
    "import sys, os, time\nsys.argv[1:], sys.flags.hash_randomization, time.tzname, os.getcwd()",
    "sys.path, sys.stdin is None, os.path.exists(os.environ['HOME'])",
    "{'chair', 'table', 'lamp'}, hash('chair')",
    "import threading\nsorted(thread.name for thread in threading.enumerate())",
    "[name for name in sys.modules if name.startswith(('course_lib.errors', 'course_lib.l'))]",
    "import matplotlib\nmatplotlib.get_backend(), sorted(matplotlib.rcParams.items())",
    DEPTH,
    "import signal\n[signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGTERM)]",
    "import logging\nlen(logging.getLogger().handlers), logging.getLogger().level",
    "import asyncio\nasyncio.get_running_loop().get_debug()",
    "{}['chairs']",
]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with template(tmp_path_factory.mktemp("warm") / "t") as address:
        yield address


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One room for both kinds, so that its paths are no difference."""
    lesson = tmp_path_factory.mktemp("lesson") / "lesson.ipynb"
    nbformat.write(v4.new_notebook(), lesson)
    with room(lesson) as place:
        yield place


def shown(place: Room, sources: list[str], *, template: str = "") -> list[list[NotebookNode]]:
    """What each cell shows, as a front end would store it."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    manager = kernel_manager(place, AsyncKernelManager, template=template)
    client = NotebookClient(notebook, km=manager, timeout=SECONDS, allow_errors=True)
    start: dict[str, Any] = {"env": place.environment(), "cwd": str(place.lesson)}
    with client.setup_kernel(**start, cleanup_kc=True):
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
    return [[_without_numbers(output) for output in cell.outputs] for cell in notebook.cells]


def _without_numbers(output: NotebookNode) -> NotebookNode:
    """Without the number of a widget, which is random in every kernel."""
    if "data" in output:
        output.data.pop("application/vnd.jupyter.widget-view+json", None)
    return output


def test_a_forked_kernel_shows_the_same_bytes_as_a_plain_one(warm: str, place: Room) -> None:
    plain = shown(place, ALIKE)

    forked = shown(place, ALIKE, template=warm)

    for source, before, now in zip(ALIKE, plain, forked, strict=True):
        assert now == before, source
    assert "image/png" in plain[2][-1].data


def test_two_forks_draw_different_random_numbers_and_share_no_names(warm: str, place: Room) -> None:
    source = "import numpy, random\n'left' in globals(), numpy.random.rand(), random.random()"

    first = shown(place, [source, "left = 1"], template=warm)[0][0].data["text/plain"]
    second = shown(place, [source], template=warm)[0][0].data["text/plain"]

    assert first.startswith("(False, ")
    assert second.startswith("(False, ")
    assert first.split(", ")[1] != second.split(", ")[1]
    assert first.split(", ")[2] != second.split(", ")[2]


RUN = """\
import sys
from pathlib import Path
from course_lib.proof.lessons import run_lessons
run_lessons([Path(sys.argv[1])])
"""
HANGS = """\
import json, os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"],
                         start_new_session=True)
seen = {"marker": os.environ["COURSE_RUN"], "home": os.environ["HOME"], "kernel": os.getpid()}
open(TARGET + ".part", "w").write(json.dumps(seen))
os.rename(TARGET + ".part", TARGET)
time.sleep(99)
"""


def test_when_the_run_is_killed_its_kernels_their_children_and_rooms_go_too(
    tmp_path: Path,
) -> None:
    target = tmp_path / "seen.json"
    cell = v4.new_code_cell(HANGS.replace("TARGET", repr(str(target))))
    nbformat.write(v4.new_notebook(cells=[cell]), tmp_path / "hangs.ipynb")
    command = [sys.executable, "-c", RUN, str(tmp_path / "hangs.ipynb")]
    run = subprocess.Popen(command, cwd=ROOT)
    assert comes_true(target.exists)
    seen = json.loads(target.read_text())
    assert seen["kernel"] in carrying(seen["marker"])
    assert len(carrying(seen["marker"])) == 2

    os.kill(run.pid, signal.SIGKILL)
    run.wait()

    assert comes_true(lambda: not carrying(seen["marker"]))
    assert comes_true(lambda: not Path(seen["home"]).exists())


def comes_true(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(condition())


def carrying(marker: str) -> list[int]:
    """The processes of one room; a forked kernel shows its own marker, not the template's."""
    return [process.pid for process in psutil.process_iter() if _marker(process) == marker]


def _marker(process: psutil.Process) -> str:
    try:
        return str(process.environ().get(MARKER, ""))
    except psutil.Error:
        return ""
