# %% [markdown] id="title"
# # Files that survive a crash
#
# **Goal:** process a folder of files so that a crash at any moment loses nothing and repeats
# nothing. · **120 minutes** · needs: [Owning
# resources](../../../notebooks/01_errors/3_owning_resources.ipynb)
#
# **Not covered:** files that do not fit into memory, several workers, power failures.

# %% [markdown] id="how"
# ## How to work
#
# There are four tasks. Each adds one thing, and you can check after each.
#
# Task 3 is the heart: the check kills your function before *every* call that touches the disk, and
# before every call of the handler. It sends `SIGKILL`, which no program can catch. Then it runs it
# again. Your code names no crash points.
#
# The checks of the crash, of the full disk and of the second process need Linux or macOS. On
# Windows they always pass, so use WSL (Linux inside Windows) there.
#
# `Report` and `locked` are given below. You may use them, or write your own.


# %% id="setup" tags=["setup"]
import base64
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.practice import check, hint, reset, solution


@dataclass
class Report:
    """Counts of records; `resumed` counts files."""

    ok: int = 0
    failed: int = 0
    skipped: int = 0
    resumed: int = 0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock `path`.

    If another process holds it: sqlite3.OperationalError, at once.
    The system gives the lock free when its process ends, however it ends.
    """
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    with closing(connection):
        connection.execute("BEGIN EXCLUSIVE")
        yield


# %% [markdown] id="task-1"
# ## Task 1: one clean run
#
# - `src_dir` holds source files, and no folders. Its files fit into memory together.
# - A record is one line of bytes, without its newline. Every line ends with a newline. No line is
#   empty, and no file. The same record may come more than once.
# - `handler(record)` takes the bytes of a record and gives back bytes without a newline, perhaps
#   none at all.
# - For each source file there is one output file in `out_dir`: the results in the order of the
#   records, each followed by a newline. The names of output files are up to you.
# - A record is bad if the handler raises any `Exception`. It has no line in the output.
# - For each bad record there is one line of JSON (names and values, as text) in the folder
#   `quarantine`. Every file in that folder counts.
# - That line has `file` (the name of the source file), `line` (counted from 1), `reason` (it
#   contains the message of the error) and `bytes` (the record in base64, as text).
# - An interruption in a handler is no bad record: `KeyboardInterrupt`, `SystemExit` and
#   `asyncio.CancelledError` come out.
# - The `Report` says how many records were `ok` and `failed` in this run. `skipped` records were
#   finished in an earlier run. The three add up to all records of the input.
# - All three folders exist. Nothing but output files is in `out_dir` at the end.

# %% [markdown] id="task-2"
# ## Task 2: remember what is done
#
# - `state` is the path of a file. It need not exist, but its folder does. You may put more files
#   beside it.
# - A second run with nothing new calls no handler. All records are `skipped`. Rejected records of
#   earlier runs count as skipped too.
# - A new source file is processed, and the others are not processed again.
# - A source file whose content has changed is processed again, all of it. Its new output takes
#   the place of the old one, and its old rejects are gone from the quarantine. Size and time of a
#   file say nothing: look at the content. Mind that Python's `hash()` gives another number in
#   another process.
# - What happens when a source file disappears is free.

# %% [markdown] id="task-3"
# ## Task 3: survive a crash
#
# - The process may be killed at any moment. Run again, it ends with the same output files as a
#   run that nobody killed, with the same names.
# - Each bad record is in the quarantine exactly once.
# - What an earlier run has finished stays finished, even if the next run is killed.
# - The report of the second run adds up to all records.
# - The handler may run twice for the same record. Outputs and rejects count once.
# - `resumed` is the number of source files that this run takes up again. For such a file, an
#   earlier run had called the handler for a record, and had not finished the file. A file whose
#   content has changed since is free.

# %% [markdown] id="task-4"
# ## Task 4: know when to stop
#
# - If bad records divided by all records of the input is more than `max_errors`, the run stops
#   with an exception of your choice. Equal is allowed. Bad records of earlier runs count, as long
#   as their file has not changed. Divide, and then compare.
# - Files that were finished before the stop stay finished. A later run with a larger
#   `max_errors` skips them.
# - If the disk is full, the error comes out. It is no bad record. In `out_dir` there are only
#   whole output files then, and no temporary file. When there is space again, the next run
#   finishes the work.
# - While one process works, a second one with the same `state` is refused at once, with any
#   exception. A process that was killed must not lock out the next one.


# %% id="process" tags=["solution"]
def process(
    src_dir: Path,
    out_dir: Path,
    handler: Callable[[bytes], bytes],
    *,
    state: Path,
    quarantine: Path,
    max_errors: float = 0.05,
) -> Report:
    """Process each source file once, whatever happened to earlier runs.

    Args:
        handler: gives the result of a record; an Exception means a bad record.
        state: file in which progress is kept between runs.
        quarantine: folder of JSON lines, one for each bad record.
        max_errors: largest share of bad records.
    """
    # TODO: tasks 1 to 4; write helper functions below as you need them
    ### BEGIN SOLUTION
    with locked(state.with_name(state.name + ".lock")):
        sources = {path.name: path.read_bytes() for path in sorted(src_dir.iterdir())}
        total = sum(len(_records(data)) for data in sources.values())
        known = json.loads(state.read_text("utf-8")) if state.exists() else {}
        finished = {
            name: known[name]
            for name, data in sources.items()
            if name in known and known[name]["hash"] == _hash(data) and known[name]["finished"]
        }
        report = Report(skipped=sum(entry["records"] for entry in finished.values()))
        bad = sum(entry["bad"] for entry in finished.values())
        for name in sorted(sources.keys() - finished.keys()):
            data = sources[name]
            entry = {"hash": _hash(data), "finished": False}
            report.resumed += known.get(name) == entry
            known[name] = entry
            _replace(state, json.dumps(known).encode())
            results, rejects = _handle(name, _records(data), handler)
            bad += len(rejects)
            if bad / total > max_errors:
                raise TooManyErrors(f"{bad} of {total} records are bad")
            # Output and rejects of a file are written whole, under names of its own. So doing
            # it twice is the same as doing it once, and a crash in between does no harm.
            _replace(quarantine / f"{name}.jsonl", _lines(rejects))
            _replace(out_dir / name, _lines(results))
            counts = {"records": len(results) + len(rejects), "bad": len(rejects)}
            known[name] = {**entry, **counts, "finished": True}
            _replace(state, json.dumps(known).encode())
            report.ok += len(results)
            report.failed += len(rejects)
        return report


class TooManyErrors(Exception):
    """The share of bad records is above the limit."""


def _records(data: bytes) -> list[bytes]:
    return data.split(b"\n")[:-1]


def _lines(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _handle(
    name: str, records: list[bytes], handler: Callable[[bytes], bytes]
) -> tuple[list[bytes], list[bytes]]:
    """The results, and the bad records as lines of JSON."""
    results, rejects = [], []
    for number, record in enumerate(records, 1):
        try:
            results.append(handler(record))
        except Exception as error:  # noqa: BLE001 - the record is bad, whatever it was
            rejects.append(_reject(name, number, record, error))
    return results, rejects


def _reject(name: str, number: int, record: bytes, error: Exception) -> bytes:
    fields: dict[str, Any] = {"file": name, "line": number}
    fields["reason"] = f"{type(error).__name__}: {error}"
    fields["bytes"] = base64.b64encode(record).decode()
    return json.dumps(fields).encode()


def _replace(path: Path, data: bytes) -> None:
    """Put `data` at `path`: whole, or not at all."""
    new = path.with_name(f".{path.name}.new")
    try:
        with open(new, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    ### END SOLUTION


# %% id="check" tags=["check"]
check("01.3-file-recovery")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("01.3-file-recovery")` shows a
# worked answer, and `reset("01.3-file-recovery")` gives you the empty task back. Your version is
# kept beside it.

# %% id="hint" tags=["check"]
hint("01.3-file-recovery")

# %% [markdown] id="playground"
# ## Try it by hand
#
# Two small files, a handler that does not like the word "salt", and two runs. Change a file
# between the runs, or let the handler raise `KeyboardInterrupt`. Bet on the report first.


# %% id="story" tags=["play"]
def price(record):
    if record == b"salt":
        raise ValueError("salt has no price")
    return record + b" 1.20"


def story(folder):
    src, out, bad = (folder / name for name in ("src", "out", "bad"))
    for each in (src, out, bad):
        each.mkdir()
    (src / "monday.txt").write_bytes(b"tea\nsalt\n")
    (src / "tuesday.txt").write_bytes(b"rice\n")
    for run in (1, 2):
        report = process(
            src,
            out,
            price,
            state=folder / "state",
            quarantine=bad,
            max_errors=0.5,
        )
        print(f"run {run}: {report}")
        print(sorted(path.read_bytes() for path in out.iterdir()))


# %% id="play" tags=["play"]
import tempfile

try:
    with tempfile.TemporaryDirectory() as folder:
        story(Path(folder))
except NotImplementedError:
    print("Nothing to play with yet: write the function first.")

# %% [markdown] id="question"
# ## To think about
#
# Here a handler only computes. Suppose that it sends an e-mail for each record. Which promise of
# task 3 can you still keep, and which one not? What would you ask of the e-mail service?
#
# There is no single right answer, and no check.
