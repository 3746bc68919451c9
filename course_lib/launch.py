"""What course.py does: the environment first, then over to it.

Standard library only. Verbs that help when the environment cannot be made
(help, doctor, a mistyped one) are answered by the Python at hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from course_lib import commands, environment
from course_lib.index import ROOT
from course_lib.installing import SetupError

__all__ = ["main", "wanted_sections"]

_HAS_EXEC = os.name != "nt"  # Windows' exec gives the console back too early
_BARE = {"lock"}  # needs uv alone, and may be what mends the environment
_NEED_TEST = {"test", "build", "new"}
_INSTALLS = {"core": ("core",), "test": ("core", "test"), "all": environment.SECTIONS}


def main(args: Sequence[str]) -> int:
    """Run one command; returns the exit code, if it returns at all."""
    try:
        wanted = wanted_sections(args)
        if not wanted:
            return commands.main(args)
        python = environment.prepare(ROOT, wanted, say=_say)
    except SetupError as error:
        _say(str(error))
        return 2
    except KeyboardInterrupt:
        _say("Stopped; run the same again to go on.")
        return 130
    return _hand_over(python, args)


def wanted_sections(args: Sequence[str], *, root: Path = ROOT) -> tuple[str, ...]:
    """The sections of the lock that this command needs; () for none.

    Raises:
        SetupError: `install` names something unknown.
    """
    verb = args[0] if args else "help"
    if verb == "install":
        what = args[1] if len(args) > 1 else "core"
        if what not in _INSTALLS:
            raise SetupError(f'"{what}" cannot be installed; choose {", ".join(_INSTALLS)}.')
        return _INSTALLS[what]
    if verb not in commands.VERBS or verb in _BARE:
        return ()
    if verb == "doctor" and not environment.is_ready(root, ("core",)):
        return ()
    return ("core", "test") if verb in _NEED_TEST else ("core",)


def _hand_over(python: Path, args: Sequence[str]) -> int:
    # -P: a learner's own token.py in this folder must not replace Python's.
    command = [str(python), "-P", "-m", "course_lib", *args]
    sys.stdout.flush()
    sys.stderr.flush()
    if _HAS_EXEC:
        os.execv(python, command)
    child = subprocess.Popen(command)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue  # the child got it too, and ends in its own way


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
