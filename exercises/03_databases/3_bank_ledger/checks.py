"""Checks of 03.3-bank-ledger.

Each story has an SQLite file, or a schema of PostgreSQL, of its own. Its connections can do
something before and after each statement, whichever way it is sent: stop there, lose the
connection, end the process. So two transfers meet at every place where they can meet, in the
same order every time.
"""

import atexit
import contextlib
import functools
import itertools
import multiprocessing
import os
import random
import sqlite3
import tempfile
import threading
from collections import Counter
from decimal import Decimal
from functools import partial
from pathlib import Path

from course_lib.clock import ManualClock, SystemClock
from course_lib.labs import postgres
from course_lib.practice import scenario

NAMES = (
    "create",
    "open_account",
    "balance",
    "entries",
    "transfer",
    "run_tx",
    "Refused",
    "Conflict",
)
SERVICES = ("postgres",)
SEEDS = 3  # each seed lets transfers meet at some 200 places
HINTS = (
    "What must hold at every commit? And what can another transaction do between two of your "
    "statements, if the first only looks and the second changes?",
    "Let the statement that changes a balance also hold the condition, and look at its row count. "
    "Claim the key before anything else. Touch accounts in one fixed order. Then retry around the "
    "whole: begin, work, commit.",
    "INSERT INTO receipts ... ON CONFLICT (key) DO NOTHING: one row means that the wish is new, "
    "none means that you read the stored row and compare. For run_tx: a loop, in it a try, in "
    "that the lent connection; the sleep stands after the try, outside of the with.",
)

CHILDREN = hasattr(os, "fork")
# A folder in memory if there is one: there are many small databases.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
NO_FORK = "not checked here: it needs Linux or macOS"
PATIENCE = 5.0  # seconds until a thread that hangs is given up
STANDS = 0.3  # seconds until a thread counts as waiting, if the database does not say so
LOOK = 0.001  # seconds between two looks
MOST_STEPS = 60  # statements of one transaction that are looked at


# Connections that do something before and after each statement


def nothing():
    """What a connection does if nobody has asked for more."""


class WatchedSQLite(sqlite3.Connection):
    """`before` is called before each statement, and `after` when one of its calls has returned."""

    before = after = staticmethod(nothing)

    def watch(self):
        # Python's own BEGIN and COMMIT come along here too, and so do statements of triggers.
        self.set_trace_callback(lambda sql: None if sql.startswith("--") else self.before())

    def is_closed(self):
        try:
            return self.total_changes < 0
        except sqlite3.ProgrammingError:
            return True

    def is_idle(self):
        return not self.in_transaction


@functools.cache
def watched_postgresql():
    import psycopg

    class WatchedPostgreSQL(psycopg.Connection):
        """The same: `wait` is the one way of psycopg to send something and wait for the answer."""

        before = after = staticmethod(nothing)

        def wait(self, *args, **options):
            self.before()
            answer = super().wait(*args, **options)
            self.after()
            return answer

        def is_closed(self):
            return self.closed

        def is_idle(self):
            return self.info.transaction_status == psycopg.pq.TransactionStatus.IDLE

    WatchedPostgreSQL.__module__ = psycopg.Connection.__module__
    return WatchedPostgreSQL


WatchedSQLite.__module__ = sqlite3.Connection.__module__


class OnSQLite:
    """A database file in WAL mode."""

    levels = (None,)

    def __init__(self, folder):
        self._file = Path(folder, "bank.db")

    def connect(self):
        conn = sqlite3.connect(
            self._file,
            isolation_level=None,
            timeout=0,
            check_same_thread=False,
            factory=WatchedSQLite,
        )
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = OFF")  # a kill loses nothing by that
        conn.watch()
        return conn

    def begin(self, conn, _isolation):
        conn.execute("BEGIN IMMEDIATE")

    def waits(self, _conn):
        return False


class OnPostgreSQL:
    """A schema of its own in a database on the server."""

    levels = ("read committed", "repeatable read", "serializable")

    def __init__(self, database, schema):
        self._url, self._schema = database.url, schema
        self._eyes = database.connect(autocommit=True)
        self._eyes.execute(f"CREATE SCHEMA {schema}")

    def connect(self):
        import psycopg

        options = f"-c search_path={self._schema}"
        conn = watched_postgresql().connect(self._url, autocommit=True, options=options)
        with contextlib.suppress(psycopg.Error):  # only a superuser may do it
            conn.execute("SET deadlock_timeout = '20ms'")
        return conn

    def begin(self, conn, isolation):
        conn.execute(f"BEGIN ISOLATION LEVEL {isolation or 'read committed'}")

    def close(self):
        self._eyes.close()

    def waits(self, conn):
        """Whether this session waits for a lock of another one."""
        who = conn.info.backend_pid
        return bool(self._eyes.execute("SELECT pg_blocking_pids(%s)", (who,)).fetchone()[0])


@contextlib.contextmanager
def on_sqlite():
    with tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield OnSQLite(folder)


@functools.cache
def database_of_all():
    """One database for all stories, as making one takes long; the next check replaces it.

    Forks use it too: the number of the process is part of the name of each schema.
    """
    database = postgres().database("bank_ledger")
    atexit.register(database.drop)
    return database


SCHEMAS = itertools.count(1)


@contextlib.contextmanager
def on_postgresql():
    """A schema of its own, which is as good as an empty database."""
    place = OnPostgreSQL(database_of_all(), f"story_{os.getpid()}_{next(SCHEMAS)}")
    with contextlib.closing(place):
        yield place


class Pool:
    """Lends one connection, and knows whether it is lent and how it came back."""

    def __init__(self, database):
        self._database = database
        self.conn = None
        self.lent = 0
        self.came_back = set()
        self.before = self.after = nothing

    @contextlib.contextmanager
    def connection(self):
        if self.conn is None:
            self.conn = self._database.connect()
        conn = self.conn
        conn.before, conn.after = (lambda: self.before()), (lambda: self.after())
        self.lent += 1
        try:
            yield conn
        finally:
            self.lent -= 1
            conn.before = conn.after = nothing
            self._take_back(conn)

    def _take_back(self, conn):
        if conn.is_closed():
            self.conn = None
            return
        idle = conn.is_idle()
        self.came_back.add("idle" if idle else "in a transaction")
        if not idle:
            conn.rollback()

    def close(self):
        if self.conn is not None:
            self.conn.close()


class Bank:
    """A ledger in a database. What a story does here, it does in transactions of its own."""

    def __init__(self, solution, database):
        self.solution, self.database = solution, database
        self._conn = database.connect()
        self._pools = []

    def tx(self, fn, *, undo=False):
        """`fn(conn)` in a transaction; it is committed, or undone after an error or if asked."""
        self.database.begin(self._conn, None)
        try:
            result = fn(self._conn)
            if self._conn.is_idle():
                raise EndedTheTransaction
        except BaseException:
            self._conn.rollback()
            raise
        self._conn.rollback() if undo else self._conn.commit()
        return result

    def open(self, **openings):
        def opens(conn):
            for name, opening in openings.items():
                self.solution.open_account(conn, name, Decimal(opening))

        self.tx(opens)

    def transfer(self, *wish):
        return self.tx(lambda conn: self.solution.transfer(conn, *wish))

    def ask(self, *wish):
        """What a transfer comes to, as a word; and its receipt, if there is one."""
        return self.asked(lambda: self.transfer(*wish))

    def asked(self, work):
        try:
            receipt = work()
        except NotImplementedError:
            raise
        except Exception as error:  # noqa: BLE001 - told to the learner
            return self.word(error), None
        return "done", fields(receipt)

    def word(self, error):
        if isinstance(error, self.solution.Conflict):
            return "Conflict"
        if isinstance(error, self.solution.Refused):
            return "Refused"
        return f"{type(error).__name__}: {error}".partition("\n")[0][:70]

    def outcome(self, work):
        """`fine`, or the word for its error."""
        try:
            self.tx(work)
        except NotImplementedError:
            raise
        except Exception as error:  # noqa: BLE001 - told to the learner
            return self.word(error)
        return "fine"

    def balances(self, *names):
        return self.tx(
            lambda conn: {each: money(self.solution.balance(conn, each)) for each in names}
        )

    def entries(self):
        """Of each account the sum of its entries."""
        return sums(self.tx(self.solution.entries))

    def books(self, *names):
        """Balances, and what entries say about the same accounts; their sum over all accounts."""
        of_entries = self.entries()
        return {
            "balances": self.balances(*names),
            "sums of entries": {name: of_entries.get(name, "0.00") for name in names},
            "sum of all entries": money(sum(map(Decimal, of_entries.values()))),
        }

    def pool(self):
        pool = Pool(self.database)
        self._pools.append(pool)
        return pool

    def close(self):
        self._conn.close()
        for pool in self._pools:
            pool.close()


class EndedTheTransaction(Exception):
    """Its caller wanted to do that."""

    def __str__(self):
        return "the transaction is over, its caller did not end it"


@contextlib.contextmanager
def bank(solution, where=on_sqlite, **openings):
    with where() as database:
        here = Bank(solution, database)
        with contextlib.closing(here):
            here.tx(solution.create)
            here.open(**openings)
            yield here


def money(amount):
    """An amount in one spelling; what is no amount, is told."""
    if not isinstance(amount, Decimal | int) or amount != round(amount, 2):
        return f"no amount: {amount!r}"[:60]
    return f"{amount:.2f}"


def sums(pairs):
    found = Counter()
    for name, amount in pairs:
        found[name] += Decimal(amount)
    return {name: money(found[name]) for name in sorted(found)}


def fields(receipt):
    return {
        "id": str(receipt.id),
        "src": receipt.src,
        "dst": receipt.dst,
        "amount": money(Decimal(str(receipt.amount))),
        "key": receipt.key,
    }


def without_id(receipt):
    return receipt and {name: value for name, value in receipt.items() if name != "id"}


def euros(rng, low=3, high=60):
    """An amount with two decimals; at least `low`, below `high`."""
    return Decimal(rng.randrange(100 * low, 100 * high)) / 100


# Stories of tasks 1 to 3. Each is told on SQLite; PostgreSQL then hears all of a task.


def tells_accounts(solution, rng, where):
    """Two accounts are opened; then all entries are added up."""
    a, b = euros(rng), euros(rng)
    with bank(solution, where) as here:
        seen = {"entries of an empty ledger": here.entries()}
        here.open(ada=a, bao=b, cat=0)
        some = here.tx(lambda conn: (solution.balance(conn, "ada"), solution.entries(conn)[0][1]))
        seen["types of a balance and of an entry"] = [type(each).__name__ for each in some]
        return seen | here.books("ada", "bao", "cat", "bank")


def tells_openings(solution, rng, where):
    """Openings that are no amount, a name that is taken, and the balance of nobody."""
    with bank(solution, where, ada=euros(rng)) as here:
        seen = {}
        for opening in ("-1", "0.001", "NaN", "Infinity"):
            work = partial(solution.open_account, name="eve", opening=Decimal(opening))
            seen[f"open_account(eve, {opening})"] = here.outcome(work)
        taken = partial(solution.open_account, name="ada", opening=euros(rng))
        seen["open_account of a name that is taken"] = here.outcome(taken)
        for name in ("eve", "nobody"):
            seen[f"balance({name})"] = here.outcome(partial(solution.balance, name=name))
        return seen | here.books("ada", "bank")


def tells_transfers(solution, rng, where):
    """Some money, a cent, all that is there; and 0.30 in three parts, to somebody rich."""
    a, b = euros(rng, 30), euros(rng)
    some, cent, tenth = euros(rng, 3, 20), Decimal("0.01"), Decimal("0.10")
    rich = Decimal("900000000.01")
    with bank(solution, where, ada=a, bao=b, cat="0.30", dan=rich) as here:
        wishes = [("ada", "bao", some, "k1"), ("bao", "ada", cent, "k2")]
        wishes += [("ada", "bao", a - some + cent, "k3")]
        wishes += [("cat", "dan", tenth, f"k{number}") for number in (4, 5, 6)]
        receipts, seen = [], {}
        for wish in wishes:
            word, receipt = here.ask(*wish)
            receipts.append(receipt)
            seen[f"{wish[3]}: {wish[2]} from {wish[0]}"] = word, without_id(receipt)
        seen["different ids"] = len({receipt and receipt["id"] for receipt in receipts})
        return seen | here.books("ada", "bao", "cat", "dan", "bank")


def tells_refusals(solution, rng, where):
    """Amounts that are none, the same account twice, missing accounts, too much."""
    a = euros(rng)
    cent = Decimal("0.01")
    seen = {}
    with bank(solution, where, ada=a, bao=euros(rng)) as here:
        for amount in ("0", "-5", "NaN", "Infinity", "-Infinity", "0.001", "1.005"):
            seen[f"{amount} to bao"] = here.ask("ada", "bao", Decimal(amount), f"k {amount}")[0]
        for src, dst in (("ada", "ada"), ("ada", "eve"), ("eve", "ada"), ("eve", "fay")):
            seen[f"from {src} to {dst}"] = here.ask(src, dst, cent, f"k {src} {dst}")[0]
        seen["a cent too much"] = here.ask("ada", "bao", a + cent, "k more")[0]
        seen["a thousand times too much"] = here.ask("ada", "bao", 1000 * a, "k much")[0]
        return seen | here.books("ada", "bao", "bank")


def tells_bounds(solution, rng, where):
    """Two transfers in one transaction, which its caller then undoes, and one that it commits."""
    a = euros(rng, 30)
    with bank(solution, where, ada=a, bao=1) as here:

        def both(conn):
            solution.transfer(conn, "ada", "bao", Decimal(5), "k1")
            solution.transfer(conn, "bao", "ada", Decimal(2), "k2")

        here.tx(both, undo=True)
        seen = {"undone": here.books("ada", "bao")}
        here.tx(both)
        return seen | {"committed": here.books("ada", "bao")}


def tells_same_key(solution, rng, where):
    """A transfer twice with one key; then again when the money is gone, and with other zeros."""
    a = euros(rng, 30)
    with bank(solution, where, ada=a, bao=1, cat=0) as here:
        first, second = (here.ask("ada", "bao", Decimal("2.50"), "wish") for _ in range(2))
        here.ask("ada", "cat", a - Decimal("2.50"), "all of it")
        gone = here.ask("ada", "bao", Decimal("2.50"), "wish")
        zeros = here.ask("ada", "bao", Decimal("2.5"), "wish")
        seen = {"the first": (first[0], without_id(first[1]))}
        for label, got in (("second", second), ("without money", gone), ("2.5 for 2.50", zeros)):
            same = "the same receipt" if got[1] == first[1] else f"another receipt: {got[1]}"
            seen[f"once more, {label}"] = same if got[0] == "done" else got[0]
        return seen | here.books("ada", "bao", "cat")


def tells_other_wish(solution, rng, where):
    """The same key with another amount, payer or receiver, and with both turned round."""
    some = euros(rng, 3, 9)
    with bank(solution, where, ada=50, bao=50, cat=50) as here:
        here.ask("ada", "bao", some, "wish")
        others = (
            ("ada", "bao", some + 1),
            ("ada", "bao", some - 1),
            ("ada", "cat", some),
            ("cat", "bao", some),
            ("bao", "ada", some),
        )
        seen = {
            f"then {amount} from {src} to {dst}": here.ask(src, dst, amount, "wish")[0]
            for src, dst, amount in others
        }
        return seen | here.books("ada", "bao", "cat")


def tells_free_key(solution, rng, where):
    """Refused for lack of money, or of an account; then it is there, and the same call comes."""
    some = euros(rng, 3, 9)
    with bank(solution, where, ada=1, bao=50) as here:
        wishes = (("ada", "bao", some, "poor"), ("bao", "cat", some, "no account"))
        seen = {f"{wish[3]}, at first": here.ask(*wish)[0] for wish in wishes}
        here.open(cat=0)
        here.ask("bao", "ada", Decimal(20), "help")
        seen |= {f"{wish[3]}, later": here.ask(*wish)[0] for wish in wishes}
        return seen | here.books("ada", "bao", "cat")


def told_on_postgresql(solution, rng, *stories):
    return {
        f"{name}, {key}": value
        for name, story in stories
        for key, value in story(solution, rng, on_postgresql).items()
    }


# Task 1

ACCOUNTS = "money comes from the bank's account, and the sum of all entries is 0"
OPENINGS = "an opening must be an amount, and a name is given once"
PG_ACCOUNTS = "task 1 on PostgreSQL"


@scenario(
    ACCOUNTS,
    task=1,
    services=(),
    next_step="An opening is two entries: minus for bank, plus for the new account.",
)
def accounts(solution, rng):
    """Two accounts are opened; then all entries are added up."""
    return tells_accounts(solution, rng, on_sqlite)


@scenario(
    OPENINGS,
    task=1,
    needs=(ACCOUNTS,),
    services=(),
    next_step="Look at the amount first. Nothing compares with a NaN: ask is_finite().",
)
def openings(solution, rng):
    """Openings that are no amount, a name that is taken, and the balance of nobody."""
    return tells_openings(solution, rng, on_sqlite)


@scenario(
    PG_ACCOUNTS,
    task=1,
    needs=(OPENINGS,),
    limit=10.0,
    next_step="Mind the parameters (%s), and types: NUMERIC, BIGINT and TEXT lose no cent.",
)
def accounts_on_postgresql(solution, rng):
    """The same two stories on PostgreSQL."""
    told = (("accounts", tells_accounts), ("openings", tells_openings))
    return told_on_postgresql(solution, rng, *told)


# Task 2

MOVES = "a transfer moves money and gives a receipt"
REFUSED = "a transfer that the rules do not allow is refused and moves nothing"
BOUNDS = "a transfer neither begins nor ends the transaction"
PG_TRANSFERS = "task 2 on PostgreSQL"


@scenario(
    MOVES,
    task=2,
    needs=(ACCOUNTS,),
    services=(),
    next_step="Two entries, two balances, one receipt. Keep whole cents, or decimals: no floats.",
)
def moves(solution, rng):
    """Some money, a cent, all that is there; and 0.30 in three parts, to somebody rich."""
    return tells_transfers(solution, rng, on_sqlite)


@scenario(
    REFUSED,
    task=2,
    needs=(MOVES,),
    points=2,
    services=(),
    next_step="UPDATE of a missing account changes 0 rows and is no error: look at rowcount.",
)
def refused(solution, rng):
    """Amounts that are none, the same account twice, missing accounts, too much."""
    return tells_refusals(solution, rng, on_sqlite)


@scenario(
    BOUNDS,
    task=2,
    needs=(MOVES,),
    services=(),
    next_step="No BEGIN, COMMIT, ROLLBACK, `with conn` or executescript inside transfer.",
)
def bounds(solution, rng):
    """Two transfers in one transaction, which its caller undoes; then the same committed."""
    return tells_bounds(solution, rng, on_sqlite)


@scenario(
    PG_TRANSFERS,
    task=2,
    needs=(PG_ACCOUNTS, REFUSED, BOUNDS),
    limit=10.0,
    next_step="After the error of a statement, PostgreSQL takes no other one in this transaction.",
)
def transfers_on_postgresql(solution, rng):
    """The same three stories on PostgreSQL."""
    told = (("moves", tells_transfers), ("refused", tells_refusals), ("bounds", tells_bounds))
    return told_on_postgresql(solution, rng, *told)


# Task 3

SAME_KEY = "the same key and the same transfer: once, and the same receipt"
OTHER_WISH = "the same key and another transfer: Conflict, and nothing is moved"
FREE_KEY = "a transfer that was refused leaves its key free"
PG_KEYS = "task 3 on PostgreSQL"


@scenario(
    SAME_KEY,
    task=3,
    needs=(MOVES,),
    points=2,
    services=(),
    next_step="Store the receipt with its key, and look for the key before you look at the money.",
)
def same_key(solution, rng):
    """A transfer twice with one key; then again when the money is gone, and with other zeros."""
    return tells_same_key(solution, rng, on_sqlite)


@scenario(
    OTHER_WISH,
    task=3,
    needs=(SAME_KEY,),
    services=(),
    next_step="Compare src, dst and amount with what is stored.",
)
def other_wish(solution, rng):
    """The same key with another amount, payer or receiver, and with both turned round."""
    return tells_other_wish(solution, rng, on_sqlite)


@scenario(
    FREE_KEY,
    task=3,
    needs=(SAME_KEY, REFUSED),
    services=(),
    next_step="Store the key in the same transaction as the transfer, and nowhere else.",
)
def free_key(solution, rng):
    """Refused for lack of money, or of an account; then it is there, and the same call comes."""
    return tells_free_key(solution, rng, on_sqlite)


@scenario(
    PG_KEYS,
    task=3,
    needs=(PG_TRANSFERS, OTHER_WISH, FREE_KEY),
    limit=10.0,
    next_step="ON CONFLICT (key) DO NOTHING is no error on either database; look at rowcount.",
)
def keys_on_postgresql(solution, rng):
    """The same three stories on PostgreSQL."""
    told = (("same key", tells_same_key), ("other", tells_other_wish), ("free", tells_free_key))
    return told_on_postgresql(solution, rng, *told)


# Task 4. The tables here are the story's own: one with numbers, to see what was committed.


class NoisyClock(ManualClock):
    """Calls `on_sleep` at the beginning of each sleep."""

    on_sleep = staticmethod(nothing)

    def sleep(self, seconds):
        self.on_sleep()
        super().sleep(seconds)


class Runs:
    """Calls of `run_tx` on a database with a table `t`, and what they leave there."""

    def __init__(self, solution, database, rng):
        self._solution, self._rng = solution, rng
        self.eyes = database.connect()
        self.eyes.execute("CREATE TABLE t (name TEXT, n INTEGER)")
        self.pool = Pool(database)
        self.clock = NoisyClock()

    def run(self, fn, *, retries=2, isolation=None):
        return self._solution.run_tx(
            self.pool, fn, retries=retries, rng=self._rng, clock=self.clock, isolation=isolation
        )

    def error_of(self, fn, **options):
        """What comes out of `run_tx`, or None."""
        try:
            self.run(fn, **options)
        except NotImplementedError:
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - looked at by the story
            return error
        return None

    def others_may_write(self):
        try:
            self.eyes.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        self.eyes.rollback()
        return True

    def numbers(self):
        return [n for (n,) in self.eyes.execute("SELECT n FROM t ORDER BY n").fetchall()]

    def came_back(self):
        """In which ways the connection came back; closed ones are not counted."""
        return sorted(self.pool.came_back)

    def close(self):
        self.eyes.close()
        self.pool.close()


@contextlib.contextmanager
def runs(solution, rng, where=on_sqlite):
    with where() as database, contextlib.closing(Runs(solution, database, rng)) as here:
        yield here


def insert(conn, n):
    conn.execute(f"INSERT INTO t VALUES ('x', {n})")


class DriverError(Exception):
    """An error of some driver that is not psycopg."""

    def __init__(self, text="no code", **codes):
        super().__init__(text)
        for name, code in codes.items():
            setattr(self, name, code)


def sqlite_error(kind, code, name):
    error = kind("an error of the story")
    error.sqlite_errorcode, error.sqlite_errorname = code, name
    return error


def state(code):
    return f"sqlstate {code}", lambda: DriverError(sqlstate=code)


def lite(name, code, kind=sqlite3.OperationalError):
    return name, lambda: sqlite_error(kind, code, name)


ERRORS = (
    state("40001"),
    state("40P01"),
    state("40002"),
    state("40003"),
    state("23505"),
    state("55P03"),
    state("08006"),
    state(None),
    lite("SQLITE_BUSY", 5),
    lite("SQLITE_LOCKED", 6),
    lite("SQLITE_BUSY_SNAPSHOT", 517),
    lite("SQLITE_BUSY_RECOVERY", 261),
    lite("SQLITE_LOCKED_SHAREDCACHE", 262),
    lite("SQLITE_BUSY", 5, sqlite3.DatabaseError),
    lite("SQLITE_ERROR", 1),
    lite("SQLITE_INTERRUPT", 9),
    lite("SQLITE_FULL", 13),
    lite("SQLITE_CONSTRAINT_UNIQUE", 2067, sqlite3.IntegrityError),
    ("an error without a code", DriverError),
    ("'database is locked' without a code", lambda: DriverError("database is locked")),
    ("a ValueError", lambda: ValueError("something else")),
)

RETURNS = "run_tx commits, and returns what the function returned"
FAILS = "after any other exception all is undone, and it comes out at once"
CODES = "conflicts are tried again, told by their codes; nothing else is"
WHOLE = "each try is a transaction of its own, and nothing is held between two"
WAITS = "the waits are short, and drawn from rng"
WRITER = "on SQLite nobody else writes between the begin and the end"
PG_LEVELS = "every try has the isolation level that was asked for"
PG_REAL = "real conflicts on PostgreSQL are tried again, that of the commit too"
PG_HIDES = "a transaction that cannot be committed is told"


@scenario(
    RETURNS,
    task=4,
    services=(),
    next_step="Begin on the lent connection, call fn(conn), commit, return the result.",
)
def returns(solution, rng):
    """Two functions that write; one of them returns None."""
    with runs(solution, rng) as here:
        n = rng.randrange(90)
        inside = []

        def writes(conn):
            inside.append(conn.in_transaction)
            insert(conn, n)
            return [n]

        seen = {"returned": here.run(writes), "committed": here.numbers()}
        seen["the second returned"] = here.run(lambda conn: insert(conn, 100))
        seen["fn ran in a transaction"] = inside
        return seen | {"committed then": here.numbers(), "came back": here.came_back()}


@scenario(
    FAILS,
    task=4,
    needs=(RETURNS,),
    points=2,
    services=(),
    next_step="except BaseException: roll back, but let no error of the rollback out; raise.",
)
def fails(solution, rng):
    """A function writes and then raises; in the last row it has closed the connection."""
    seen = {}
    for label, error in (
        ("ValueError", ValueError("a story")),
        ("KeyboardInterrupt", KeyboardInterrupt()),
        ("ValueError, and no rollback", ValueError("the first")),
    ):
        with runs(solution, rng) as here:
            calls = []

            def writes(conn, label=label, calls=calls, error=error):
                calls.append(1)
                insert(conn, 1)
                if "no rollback" in label:
                    conn.close()
                raise error

            got = here.error_of(writes)
            seen[label] = "the same came out" if got is error else f"{got!r} came out"[:80]
            seen[f"{label}: calls"] = len(calls)
            seen[f"{label}: committed"] = here.numbers()
            seen[f"{label}: came back"] = here.came_back()
    return seen


@scenario(
    CODES,
    task=4,
    needs=(FAILS,),
    points=2,
    services=(),
    limit=10.0,
    next_step="getattr(error, 'sqlstate', None), and & 255 for SQLite. At the end the last error.",
)
def codes(solution, rng):
    """A function that always raises, each time a new error. retries is 0, 1 or 2."""
    seen = {}
    with runs(solution, rng) as here:
        for (label, make), retries in [(row, 2) for row in ERRORS] + [
            (ERRORS[0], 0),
            (ERRORS[8], 1),
        ]:
            errors = []

            def raises(conn, errors=errors, make=make):
                errors.append(make())
                raise errors[-1]

            got = here.error_of(raises, retries=retries)
            last = "the last error" if errors and got is errors[-1] else f"{got!r}"[:60]
            kind = type(errors[-1]).__name__ if errors else "nothing"
            seen[f"{label} as {kind}, retries={retries}"] = f"{len(errors)} calls, {last} came out"
    return seen


@scenario(
    WHOLE,
    task=4,
    needs=(CODES,),
    points=2,
    services=(),
    next_step="Loop around the with of the pool, and sleep outside of it.",
)
def whole(solution, rng):
    """A function writes; the first two calls end with a conflict. Each sleep is looked at."""
    with runs(solution, rng) as here:
        asleep, calls = [], []

        def looks():
            free = "free" if here.others_may_write() else "locked"
            asleep.append(f"{here.pool.lent} connections lent, the database is {free}")

        def writes(conn):
            calls.append(1)
            insert(conn, len(calls))
            if len(calls) < 3:
                raise DriverError(sqlstate="40001")
            return "done"

        here.clock.on_sleep = looks
        seen = {"returned": here.run(writes), "calls": len(calls), "committed": here.numbers()}
        seen["there was a sleep for each"] = len(asleep) >= 2
        return seen | {"in each sleep": sorted(set(asleep)), "came back": here.came_back()}


@scenario(
    WAITS,
    task=4,
    needs=(WHOLE,),
    services=(),
    next_step="rng.uniform(0, min(most, first * 2**attempt)): so two who met do not meet again.",
)
def waits(solution, rng):
    """Twelve retries are used up, with three generators, two of the same seed; and with None."""

    def waits_with(generator):
        with runs(solution, generator) as here:

            def raises(conn):
                raise DriverError(sqlstate="40P01")

            here.error_of(raises, retries=12)
            return here.clock.waits

    seed = rng.randrange(1000)
    one, again, other = (waits_with(random.Random(each)) for each in (seed, seed, seed + 1))
    return {
        "at least twelve waits": len(one) >= 12,
        "at least twelve with rng=None": len(waits_with(None)) >= 12,
        "all from 0 to 5 s": all(0 <= wait <= 5 for wait in one + other) or max(one + other),
        "the same seed, the same waits": one == again,
        "another seed, the same waits": one == other,
    }


@scenario(
    WRITER,
    task=4,
    needs=(WHOLE,),
    points=2,
    services=(),
    next_step="BEGIN IMMEDIATE, inside the try: it may meet a conflict like any other statement.",
)
def writer(solution, rng):
    """Another one tries to write while a function runs; then it writes when run_tx begins."""
    with runs(solution, rng) as here:
        allowed = []

        def looks(conn):
            allowed.append(here.others_may_write())
            conn.execute("SELECT * FROM t").fetchall()
            allowed.append(here.others_may_write())

        here.run(looks)
        seen = {"others may write, before and after a SELECT": allowed}
        here.eyes.execute("BEGIN IMMEDIATE")
        insert(here.eyes, 1)
        sleeps = []

        def ends():
            sleeps.append(1)
            if len(sleeps) == 2:
                here.eyes.commit()

        here.clock.on_sleep = ends
        here.run(lambda conn: insert(conn, 2), retries=3)
        seen |= {"it wrote when run_tx began": here.numbers(), "came back": here.came_back()}
        here.eyes.execute("BEGIN IMMEDIATE")
        here.clock.on_sleep = nothing
        got = here.error_of(lambda conn: insert(conn, 3), retries=1)
        seen["it does not end, retries=1"] = getattr(got, "sqlite_errorname", f"{got!r}"[:80])
        here.eyes.rollback()
        return seen | {"committed": here.numbers()}


@scenario(
    PG_LEVELS,
    task=4,
    needs=(WHOLE,),
    limit=10.0,
    next_step="Say it in each BEGIN: BEGIN ISOLATION LEVEL ... So nothing is left for the next.",
)
def levels(solution, rng):
    """Each level, and None after it; of each call the first try ends with a conflict."""
    with runs(solution, rng, on_postgresql) as here:
        seen = {}
        names = ["repeatable read", "serializable", "read committed"]
        rng.shuffle(names)
        for name in names:
            for asked in (name, None):
                found = []

                def looks(conn, found=found):
                    found.append(conn.execute("SHOW transaction_isolation").fetchone()[0])
                    if len(found) == 1:
                        raise DriverError(sqlstate="40001")

                here.run(looks, isolation=asked)
                label = f"{asked}, after {name}" if asked is None else asked
                seen[label] = found
        return seen | {"came back": here.came_back()}


@scenario(
    PG_REAL,
    task=4,
    needs=(PG_LEVELS,),
    points=2,
    limit=10.0,
    next_step="After 40001 the transaction is over: roll back, begin anew. COMMIT is in the try.",
)
def real(solution, rng):
    """Another session changes what a function has read: the same row, or one that it adds up."""
    seen = {}
    with runs(solution, rng, on_postgresql) as here:
        a, b = rng.sample(range(10, 90), 2)
        # The second conflict shows only at the commit: one reads both and writes x, one y.
        for label, isolation, theirs in (
            ("the same row", "repeatable read", "x"),
            ("the sum", "serializable", "y"),
        ):
            for retries in (1, 0):
                here.eyes.execute("DELETE FROM t")
                here.eyes.execute(f"INSERT INTO t VALUES ('x', {a}), ('y', {b})")
                calls = []

                def adds(conn, who, isolation):
                    (total,) = conn.execute("SELECT sum(n) FROM t").fetchone()
                    conn.execute("UPDATE t SET n = n + %s WHERE name = %s", (total, who))

                def disturbs(isolation=isolation, theirs=theirs):
                    here.eyes.execute(f"BEGIN ISOLATION LEVEL {isolation}")
                    adds(here.eyes, theirs, isolation)
                    here.eyes.execute("COMMIT")

                def work(conn, calls=calls, theirs=theirs, isolation=isolation):
                    calls.append(1)
                    conn.execute("SELECT sum(n) FROM t").fetchone()
                    if len(calls) == 1 and theirs == "x":
                        disturbs(isolation, theirs)
                    adds(conn, "x", isolation)
                    if len(calls) == 1 and theirs == "y":
                        disturbs(isolation, theirs)

                got = here.error_of(work, retries=retries, isolation=isolation)
                about = f"{label}, retries={retries}"
                seen[f"{about}: calls"] = len(calls)
                seen[f"{about}: error"] = got and getattr(got, "sqlstate", repr(got)[:80])
                seen[f"{about}: committed"] = here.numbers()
        return seen | {"came back": here.came_back()}


@scenario(
    PG_HIDES,
    task=4,
    needs=(PG_REAL,),
    limit=10.0,
    next_step="Before the commit: if conn.info.transaction_status is INERROR, raise something.",
)
def hides(solution, rng):
    """A function hides the error of a statement; one does so inside a savepoint, which is fine."""
    with runs(solution, rng, on_postgresql) as here:

        def hides_it(conn):
            insert(conn, 1)
            with contextlib.suppress(Exception):
                conn.execute("SELECT 1 / 0")

        def in_savepoint(conn):
            insert(conn, 2)
            with contextlib.suppress(Exception), conn.transaction():
                conn.execute("SELECT 1 / 0")

        seen = {}
        for label, work in (("hidden", hides_it), ("hidden in a savepoint", in_savepoint)):
            got = here.error_of(work)
            seen[label] = "as if all were well" if got is None else "an exception came out"
            seen[f"{label}: committed"] = here.numbers()
        return seen | {"came back": here.came_back()}


# Task 5


def shown(words):
    return " and ".join(sorted(words))


def fits(here, openings, receipts):
    """Whether balances are what openings and receipts say; otherwise the first that is not."""
    expected = {name: Decimal(opening) for name, opening in openings.items()}
    for receipt in {each["id"]: each for each in receipts if each}.values():
        expected[receipt["src"]] -= Decimal(receipt["amount"])
        expected[receipt["dst"]] += Decimal(receipt["amount"])
    for name, found in here.balances(*openings).items():
        if found != money(expected[name]):
            return f"{plain_name(name)} has {found}, by its receipts {money(expected[name])}"
    return "balances fit"


def plain_name(name):
    return name.rstrip("0123456789")


def whole_ledger(here, *names):
    """All entries at the end, in one sentence."""
    of_entries = here.entries()
    total = money(sum(map(Decimal, of_entries.values())))
    if total != "0.00":
        return f"the sum of all entries is {total}"
    for name, found in here.balances(*names).items():
        if found != of_entries.get(name, "0.00"):
            return f"{plain_name(name)} has {found}, by its entries {of_entries.get(name)}"
        if Decimal(found) < 0:
            return f"{plain_name(name)} has {found}"
    return "the sum of all entries is 0, and balances fit"


class Side:
    """One of two who meet, with a connection of its own."""

    def __init__(self, here):
        self._here = here
        self.pool = here.pool()

    def prepare(self, wish, options):
        self.ended = threading.Event()
        self.clock = NoisyClock()
        self.result = "did not return", None
        self._wish, self._options = wish, options

    def start(self):
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            self.result = self._here.asked(self._transfer)
        except BaseException as error:  # noqa: BLE001 - told to the learner
            self.result = type(error).__name__, None
        finally:
            self.ended.set()

    def _transfer(self):
        solution = self._here.solution
        return solution.run_tx(
            self.pool,
            lambda conn: solution.transfer(conn, *self._wish),
            rng=random.Random(1),
            clock=self.clock,
            **self._options,
        )

    def ended_or_waits(self):
        """Return when it has ended, or waits for the other one."""
        database, now = self._here.database, SystemClock().monotonic
        end = now() + (STANDS if database.levels == (None,) else PATIENCE)
        while not self.ended.wait(LOOK) and now() < end:
            if self.pool.conn is not None and database.waits(self.pool.conn):
                return


class Meeting:
    """Two transfers: the slow one stops before one of its statements, and the fast one comes."""

    def __init__(self, here):
        self._slow, self._fast = Side(here), Side(here)

    def at(self, step, slow_wish, fast_wish, **options):
        """Whether there is such a statement, and what both came to."""
        slow, fast = self._slow, self._fast
        reached, go_on = threading.Event(), threading.Event()
        steps = iter(range(1, step + 1))

        def stops():
            if next(steps, None) == step:
                reached.set()
                go_on.wait(PATIENCE)

        def lets_it_go_on():
            go_on.set()
            slow.ended.wait(PATIENCE)

        slow.prepare(slow_wish, options)
        fast.prepare(fast_wish, options)
        slow.pool.before = stops
        # Who sleeps has met a conflict: then the other one goes first.
        slow.clock.on_sleep = lambda: fast.ended.wait(PATIENCE)
        fast.clock.on_sleep = lets_it_go_on
        slow.start()
        while not reached.wait(LOOK) and not slow.ended.is_set():
            pass
        fast.start()
        fast.ended_or_waits()
        go_on.set()
        both = [side.ended.wait(PATIENCE) for side in (slow, fast)]
        slow.pool.before = nothing
        return reached.is_set() and all(both), [slow.result, fast.result]


# (openings of ada, bao and cat; payer, receiver, amount and key of both)
MEETINGS = {
    "money for one of two": ((10, 0, 0), ("ada", "bao", 7, "k"), ("ada", "cat", 7, "l")),
    "two pay from one account": ((10, 0, 0), ("ada", "bao", 3, "k"), ("ada", "cat", 4, "l")),
    "two pay into one account": ((10, 10, 0), ("ada", "cat", 3, "k"), ("bao", "cat", 4, "l")),
    "opposite directions": ((10, 10, 0), ("ada", "bao", 3, "k"), ("bao", "ada", 4, "l")),
    "the same key": ((10, 0, 0), ("ada", "bao", 7, "k"), ("ada", "bao", 7, "k")),
    "the same key, another amount": ((10, 0, 0), ("ada", "bao", 3, "k"), ("ada", "bao", 4, "k")),
}


def tells_meetings(solution, rng, where, isolation, labels):
    """What comes of each meeting, at every place where the two can meet."""
    cents = Decimal(rng.randrange(1, 100)) / 100
    seen, names = {}, []
    with bank(solution, where) as here:
        meeting = Meeting(here)
        for number, label in enumerate(labels):
            amounts, *wishes = MEETINGS[label]
            found = set()
            for step in range(1, MOST_STEPS):
                place = f"{number}{step:02}"
                openings = dict(
                    zip((f"ada{place}", f"bao{place}", f"cat{place}"), amounts, strict=True)
                )
                here.open(**openings)
                names += openings
                slow, fast = (
                    (src + place, dst + place, amount + cents, key + place)
                    for src, dst, amount, key in wishes
                )
                alone = isolation == "read committed" and label == "opposite directions"
                options = {"isolation": isolation, "retries": 0 if alone else 5}
                reached, results = meeting.at(step, slow, fast, **options)
                receipts = [receipt for _, receipt in results if receipt]
                count = len({receipt["id"] for receipt in receipts})
                words = shown(word for word, _ in results)
                found.add(f"{words}, {count} transfers, {fits(here, openings, receipts)}")
                if not reached:
                    break
            seen[label] = sorted(found)
        return seen | {"at the end": whole_ledger(here, *names)}


KILLED = "a process may die at any moment, and a receipt outlives it"
PG_LOST = "when the answer is lost, the same key gives the one receipt"
LITE_MEET = "two transfers meet on SQLite"
PG_READ_COMMITTED = "two transfers meet on PostgreSQL at read committed"
PG_REPEATABLE_READ = "two transfers meet on PostgreSQL at repeatable read"
PG_KEYS_MEET = "two transfers with one key meet on PostgreSQL"
MANY = "some threads at once on SQLite"
PG_MANY = "some threads at once on PostgreSQL, at all levels"

WISHES = ("the same key", "the same key, another amount")
MONEY = tuple(label for label in MEETINGS if label not in WISHES)


def transfer_and_die(solution, database, wish, step, pipe):
    """In another process: transfer, and be killed before a statement, or after all."""
    steps = iter(range(1, step + 1))

    def dies():
        if next(steps, None) == step:
            os.kill(os.getpid(), 9)

    pool = Pool(database)
    pool.before = dies
    receipt = solution.run_tx(
        pool,
        lambda conn: solution.transfer(conn, *wish),
        retries=0,
        rng=random.Random(1),
        clock=ManualClock(),
        isolation=None,
    )
    pipe.send(fields(receipt))
    os.kill(os.getpid(), 9)


def killed_at(solution, database, wish, step):
    """The receipt, if the process had one before it died."""
    fork = multiprocessing.get_context("fork")
    pipe, inside = fork.Pipe()
    process = fork.Process(target=transfer_and_die, args=(solution, database, wish, step, inside))
    process.start()
    inside.close()
    try:
        return pipe.recv() if pipe.poll(PATIENCE) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()
        pipe.close()


@scenario(
    KILLED,
    task=5,
    needs=(WHOLE, SAME_KEY),
    points=2,
    services=(),
    limit=15.0,
    next_step="Money, entries and receipt in one transaction; in the memory of a process nothing.",
)
def killed(solution, rng):
    """A process is killed before each statement in turn, or with its receipt; then asked again."""
    if not CHILDREN:
        return NO_FORK
    some = euros(rng, 3, 9)
    with on_sqlite() as database:
        # No connection may be open here at a fork: SQLite's locks do not survive that.
        with contextlib.closing(Bank(solution, database)) as here:
            here.tx(solution.create)
            here.open(
                **{f"{name}{step}": 10 for name in ("ada", "bao") for step in range(MOST_STEPS)}
            )
        wishes, receipts = [], []
        for step in range(1, MOST_STEPS):
            wishes.append((f"ada{step}", f"bao{step}", some, f"k{step}"))
            receipts.append(killed_at(solution, database, wishes[-1], step))
            if receipts[-1]:
                break
        found = set()
        with contextlib.closing(Bank(solution, database)) as here:
            for wish, receipt in zip(wishes, receipts, strict=True):
                word, again = here.ask(*wish)
                same = "" if receipt in (None, again) else ", another receipt"
                openings = dict.fromkeys(wish[:2], 10)
                found.add(f"{word}{same}, {fits(here, openings, [again])}")
            return {
                "a process came to its end": receipts[-1] is not None,
                "asked again": sorted(found),
                "at the end": whole_ledger(here, *wishes[-1][:2]),
            }


@scenario(
    PG_LOST,
    task=5,
    needs=(PG_KEYS, PG_REAL),
    points=2,
    limit=15.0,
    next_step="Do not retry a lost connection: nobody knows. The key makes asking again safe.",
)
def lost(solution, rng):
    """The connection is lost right after each statement in turn; then the same is asked again."""
    import psycopg

    some = euros(rng, 3, 9)
    found = set()
    with bank(solution, on_postgresql) as here:
        pool = here.pool()
        for step in range(1, MOST_STEPS):
            openings = {f"ada{step}": 10, f"bao{step}": 10}
            here.open(**openings)
            wish = (*openings, some, f"k{step}")
            steps = iter(range(1, step + 1))
            cut = []

            def cuts(step=step, steps=steps, cut=cut):
                if next(steps, None) == step:
                    cut.append(1)
                    pool.conn.close()
                    raise psycopg.OperationalError("the connection was lost")

            pool.after = cuts
            word, receipt = here.asked(
                lambda wish=wish: solution.run_tx(
                    pool,
                    lambda conn: solution.transfer(conn, *wish),
                    retries=5,
                    rng=rng,
                    clock=ManualClock(),
                    isolation="read committed",
                )
            )
            again, second = here.ask(*wish)
            same = "" if receipt in (None, second) else ", another receipt"
            found.add(f"{again}{same}, {fits(here, openings, [second])}")
            if not cut:
                break
        return {
            "without a loss": word,
            "asked again": sorted(found),
            "at the end": whole_ledger(here, *openings),
        }


@scenario(
    LITE_MEET,
    task=5,
    needs=(WRITER, OTHER_WISH, FREE_KEY),
    points=2,
    services=(),
    limit=30.0,
    next_step="Begin with the right to write. Then nobody comes between your look and your change.",
)
def meet_on_sqlite(solution, rng):
    """Two transfers; one stops before each statement until the other has ended, or waits."""
    return tells_meetings(solution, rng, on_sqlite, None, [*MEETINGS])


@scenario(
    PG_READ_COMMITTED,
    task=5,
    needs=(PG_KEYS, PG_REAL),
    points=3,
    limit=30.0,
    next_step="Condition and change in one UPDATE, or FOR UPDATE first. Accounts in one order.",
)
def meet_at_read_committed(solution, rng):
    """The same with different keys. For opposite directions retries is 0."""
    return tells_meetings(solution, rng, on_postgresql, "read committed", MONEY)


@scenario(
    PG_REPEATABLE_READ,
    task=5,
    needs=(PG_KEYS, PG_REAL),
    points=3,
    limit=30.0,
    next_step="A lock alone gives no new snapshot: change the row that you decide by.",
)
def meet_at_repeatable_read(solution, rng):
    """The same with different keys, and retries=5."""
    return tells_meetings(solution, rng, on_postgresql, "repeatable read", MONEY)


@scenario(
    PG_KEYS_MEET,
    task=5,
    needs=(PG_KEYS, PG_REAL),
    points=3,
    limit=30.0,
    next_step="Claim the key first, by ON CONFLICT DO NOTHING. A unique violation is not retried.",
)
def keys_meet(solution, rng):
    """One key, twice the same transfer, and two amounts; at both levels."""
    return {
        f"{level}: {label}": value
        for level in ("read committed", "repeatable read")
        for label, value in tells_meetings(solution, rng, on_postgresql, level, WISHES).items()
    }


class ShortSleeps(SystemClock):
    """A real clock on which nobody sleeps for long."""

    def sleep(self, seconds):
        super().sleep(min(seconds, 0.002))


def tells_many(solution, rng, where, isolation):
    """Threads make random transfers, some of them with keys of their neighbours."""
    names = ("ada", "bao", "cat", "dan")
    openings = dict.fromkeys(names, rng.randrange(8, 12))
    with bank(solution, where, **openings) as here:
        results, start = [], threading.Barrier(4)

        def works(pool, rng):
            start.wait(PATIENCE)
            for _ in range(8):
                src, dst = rng.sample(names, 2)
                wish = src, dst, Decimal(rng.randrange(100, 900)) / 100, f"k{rng.randrange(10**9)}"
                results.append(
                    here.asked(
                        lambda wish=wish: solution.run_tx(
                            pool,
                            lambda conn: solution.transfer(conn, *wish),
                            retries=1000,
                            rng=rng,
                            clock=ShortSleeps(),
                            isolation=isolation,
                        )
                    )
                )

        threads = [
            threading.Thread(target=works, args=(here.pool(), random.Random(seed)), daemon=True)
            for seed in rng.sample(range(1000), 4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(4 * PATIENCE)
        other = {word for word, _ in results} - {"done", "Refused"}
        receipts = [receipt for _, receipt in results]
        return {
            "transfers that came to an end": len(results),
            "other errors": sorted(other),
            "balances": fits(here, openings, receipts),
            "at the end": whole_ledger(here, *names),
        }


@scenario(
    MANY,
    task=5,
    needs=(LITE_MEET,),
    services=(),
    limit=20.0,
    next_step="Look at the first error, if there is one; otherwise a change gets lost somewhere.",
)
def many_on_sqlite(solution, rng):
    """Four threads make eight random transfers each, between four accounts."""
    return tells_many(solution, rng, on_sqlite, None)


@scenario(
    PG_MANY,
    task=5,
    needs=(PG_READ_COMMITTED, PG_REPEATABLE_READ),
    limit=30.0,
    next_step="Look at the first error, if there is one; otherwise a change gets lost somewhere.",
)
def many_on_postgresql(solution, rng):
    """Four threads make eight random transfers each, between four accounts, at three levels."""
    return {
        f"{level}: {label}": value
        for level in OnPostgreSQL.levels
        for label, value in tells_many(solution, rng, on_postgresql, level).items()
    }
