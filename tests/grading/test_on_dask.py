"""Grading under Dask: the same bytes, whatever dies, and nothing secret in its logs."""

import builtins
import gc
import re
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from course_lib.grading import command, on_dask
from course_lib.grading.workers import Setting, Task

from .conftest import ANSWER, ID
from .test_grading_a_class import WRONG, contents, rows_of

SECRET = "0123456789abcdef-the-class-seed"

pytestmark = [
    pytest.mark.usefixtures("namespaces", "nothing_left_over"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def namespaces(warm):
    """Needs them, as all that grades."""


@pytest.fixture
def nothing_left_over():
    """A worker that dies leaves open sockets of Dask's, which no later test shall find."""
    yield
    gc.collect()


@pytest.fixture
def seed(tmp_path):
    path = tmp_path / "seed"
    path.write_text(SECRET, encoding="utf-8")
    return path


@pytest.fixture
def place(tmp_path):
    """Nine submissions; with two in a batch five batches."""
    folder = tmp_path / "class"
    folder.mkdir()
    for number in range(8):
        text = ANSWER if number % 2 else WRONG
        (folder / f"{number}.py").write_text(f"{text}# {number}\n", encoding="utf-8")
    (folder / "none.ipynb").write_text("{", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(on_dask, "BATCH", 2)


def grade(root, place, seed, out, *more):
    words = [place, "--exercise", ID, "--seed-file", seed, "--out", out, *more]
    assert command.main([*map(str, words)], root=root) == 0
    found = contents(out)
    [journal] = [path for path in found if path.name == "marked.jsonl"]
    return sorted(found.pop(journal).splitlines()), found


def test_dask_gives_the_same_bytes(root, place, seed, tmp_path):
    one = grade(root, place, seed, tmp_path / "one", "--jobs", "1")
    two = grade(root, place, seed, tmp_path / "two", "--jobs", "2")
    dask = grade(root, place, seed, tmp_path / "dask", "--jobs", "2", "--dask")

    assert one == two == dask


@pytest.mark.parametrize("moment", [3, 8], ids=["early", "when all is marked"])
def test_a_worker_of_dask_that_is_killed_loses_and_doubles_nothing(
    root, place, seed, tmp_path, monkeypatch, moment
):
    killed = []

    def kill_one(done, _total):
        if done == moment and not killed:
            children = psutil.Process().children()
            killed.extend(c for c in children if "spawn_main" in " ".join(c.cmdline()))
            killed[0].kill()

    monkeypatch.setattr(command, "_Progress", lambda: kill_one)

    journal, _ = grade(root, place, seed, tmp_path / "dask", "--jobs", "2", "--dask")

    assert len(killed) >= 2
    assert len(journal) == len({line.split()[0] for line in journal}) == 8
    points = [row[3] for row in rows_of(tmp_path / "dask" / "marks.csv")[1:]]
    assert points == ["3", "4"] * 4 + [""]


def test_a_scheduler_elsewhere_marks_and_learns_no_secret(root, place, seed, tmp_path):
    import distributed

    seen = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, dashboard_address=None, processes=False
    ) as cluster:
        address = cluster.scheduler_address
        cluster.scheduler.add_plugin(Seen(seen))
        grade(root, place, seed, tmp_path / "dask", "--scheduler", address)
        seen += [line for _, line in cluster.get_logs().items()]

    said = "\n".join(map(str, seen))
    assert re.search("mark-[0-9a-f]{64}", said)
    assert SECRET not in said
    assert "chairs" not in said


class Deadly:
    """Stands for Dask where marking submission 3 kills a worker, again and again."""

    class KilledWorker(Exception):
        pass

    def submit(self, _function, _setting, batch, *, key):
        def result():
            if any(task.key == "3" for task in batch):
                raise self.KilledWorker
            return [f"marked {task.key}" for task in batch]

        return SimpleNamespace(key=key, result=result)

    def nthreads(self):
        return {"the only one": 1}

    def wait(self, futures, return_when):
        return futures, []


def test_a_submission_that_kills_its_workers_costs_no_other(monkeypatch):
    monkeypatch.setattr(on_dask, "BATCH", 4)
    dask = Deadly()
    tasks = [Task(str(number), ID, []) for number in range(10)]

    found = [*on_dask._results(dask, dask, tasks, Setting("root"))]

    said = {task.key: words for task, words in found}
    died = said.pop("3")
    assert died == "It could not be marked: a worker process died each time."
    assert said == {key: f"marked {key}" for key in "012456789"}


class Seen:
    """A plugin of the scheduler that writes down every key and every change."""

    name = "seen"

    def __init__(self, seen):
        self._seen = seen

    def transition(self, key, start, finish, *args, **kwargs):
        self._seen.append(f"{key} {start} {finish}")

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


def test_what_logs_show_of_the_arguments_holds_no_secret():
    cells = [{"source": "class Counter: ..."}]

    said = repr((Setting("root", SECRET.encode()), [Task("key", ID, cells)]))

    assert SECRET not in said
    assert "Counter" not in said


def test_without_dask_it_says_how_to_get_it(root, place, seed, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == "distributed":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(ValueError, match=r'pip install "break-it-first\[distributed\]"'):
        grade(root, place, seed, tmp_path / "dask", "--dask")


def test_a_scheduler_that_does_not_answer_is_named(root, place, seed, tmp_path, monkeypatch):
    monkeypatch.setattr(on_dask, "WAIT", 1)

    with pytest.raises(ValueError, match=r"Dask on tcp://127.0.0.1:1 does not answer"):
        grade(root, place, seed, tmp_path / "dask", "--scheduler", "tcp://127.0.0.1:1")


def test_dask_is_imported_only_where_it_is_asked_for():
    program = "import sys, course_lib.grading.command; print('distributed' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stdout == "False\n"
