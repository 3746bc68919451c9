"""Checks of 03.5-migrations.

Each scenario has a folder of migrations and a database file of its own, in WAL mode.
All tables of the story are called shop_something; the book-keeping is the learner's
and is looked at through `status` only. SQL of the story may call `pause()`, a Python
function that the connection knows: so a scenario can look, or wait, in the middle.
"""

import builtins
import contextlib
import multiprocessing
import os
import sqlite3
import tempfile
from enum import Enum
from functools import partial
from pathlib import Path

from course_lib.clock import ManualClock, SystemClock
from course_lib.labs import crash, postgres
from course_lib.practice import scenario

NAMES = ("Migrator",)
SEEDS = 5  # each seed kills each right answer before every statement
HINTS = (
    "When is a migration applied? Think of a kill between any two of your lines: what would the "
    "next run believe, and what would be true?",
    "One transaction holds the lock, the second look at what is applied, the statements and the "
    "note. What was read before the lock may be old by then.",
    "A context manager: foreign keys off, BEGIN IMMEDIATE, create the table if needed, yield, look "
    "for orphans, commit; after any error roll back; foreign keys as before. Feed the text to "
    "sqlite3.complete_statement piece by piece.",
)

CHILDREN = hasattr(os, "fork")
# A folder in memory if there is one: there are hundreds of small databases.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
NO_FORK = "not checked here: it needs Linux or macOS"
WAITING = 0.3  # seconds without an answer of the other process


class Shop:
    """A folder of migrations, and a database."""

    def __init__(self, folder, files=None):
        self.file = Path(folder, "shop.db")
        self.dir = Path(folder, "migrations")
        self.dir.mkdir(parents=True)
        self.write(files or {})
        with self.open() as conn:
            conn.execute("PRAGMA journal_mode = WAL")

    def write(self, files):
        for name, text in files.items():
            (self.dir / name).write_text(text, encoding="utf-8")

    @contextlib.contextmanager
    def open(self, pause=lambda: 0, *, foreign_keys=True, timeout=5.0):
        """A connection as the task describes it."""
        conn = sqlite3.connect(self.file, isolation_level=None, timeout=timeout)
        with contextlib.closing(conn):
            conn.create_function("pause", 0, pause)
            conn.execute("PRAGMA synchronous = OFF")  # a kill loses nothing by that
            conn.execute(f"PRAGMA foreign_keys = {foreign_keys:d}")
            yield conn

    def migrator(self, solution, conn, clock=None):
        return solution.Migrator(conn, self.dir, clock=clock or ManualClock())

    def up(self, solution, to=None):
        """One run with a connection of its own."""
        with self.open() as conn:
            return numbers(self.migrator(solution, conn).up(to))

    def tables(self):
        """The rows of each table of the story, as somebody else sees them; and other things."""
        with self.open() as conn:
            found = conn.execute("SELECT name, type FROM sqlite_master ORDER BY name").fetchall()
            return {
                name: conn.execute(f'SELECT * FROM "{name}"').fetchall()
                if kind == "table"
                else kind
                for name, kind in found
                if name.startswith("shop_")
            }

    def states(self, solution):
        """What a Migrator says that was made a moment ago."""
        with self.open() as conn:
            return states(self.migrator(solution, conn))


@contextlib.contextmanager
def shop(files=None):
    with tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield Shop(Path(folder, "shop"), files)


def numbers(found):
    """A list of numbers, also if it came as a tuple."""
    return list(found) if isinstance(found, list | tuple) else found


def word(state):
    """The state in one spelling, be it text or an Enum."""
    spellings = [state.name, state.value] if isinstance(state, Enum) else [state]
    for spelling in spellings:
        if str(spelling).lower() in ("applied", "pending"):
            return str(spelling).lower()
    return f"no known state: {state!r}"[:60]


def states(migrator):
    """`status()` as one line each."""
    found = migrator.status()
    return [f"{number} {name} {word(state)}" for number, name, state in found]


def applied(lines):
    """How many of these lines of `states` say so."""
    return sum(line.endswith(" applied") for line in lines)


def refusal(work):
    """Whether `work` raises; any exception will do."""
    try:
        found = work()
    except (Exception, SystemExit):  # noqa: BLE001 - the task leaves the exception open
        return "refused"
    return f"returned {found!r}"[:60]


def outcome(work, *args):
    """What `work` gives, or how it fails: the story goes on, and what came before is told."""
    try:
        return numbers(work(*args))
    except NotImplementedError:
        raise
    except Exception as error:  # noqa: BLE001 - told to the learner
        return f"raised {type(error).__name__}: {error}"[:90]


def make(name, rows=()):
    """SQL that makes a table with one column, and puts rows into it."""
    filled = "".join(f"INSERT INTO shop_{name} VALUES ({row});\n" for row in rows)
    return f"CREATE TABLE shop_{name} (n INTEGER);\n{filled}"


def note(number):
    """SQL of one statement, which shows how often it was run."""
    return f"INSERT INTO shop_log VALUES ({number});\n"


LOG = "CREATE TABLE shop_log (n INTEGER);\n"


# Task 1

ORDER = "migrations are run in the order of their numbers"
TO = "up runs what is pending, up to and including a number"
PYTHON = "a migration may be written in Python"
REFUSED = "a gap or a number that is there twice is refused"
DRY = "plan and status change nothing"


class AskedClock(ManualClock):
    """A clock that knows whether somebody has asked it for a date."""

    asked = False

    def now(self):
        self.asked = True
        return super().now()


@scenario(ORDER, task=1, next_step="Sort by int(...): as texts, 10 comes before 9.")
def order(solution, rng):
    """Eleven or more migrations, some with zeros in front, in one call of up."""
    last = rng.randrange(11, 15)
    files = {"1_log.up.sql": LOG}
    for number in range(2, last + 1):
        digits = str(number) if rng.randrange(2) else f"{number:04}"
        files[f"{digits}_no_{number}.up.sql"] = note(number)
    shuffled = sorted(files.items(), key=lambda _: rng.random())
    with shop(dict(shuffled)) as here:
        with here.open() as conn:
            clock = AskedClock()
            migrator = here.migrator(solution, conn, clock)
            seen = {"up() returned": numbers(migrator.up())}
            seen["status() then"] = states(migrator)
            seen["clock.now() was asked"] = clock.asked
        return seen | {"run, in this order": [n for (n,) in here.tables()["shop_log"]]}


@scenario(
    TO,
    task=1,
    needs=(ORDER,),
    next_step="`to` itself is run too. What is noted as applied is left out.",
)
def up_to(solution, rng):
    """Five migrations, run by several calls, with a new Migrator for each."""
    names = rng.sample(["add_price", "orders", "v2_of_2026", "drop_it_again"], 4)
    files = {"0001_log.up.sql": LOG}
    files |= {f"000{n}_{name}.up.sql": note(n) for n, name in enumerate(names, 2)}
    first = rng.randrange(2, 4)
    with shop(files) as here:
        seen = {"status() at first": here.states(solution)}
        seen[f"up({first})"] = here.up(solution, first)
        seen["status() then"] = here.states(solution)
        with here.open() as conn:
            migrator = here.migrator(solution, conn)
            seen["plan()"] = numbers(migrator.plan())
            seen["plan(4)"] = numbers(migrator.plan(4))
            seen["up(4)"] = numbers(migrator.up(4))
            seen["up(4) again"] = numbers(migrator.up(4))
            seen["plan() of the same Migrator"] = numbers(migrator.plan())
            seen["up()"] = numbers(migrator.up())
        seen["up() again"] = here.up(solution)
        seen["plan() at last"] = here.states(solution)
        return seen | {"run, in this order": [n for (n,) in here.tables()["shop_log"]]}


IN_PYTHON = """\
import json

START = {start}


def rows():
    return [(START + step,) for step in range(3)]


def up(conn):
    conn.execute("CREATE TABLE shop_{name} (n INTEGER, words TEXT)")
    for (n,) in rows():
        conn.execute("INSERT INTO shop_{name} VALUES (?, ?)", (n, json.dumps([n])))
"""


@scenario(
    PYTHON,
    task=1,
    needs=(ORDER,),
    next_step="Load each file as a module of its own, and call its up with the connection.",
)
def in_python(solution, rng):
    """Two Python files with an import, a constant and a helper, and an SQL file between them."""
    one, two = rng.sample(range(10, 100), 2)
    files = {
        "0001_tea.py": IN_PYTHON.format(name="tea", start=one),
        "0002_log.up.sql": "CREATE TABLE shop_log AS SELECT 'Käse – 5 €' AS words;",
        "0003_rice.py": IN_PYTHON.format(name="rice", start=two),
    }
    with shop(files) as here:
        seen = {"status() at first": here.states(solution), "up()": here.up(solution)}
        return seen | here.tables() | {"status() then": here.states(solution)}


def wrong_folders(rng):
    """Names of files that `up` and `plan` have to refuse."""
    last = rng.randrange(3, 6)
    whole = [f"{number:04}_no_{number}" for number in range(1, last + 1)]
    gap = rng.randrange(1, last - 1)
    twice = rng.randrange(1, last + 1)
    yield "a gap", whole[:gap] + whole[gap + 1 :]
    yield "no number 1", whole[1:]
    yield "a number 0", ["0000_zero", *whole]
    yield "a number twice", [*whole, f"{twice:04}_another"]
    yield "a number twice, with and without zeros", [*whole, f"{twice}_another"]


@scenario(
    REFUSED,
    task=1,
    needs=(TO,),
    points=2,
    limit=5.0,
    next_step="Before anything is run, compare the numbers, as integers, with 1, 2, 3 ...",
)
def refused(solution, rng):
    """Folders with a gap, without number 1, with a 0, or with a number twice."""
    seen = {}
    for label, stems in wrong_folders(rng):
        files = {f"{stem}.up.sql": make(f"table_{n}") for n, stem in enumerate(stems)}
        with shop(files) as here, here.open() as conn:
            seen[f"{label}: plan()"] = refusal(lambda: here.migrator(solution, conn).plan())
            seen[f"{label}: up()"] = refusal(lambda: here.migrator(solution, conn).up())
            seen[f"{label}: tables then"] = here.tables()
    with shop({"0001_log.up.sql": LOG, "0002_tea.up.sql": note(2)}) as here:
        here.up(solution)
        here.write({"0002_rice.py": IN_PYTHON.format(name="rice", start=1)})
        here.write({"0003_cake.up.sql": note(3)})
        seen["2 is there again after a run: up()"] = refusal(partial(here.up, solution))
        return seen | {"after that": here.tables()}


def whole_file(conn):
    """Schema and rows, two pragmas and the transaction: all that a dry run could change."""
    pragmas = ("PRAGMA user_version", "PRAGMA foreign_keys")
    return [
        *conn.iterdump(),
        *(conn.execute(each).fetchone() for each in pragmas),
        conn.in_transaction,
    ]


def harmless(solution, here, name):
    """What the method gives, and what it did to the database, in words."""
    ran = []
    with here.open(lambda: ran.append(1) or 1) as conn:
        before = whole_file(conn)
        found = getattr(here.migrator(solution, conn), name)()
        change = "unchanged" if whole_file(conn) == before else "changed"
        return found, f"{len(ran)} migrations run, database {change}"


@scenario(
    DRY,
    task=1,
    needs=(TO,),
    points=2,
    next_step="First ask sqlite_master whether your table is there. If not, nothing is applied.",
)
def dry_run(solution, rng):
    """Both on a new database, and on one with pending migrations, in SQL and in Python."""
    files = {"1_log.up.sql": "CREATE TABLE shop_log AS SELECT pause() AS n"}
    files |= {f"{n}_more.up.sql": "INSERT INTO shop_log VALUES (pause())" for n in (2, 3, 4)}
    files["5_last.py"] = "def up(conn):\n    conn.execute('SELECT pause()')\n"
    seen, done = {}, rng.randrange(1, 4)
    for label, to in (("a new database", 0), (f"after up({done})", done)):
        with shop(files) as here:
            if to:
                here.up(solution, to)
            plan, seen[f"{label}: plan()"] = harmless(solution, here, "plan")
            seen[f"{label}: plan() returned"] = numbers(plan)
            _, seen[f"{label}: status()"] = harmless(solution, here, "status")
            seen[f"{label}: up() then"] = here.up(solution)
    return seen


# Task 2

SPLIT = "every statement of a file is run, and as a whole"

TRICKY = """\
-- A comment; it isn't the end.
CREATE TABLE shop_tea (n INTEGER, "a; name" TEXT); CREATE TABLE shop_old (words TEXT);
/* Another; one;
   of two lines */
INSERT INTO shop_tea VALUES (1, 'it''s; fine'), (2, '-- no comment; "');

CREATE TRIGGER shop_keep AFTER UPDATE ON shop_tea
BEGIN
    -- Two statements; and a text that looks like the end.
    INSERT INTO shop_old VALUES (CASE old.n WHEN 1 THEN 'one; END;' ELSE old."a; name" END);
    UPDATE shop_tea SET n = -new.n WHERE n = new.n;
END;

UPDATE shop_tea SET n = {number} WHERE n = 1; UPDATE shop_tea SET n = 7 WHERE n = 2;
"""
# The last statement has no semicolon, and then there is nothing, a comment or space.
ENDS = ("", " -- the end; really", "\n\n", "\n/* the end; */\n")


@scenario(
    SPLIT,
    task=2,
    needs=(TO,),
    points=3,
    next_step="Add piece by piece until sqlite3.complete_statement says yes; run what is left too.",
)
def split(solution, rng):
    """Comments, texts, a name and a trigger with semicolons; four kinds of ends."""
    number = rng.randrange(10, 100)
    files = {"0001_tricky.up.sql": TRICKY.format(number=number)}
    for n, end in enumerate(ENDS, 2):
        files[f"000{n}_end.up.sql"] = f"INSERT INTO shop_old VALUES ('last of {n}'){end}"
    with shop(files) as here:
        return {"up()": here.up(solution)} | here.tables()


# Task 3

FAILS = "a migration that fails leaves the version before it, and a clean schema"
CTRL_C = "an interruption comes out, and nothing of that migration is kept"
KILLED = "killed before any statement, and run again: as if nothing had happened"

TEA = "INSERT INTO shop_tea VALUES"
IN_THE_MIDDLE = {
    "a misspelt word": f"{TEA} (3);\nCREATE TABLE shop_cake (n INTEGER);\nCREAT TABLE x (n);\n",
    "a row that is there already": f"CREATE TABLE shop_cake (n INTEGER);\n{TEA} (3), (1);\n",
    "a table that is there already": f"{TEA} (3);\nCREATE TABLE shop_tea (n INTEGER);\n",
    "a table that is not there": f"{TEA} (3);\nDROP TABLE shop_tea;\nDELETE FROM shop_tea;\n",
}
RAISES = """\
def up(conn):
    conn.execute("{tea} (3)")
    conn.execute("CREATE TABLE shop_cake (n INTEGER)")
    raise {error}("the tea is cold")
"""
START = {
    "0001_tea.up.sql": "CREATE TABLE shop_tea (n INTEGER PRIMARY KEY)",
    "0002_rows.up.sql": f"{TEA} (1);{TEA} (2)",
}


def failing():
    """What goes wrong, and the file in which it does."""
    for label, sql in IN_THE_MIDDLE.items():
        yield label, "0003_bad.up.sql", sql
    yield "an error in Python", "0003_bad.py", RAISES.format(tea=TEA, error="LookupError")


@scenario(
    FAILS,
    task=3,
    needs=(SPLIT, PYTHON),
    points=3,
    limit=5.0,
    next_step="BEGIN, the statements, the note, COMMIT; after any error ROLLBACK, and raise it.",
)
def fails(solution, rng):
    """Of four migrations the third fails in five ways; then it is mended, same connection."""
    seen, mended = {}, rng.randrange(10, 100)
    for label, name, text in failing():
        files = {**START, name: text, "0004_rice.up.sql": make("rice")}
        with shop(files) as here, here.open() as conn:
            seen[f"{label}: up()"] = refusal(here.migrator(solution, conn).up)
            seen[f"{label}: applied then"] = applied(here.states(solution))
            seen[f"{label}: tables"] = here.tables()
            (here.dir / name).unlink()
            here.write({"0003_good.up.sql": f"{TEA} ({mended})"})
            seen[f"{label}: up() when mended"] = outcome(here.migrator(solution, conn).up)
            seen[f"{label}: tables when mended"] = here.tables()
    return seen


@scenario(
    CTRL_C,
    task=3,
    needs=(FAILS,),
    next_step="KeyboardInterrupt is no Exception: do not catch it, or raise it again.",
)
def ctrl_c(solution, rng):
    """KeyboardInterrupt in a Python migration; then another process looks."""
    bad = RAISES.format(tea=TEA, error="KeyboardInterrupt")
    with shop({**START, "0003_bad.py": bad}) as here:
        try:
            here.up(solution)
            came = "nothing"
        except KeyboardInterrupt:
            came = "KeyboardInterrupt"
        return {"came out": came, "status() then": here.states(solution)} | here.tables()


STEPS = {
    "0001_log.up.sql": LOG + note(1) + make("tea"),
    "0001_log.down.sql": "DROP TABLE shop_tea;\nDROP TABLE shop_log;\n",
    "0002_rice.py": """\
def up(conn):
    conn.execute("CREATE TABLE shop_rice (n INTEGER)")
    conn.execute("INSERT INTO shop_log VALUES (2)")


def down(conn):
    conn.execute("DROP TABLE shop_rice")
    conn.execute("DELETE FROM shop_log WHERE n = 2")
""",
}


def every_version(solution):
    """The tables of the story after 0, 1 and 2 migrations, when nobody is killed."""
    with shop(STEPS) as here:
        yield here.tables()
        for number in (1, 2):
            here.up(solution, number)
            yield here.tables()


def about_to_write(statement):
    """labs.crash kills right before this is called: SQLite begins the statement after it."""
    return statement


def changes(statement):
    """Whether it may change the database, or begin or end a transaction."""
    word = statement.split(maxsplit=1)[0].upper() if statement.strip() else "--"
    return word not in ("SELECT", "--") and "foreign_key" not in statement.lower()


def alone(solution, here, work, told=about_to_write):
    """What one process does; `told` gets each statement that may change something."""
    with here.open() as conn:
        conn.set_trace_callback(lambda statement: changes(statement) and told(statement))
        work(here.migrator(solution, conn))
        conn.set_trace_callback(None)


def killed_anywhere(solution, start, work, finish):
    """Kill `work` before each statement; what is wrong afterwards, in words.

    Args:
        start: brings the database to where `work` begins.
        work: what one process does with its Migrator.
        finish: how many migrations are applied when `work` is done.
    """
    versions, statements = list(every_version(solution)), []
    for run in (partial(alone, told=statements.append), partial(in_a_child, kill_at=None)):
        with shop(STEPS) as here:
            start(here)
            whole = run(solution, here, work)
    if whole.error:
        return f"without a kill: {whole.error}"
    points = [point.number for point in whole.points if point.call == about_to_write.__name__]
    for number, statement in zip(points, statements, strict=False):
        with shop(STEPS) as here:
            start(here)
            in_a_child(solution, here, work, kill_at=number)
            wrong = after_the_kill(solution, here, work, versions, finish)
            if wrong:
                return f"killed before {statement[:28]!r}: {wrong}"
    return "as if nothing had happened, wherever it was killed"


def in_a_child(solution, here, work, kill_at):
    return crash.run(partial(alone, solution, here, work), kill_at=kill_at, watch=[about_to_write])


def after_the_kill(solution, here, work, versions, finish):
    """What is wrong now, or after another run, in words; or nothing."""
    noted = applied(here.states(solution))
    if here.tables() != versions[noted]:
        return f"{noted} noted, but {show(here)}"
    again = refusal(partial(alone, solution, here, work))
    if again == "refused":
        return "the next run raises an error"
    return "" if here.tables() == versions[finish] else f"after the next run {show(here)}"


def show(here):
    return ", ".join(f"{name} {len(rows)}" for name, rows in here.tables().items()) or "no tables"


@scenario(
    KILLED,
    task=3,
    needs=(FAILS,),
    points=4,
    limit=30.0,
    next_step="The note belongs into the transaction of the statements, and executescript commits.",
)
def killed(solution, rng):
    """Two migrations, one of them in Python; killed before each statement, and run again."""
    if not CHILDREN:
        return NO_FORK
    return killed_anywhere(solution, lambda here: None, lambda migrator: migrator.up(), 2)


# Task 4

EDITED = "an edited file of an applied migration is found out"
BASELINE = "baseline notes migrations without running them"


@contextlib.contextmanager
def restarted():
    """hash() gives another number for the same text, as it does in another process."""
    usual = builtins.hash
    builtins.hash = lambda value: usual(value) ^ (1 if isinstance(value, str | bytes) else 0)
    try:
        yield
    finally:
        builtins.hash = usual


def edit(path, old, new):
    """Change the text; size and time stay as they were."""
    before = path.stat()
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def verified(solution, here):
    def verify():
        here.migrator(solution, conn).verify()  # what it returns is free

    with here.open() as conn:
        return refusal(verify)


@scenario(
    EDITED,
    task=4,
    needs=(FAILS,),
    points=3,
    limit=5.0,
    next_step="Note a checksum of the text with each migration; compare before anything is run.",
)
def edited(solution, rng):
    """Files are changed: one that is pending, one that is applied, and the next day the other."""
    files = {
        "0001_log.up.sql": LOG + note(1),
        "0002_tea.py": IN_PYTHON.format(name="tea", start=10),
        "0003_rice.up.sql": make("rice", (5,)),
        "0004_cake.up.sql": make("cake", (6,)),
    }
    seen = {}
    edits = (("0001_log.up.sql", "(1)", "(9)"), ("0002_tea.py", "START = 1", "START = 2"))
    for name, old, new in edits:
        with shop(files) as here:
            _, seen["new database: verify()"] = harmless(solution, here, "verify")
            here.up(solution, 2)
            with restarted():
                seen["nothing edited: verify()"] = verified(solution, here)
                edit(here.dir / "0003_rice.up.sql", "5", str(rng.randrange(6, 10)))
                seen["a pending file edited: verify()"] = verified(solution, here)
                seen["a pending file edited: up(3)"] = outcome(here.up, solution, 3)
            edit(here.dir / name, old, new)
            seen[f"{name} edited: verify()"] = verified(solution, here)
            seen[f"{name} edited: up()"] = refusal(partial(here.up, solution))
            seen[f"{name} edited: applied then"] = applied(here.states(solution))
            seen[f"{name} edited: tables then"] = here.tables()
            edit(here.dir / name, new, old)
            seen[f"{name} as before: verify()"] = verified(solution, here)
            seen[f"{name} as before: up()"] = outcome(here.up, solution)
    return seen


@scenario(
    BASELINE,
    task=4,
    needs=(EDITED,),
    points=2,
    next_step="Note each number up to and including this one, with its checksum, and commit.",
)
def baseline(solution, rng):
    """A database with tables gets a baseline; then the rest is run; then a file is edited."""
    last = rng.randrange(2, 4)
    files = {f"000{n}_table.up.sql": make(f"table_{n}", (n,)) for n in range(1, 6)}
    with shop(files) as here:
        with here.open() as conn:
            for n in range(1, last + 1):
                conn.execute(f"CREATE TABLE shop_table_{n} (n INTEGER)")
            here.migrator(solution, conn).baseline(last)
        seen = {f"baseline({last}): status() then": here.states(solution)}
        seen["tables then"] = here.tables()
        seen["verify()"] = verified(solution, here)
        seen["up()"] = outcome(here.up, solution)
        seen["tables at last"] = here.tables()
        edit(here.dir / f"000{last}_table.up.sql", "VALUES", "values")
        return seen | {f"{last} edited: verify()": verified(solution, here)}


# Task 5

DOWN = "down undoes what was run after a number, newest first"
NO_WAY_BACK = "if one cannot be undone, nothing is"
DOWN_FAILS = "an error on the way down keeps that migration applied"
DOWN_KILLED = "killed on the way down, and run again: as if nothing had happened"


def with_ways_down(last):
    """Migrations whose ways down show in which order they were taken."""
    files = {"1_log.up.sql": LOG, "1_log.down.sql": "DROP TABLE shop_log"}
    for n in range(2, last + 1):
        if n % 4 == 0:
            files[f"{n}_python.py"] = f"""\
def up(conn):
    conn.execute("INSERT INTO shop_log VALUES ({n})")


def down(conn):
    conn.execute("INSERT INTO shop_log VALUES (-{n})")
"""
        else:
            files[f"{n}_sql.up.sql"], files[f"{n}_sql.down.sql"] = note(n), note(-n)
    return files


@scenario(
    DOWN,
    task=5,
    needs=(FAILS,),
    points=2,
    limit=5.0,
    next_step="From the largest number down to to + 1: run the way down, and delete the note.",
)
def down(solution, rng):
    """Eleven or more migrations go up, down in two steps, up again, and down to nothing."""
    last = rng.randrange(11, 14)
    low = rng.randrange(3, 6)
    with shop(with_ways_down(last)) as here, here.open() as conn:
        migrator = here.migrator(solution, conn)
        migrator.up()
        seen = {"down(8)": numbers(migrator.down(8)), f"down({low})": numbers(migrator.down(low))}
        seen["status() then"] = here.states(solution)
        seen["run, in this order"] = [n for (n,) in here.tables()["shop_log"]]
        seen["down to where it is"] = numbers(migrator.down(low))
        seen["up(6)"] = numbers(migrator.up(6))
        seen["down(0)"] = numbers(migrator.down(0))
        return seen | {"at last": states(migrator)} | here.tables()


@scenario(
    NO_WAY_BACK,
    task=5,
    needs=(DOWN,),
    points=2,
    limit=5.0,
    next_step="Look at all migrations on the way before you undo the first.",
)
def no_way_back(solution, rng):
    """Of four or five migrations one, in SQL or in Python, has no way down."""
    seen = {}
    for language in ("SQL", "Python"):
        last = rng.randrange(4, 6)
        stuck = rng.randrange(2, last)
        files = {"1_log.up.sql": LOG, "1_log.down.sql": "DROP TABLE shop_log"}
        for n in range(2, last + 1):
            files[f"{n}_sql.up.sql"], files[f"{n}_sql.down.sql"] = note(n), note(-n)
        del files[f"{stuck}_sql.down.sql"]
        if language == "Python":
            del files[f"{stuck}_sql.up.sql"]
            files[f"{stuck}_python.py"] = "def up(conn):\n    pass\n"
        with shop(files) as here, here.open() as conn:
            migrator = here.migrator(solution, conn)
            migrator.up()
            label = f"{language}, {stuck} is stuck"
            seen[f"{label}: down({stuck - 1})"] = refusal(partial(migrator.down, stuck - 1))
            seen[f"{label}: down(0)"] = refusal(partial(migrator.down, 0))
            seen[f"{label}: applied then"] = applied(here.states(solution))
            seen[f"{label}: tables then"] = here.tables()
            seen[f"{label}: down({stuck})"] = outcome(migrator.down, stuck)
    return seen


@scenario(
    DOWN_FAILS,
    task=5,
    needs=(DOWN,),
    next_step="Run the way down and delete the note in one transaction.",
)
def down_fails(solution, rng):
    """Of three ways down the second fails half-way, in SQL and in Python; then it is mended."""
    sql = "DROP TABLE shop_tea;\nDROP TABLE shop_nothing;\n"
    python = "def up(conn):\n    conn.execute('CREATE TABLE shop_tea (n INTEGER)')\n\n\n"
    python += "def down(conn):\n    conn.execute('DROP TABLE shop_tea')\n"
    cases = (
        ("SQL", "2_two.down.sql", {"2_two.up.sql": make("tea")}, sql, "DROP TABLE shop_tea"),
        ("Python", "2_two.py", {}, python + "    raise LookupError('no tea')\n", python),
    )
    log, tea, cake = {"shop_log": [(1,)]}, {"shop_tea": []}, {"shop_cake": []}
    whole = [{}, log, log | tea, log | tea | cake]
    seen = {}
    for label, name, more, bad, good in cases:
        files = {"1_log.up.sql": LOG + note(1), "1_log.down.sql": "DROP TABLE shop_log"}
        files |= {"3_cake.up.sql": make("cake"), "3_cake.down.sql": "DROP TABLE shop_cake"}
        with shop(files | more | {name: bad}) as here, here.open() as conn:
            here.migrator(solution, conn).up()
            seen[f"{label}: down(0)"] = refusal(partial(here.migrator(solution, conn).down, 0))
            lines = here.states(solution)
            seen[f"{label}: number 2 then"] = lines[1]
            # Whether 3 is undone then, or nothing at all, is free.
            fit = here.tables() == whole[applied(lines)]
            seen[f"{label}: tables then"] = (
                "as noted" if fit else f"{applied(lines)} noted, but {show(here)}"
            )
            (here.dir / name).unlink()
            here.write({name: good})
            outcome(here.migrator(solution, conn).down, 0)
            seen[f"{label}: tables after down(0), mended"] = here.tables()
    return seen


@scenario(
    DOWN_KILLED,
    task=5,
    needs=(DOWN, KILLED),
    points=2,
    limit=30.0,
    next_step="Delete the note in the transaction that undoes the migration.",
)
def down_killed(solution, rng):
    """Two migrations go down; killed before each statement, and run again."""
    if not CHILDREN:
        return NO_FORK
    start, work = (lambda here: here.up(solution)), (lambda migrator: migrator.down(0))
    return killed_anywhere(solution, start, work, 0)


# Task 6

REBUILT = "a table can be rebuilt, and foreign keys are as before"
ORPHANS = "rows that refer to nothing make a migration fail"
FASTER = "another process that is faster at any moment does no harm"
WAITS = "while another process is at work, up waits and then goes on"

FAMILY = """\
CREATE TABLE shop_customer (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE shop_order (
    id INTEGER PRIMARY KEY,
    customer INTEGER REFERENCES shop_customer ON DELETE CASCADE
);
INSERT INTO shop_customer VALUES (1, 'Ann'), (2, 'Ben'), (3, 'Cid');
INSERT INTO shop_order VALUES (10, 1), (20, 2), (30, 3);
"""
REBUILD = """\
CREATE TABLE shop_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO shop_new SELECT id, name FROM shop_customer{where};
DROP TABLE shop_customer;
ALTER TABLE shop_new RENAME TO shop_customer;
"""
BROKEN = "INSERT INTO shop_order VALUES (40, 1);\nDROP TABLE shop_nothing;\n"


def keys(conn):
    return "on" if conn.execute("PRAGMA foreign_keys").fetchone()[0] else "off"


@scenario(
    REBUILT,
    task=6,
    needs=(DOWN,),
    points=2,
    next_step="Before BEGIN: ask for the pragma, set it to OFF. At the end, always, set it back.",
)
def rebuilt(solution, rng):
    """Up and down rebuild a table that others refer to; another migration fails."""
    files = {
        "0001_family.up.sql": FAMILY,
        "0002_rebuild.up.sql": REBUILD.format(where=""),
        "0002_rebuild.down.sql": REBUILD.format(where=""),
        "0003_broken.up.sql": BROKEN,
    }
    seen = {}
    for on in (True, False):
        with shop(files) as here, here.open(foreign_keys=on) as conn:
            label = f"keys {keys(conn)}"
            migrator = here.migrator(solution, conn)
            seen[f"{label}: up(2)"] = numbers(migrator.up(2))
            seen[f"{label}: after up(2)"] = keys(conn)
            seen[f"{label}: tables after up(2)"] = here.tables()
            seen[f"{label}: down(1)"] = numbers(migrator.down(1))
            seen[f"{label}: after down(1)"] = keys(conn)
            seen[f"{label}: tables after down(1)"] = here.tables()
            seen[f"{label}: up() with an error"] = refusal(migrator.up)
            seen[f"{label}: after an error"] = keys(conn)
            seen[f"{label}: applied after an error"] = applied(here.states(solution))
    return seen


@scenario(
    ORPHANS,
    task=6,
    needs=(REBUILT,),
    points=2,
    next_step="Before COMMIT: PRAGMA foreign_key_check; if it has rows, raise, and so roll back.",
)
def orphans(solution, rng):
    """A rebuild forgets a customer who has an order, on the way up, and on the way down."""
    lost = rng.randrange(1, 4)
    forgets = REBUILD.format(where=f" WHERE id <> {lost}")
    files = {"0001_family.up.sql": FAMILY, "0002_rebuild.up.sql": forgets}
    with shop(files) as here, here.open() as conn:
        seen = {"up()": refusal(here.migrator(solution, conn).up)}
        seen |= {"status() then": here.states(solution), "tables then": here.tables()}
        seen["foreign keys then"] = keys(conn)
        here.write({"0002_rebuild.up.sql": REBUILD.format(where="")})
        here.write({"0002_rebuild.down.sql": forgets})
        seen["up() when mended"] = outcome(here.migrator(solution, conn).up)
        seen["down(1)"] = refusal(partial(here.migrator(solution, conn).down, 1))
        return seen | {"status() at last": here.states(solution)} | here.tables()


class Other:
    """Another process, which talks through a pipe. It begins when it is told to."""

    def __init__(self, work):
        fork = multiprocessing.get_context("fork")
        self._pipe, inside = fork.Pipe()
        self._process = fork.Process(target=self._run, args=(work, inside))
        self._process.start()
        inside.close()

    @staticmethod
    def _run(work, pipe):
        pipe.recv()
        work(pipe)

    def tell(self):
        self._pipe.send("go on")

    def says(self, seconds):
        """What it has sent; None if it says nothing for so long."""
        try:
            return self._pipe.recv() if self._pipe.poll(seconds) else None
        except EOFError:
            return "its process died"

    def end(self):
        self._process.kill()
        self._process.join()
        self._pipe.close()


@contextlib.contextmanager
def other(work):
    process = Other(work)
    try:
        yield process
    finally:
        process.end()


def goes_up(here, solution, pipe, *, timeout, pauses=False):
    """In another process: run `up`, and send what came of it."""

    def pause():
        if pauses:
            pipe.send("in the middle")
            pipe.recv()
        return 0

    with here.open(pause, timeout=timeout) as conn:
        pipe.send(outcome(here.migrator(solution, conn, SystemClock()).up))


RACE = {
    "1_log.up.sql": "CREATE TABLE IF NOT EXISTS shop_log (n INTEGER);\n" + note(1),
    "2_two.up.sql": note(2),
}


def race(solution, number, reached):
    """The other runs `up` right before our statement `number`; who ran what, and the log.

    `reached` gets True if there was such a statement.
    """
    with shop(RACE) as here:
        # The other process is begun before this one opens the database: SQLite's locks
        # do not survive a fork.
        with other(partial(goes_up, here, solution, timeout=0)) as rival:
            with here.open() as conn:
                heard = []
                statements = iter(range(1, number + 1))

                def trace(statement):
                    if not statement.startswith("--") and next(statements, None) == number:
                        reached.append(True)
                        rival.tell()
                        heard.append(rival.says(WAITING))

                conn.set_trace_callback(trace)
                ours = outcome(here.migrator(solution, conn, SystemClock()).up)
                conn.set_trace_callback(None)
            if heard == [None]:
                heard = [rival.says(5)]
        theirs = heard[0] if heard and isinstance(heard[0], list) else []
        return ours, theirs, [n for (n,) in here.tables().get("shop_log", [])]


@scenario(
    FASTER,
    task=6,
    needs=(ORPHANS, KILLED),
    points=3,
    limit=30.0,
    next_step="First BEGIN IMMEDIATE, then look again what is applied. A plain BEGIN is no lock.",
)
def faster(solution, rng):
    """Another process runs up right before our 1st statement; the same with the 2nd, and so on."""
    if not CHILDREN:
        return NO_FORK
    for number in range(1, 200):
        reached = []
        ours, theirs, log = race(solution, number, reached)
        if not reached:
            return "each migration was run once, whenever the other came"
        when = f"the other before our statement {number}"
        if not isinstance(ours, list):
            return f"{when}: {ours}"
        if log != [1, 2]:
            return f"{when}: the log is {log}"
        if sorted(ours + theirs) != [1, 2]:
            return f"{when}: we ran {ours}, they {theirs}"
    return "more than 200 statements"


@scenario(
    WAITS,
    task=6,
    needs=(FASTER,),
    points=2,
    limit=20.0,
    next_step="BEGIN IMMEDIATE waits as long as the connection's timeout says; let it.",
)
def waits(solution, rng):
    """A process stops in the middle of number 1 or 2; a second one calls up; the first goes on."""
    if not CHILDREN:
        return NO_FORK
    middle = rng.randrange(1, 3)
    files = dict(RACE)
    name = next(name for name in files if name.startswith(str(middle)))
    files[name] += "INSERT INTO shop_log VALUES (10 + pause());\n"
    with (
        shop(files) as here,
        other(partial(goes_up, here, solution, timeout=5, pauses=True)) as first,
        other(partial(goes_up, here, solution, timeout=5)) as second,
    ):
        first.tell()
        seen = {f"the first, in number {middle}": first.says(5)}
        second.tell()
        early = second.says(WAITING)
        seen["meanwhile the second"] = "waits" if early is None else f"ended: {early}"
        first.tell()
        ran = [first.says(5), early or second.says(5)]
        whole = all(isinstance(each, list) for each in ran)
        seen["both together have run"] = sorted([*ran[0], *ran[1]]) if whole else f"{ran}"
        return seen | here.tables()


# Extra

PG_FAILS = "on PostgreSQL, a migration that fails leaves the version before it"
PG_WAITS = "on PostgreSQL, up waits for another process and then goes on"
PG_FINE = "as on SQLite (or not offered, which is right too)"

ON_POSTGRESQL = {
    "0001_log.up.sql": LOG + note(1),
    "0002_cake.up.sql": """\
CREATE FUNCTION shop_price() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    RETURN 5; -- in cents; without tax
END;
$$;
INSERT INTO shop_log SELECT shop_price() + 100 WHERE 'a;b' LIKE 'a%';
""",
    "0003_bad.py": """\
def up(conn):
    conn.execute("INSERT INTO shop_log VALUES (3)")
    conn.execute("CREATE TABLE shop_tea (n INTEGER)")
    conn.execute("INSERT INTO shop_nothing VALUES (1)")
""",
    "0004_rice.up.sql": note(4),
}


def offers_postgresql(solution):
    with shop() as here, here.open() as conn:
        return bool(getattr(here.migrator(solution, conn), "postgresql", False))


def log_of(conn):
    """What was run; and the table that should not be there, if it is."""
    log, tea = conn.execute("SELECT to_regclass('shop_log'), to_regclass('shop_tea')").fetchone()
    rows = conn.execute("SELECT n FROM shop_log").fetchall() if log else ["no log"]
    return [*(row[0] if isinstance(row, tuple) else row for row in rows), *([tea] if tea else [])]


@scenario(
    PG_FAILS,
    task=7,
    needs=(ORPHANS,),
    limit=10.0,
    services=("postgres",),
    next_step="One transaction for the script and its note, as on SQLite; execute takes it whole.",
)
def postgresql_fails(solution, rng):
    """Of four migrations the third, in Python, fails at its last statement; then it is mended."""
    if not offers_postgresql(solution):
        return PG_FINE
    with shop(ON_POSTGRESQL) as here, postgres().database() as database:
        with database.connect(autocommit=True) as conn, database.connect(autocommit=True) as eyes:
            failed = outcome(here.migrator(solution, conn).up)
            if not str(failed).startswith("raised"):
                return f"up() with a broken statement gave {failed}"
            lines = outcome(partial(states, here.migrator(solution, conn)))
            if applied(lines) != 2 or log_of(eyes) != [1, 105]:
                return f"after the error {applied(lines)} noted, and what is there: {log_of(eyes)}"
            (here.dir / "0003_bad.py").unlink()
            here.write({"0003_good.up.sql": note(3)})
            mended = outcome(here.migrator(solution, conn).up)
            if mended != [3, 4] or log_of(eyes) != [1, 105, 3, 4]:
                return f"when mended, up() gave {mended}, and the log is {log_of(eyes)}"
            if outcome(here.migrator(solution, conn).plan) != []:
                return "plan() finds something to do after that"
    return PG_FINE


def goes_up_on_postgresql(here, solution, url, pipe):
    """In another process: send the number of the session, run `up`, send what came of it."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as conn:
        pipe.send(conn.info.backend_pid)
        pipe.recv()
        pipe.send(outcome(here.migrator(solution, conn, SystemClock()).up))


def is_waiting(conn, session):
    """Whether this session waits for another one; asked again for a while."""
    end = SystemClock().monotonic() + 3 * WAITING
    while SystemClock().monotonic() < end:
        if conn.execute("SELECT pg_blocking_pids(%s)", (session,)).fetchone()[0]:
            return True
        SystemClock().sleep(0.01)
    return False


@scenario(
    PG_WAITS,
    task=7,
    needs=(PG_FAILS,),
    limit=20.0,
    services=("postgres",),
    next_step="First in the transaction: SELECT pg_advisory_xact_lock(...); then look again.",
)
def postgresql_waits(solution, rng):
    """A process stops in the middle of a migration; a second one calls up; the first goes on."""
    if not CHILDREN:
        return NO_FORK
    if not offers_postgresql(solution):
        return PG_FINE
    stop = "SELECT pg_advisory_xact_lock(3, 5);\n"
    files = {"1_log.up.sql": LOG, "2_two.up.sql": note(2) + stop, "3_three.up.sql": note(3)}
    with shop(files) as here, postgres().database() as database:
        work = partial(goes_up_on_postgresql, here, solution, database.url)
        with (
            other(work) as first,
            other(work) as second,
            database.connect(autocommit=True) as eyes,
        ):
            eyes.execute("SELECT pg_advisory_lock(3, 5)")
            sessions = []
            for process in (first, second):
                process.tell()
                sessions.append(process.says(5))
            first.tell()
            if not is_waiting(eyes, sessions[0]):
                return f"the first gave {first.says(0)}"
            second.tell()
            is_waiting(eyes, sessions[1])
            early = second.says(0)
            eyes.execute("SELECT pg_advisory_unlock(3, 5)")
            ran = first.says(5), early or second.says(5)
            if early is not None:
                return f"the second did not wait: {early}"
            if not all(isinstance(each, list) for each in ran) or sorted(sum(ran, [])) != [1, 2, 3]:  # noqa: RUF017
                return f"the first {str(ran[0])[:35]}, the second {str(ran[1])[:35]}"
            if log_of(eyes) != [2, 3]:
                return f"the log of what was run is {log_of(eyes)}"
    return PG_FINE
