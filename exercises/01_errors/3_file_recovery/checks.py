"""Checks of 01.3-file-recovery.

Each scenario works in a folder of its own. A record that begins with "bad" is bad,
one that begins with "none" has an empty result; the result of any other is the record
in capitals. Only contents are compared, as the names of output files are free.
"""

import asyncio
import base64
import builtins
import contextlib
import json
import multiprocessing
import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

from course_lib.labs import crash
from course_lib.practice import scenario

NAMES = ("process",)
SEEDS = 2  # each seed kills and resumes each right answer at every disk call
HINTS = (
    "After a crash, what can you know? Which of the things on the disk may be half done, and how "
    "would the next run tell a half thing from a whole one?",
    "Do each source file whole, and write it so that doing it twice is the same as doing it once: "
    "new content under a temporary name, then one replace. Only after that, note it as finished.",
    "Under the lock: read the sources, load the state, and drop what is finished with the same "
    "hash. For each other file: handle all records in memory, look at the share of bad ones, "
    "publish rejects, then output, then state, with one helper that replaces a file as a whole.",
)

CHILDREN = hasattr(os, "fork")
# A folder in memory if there is one: hundreds of runs that call fsync take long on a disk.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
NO_FORK = "not checked here: it needs Linux or macOS"


class NoPrice(Exception):
    """An error that no list of classes has."""


FAULTS = (ValueError, OSError, KeyError, ZeroDivisionError, NoPrice)


def handler(record):
    if record.startswith(b"bad"):
        fault = FAULTS[record[-1] % len(FAULTS)]
        raise fault(f"no price for number {record[3:].hex()}")
    return b"" if record.startswith(b"none") else record.upper()


class Shop:
    """Folders to process, and what is in them afterwards."""

    def __init__(self, folder, sources):
        self.folder = Path(folder)
        self.src, self.out, self.bad = (self.folder / name for name in ("src", "out", "bad"))
        for each in (self.src, self.out, self.bad):
            each.mkdir(parents=True)
        for name, records in sources.items():
            self.write(name, records)

    def write(self, name, records):
        (self.src / name).write_bytes(b"".join(record + b"\n" for record in records))

    def process(self, solution, handler=handler, **settings):
        settings = {"max_errors": 1.0} | settings
        if settings["max_errors"] is None:
            del settings["max_errors"]  # the default
        settings |= {"state": self.folder / "state", "quarantine": self.bad}
        return solution.process(self.src, self.out, handler, **settings)

    def outputs(self):
        return sorted(self.files().values())

    def files(self):
        return {
            path.name: path.read_bytes() if path.is_file() else b"(a folder)"
            for path in self.out.iterdir()
        }

    def rejects(self):
        """File, line and record of each line in the quarantine."""
        found = []
        for path in self.bad.iterdir():
            for line in path.read_bytes().splitlines():
                found.append(reject(line))
        return sorted(found)


def reject(line):
    """A line of the quarantine in words."""
    try:
        said = json.loads(line)
        record = base64.b64decode(said["bytes"])
        fits = f"no price for number {record[3:].hex()}" in said["reason"]
        reason = "with the reason" if fits else f"reason {said['reason']!r}"
        return f"{said['file']} line {said['line']}: {record!r} {reason}"
    except (ValueError, KeyError, TypeError):
        return f"not such a line of JSON: {line!r}"


@contextlib.contextmanager
def shop(sources):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Shop(Path(folder, "shop"), sources)


def records(rng, count, bad=0):
    """`count` different records, `bad` of them bad, in any order; some are no UTF-8."""
    numbers = rng.sample(range(1000, 10_000), count)
    made = [b"bad\xff%d" % n for n in numbers[:bad]] + [b"tea\xe9 %d" % n for n in numbers[bad:]]
    rng.shuffle(made)
    return made


def run_elsewhere(work):
    """Run `work` in a process that takes its memory with it; how that ended."""
    if CHILDREN:
        return crash.run(work).error or "ended"
    work()
    return "ended"


@contextlib.contextmanager
def restarted():
    """hash() gives another number for the same text, as it does in another process."""
    usual = builtins.hash
    builtins.hash = lambda value: usual(value) ^ (1 if isinstance(value, str | bytes) else 0)
    try:
        yield
    finally:
        builtins.hash = usual


def counts(report):
    return {name: getattr(report, name) for name in ("ok", "failed", "skipped")}


# Task 1

OUTPUTS = "one output file for each source file, in order"
REJECTS = "a bad record is in the quarantine, with all that is needed"
REPORT = "the report counts every record"
CTRL_C = "an interruption in a handler comes out"


@scenario(
    OUTPUTS,
    task=1,
    next_step="A newline after each result. Any Exception of the handler means: bad, no line.",
)
def outputs(solution, rng):
    """Files with good records, with bad ones, equal ones, spaces and an empty result."""
    seen, tea = {}, b"tea\xe9 %d" % rng.randrange(1000, 10_000)
    for label, sources in (
        ("good records", {f"{n}.txt": records(rng, 4) for n in range(3)}),
        ("some bad records", {f"{n}.txt": records(rng, 4, n) for n in (1, 2)}),
        ("a record comes again", {"a.txt": [tea, b"rice", tea]}),
        ("an empty result, and spaces", {"a.txt": [b"tea", b"none", b" rice\t"]}),
    ):
        with shop(sources) as here:
            here.process(solution)
            seen[f"out_dir, {label}"] = here.outputs()
    return seen


@scenario(
    REJECTS,
    task=1,
    needs=(OUTPUTS,),
    points=2,
    next_step="One line of JSON for each bad record, also when several source files have some.",
)
def rejects(solution, rng):
    """Two files with bad records, which are no UTF-8; then bad ones with five kinds of errors."""
    with shop({"a.txt": records(rng, 3, 1), "b.txt": records(rng, 5, 2)}) as here:
        here.process(solution)
        seen = {"in the quarantine": here.rejects()}
    first = rng.randrange(1000, 9000)
    bad = [b"bad\xff%d" % number for number in range(first, first + len(FAULTS))]
    with shop({"a.txt": [*bad, b"tea", bad[0]]}) as here:
        here.process(solution)
        return seen | {"five kinds of errors, and the first record again": here.rejects()}


@scenario(
    REPORT,
    task=1,
    needs=(OUTPUTS,),
    next_step="A bad record is failed, and not ok.",
)
def report(solution, rng):
    """Two files, three bad records in all; and an empty folder."""
    with shop({"a.txt": records(rng, 3, 1), "b.txt": records(rng, 5, 2)}) as here:
        made = here.process(solution)
        seen = counts(made) | {"resumed": made.resumed}
    with shop({}) as here:
        return seen | {"an empty folder": counts(here.process(solution))}


def interrupted_by(kind):
    def interrupted(record):
        if record == b"stop":
            raise kind
        return handler(record)

    return interrupted


@scenario(
    CTRL_C,
    task=1,
    needs=(OUTPUTS,),
    next_step="Catch Exception around the handler. KeyboardInterrupt is no Exception.",
)
def ctrl_c(solution, rng):
    """KeyboardInterrupt, SystemExit or CancelledError in the handler; then a run without it."""
    seen = {}
    for kind in (KeyboardInterrupt, SystemExit, asyncio.CancelledError):
        with shop({"a.txt": [b"tea", b"stop", b"rice"]}) as here:
            try:
                here.process(solution, interrupted_by(kind))
                came = "nothing"
            except kind:
                came = kind.__name__
            here.process(solution)
            seen[f"{kind.__name__}: came out"] = came
            seen[f"{kind.__name__}: outputs after the second run"] = here.outputs()
    return seen


# Task 2

AGAIN = "a second run does nothing again"
CHANGED = "a source file that changed is processed again"


class Counted:
    """The handler, and which records it got."""

    def __init__(self):
        self.got = []

    def __call__(self, record):
        self.got.append(record)
        return handler(record)


@scenario(
    AGAIN,
    task=2,
    needs=(REPORT,),
    points=2,
    next_step="Keep in the state file which source files are finished, and their counts.",
)
def again(solution, rng):
    """Two files with bad records, run in two processes; then a third file and a third run."""
    with shop({"a.txt": records(rng, 3, 1), "b.txt": records(rng, 5, 2)}) as here:
        seen = {"first run": run_elsewhere(partial(here.process, solution))}
        handled = Counted()
        with restarted():
            second = here.process(solution, handled)
        seen["handler calls in the second run"] = len(handled.got)
        seen |= {f"second run, {name}": count for name, count in counts(second).items()}
        seen["outputs after the second run"] = here.outputs()
        seen["rejects after the second run"] = here.rejects()
        here.write("c.txt", records(rng, 4, 1))
        third = here.process(solution, handled)
        seen["handler calls in the third run"] = len(handled.got)
        seen |= {f"third run, {name}": count for name, count in counts(third).items()}
        return seen | {"outputs": here.outputs(), "rejects": here.rejects()}


@scenario(
    CHANGED,
    task=2,
    needs=(AGAIN, REJECTS),
    points=2,
    next_step="Compare a hash of the content. Then output and rejects take the place of the old.",
)
def changed(solution, rng):
    """A file gets new content of the same size, and its old time; another stays as it is."""
    first = [b"bad\xff1111", b"tea\xe9 2222", b"tea\xe9 3333"]
    number = rng.randrange(4000, 9999)
    with shop({"a.txt": first, "b.txt": records(rng, 3, 1)}) as here:
        here.process(solution)
        old = (here.src / "a.txt").stat()
        here.write("a.txt", [b"tea\xe9 1111", b"bad\xff2222", b"tea\xe9 %d" % number])
        os.utime(here.src / "a.txt", ns=(old.st_atime_ns, old.st_mtime_ns))
        handled = Counted()
        seen = counts(here.process(solution, handled))
        seen["handler calls"] = len(handled.got)
        seen |= {"outputs": here.outputs(), "rejects": here.rejects()}
        here.write("a.txt", [b"tea\xe9 1111", b"tea\xe9 %d" % number, b"bad\xff2222"])
        here.process(solution)
        seen |= {"two records swapped, outputs": here.outputs()}
        seen |= {"two records swapped, rejects": here.rejects()}
        here.write("a.txt", [b"tea\xe9 5555"])
        here.process(solution)
        return seen | {"at last, outputs": here.outputs(), "at last, rejects": here.rejects()}


# Task 3

BEGUN = "a file that was begun and then changed is processed from its beginning"
RESUMED = "counts files that an earlier run had begun"
KILLED = "killed before any call, and run again: as if nothing had happened"


def dies(record):
    if record == b"last":
        os.kill(os.getpid(), 9)
    return handler(record)


@scenario(
    BEGUN,
    task=3,
    needs=(CHANGED,),
    next_step="What you keep of an unfinished file belongs to its old content. "
    "No lock outlives its process.",
)
def begun_then_changed(solution, rng):
    """The process dies at the last record of a file; then the file changes, and another run."""
    if not CHILDREN:
        return NO_FORK
    with shop({"a.txt": [*records(rng, 5, 2), b"last"]}) as here:
        crash.run(lambda: here.process(solution, dies))
        here.write("a.txt", records(rng, 4, 1))
        try:
            seen = {"the second run counts": sum(counts(here.process(solution)).values())}
        except Exception as error:  # noqa: BLE001 - it is what the learner has to know
            return {"the second run counts": f"it raises {type(error).__name__}"}
        return seen | {"outputs": here.outputs(), "rejects": here.rejects()}


@scenario(
    RESUMED,
    task=3,
    needs=(CHANGED,),
    next_step="Before the first handler call of a file, put into the state that it has begun.",
)
def resumed(solution, rng):
    """Of three files, the first is finished, and the process dies in the handler of the second."""
    if not CHILDREN:
        return NO_FORK
    seen = {}
    with shop({"a.txt": records(rng, 3, 1)}) as here:
        here.process(solution)
        here.write("b.txt", [b"tea", b"last"])
        crash.run(lambda: here.process(solution, dies))
        here.write("c.txt", records(rng, 2, 1))
        for run in ("run after the kill", "run after that"):
            report = here.process(solution)
            seen[f"{run}: resumed"] = report.resumed
            seen[f"{run}: all counted"] = sum(counts(report).values())
        return seen


@scenario(
    KILLED,
    task=3,
    needs=(CHANGED,),
    points=5,
    limit=30.0,
    next_step="First make output and rejects whole, then note it as finished. A redo must be safe.",
)
def killed(solution, rng):
    """One file is finished, one changed, one is new; killed before each call, and run again."""
    if not CHILDREN:
        return NO_FORK
    earlier = {"a.txt": records(rng, 2, 1), "c.txt": records(rng, 1, 1)}
    later = {"b.txt": records(rng, 2, 1), "c.txt": records(rng, 1)}
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        # Always in the same place, as names of outputs may come from the path.
        start = partial(begun, solution, Path(folder, "shop"), earlier, later)
        here = start()
        whole = crash.run(partial(here.process, solution), watch=[handler])
        if whole.error:
            return f"nowhere: {whole.error}"
        clean = here.files(), here.rejects()
        for point in worth_a_kill(whole.points):
            here = start()
            work = partial(here.process, solution)
            crash.run(work, kill_at=point.number, watch=[handler])
            wrong = after_the_kill(solution, here, *clean, earlier["a.txt"])
            if wrong:
                return f"{point.call} in line {point.line}: {wrong}"
    return "as if nothing had happened, wherever it was killed"


def begun(solution, folder, earlier, later):
    """A shop in which one run is over, and files have come or changed since."""
    shutil.rmtree(folder, ignore_errors=True)
    here = Shop(folder, earlier)
    here.process(solution)
    for name, lines in later.items():
        here.write(name, lines)
    return here


def worth_a_kill(points):
    """All points, except where the disk is as it was before, or in the middle of many writes."""
    same_disk = ("fsync", "fdatasync", handler.__name__)
    places = [None, *((point.call, point.line) for point in points), None]
    for before, point, after in zip(places, points, places[2:], strict=False):
        many = point.call == "write" and before == after == (point.call, point.line)
        if not many and not (before and before[0] in same_disk):
            yield point


def after_the_kill(solution, here, outputs, rejects, finished):
    """What is wrong after another run, in words, or nothing."""
    handled = Counted()
    try:
        report = here.process(solution, handled)
    except Exception as error:  # noqa: BLE001 - it is what the learner has to know
        return f"the second run raises {type(error).__name__}"
    if here.files() != outputs:
        others = sorted(here.files().keys() - outputs.keys())
        return f"out_dir also holds {others}" if others else "the outputs differ from a clean run"
    if set(handled.got) & set(finished):
        return "a finished file is processed again"
    if here.rejects() != rejects:
        return f"{len(here.rejects())} rejects, and not {len(rejects)}"
    if sum(counts(report).values()) != 5:
        return f"the report has {counts(report)} for 5 records"
    return ""


# Task 4

LIMIT = "too many bad records stop the run, and equal is allowed"
FULL = "a full disk leaves whole files only"
LOCK = "a second process is refused at once"


def ended(here, solution, max_errors):
    try:
        here.process(solution, max_errors=max_errors)
    except (Exception, SystemExit):  # noqa: BLE001 - any exception may stop it
        return "stopped"
    return "ended"


@scenario(
    LIMIT,
    task=4,
    needs=(AGAIN,),
    points=2,
    next_step="bad / all, over the whole input and earlier runs; stop if that is > max_errors.",
)
def too_many(solution, rng):
    """29 of 100 records are bad; then bad records come in four runs; then a larger limit."""
    seen = {}
    for limit in (0.29, 0.28, 0.05):
        with shop({"a.txt": records(rng, 100, 29)}) as here:
            seen[f"29 of 100, max_errors={limit}"] = ended(here, solution, limit)
    with shop({"a.txt": records(rng, 5, 5)}) as here:
        seen["5 of 5, max_errors=1.0"] = ended(here, solution, 1.0)
    for count in (19, 20):
        with shop({"a.txt": records(rng, count, 1)}) as here:
            seen[f"1 of {count}, default"] = ended(here, solution, None)
    with shop({"a.txt": records(rng, 10, 0), "b.txt": records(rng, 10, 2)}) as here:
        seen["2 of 20 in the second file, max_errors=0.1"] = ended(here, solution, 0.1)
    with shop({"a.txt": records(rng, 10, 1)}) as here:
        seen["1 of 10, max_errors=0.1"] = ended(here, solution, 0.1)
        here.write("a.txt", records(rng, 10, 1))
        seen["1 of 10 in the changed file"] = ended(here, solution, 0.1)
        here.write("b.txt", records(rng, 10, 1))
        seen["then 2 of 20"] = ended(here, solution, 0.1)
        here.write("c.txt", records(rng, 5, 1))
        seen["then 3 of 25"] = ended(here, solution, 0.1)
        report = here.process(solution)
        enough = report.skipped >= 20
        seen["then max_errors=1: skipped"] = "20 or more" if enough else report.skipped
        seen["all counted"] = sum(counts(report).values())
        return seen | {"outputs": here.outputs(), "rejects": here.rejects()}


def with_little_space(work, most=3000):
    """Run `work` while no file may get longer than `most` bytes."""
    import resource

    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, usual[1]))
    try:
        work()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@scenario(
    FULL,
    task=4,
    needs=(AGAIN,),
    points=2,
    limit=10.0,
    next_step="Write to a temporary file, remove it if that fails, and let the error come out.",
)
def full_disk(solution, rng):
    """The output of the second of two files does not fit on the disk; then there is space."""
    if not CHILDREN:
        return NO_FORK
    with shop({"a.txt": records(rng, 3, 1), "b.txt": records(rng, 900, 1)}) as here:
        first = crash.run(lambda: with_little_space(lambda: here.process(solution)))
        partial = here.outputs()
        report = here.process(solution)
        whole = here.outputs()
        return {
            "the first run": "an error came out" if first.error else "no error came out",
            "then in out_dir": "whole files only"
            if all(each in whole for each in partial)
            else "a part of a file",
            "the second run": sum(counts(report).values()),
            "outputs": whole,
            "rejects": here.rejects(),
        }


def hold(here, solution, inside):
    """In a child: work, and wait in the first call of the handler."""

    def waiting(record):
        if not waiting.told:
            waiting.told = True
            inside.send("working")
            inside.recv()
        return handler(record)

    waiting.told = False
    here.process(solution, waiting)


@scenario(
    LOCK,
    task=4,
    needs=(AGAIN,),
    points=2,
    next_step="Hold a lock from the first look at the state to the end of the run.",
)
def lock(solution, rng):
    """A process waits in its handler; meanwhile a second one is started; then the first ends."""
    if not CHILDREN:
        return NO_FORK
    fork = multiprocessing.get_context("fork")
    inside, outside = fork.Pipe()
    with shop({"a.txt": records(rng, 3, 1), "b.txt": records(rng, 3, 1)}) as here:
        first = fork.Process(target=hold, args=(here, solution, inside))
        first.start()
        try:
            working = outside.poll(5)
            second = ended(here, solution, 1.0)
            outside.send("go on")
            first.join(5)
        finally:
            first.kill()
            first.join()
            inside.close()
            outside.close()
        third = counts(here.process(solution))
        return {
            "the first": "worked" if working and first.exitcode == 0 else "did not work",
            "the second": "refused" if second == "stopped" else "ran as well",
            "a third, afterwards": third,
            "outputs": here.outputs(),
            "rejects": here.rejects(),
        }
