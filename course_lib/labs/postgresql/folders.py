"""The folder of one server, made where the account that runs it may work."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from course_lib.labs.postgresql.account import Account, reachable
from course_lib.labs.postgresql.job import Job

__all__ = ["Trouble", "make_folder"]


class Trouble(Exception):
    """Why there is no server, in one sentence."""


def make_folder(job: Job, account: Account | None) -> Path:
    """A new, private folder of this account; None is our own.

    Raises:
        Trouble: the account can use none of the job's places.
    """
    for place in map(Path, job.places):
        folder = place / job.name
        try:
            folder.mkdir(mode=0o700)
        except OSError:
            continue
        if account is None:
            return folder
        os.chown(folder, *account)
        if reachable(folder, account):
            _leave_a_sign(job, folder)
            return folder
        folder.rmdir()
    raise Trouble(
        f"PostgreSQL can use none of the folders {', '.join(job.places)}; "
        "set TMPDIR to a folder that every user may enter and write to"
    )


def _leave_a_sign(job: Job, folder: Path) -> None:
    """A private TMPDIR cannot hold the data; a link there shows that it exists."""
    sign = Path(job.places[0]) / job.name
    if sign != folder:
        with contextlib.suppress(OSError):
            sign.symlink_to(folder)
