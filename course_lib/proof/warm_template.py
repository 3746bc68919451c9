"""The template process: it has imported what every lesson needs, and forks each kernel.

A kernel spends most of its start on imports. The template does them once, and
nothing else: it starts no thread, opens no connection and runs no lesson, so
each fork is as fresh as a new process. Each request is one connection:

- the request is a JSON line `{"argv": [...], "env": {...}, "cwd": "..."}`;
- the answer is a line with the number of the forked process, and at its end a
  line with its exit status;
- the kernel lives no longer than its connection. If that ends without the line
  `bye`, the asker was killed, and the kernel's room is cleared too.

When standard input ends, the run that started the template is gone: everything
it forked is killed, and it ends. Where there is no fork, kernels start plainly.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from course_lib.proof import rooms

__all__ = ["BLANK", "Template", "become"]

BLANK = "0" * 32  # the marker before a fork: as long as a room's, which is written over it

# Not matplotlib_inline: its import changes figures for good, and wants a running shell.
# Not ipykernel.debugger: it makes a thread on import, and the next ones would be numbered anew.
KERNEL = (
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.comm"),
    *("IPython.core.completerlib", "IPython.extensions.storemagic", "pydoc", "xmlrpc.server"),
    *("IPython.core.magics", "IPython.core.pylabtools", "tornado.platform.asyncio", "psutil"),
)
LIBRARIES = (
    *("ipywidgets", "sqlite3", "numpy", "numpy.random", "concurrent.futures.thread"),
    *("matplotlib.pyplot", "matplotlib.category", "matplotlib.backends.backend_agg"),
    *("PIL.PngImagePlugin", "PIL.JpegImagePlugin", "PIL.GifImagePlugin", "PIL.PpmImagePlugin"),
    *("httpx2", "httpcore2", "anyio._backends._asyncio", "truststore"),
    *("uvicorn", "uvicorn.lifespan.on", "uvicorn.protocols.http.h11_impl", "websockets"),
    *("starlette.applications", "starlette.responses", "starlette.routing"),
)

Request = dict[str, Any]


class Template:
    """The parent of all kernels of one run, listening on the Unix socket `address`."""

    def __init__(self, address: str) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(address)
        self._listening.listen(64)
        self._ended, self._wake = os.pipe()  # a byte for each child that ended
        os.set_blocking(self._wake, False)
        self._selector = selectors.DefaultSelector()
        for source in (0, self._ended, self._listening):
            self._selector.register(source, selectors.EVENT_READ)
        self._kernels: dict[socket.socket, tuple[int, Request]] = {}

    def serve(self) -> Request | None:
        """In each fork, the request that it is to fulfil; None in the template, at its end."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        while True:
            for key, _ in self._selector.select():
                if key.fd not in self._selector.get_map():
                    continue  # forgotten a moment ago
                if key.fd == 0:
                    self._end_all()
                    return None
                if key.fd == self._ended:
                    self._reap()
                elif key.fd == self._listening.fileno():
                    self._selector.register(self._listening.accept()[0], selectors.EVENT_READ)
                elif request := self._heard(key.fileobj):  # type: ignore[arg-type]
                    return request

    def _heard(self, asker: socket.socket) -> Request | None:
        """What a fork is to do; None in the template."""
        if asker in self._kernels:
            self._end(asker, said=_received(asker))
            return None
        request: Request | None = json.loads(_line(asker) or "null")
        if request is None:
            self._forget(asker)
            return None
        child = os.fork()
        if child == 0:
            self._close()
            return request
        self._kernels[asker] = (child, request)
        _tell(asker, child)
        return None

    def _end(self, asker: socket.socket, *, said: bytes) -> None:
        child, request = self._kernels.pop(asker)
        self._forget(asker)
        # Only while it is our child is its number surely its own: it is not reaped before.
        with contextlib.suppress(OSError):
            os.killpg(child, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
        if said != b"bye\n":
            rooms.clear(request["env"])

    def _reap(self) -> None:
        os.read(self._ended, 4096)
        askers = {child: asker for asker, (child, _) in self._kernels.items()}
        with contextlib.suppress(ChildProcessError):  # none is left
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if asker := askers.get(ended[0]):  # else `_end` killed it
                    del self._kernels[asker]
                    _tell(asker, os.waitstatus_to_exitcode(ended[1]))
                    self._forget(asker)

    def _end_all(self) -> None:
        for asker in list(self._kernels):
            self._end(asker, said=b"")

    def _forget(self, asker: socket.socket) -> None:
        self._selector.unregister(asker)
        asker.close()

    def _close(self) -> None:
        """In a fork: let go of everything that is the template's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        os.close(self._ended)
        os.close(self._wake)


def _line(asker: socket.socket) -> bytes:
    """All up to the first line end, or b"" when the asker is gone."""
    text = b""
    while not text.endswith(b"\n"):
        part = _received(asker)
        if not part:
            return b""
        text += part
    return text


def _received(asker: socket.socket) -> bytes:
    try:
        return asker.recv(1 << 20)
    except OSError:
        return b""


def _tell(asker: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # it may be gone; then its end is heard next
        asker.sendall(f"{number}\n".encode())


def become(request: Request, *, marker: int) -> None:
    """Turn this fork into what a new process with this environment would be.

    Args:
        marker: the address in memory of the value of rooms.MARKER with which the
            template was started. Others read a process's environment there.
    """
    os.setsid()
    with open(os.devnull, "r+b") as nowhere:
        for number in (0, 1, 2):
            os.dup2(nowhere.fileno(), number)
    environment = request["env"]
    os.environ.clear()
    os.environ.update(environment)
    ctypes.memmove(marker, environment[rooms.MARKER].encode(), len(BLANK))
    os.chdir(request["cwd"])
    sys.path[0] = request["cwd"]
    sys.argv[:] = request["argv"]
    tempfile.tempdir = None
    time.tzset()
    sys.modules["numpy"].random.seed()  # else all lessons would draw the same numbers
    # What `import matplotlib` does first, where ipykernel has set the variable before it.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    sys.modules["matplotlib"].rcParams["backend"] = os.environ["MPLBACKEND"]


def _address_of_marker() -> int:
    """Taken before anything else changes the environment, when it is still the system's."""
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_void_p
    return int(getenv(rooms.MARKER.encode()))


def _warm_up() -> None:
    for name in KERNEL:
        importlib.import_module(name)
    with warnings.catch_warnings():  # some add filters, which no lesson has asked for
        for name in LIBRARIES:
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is here now is never garbage; a fork need not look at it again
    if threading.active_count() != 1 or "matplotlib_inline.backend_inline" in sys.modules:
        raise RuntimeError("an import has started a thread or chosen a backend; see LIBRARIES")


def _main() -> Request | None:
    """As Template.serve. The socket appears once everything is imported."""
    folder = Path(sys.argv[1])
    _warm_up()
    template = Template(str(folder / "listening"))
    os.rename(folder / "listening", folder / "template")
    return template.serve()


if __name__ == "__main__":
    _marker = _address_of_marker()
    # Forks come back to here, so that a lesson's stack is as deep as in a plain kernel.
    if _request := _main():
        become(_request, marker=_marker)
        from course_lib.proof.network import cut_if_asked

        cut_if_asked()
        from ipykernel.kernelapp import launch_new_instance

        launch_new_instance(parent_handle=os.getppid())
