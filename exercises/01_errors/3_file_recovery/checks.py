"""Checks of 01.3-file-recovery.

Each scenario works in a folder of its own. A record that begins with "bad" is bad;
the result of any other is the record in capitals. Only contents are compared, as
the names of output files are free.
"""

import base64
import contextlib
import json
import multiprocessing
import os
import tempfile
from functools import partial
from pathlib import Path

from course_lib.labs import crash
from course_lib.practice import scenario

NAMES = ("process",)
SEEDS = 4  # each seed kills and resumes each right answer at every disk call
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


def handler(record):
    if record.startswith(b"bad"):
        raise ValueError(f"no price for number {record[3:].hex()}")
    return record.upper()


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
        return sorted(path.read_bytes() for path in self.out.iterdir() if path.is_file())

    def files(self):
        return {path.name: path.read_bytes() for path in self.out.iterdir() if path.is_file()}

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


def counts(report):
    return {name: getattr(report, name) for name in ("ok", "failed", "skipped")}


# Task 1

OUTPUTS = "one output file for each source file, in order"
REJECTS = "a bad record is in the quarantine, with all that is needed"
REPORT = "the report counts every record"
CTRL_C = "Ctrl-C in a handler comes out"


@scenario(OUTPUTS, task=1, next_step="Write each result with a newline, and no line for a bad one.")
def outputs(solution, rng):
    """Three files with good records, then two files that also hold bad ones."""
    seen = {}
    for label, bad in (("good records", (0, 0, 0)), ("some bad records", (1, 2))):
        sources = {f"{n}.txt": records(rng, 4, count) for n, count in enumerate(bad)}
        with shop(sources) as here:
            here.process(solution)
            seen[f"contents of out_dir, {label}"] = here.outputs()
    return seen


@scenario(
    REJECTS,
    task=1,
    needs=(OUTPUTS,),
    points=2,
    next_step="One line of JSON for each bad record, also when several source files have some.",
)
def rejects(solution, rng):
    """Two files with one and with two bad records, which are no UTF-8."""
    with shop({"a.txt": records(rng, 3, 1), "b.txt": records(rng, 5, 2)}) as here:
        here.process(solution)
        return {"in the quarantine": here.rejects()}


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


def interrupted(record):
    if record == b"stop":
        raise KeyboardInterrupt
    return handler(record)


@scenario(
    CTRL_C,
    task=1,
    needs=(OUTPUTS,),
    next_step="Catch Exception around the handler. KeyboardInterrupt is no Exception.",
)
def ctrl_c(solution, rng):
    """The handler raises KeyboardInterrupt for one record; then a run in which it does not."""
    with shop({"a.txt": [b"tea", b"stop", b"rice"]}) as here:
        try:
            here.process(solution, interrupted)
            came = "nothing"
        except KeyboardInterrupt:
            came = "KeyboardInterrupt"
        here.process(solution)
        return {"came out": came, "outputs after the second run": here.outputs()}


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
    """Two files with bad records, run twice; then a third file comes, and a third run."""
    with shop({"a.txt": records(rng, 3, 1), "b.txt": records(rng, 5, 2)}) as here:
        here.process(solution)
        handled = Counted()
        second = here.process(solution, handled)
        seen = {"handler calls in the second run": len(handled.got)}
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
        here.write("a.txt", [b"tea\xe9 5555"])
        here.process(solution)
        return seen | {"at last, outputs": here.outputs(), "at last, rejects": here.rejects()}


# Task 3

RESUMED = "counts files that an earlier run had begun"
KILLED = "killed before any call, and run again: as if nothing had happened"


@scenario(
    KILLED,
    task=3,
    needs=(CHANGED,),
    points=5,
    limit=30.0,
    next_step="First make output and rejects whole, then note it as finished. A redo must be safe.",
)
def killed(solution, rng):
    """One file is finished, one is new; killed before each disk or handler call, and run again."""
    if not CHILDREN:
        return NO_FORK
    finished, new = {"a.txt": records(rng, 2, 1)}, {"b.txt": records(rng, 3, 1)}
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        clean = begun(solution, Path(folder, "clean"), finished, new)
        whole = crash.run(partial(clean.process, solution), watch=[handler])
        if whole.error:
            return f"nowhere: {whole.error}"
        for point in worth_a_kill(whole.points):
            here = begun(solution, Path(folder, str(point.number)), finished, new)
            work = partial(here.process, solution)
            crash.run(work, kill_at=point.number, watch=[handler])
            wrong = after_the_kill(solution, here, clean, finished["a.txt"])
            if wrong:
                return f"{point.call} in line {point.line}: {wrong}"
    return "as if nothing had happened, wherever it was killed"


def begun(solution, folder, finished, new):
    """A shop in which one run is over, and more files have come since."""
    here = Shop(folder, finished)
    here.process(solution)
    for name, lines in new.items():
        here.write(name, lines)
    return here


def worth_a_kill(points):
    """All points, except in the middle of many writes from one line, such as those of json.dump."""
    places = [None, *((point.call, point.line) for point in points), None]
    for before, point, after in zip(places, points, places[2:], strict=False):
        if point.call != "write" or not before == after == (point.call, point.line):
            yield point


def after_the_kill(solution, here, clean, finished):
    """What is wrong after another run, in words, or nothing."""
    handled = Counted()
    try:
        report = here.process(solution, handled)
    except Exception as error:  # noqa: BLE001 - it is what the learner has to know
        return f"the second run raises {type(error).__name__}"
    if here.files() != clean.files():
        others = sorted(here.files().keys() - clean.files().keys())
        return f"out_dir also holds {others}" if others else "the outputs differ from a clean run"
    if set(handled.got) & set(finished):
        return "a finished file is processed again"
    if here.rejects() != clean.rejects():
        return f"{len(here.rejects())} rejects, and not {len(clean.rejects())}"
    if sum(counts(report).values()) != 5:
        return f"the report has {counts(report)} for 5 records"
    return ""


def dies(record):
    if record == b"last":
        os.kill(os.getpid(), 9)
    return handler(record)


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
    """29 of 100 records are bad; then bad records come in three runs; then a larger limit."""
    seen = {}
    for limit in (0.29, 0.28, 0.05):
        with shop({"a.txt": records(rng, 100, 29)}) as here:
            seen[f"29 of 100, max_errors={limit}"] = ended(here, solution, limit)
    for count in (19, 20):
        with shop({"a.txt": records(rng, count, 1)}) as here:
            seen[f"1 of {count}, default"] = ended(here, solution, None)
    with shop({"a.txt": records(rng, 10, 0), "b.txt": records(rng, 10, 2)}) as here:
        seen["2 of 20 in the second file, max_errors=0.1"] = ended(here, solution, 0.1)
    with shop({"a.txt": records(rng, 10, 1)}) as here:
        seen["1 of 10, max_errors=0.1"] = ended(here, solution, 0.1)
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
    limit=10.0,
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
