"""What a lesson left running, asked inside its kernel.

`remember()` runs before the first cell, `report()` after the last one. What
the kernel needs for itself was there before; everything else must be gone:
threads, tasks, child processes, sockets. Each is given a moment to end, since
a thread whose work is done may not have been scheduled yet.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from course_lib.proof import network
from course_lib.proof.rooms import command

__all__ = ["remember", "report"]

GRACE = 2.0  # seconds in all

_KERNEL = ("ipykernel", "tornado", "zmq", "jupyter_client", "IPython", "nest_asyncio")
_threads: set[int | None] = set()
_ports: set[int] = set()


def remember() -> str:
    """Note what belongs to the kernel; "ok", or what is wrong with the kernel itself."""
    _threads.clear()
    _threads.update(thread.ident for thread in threading.enumerate())
    _ports.clear()
    _ports.update(connection.laddr.port for connection in _connections())
    atexit.unregister(_end_here)
    atexit.register(_end_here)
    return "ok" if network.is_cut() else "the network of this kernel is not cut"


def _end_here() -> None:
    """After what the lesson registered for its end, before what ipykernel has.

    The latter may wait seconds, or for ever, for a thread that still sends to
    one that is gone (seen in ipykernel 7.4); nobody listens any more.
    """
    os._exit(0)


def report() -> str:
    """A JSON list of what is left, each in words; `[]` when nothing is."""
    gc.collect()  # what nobody can reach any more is not left, only not swept
    end = time.monotonic() + GRACE
    left = [*_stray_threads(end), *_tasks(), *_children(end), *_sockets()]
    return json.dumps(left)


def _stray_threads(end: float) -> Iterator[str]:
    for thread in threading.enumerate():
        if thread.ident in _threads or thread is threading.current_thread():
            continue
        if _of_zmq(thread) or _idle_in_the_pool_of_the_loop(thread):
            continue
        thread.join(timeout=max(0.0, end - time.monotonic()))
        if thread.is_alive():
            yield f'thread "{thread.name}"{_place(thread)}'


def _place(thread: threading.Thread) -> str:
    """The innermost functions it is in; a name like Thread-5 says nothing to its author."""
    frame = sys._current_frames().get(thread.ident or 0)
    functions: list[str] = []
    while frame is not None and len(functions) < 3:
        functions.append(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}")
        frame = frame.f_back
    return f" in {' < '.join(functions)}" if functions else ""


def _of_zmq(thread: threading.Thread) -> bool:
    """zmq starts a thread to look after long messages, when the first is sent."""
    return type(thread).__module__.startswith("zmq.")


def _idle_in_the_pool_of_the_loop(thread: threading.Thread) -> bool:
    """`asyncio.to_thread` keeps its threads for the loop's next call; waiting ones are no leak."""
    pool = getattr(_loop(), "_default_executor", None)
    frame = sys._current_frames().get(thread.ident or 0)
    waits = frame is not None and frame.f_code.co_name == "_worker"
    return waits and thread in getattr(pool, "_threads", ())


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _tasks() -> list[str]:
    loop = _loop()
    tasks = asyncio.all_tasks(loop) if loop else set()
    return sorted(f'task "{_coroutine(task)}"' for task in tasks if not _of_the_kernel(task))


def _of_the_kernel(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    if code is None or task is asyncio.current_task():
        return True
    return bool(set(_KERNEL) & set(Path(code.co_filename).parts))


def _coroutine(task: asyncio.Task[Any]) -> str:
    return str(getattr(task.get_coro(), "__qualname__", task.get_name()))


def _children(end: float) -> list[str]:
    meant = _helpers_of_multiprocessing() | _services_of_labs()
    children = [c for c in psutil.Process().children(recursive=True) if c.pid not in meant]
    _, alive = psutil.wait_procs(children, timeout=max(0.0, end - time.monotonic()))
    return sorted(f"process {command(child)}" for child in alive)


def _helpers_of_multiprocessing() -> set[int | None]:
    """The resource tracker and the fork server live as long as the kernel, and no longer."""
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    server = sys.modules.get("multiprocessing.forkserver")
    return {
        getattr(getattr(tracker, "_resource_tracker", None), "_pid", None),
        getattr(getattr(server, "_forkserver", None), "_forkserver_pid", None),
    }


def _services_of_labs() -> set[int | None]:
    """A database server lives as long as the kernel; that it ends then is seen after the kernel."""
    services = sys.modules.get("course_lib.labs.services")
    of_labs: set[int | None] = set()
    for pid in services.pids() if services else ():
        with contextlib.suppress(psutil.NoSuchProcess):
            service = psutil.Process(pid)
            of_labs |= {pid, *(child.pid for child in service.children(recursive=True))}
    return of_labs


def _connections() -> list[Any]:
    return list(psutil.Process().net_connections(kind="inet"))


def _sockets() -> list[str]:
    """Open internet sockets that are not the kernel's own, by port."""
    return sorted(
        f"socket on port {connection.laddr.port} ({connection.status.lower()})"
        for connection in _connections()
        if connection.laddr and connection.laddr.port not in _ports
    )
