"""The grader's handle on a warm process, and on one child of it at a time."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import course_lib
from course_lib.grading.channel import Channel, Closed, TooLate
from course_lib.grading.encoding import Malformed
from course_lib.grading.protections import Protections
from course_lib.grading.telling import CONFINED
from course_lib.grading.view import SCRATCH

__all__ = ["Attempt", "Died", "GraderFault", "WarmProcess"]

START_LIMIT = 60.0
"""Seconds until the warm process must have loaded its libraries, and until a child is
confined, before which the one before it must be gone."""


class Died(Exception):
    """The child gave no answer; the message follows "it", as in "was ended by signal 9"."""


class GraderFault(Exception):
    """Something went wrong that is not the learner's doing."""


class Attempt:
    """One child with a learner's code in it."""

    def __init__(self, data: socket.socket, control: socket.socket) -> None:
        self._data = Channel(data)
        self._control = Channel(control)

    def begin(self, job: object) -> None:
        """Send the job, which waits until the child is confined.

        Raises:
            GraderFault: the child has not got its protections and what it needs.
        """
        said: object = ""
        with contextlib.suppress(Closed, TooLate):  # a child that has given up says why
            self._data.send(job, seconds=START_LIMIT)
        with contextlib.suppress(Closed, TooLate, Malformed):
            said = self._data.receive(seconds=START_LIMIT)
        if said == CONFINED:
            return
        try:
            why = self._why()
        finally:
            self.close()
        if isinstance(said, str) and said:
            raise GraderFault(said)
        raise GraderFault(f"A child {why} before it ran any of the learner's code.")

    def ask(self, message: object, *, seconds: float) -> object:
        """Like `answer`, to this message."""
        try:
            self._data.send(message, seconds=seconds)
        except Closed:
            raise Died(self._why()) from None
        return self.answer(seconds=seconds)

    def answer(self, *, seconds: float) -> object:
        """What the child says next, which is to its job at first.

        Raises:
            Died: it ended, or sent something that is no answer.
            GraderFault: the guard has ended.
            TooLate: it has not answered within `seconds`.
        """
        try:
            return self._data.receive(seconds=seconds)
        except Closed:
            raise Died(self._why()) from None
        except Malformed as error:
            raise Died(f"sent {error}") from None

    def _why(self) -> str:
        """What the guard says. A child that only closes its end still runs then.

        Raises:
            GraderFault: the guard is gone without a word, which is no learner's doing.
        """
        try:
            return str(self._control.receive(seconds=1))
        except TooLate:
            return "closed its connection"
        except (Closed, Malformed):
            raise GraderFault("The guard of a child is gone.") from None

    def close(self) -> None:
        """Have the child ended and all that it began. They are gone before another begins."""
        self._data.close()
        self._control.close()


class WarmProcess:
    """Starts a process with `warm.main`; a context manager.

    Args:
        shown: folders that learners' code may read, beside Python's own and course_lib.
        namespaces: False does without them, as on a machine that does not allow them.
    """

    def __init__(self, shown: Iterable[Path] = (), *, namespaces: bool = True) -> None:
        library = Path(course_lib.__file__).parent
        staging = tempfile.mkdtemp(prefix="break-it-first-view-")
        ours, theirs = socket.socketpair()
        environment = {
            "HOME": SCRATCH if namespaces else tempfile.gettempdir(),
            "LANG": "C.UTF-8",
            "PATH": os.defpath,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": str(library.parent),
            "TMPDIR": SCRATCH if namespaces else tempfile.gettempdir(),
            "TZ": "UTC",
        }
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "course_lib.grading.warm", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",
            )
        self._start = ours
        python = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
        settings = {
            "namespaces": namespaces,
            "staging": staging,
            "shown": sorted({*python, str(library), *map(str, shown)}),
        }
        try:
            Channel(ours).send(settings, seconds=START_LIMIT)
            found: Any = Channel(ours).receive(seconds=START_LIMIT)
        except (Closed, TooLate):
            raise GraderFault(f"The warm process did not start: {self._last_words()}") from None
        finally:
            os.rmdir(staging)  # the view that is mounted there has been moved
        self.protections = Protections(**found)

    def _last_words(self) -> str:
        self._process.kill()
        _, said = self._process.communicate()
        lines = said.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing."

    def __enter__(self) -> WarmProcess:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def attempt(self, checks: Path, job: object) -> Attempt:
        """A new child with these checks loaded and this job. The one before must be closed."""
        return self._attempt(str(checks).encode("utf-8"), job)

    def _attempt(self, request: bytes, job: object) -> Attempt:
        data, childs_data = socket.socketpair()
        control, guards_control = socket.socketpair()
        ends = [childs_data, guards_control]
        try:
            fds = [end.fileno() for end in ends]
            socket.send_fds(self._start, [request], fds)
        except OSError:
            raise GraderFault(f"The warm process has ended: {self._last_words()}") from None
        finally:
            for end in ends:
                end.close()
        attempt = Attempt(data, control)
        attempt.begin(job)
        return attempt

    def probe(self) -> None:
        """Make one child and end it. Raises GraderFault if it does not get its protections."""
        self._attempt(b"\0", None).close()

    def close(self) -> None:
        """End it and everything it has started. May be called again."""
        self._start.close()
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
