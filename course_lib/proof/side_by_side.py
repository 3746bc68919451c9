"""Several lessons at once: forks of the test process take one lesson after the other.

pytest-xdist starts a process for each job, and every one imports pytest and
collects again; a fork has it all. Where there is no fork, lessons.py uses
pytest-xdist. Reports need no way back: each cell's line is appended to one file.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import pytest

from course_lib.proof.orphans import end_with_parent

JOBS = "--course-jobs"

_NUMBER = struct.Struct("H")  # of a lesson in the queue, which is a pipe
_MOST = 65_536 // _NUMBER.size  # lessons that fit into a pipe before anyone reads


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("course")
    group.addoption(JOBS, type=int, default=1, help="how many lessons run at the same time")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the lessons in forks; None leaves it to pytest, which runs one after the other."""
    lessons = [list(items) for _, items in groupby(session.items, key=lambda item: item.path)]
    jobs = min(session.config.getoption(JOBS), len(lessons))
    if jobs < 2 or len(lessons) > _MOST or session.testsfailed:
        return None
    queue = _queue(len(lessons))
    sys.stdout.flush()
    forks = [_fork(session, lessons, queue) for _ in range(jobs)]
    os.close(queue)
    session.testsfailed = sum(_failed(forks))
    return True


def _queue(length: int) -> int:
    """A pipe with the numbers below `length`: each is read by one fork only, and then it ends."""
    read, write = os.pipe()
    os.write(write, b"".join(map(_NUMBER.pack, range(length))))
    os.close(write)
    return read


def _fork(session: pytest.Session, lessons: Sequence[list[pytest.Item]], queue: int) -> int:
    if child := os.fork():
        return child
    status = 1
    try:
        end_with_parent(None)
        while number := os.read(queue, _NUMBER.size):
            _run(lessons[_NUMBER.unpack(number)[0]])
        status = 1 if session.testsfailed else 0
    finally:
        try:  # an interrupted lesson still has its kernel and its room: they are closed in here
            session.config.hook.pytest_sessionfinish(session=session, exitstatus=status)
        finally:
            sys.stdout.flush()
            os._exit(status)


def _run(lesson: list[pytest.Item]) -> None:
    for item, following in pairwise([*lesson, None]):
        assert item is not None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _failed(forks: Sequence[int]) -> Iterator[bool]:
    """Wait for each; when this process is interrupted, they are too."""
    try:
        for fork in forks:
            yield os.waitpid(fork, 0)[1] != 0
    except KeyboardInterrupt:
        for fork in forks:
            with contextlib.suppress(OSError):
                os.kill(fork, signal.SIGINT)
        for fork in forks:
            with contextlib.suppress(OSError):
                os.waitpid(fork, 0)
        raise
