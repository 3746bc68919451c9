"""A machine says which protections it lacks, and its cores are shared out evenly."""

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from course_lib.grading import forbidden_calls, kernel_calls, workers
from course_lib.grading.notebook_cells import read_handed_in
from course_lib.grading.protections import Protections

from .conftest import ANSWER, ID


def test_nothing_is_missing_here():
    assert kernel_calls.has_filters()
    assert forbidden_calls.can_forbid()
    assert Protections(namespaces=True, user=True, filter=True).missing == ()


def test_a_kernel_without_filters_is_named():
    [missing] = Protections(namespaces=True, user=True, filter=False).missing

    assert missing == "calls of the kernel that no exercise needs, such as its key rings"


@pytest.mark.parametrize(("number", "has"), [(errno.EFAULT, True), (errno.EINVAL, False)])
def test_whether_there_are_filters_follows_from_what_the_kernel_says(monkeypatch, number, has):
    """A kernel without them knows no such request; one with them dislikes the address."""
    monkeypatch.setattr(kernel_calls.ctypes, "get_errno", lambda: number)

    assert kernel_calls.has_filters() is has


@pytest.mark.parametrize(("kernel", "program"), [(False, b"12345678"), (True, b"")])
def test_without_filters_or_numbers_nothing_is_forbidden(monkeypatch, kernel, program):
    monkeypatch.setattr(forbidden_calls, "has_filters", lambda: kernel)
    monkeypatch.setattr(forbidden_calls, "_PROGRAM", program)

    assert not forbidden_calls.can_forbid()


def test_where_all_cores_are_wanted_each_worker_stays_on_one(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {2, 5})

    assert workers._cores(1) == [None]
    assert workers._cores(2) == [2, 5]
    assert workers._cores(5) == [2, 5, 2, 5, 2]


def test_a_worker_and_what_it_starts_stay_on_its_core(root):
    """Also one that takes the place of a worker that died."""
    cores = sorted(os.sched_getaffinity(0))
    cells = read_handed_in("answer.py", ANSWER.encode())
    tasks = [workers.Task(str(number), ID, cells) for number in range(3 * len(cores))]
    places = {}

    for number, _marked in enumerate(
        workers.marked_by(tasks, workers.Setting(root), jobs=len(cores))
    ):
        for worker in multiprocessing.active_children():
            started = [worker.pid, *_children(worker.pid)]
            places[worker.pid] = [os.sched_getaffinity(process) for process in started]
        if number == 0:
            worker.kill()

    assert len(places) == len(cores) + 1
    assert {len(of_one) for of_one in places.values()} == {2}  # a worker and its warm process
    assert all(of_one[0] == of_one[1] and len(of_one[0]) == 1 for of_one in places.values())
    assert set().union(*(of_one[0] for of_one in places.values())) == set(cores)


def _children(process):
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in text.split()]


class Deadly:
    """Ends the process that reads it."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_task_that_kills_its_worker_each_time_has_a_sentence(root):
    cells = read_handed_in("answer.py", ANSWER.encode())
    tasks = [workers.Task("deadly", ID, [Deadly()]), workers.Task("right", ID, cells)]

    deadly, right = workers.marked_by(tasks, workers.Setting(root), jobs=1)

    assert deadly == (tasks[0], "It could not be marked: a worker process died each time.")
    assert (right[0], right[1].exercise) == (tasks[1], ID)
