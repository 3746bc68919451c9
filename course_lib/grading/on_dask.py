"""Mark many submissions under Dask: on this machine, or on all that a scheduler has.

Each of Dask's tasks marks a batch. It has no effect but its result, so Dask may run it
again when a worker dies: nothing is lost, and as it has one result, nothing is doubled.

What Dask writes down of a task (its key, and in logs what its arguments look like) holds
neither the class seed nor anything that a learner wrote. Both do cross the network; a
scheduler that others can reach needs TLS, see https://distributed.dask.org/en/stable/tls.html.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from course_lib.grading.kernel_calls import hide_memory
from course_lib.grading.marking import Marked
from course_lib.grading.warm_process import GraderFault
from course_lib.grading.workers import Setting, Task, Worker

__all__ = ["THIS_MACHINE", "marked_on_dask"]

THIS_MACHINE = ""
"""Instead of a scheduler's address: a cluster of its own, for as long as it takes."""

BATCH = 50
"""Submissions in one of Dask's tasks, which costs a few milliseconds itself."""

WAIT = 30.0
"""Seconds until a scheduler must answer, and have a worker."""


def marked_on_dask(
    tasks: Iterable[Task], setting: Setting, *, scheduler: str, jobs: int
) -> Iterator[tuple[Task, Marked | str]]:
    """Each task with its marks, or with a sentence why there are none, as they get done.

    Args:
        scheduler: its address, as in "tcp://10.0.0.1:8786", or THIS_MACHINE.
        jobs: how many workers THIS_MACHINE gets.

    Raises:
        BadExercise: an exercise cannot be graded here.
        ValueError: Dask cannot be used so; the message says how to mend that.
    """
    try:
        import distributed
    except ImportError:
        raise ValueError(
            'Grading under Dask needs it; run `pip install "break-it-first[distributed]"`.'
        ) from None
    try:
        with _connected(distributed, scheduler, jobs) as client:
            yield from _results(distributed, client, tasks, setting)
            client.run(_close, on_error="ignore")  # all is marked; a worker may die even now
    except (OSError, TimeoutError, distributed.client.FutureCancelledError) as error:
        where = scheduler or "this machine"
        raise ValueError(
            f"Dask on {where} does not answer ({type(error).__name__}); see that its "
            f"scheduler and a worker run, then start again: what is marked is kept."
        ) from error


@contextlib.contextmanager
def _connected(distributed: Any, scheduler: str, jobs: int) -> Iterator[Any]:
    """A client with at least one worker."""
    with contextlib.ExitStack() as stack:
        place: Any = scheduler
        if scheduler == THIS_MACHINE:
            cluster = distributed.LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs=logging.ERROR,
                security=True,  # or everybody on this machine could run code as its user
            )
            place = stack.enter_context(cluster)
        client = stack.enter_context(distributed.Client(place, timeout=WAIT))
        client.wait_for_workers(1, timeout=WAIT)
        yield client


def _results(
    distributed: Any, client: Any, tasks: Iterable[Task], setting: Setting
) -> Iterator[tuple[Task, Marked | str]]:
    """Keep two batches at each worker; a batch that kills its workers is halved."""
    batches = _batches(tasks)
    running: dict[str, tuple[Any, list[Task]]] = {}
    while True:
        most = 2 * max(1, len(client.nthreads()))
        for batch in itertools.islice(batches, max(0, most - len(running))):
            future = client.submit(_mark_batch, setting, batch, key=_key(batch))
            running[future.key] = (future, batch)
        if not running:
            return
        futures = [future for future, _ in running.values()]
        done, _ = distributed.wait(futures, return_when="FIRST_COMPLETED")
        for future in done:
            _, batch = running.pop(future.key)
            try:
                yield from zip(batch, future.result(), strict=True)
            except distributed.KilledWorker:
                if len(batch) == 1:
                    yield batch[0], "It could not be marked: a worker process died each time."
                else:
                    half = len(batch) // 2
                    batches = itertools.chain([batch[:half], batch[half:]], batches)


def _batches(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    tasks = iter(tasks)
    while batch := list(itertools.islice(tasks, BATCH)):
        yield batch


def _key(batch: list[Task]) -> str:
    """The same for the same submissions, exercise and seed; says nothing about them."""
    return "mark-" + hashlib.sha256("".join(task.key for task in batch).encode()).hexdigest()


_idle: list[Worker] = []
"""Of this process, between two batches. Dask may run several batches in it at a time."""


def _mark_batch(setting: Setting, batch: list[Task]) -> list[Marked | str]:
    """In one of Dask's workers."""
    worker = _taken(setting)
    try:
        return [_mark(worker, task) for task in batch]
    finally:
        _idle.append(worker)


def _mark(worker: Worker, task: Task) -> Marked | str:
    try:
        return worker.mark(task)
    except GraderFault as error:
        return f"It could not be marked: {error}"


def _taken(setting: Setting) -> Worker:
    hide_memory()
    try:
        worker = _idle.pop()
    except IndexError:
        return Worker(setting)
    if worker.setting == setting:
        return worker
    worker.close()
    return Worker(setting)


def _close() -> None:
    while _idle:
        _idle.pop().close()
