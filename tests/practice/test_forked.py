"""Tasks in forks: results in order, and every kind of end is said and left nothing behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from course_lib.index import ROOT
from course_lib.practice.forked import Ended, in_forks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def both_begun(barrier, value):
    barrier.wait(20)
    return value


def test_results_come_in_the_order_of_the_tasks():
    second_ended = multiprocessing.get_context("fork").Event()

    def first():
        assert second_ended.wait(20)
        return "first"

    def second():
        second_ended.set()
        return "second"

    assert list(in_forks([first, second], jobs=2, seconds=30)) == ["first", "second"]


def test_jobs_is_how_many_run_at_the_same_time():
    barrier = multiprocessing.get_context("fork").Barrier(3)

    assert [*in_forks([partial(both_begun, barrier, n) for n in range(3)], jobs=3, seconds=30)] == [
        0,
        1,
        2,
    ]


def test_no_more_than_jobs_run_at_the_same_time():
    running = multiprocessing.get_context("fork").Value("i", 0)

    def task():
        with running.get_lock():
            running.value += 1
            now = running.value
        time.sleep(0.02)
        with running.get_lock():
            running.value -= 1
        return now

    assert max(in_forks([task] * 6, jobs=2, seconds=30)) <= 2


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (lambda: os._exit(3), "ended with exit code 3"),
        (lambda: sys.exit(3), "ended with exit code 1"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was ended by signal 9"),
        (lambda: time.sleep(60), "took more than 0.5 s"),
    ],
)
def test_a_task_that_gives_nothing_says_how_it_ended_and_the_others_go_on(end, why):
    limit = 0.5 if "0.5" in why else 30

    assert list(in_forks([end, lambda: "here"], jobs=1, seconds=limit)) == [Ended(why), "here"]


def test_a_child_that_a_task_leaves_behind_holds_nothing_up():
    def task():
        if os.fork() == 0:
            time.sleep(60)
        os._exit(4)

    assert list(in_forks([task], seconds=30)) == [Ended("ended with exit code 4")]


def test_what_a_task_began_ends_with_it_when_its_time_is_up(tmp_path):
    note = tmp_path / "pid"

    def task():
        pid = os.fork()
        if pid:
            note.write_text(str(pid))
        time.sleep(60)

    assert list(in_forks([task], seconds=0.5)) == [Ended("took more than 0.5 s")]

    end = time.monotonic() + 20
    while runs(int(note.read_text())) and time.monotonic() < end:
        time.sleep(0.01)
    assert not runs(int(note.read_text()))


def test_what_a_task_raises_is_raised_in_its_place():
    def fails():
        raise ValueError("no chairs")

    results = in_forks([lambda: 1, fails, lambda: 3], jobs=1, seconds=30)

    assert next(results) == 1
    with pytest.raises(ValueError, match="no chairs"):
        next(results)


def test_a_large_result_comes_whole():
    assert list(in_forks([lambda: "x" * 5_000_000], seconds=30)) == ["x" * 5_000_000]


CTRL_C = """
import os, sys, time
from course_lib.practice.forked import in_forks

def say_pid():
    os.write(1, f"{os.getpid()}\\n".encode())  # one write: lines cannot mix

def task():
    say_pid()
    if os.fork() == 0:
        say_pid()
    time.sleep(60)

try:
    list(in_forks([task] * 2, jobs=2, seconds=50))
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_ctrl_c_ends_all_children_and_what_they_began():
    parent = subprocess.Popen(
        [sys.executable, "-c", CTRL_C],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pids = [int(parent.stdout.readline()) for _ in range(4)]

    os.killpg(parent.pid, signal.SIGINT)  # as the terminal does
    _, said = parent.communicate(timeout=30)

    assert parent.returncode == 130
    assert said == ""
    end = time.monotonic() + 20
    while any(map(runs, pids)) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(map(runs, pids))


def runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_without_fork_tasks_run_here_one_after_the_other(monkeypatch):
    monkeypatch.delattr(os, "fork")

    assert list(in_forks([os.getpid, os.getpid], jobs=2, seconds=1)) == [os.getpid()] * 2
