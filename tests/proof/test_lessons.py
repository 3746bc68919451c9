"""The lessons gate bites: each small lesson has one fault, and the message names it.

All of them run in two batches, because every lesson costs a kernel.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat import NotebookNode, v4

from course_lib.index import ROOT
from course_lib.proof.building import CellFailed, run_and_store
from course_lib.proof.lessons import LessonResult, run_lessons

CELL_SECONDS = 8


def cell(source: str, *outputs: object, tag: str = "", ran: bool = True) -> NotebookNode:
    """A code cell; an output that is a str was printed."""
    stored = [v4.new_output("stream", text=out) if isinstance(out, str) else out for out in outputs]
    made = v4.new_code_cell(source, outputs=stored, execution_count=1 if ran else None)
    made.metadata["tags"] = [tag] if tag else []
    return made


def error(name: str) -> NotebookNode:
    return v4.new_output("error", ename=name, evalue="", traceback=[])


def result(text: str, **more: str) -> NotebookNode:
    return v4.new_output("execute_result", {"text/plain": text, **more}, execution_count=1)


def lesson(path: Path, *cells: NotebookNode) -> Path:
    for number, one in enumerate(cells, 1):
        one["id"] = f"c{number}"
        one["execution_count"] = one["execution_count"] and number
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(v4.new_notebook(cells=list(cells)), path)
    return path


PICTURE = '<img src="data:image/png;base64,AAAA">'
FIGURE = f"""\
class Figure:
    def _repr_mimebundle_(self, include, exclude):
        return {{"text/html": '{PICTURE}', "text/plain": "line y=[0, 9]"}}
Figure()
"""

THREAD = """\
import threading
stop = threading.Event()
threading.Thread(target=stop.wait, name="forgotten", daemon=True).start()
"""
PROCESS = """\
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
"""
SERVER = """\
import subprocess, sys
serve = (
    "import socket; server = socket.create_server(('127.0.0.1', 0)); print(flush=True); "
    "server.accept()"
)
start = (
    "import subprocess, sys; server = subprocess.Popen("
    f"[sys.executable, '-c', {serve!r}], stdout=-1, start_new_session=True); "
    "server.stdout.readline()"
)
done = subprocess.run([sys.executable, "-c", start])
"""
CONNECTION = """\
import psycopg
from course_lib.labs import postgres
connection = psycopg.connect(postgres().url)
"""
SERVER_OF_LABS = """\
from course_lib.labs import postgres
with postgres().database() as database, database.connect() as connection:
    print(connection.execute("SELECT 40 + 2").fetchone())
"""
FORK = """\
import os, signal
if os.fork() == 0:
    signal.pause()
"""
STUBBORN = """\
import time
while True:
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""
FLOOD = """\
for line in range(100_000):
    print("x" * 999)
"""
SWALLOWED = """\
import socket
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
except OSError:
    pass
"""
LOOKED_UP = """\
import subprocess, sys
look = "import socket; socket.getaddrinfo('shop.example', 80)"
done = subprocess.run([sys.executable, "-c", look], capture_output=True)
"""

SMALL = """\
from matplotlib.figure import Figure
from course_lib.lesson import figure
fig = Figure()
fig.text(0.5, 0.5, "small", fontsize=6)
figure(fig, alt="A word that is too small to be read.")
"""

# the fault -> (the cells of a lesson with it, a pattern for what the gate must say)
FAULTS: dict[str, tuple[list[NotebookNode], str]] = {
    "a changed output": (
        [cell("print(41)", "42\n")],
        'cell "c1": Cell outputs differ\n.*-42\n.*41',
    ),
    "a changed order": (
        [cell("display(2)\nprint(1)", "1\n", v4.new_output("display_data", {"text/plain": "2"}))],
        'cell "c1": Cell outputs differ',
    ),
    "a changed figure": (
        [cell(FIGURE, result("line y=[0, 8]", **{"text/html": PICTURE}))],
        r'cell "c1": Cell outputs differ\n.*-line y=\[0, 8\]\n.*\+line y=\[0, 9\]',
    ),
    "a picture that is hard to see": (
        [cell(SMALL)],
        "hard to see: the text 'small' has 6 points, under 9",
    ),
    "a comment that asks to be skipped": (
        [cell("# NBVAL_IGNORE_OUTPUT\nprint(1)", "2\n")],
        'cell "c1": Cell outputs differ',
    ),
    "an unexpected error": (
        [cell("1 / 0"), cell("print(2)", "3\n")],
        'cell "c1": Cell execution caused an exception\n.*ZeroDivisionError',
    ),
    "an error that does not come": (
        [cell("x = 1", error("KeyError"), tag="raises-exception")],
        'cell "c1": Cell outputs differ\n.*-KeyError',
    ),
    "an error of another kind": (
        [cell("1 / 0", error("KeyError"), tag="raises-exception")],
        'cell "c1": Cell outputs differ\n.*-KeyError.*\\+ZeroDivisionError',
    ),
    "a cell that was never run": (
        [cell("x = 1", ran=False), cell("print(x)", "1\n")],
        'cell "c1": was never run',
    ),
    "a cell that takes too long": (
        [cell("import time; time.sleep(60)"), cell("print(2)", "3\n")],
        f'cell "c1": Timeout of {CELL_SECONDS} seconds exceeded',
    ),
    "a cell that cannot be interrupted": (
        [cell(STUBBORN), cell("print(2)", "3\n")],
        f'cell "c1": Timeout of {CELL_SECONDS} seconds exceeded',
    ),
    "a flood of 100 MB": (
        [cell(FLOOD), cell("print(2)", "3\n")],
        'cell "c1": showed more than 20,000,000 characters; print less',
    ),
    "a thread": ([cell(THREAD)], 'left behind: thread "forgotten"'),
    "a task": (
        [cell("import asyncio\ntask = asyncio.create_task(asyncio.sleep(99))")],
        'left behind: task "sleep"',
    ),
    "a process": ([cell(PROCESS)], r"left behind: process .* -c input\(\)"),
    "a connection to the lab's database": (
        [cell(CONNECTION)],
        r"left behind: socket on port \d+ \(established\)",
    ),
    "a fork of the kernel": ([cell(FORK)], "left behind: process "),
    "a server whose parent is gone": (
        [cell(SERVER)],
        r"left behind: process after the kernel: .* server = socket",
    ),
    "a port": (
        [cell('import socket\nserver = socket.create_server(("127.0.0.1", 0))')],
        r"left behind: socket on port \d+ \(listen\)",
    ),
    "a temp file": (
        [cell('import tempfile\nfile = tempfile.mkstemp(prefix="forgotten")')],
        "left behind: temp file forgotten",
    ),
    "a file beside the lesson": (
        [cell('open("forgotten.csv", "w").close()')],
        "left behind: file forgotten.csv beside the lesson",
    ),
    "a connection to another machine": (
        [cell('import socket\nsocket.create_connection(("192.0.2.1", 80), timeout=1)')],
        'cell "c1": Cell execution caused an exception\n.*BeyondLoopback',
    ),
    "a connection whose error is swallowed": (
        [cell(SWALLOWED)],
        "reached beyond this machine: connect 192.0.2.1:80",
    ),
    "a lookup by a child": (
        [cell(LOOKED_UP)],
        "reached beyond this machine: getaddrinfo shop.example",
    ),
}

KILLED = """\
import os, signal, socket, subprocess, sys, tempfile
file = tempfile.mkstemp()
server = socket.create_server(("127.0.0.1", 0))
child = subprocess.Popen([sys.executable, "-c", "input('orphan')"], stdin=-1, stdout=-1)
os.kill(os.getpid(), signal.SIGKILL)
"""


SOUND = [
    cell("import asyncio, random, warnings\nfrom pathlib import Path\n\nimport ipywidgets"),
    cell("3 + 4;"),
    cell("40 + 2"),
    cell("Out[3]"),
    cell("warnings.warn('the queue is long')"),
    cell("{}['chairs']", tag="raises-exception"),
    cell("print(random.random())", tag="volatile"),
    cell("await asyncio.to_thread(print, '4 in the queue')"),
    cell("ipywidgets.IntSlider(3, description='chairs')"),
    cell("print('chairs ' * 20_000)"),  # so long that zmq starts a thread of its own for it
    cell(SERVER_OF_LABS, "(42,)\n"),  # it lives until its kernel ends, and no longer
    cell("Path('note.txt').write_text('x')\nPath('note.txt').unlink()"),
]


@pytest.fixture(scope="module", autouse=True)
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the rooms of this module, so that they can be told from other runs'.

    Its path is short, since a kernel listens on a Unix socket in its room.
    """
    tmp_path_factory.getbasetemp()  # pytest's own folder is not to be made among the rooms
    with tempfile.TemporaryDirectory(prefix="t") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", None)
        yield Path(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lessons")


@pytest.fixture(scope="module")
def faulty(folder: Path) -> LessonResult:
    """All faulty lessons in one run, each in a kernel of its own."""
    lessons = [lesson(folder / f"{name}.ipynb", *cells) for name, (cells, _) in FAULTS.items()]
    lessons.insert(len(lessons) // 2, lesson(folder / "sound beside.ipynb", cell("1 + 1;")))
    return run_lessons(lessons, jobs=2, cell_seconds=CELL_SECONDS)


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_lesson_fails_and_the_message_names_the_fault(
    faulty: LessonResult, name: str
) -> None:
    said = [problem for problem in faulty.problems if problem.startswith(f"{name}.ipynb: ")]

    assert re.search(FAULTS[name][1], "\n".join(said), re.DOTALL), said
    assert len(said) == (2 if name == "a connection to another machine" else 1)


def test_cells_after_an_error_or_a_time_out_are_not_run_and_not_counted(
    faulty: LessonResult,
) -> None:
    # One cell of each lesson runs, the sound one's too, and the second of the one with the cell
    # that was never run.
    assert faulty.covered == len(FAULTS) + 2


def test_a_sound_lesson_among_faulty_ones_passes(faulty: LessonResult) -> None:
    assert not [problem for problem in faulty.problems if problem.startswith("sound beside")]


def test_nothing_of_a_faulty_lesson_outlives_the_run(faulty: LessonResult, rooms: Path) -> None:
    assert left_in(rooms) == []


def left_in(rooms: Path) -> list[str]:
    """Rooms of lessons that are still there, and processes that ran in them."""
    running = [process.name() for process in psutil.process_iter() if ran_in(process, rooms)]
    return [path.name for path in rooms.iterdir()] + running


def ran_in(process: psutil.Process, rooms: Path) -> bool:
    try:
        return process.environ().get("TMPDIR", "").startswith(f"{rooms}/")
    except psutil.Error:
        return False


def test_a_kernel_killed_in_the_middle_of_a_lesson_is_named_and_leaves_nothing(
    folder: Path, rooms: Path
) -> None:
    killed = lesson(folder / "killed.ipynb", cell(KILLED), cell("print(2)", "2\n"))

    found = run_lessons([killed])

    assert found.problems == (
        'killed.ipynb: cell "c1": ended the kernel\'s process; a lesson must survive its cells',
    )
    assert found.covered == 1
    assert left_in(rooms) == []


def test_a_killed_process_that_runs_lessons_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # what it cannot clear any more stays apart
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killer = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
    cut_short = lesson(folder / "cut short.ipynb", cell("print(1)", "1\n"), cell(killer))
    sound = lesson(folder / "sound.ipynb", cell("print(1)", "1\n"))

    found = run_lessons([cut_short, sound], jobs=2, warm=False)

    assert found.problems == ("lessons: a process that runs them was killed; run the same again.",)


RUN = """\
import sys
from pathlib import Path
from course_lib.proof.lessons import run_lessons
run_lessons([Path(name) for name in sys.argv[2:]], jobs=int(sys.argv[1]), warm=False)
"""
HANGS = """\
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1, start_new_session=True)
open({!r}, "w").close()
time.sleep(99)
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_nothing_is_left_when_the_run_itself_is_killed(
    folder: Path, rooms: Path, jobs: int
) -> None:
    started = [folder / f"{jobs} started {number}" for number in range(jobs)]
    hanging = [
        lesson(folder / f"{file.name}.ipynb", cell(HANGS.format(str(file)))) for file in started
    ]
    run = subprocess.Popen([sys.executable, "-c", RUN, str(jobs), *map(str, hanging)], cwd=ROOT)
    assert comes_true(lambda: all(file.exists() for file in started))

    run.kill()
    run.wait()

    assert comes_true(lambda: left_in(rooms) == [])


def comes_true(condition: Callable[[], bool]) -> bool:
    """Whether it does within a minute; a machine under load takes its time."""
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


def test_a_sound_lesson_passes_with_history_volatile_cells_and_expected_errors(
    folder: Path,
) -> None:
    sound = lesson(folder / "rooms" / "sound.ipynb", *SOUND)
    run_and_store(sound)

    alone = run_lessons([sound])
    together = run_lessons([sound, lesson(folder / "other.ipynb", cell("x = 1"))], order_seed=7)

    assert alone == LessonResult(covered=len(SOUND), compared=len(SOUND) - 1, problems=())
    assert together == LessonResult(covered=len(SOUND) + 1, compared=len(SOUND), problems=())


def test_building_a_lesson_twice_gives_the_same_bytes_and_no_widget_state(folder: Path) -> None:
    stable = [one for one in SOUND if one.metadata["tags"] != ["volatile"]]
    sound = lesson(folder / "built.ipynb", *stable)

    run_and_store(sound)
    first = sound.read_bytes()
    run_and_store(sound)

    assert sound.read_bytes() == first
    assert b"widget" not in first.replace(b"ipywidgets", b"")
    stored = nbformat.read(sound, as_version=4)
    assert [one.execution_count for one in stored.cells] == list(range(1, len(SOUND)))
    assert [one.id for one in stored.cells] == [f"c{n}" for n in range(1, len(SOUND))]


def test_building_a_lesson_with_an_unexpected_error_stores_nothing(folder: Path) -> None:
    path = lesson(folder / "fails.ipynb", cell("x = 1", "old\n"), cell("x / 0"))
    before = path.read_bytes()

    with pytest.raises(CellFailed, match=r'fails\.ipynb: cell "c2": ZeroDivisionError'):
        run_and_store(path)

    assert path.read_bytes() == before


def test_building_a_lesson_that_floods_stores_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("course_lib.proof.building.MOST", 1_000)
    path = lesson(folder / "flood.ipynb", cell("print('x' * 1_000)", "old\n"))
    before = path.read_bytes()

    with pytest.raises(CellFailed, match=r'flood\.ipynb: cell "c1": shows more than 1,000'):
        run_and_store(path)

    assert path.read_bytes() == before


def test_a_file_that_is_no_notebook_is_a_problem_and_not_a_pass(folder: Path) -> None:
    broken = folder / "broken.ipynb"
    broken.write_text("{", encoding="utf-8")

    found = run_lessons([broken])

    assert found.covered == 0
    assert any("broken.ipynb: " in problem for problem in found.problems)
