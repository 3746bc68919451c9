# %% [markdown] id="title"
# # A bank ledger that many use at once
#
# **Goal:** move money so that none appears and none is lost, whoever else is moving some at the
# same moment. · **90 minutes** · needs: [Transactions and
# isolation](../../../notebooks/03_databases/3_transactions_and_isolation.ipynb)
#
# **Not covered:** currencies, interest, and money that is held for a while before it moves.

# %% [markdown] id="how"
# ## How to work
#
# There are five tasks. Each adds one thing, and you can check after each. Read all of them first:
# the last one changes how you write the second and the third.
#
# All of it works on SQLite (in WAL mode) and on PostgreSQL 18. `conn` comes from
# `sqlite3.connect(path, isolation_level=None)` or from `psycopg.connect(url, autocommit=True)`. So
# Python begins no transaction by itself, and none ends by itself.
#
# `isinstance(conn, sqlite3.Connection)` tells which one it is. Without PostgreSQL here, the checks
# tell their SQLite half.
#
# A parameter is `?` in SQLite and `%s` in psycopg. `execute` below hides that, if you like. Most
# other SQL that you need is the same in both, `ON CONFLICT ... DO NOTHING` included.
#
# `Receipt`, `Refused` and `Conflict` are given. Leave them as they are.


# %% id="setup" tags=["setup"]
import random
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from course_lib.clock import Clock, ManualClock, SystemClock
from course_lib.practice import check, hint, reset, solution

BANK = "bank"


@dataclass(frozen=True)
class Receipt:
    """A transfer that was made. No other transfer has its `id`."""

    id: str
    src: str
    dst: str
    amount: Decimal
    key: str


class Refused(ValueError):
    """The rules do not allow this."""


class Conflict(ValueError):
    """The key belongs to another transfer."""


class Pool(Protocol):
    """What `run_tx` gets its connections from."""

    def connection(self) -> AbstractContextManager[Any]: ...


def execute(conn: Any, sql: str, *values: object) -> Any:
    """The cursor of one statement; `?` for each value on both databases."""
    on_sqlite = isinstance(conn, sqlite3.Connection)
    return conn.execute(sql if on_sqlite else sql.replace("?", "%s"), values)


# %% [markdown] id="task-1"
# ## Task 1: accounts and entries
#
# In a ledger, money never appears. Each movement is *two* entries: minus for who pays, plus for
# who gets it. So the sum of all entries is 0, after every commit.
#
# - `create(conn)` makes the tables in an empty database. Which ones, and with which columns, is up
#   to you. So is how you store money, as long as no cent is lost.
# - `open_account(conn, name, opening)` makes an account and gives it `opening` from the bank's own
#   account. That one is called `bank` and exists from the start. It alone may go below zero.
# - `balance(conn, name)` is a `Decimal`. If there is no such account, it raises `Refused`.
# - `entries(conn)` is a list of all entries as pairs `(name, amount)`, in any order. The amount is a
#   `Decimal`, negative for who pays.
# - `opening` is a `Decimal`: 0, or an amount as in task 2. Otherwise, and if the name is taken,
#   `open_account` raises `Refused`.
#
# All of these, and `transfer`, are called *inside* a transaction. They neither begin one nor end
# it. (Mind `executescript`, which commits first.)
#
# Free: whether an opening of 0 has entries.

# %% [markdown] id="task-2"
# ## Task 2: a transfer
#
# `transfer(conn, src, dst, amount, key)` moves `amount` from account `src` to account `dst` and
# returns a `Receipt`. Its `id` is a text of your choice. `key` names the wish of the customer: here
# each transfer has its own.
#
# It raises `Refused` if
#
# - the amount is 0 or less, is NaN or infinite, or has more than two decimals, like `0.001`;
# - `src` and `dst` are the same, or one of them does not exist;
# - `src` has too little money. To give all that is there is fine.
#
# In the checks, no account but the bank's ever has a billion or more. When `transfer` has raised an
# exception, its caller rolls back the transaction.
#
# Free: transfers from and to `bank`, amounts that are no `Decimal`, and whether `10.500` has more
# than two decimals.

# %% [markdown] id="task-3"
# ## Task 3: once for each key
#
# The answer to a transfer got lost, so the customer sends it again, with the same key.
#
# - Same key and same transfer: nothing is moved again, and the *same* receipt comes back. Also if the
#   money is gone since, and also in another process. `2.5` is the same amount as `2.50`.
# - Same key, but other accounts or another amount (one that is fine in itself): `Conflict`, and
#   nothing is moved.
# - A transfer that was refused leaves its key free. The same call may succeed later.

# %% [markdown] id="task-4"
# ## Task 4: the whole transaction again
#
# `run_tx(pool, fn, retries, rng, clock, isolation)` runs `fn(conn)` in a transaction, commits, and
# returns what `fn` returned.
#
# - `with pool.connection() as conn:` lends a connection without a transaction. It neither begins,
#   commits nor rolls back. Give it back without a transaction.
# - `isolation` is `"read committed"`, `"repeatable read"`, `"serializable"`, or None for the
#   database's own level. It holds for every try of this call, and for no later call. SQLite has
#   one level, so there the argument changes nothing.
# - On SQLite, the transaction has the right to write before `fn` is called: until it ends, nobody
#   else can write. How long a connection waits for that is the pool's affair.
# - Any exception, `KeyboardInterrupt` too: all is rolled back, and it comes out. If the rollback
#   fails as well, the first exception comes out.
# - **Conflicts** are tried again as a whole: errors whose `sqlstate` is 40001 or 40P01, and SQLite's
#   busy and locked: `sqlite_errorcode & 255` is 5 or 6. Go by these attributes, not by a class:
#   some of these errors have classes that others have too. The commit and the begin may meet a
#   conflict as well. Nothing else is tried again, a lost connection neither.
# - `retries` counts the tries after the first. When they are used up, the last error comes out.
# - Before each further try, call `clock.sleep` with something from 0 to 5 seconds, drawn from `rng`.
#   While you sleep, you hold neither a transaction nor a connection.
# - If `fn` hides the error of a statement, PostgreSQL answers `COMMIT` with a rollback, and psycopg
#   says nothing about it. Then raise an exception of your choice. `conn.info.transaction_status`
#   knows it before the commit: `psycopg.pq.TransactionStatus.INERROR`.

# %% [markdown] id="task-5"
# ## Task 5: at the same moment
#
# The checks let two transfers meet: one stops before each of its statements in turn, `BEGIN` and
# `COMMIT` included, until the other has ended or waits for it. This is done on SQLite, and on
# PostgreSQL at `"read committed"` and `"repeatable read"`.
#
# - No account but the bank's is ever below zero. No update is lost.
# - With `retries=5` all that is allowed succeeds.
# - At `"read committed"` two transfers in opposite directions succeed even with `retries=0`. So all
#   transfers take their locks in one order, whichever that is.
# - The same transfer with the same key, twice at the same moment: one transfer, and both get its
#   receipt. With another amount, one of them gets `Conflict`. (A unique violation is no conflict
#   that `run_tx` tries again.)
# - At the end some threads make random transfers at all three levels, with many retries.
# - A process is killed before each statement in turn, and after the commit. A connection is lost
#   right after each statement, so that nobody knows whether it was done. Then somebody asks again
#   with the same key. There is one transfer, and who had a receipt gets the same one.
#
# A process is killed only on Linux and macOS. On Windows that check always passes, so use WSL
# (Linux inside Windows) there.


# %% id="ledger" tags=["solution"]
def create(conn: Any) -> None:
    """Make the tables, and the account of the bank, in an empty database."""
    # TODO: task 1
    ### BEGIN SOLUTION
    for statement in SCHEMA:
        execute(conn, statement)
    execute(conn, "INSERT INTO accounts VALUES (?, 0)", BANK)
    ### END SOLUTION


def open_account(conn: Any, name: str, opening: Decimal) -> None:
    """A new account, with `opening` from the bank.

    Raises:
        Refused: the name is taken, or `opening` is no amount and not 0.
    """
    # TODO: task 1
    ### BEGIN SOLUTION
    cents = _cents(opening)
    new = execute(conn, "INSERT INTO accounts VALUES (?, 0) ON CONFLICT DO NOTHING", name)
    if new.rowcount == 0:
        raise Refused(f"there is an account {name!r} already")
    if cents:
        _move(conn, BANK, name, cents)
    ### END SOLUTION


def balance(conn: Any, name: str) -> Decimal:
    """How much money the account has.

    Raises:
        Refused: there is no such account.
    """
    # TODO: task 1
    ### BEGIN SOLUTION
    row = execute(conn, "SELECT cents FROM accounts WHERE name = ?", name).fetchone()
    if row is None:
        raise Refused(f"there is no account {name!r}")
    return _money(row[0])
    ### END SOLUTION


def entries(conn: Any) -> list[tuple[str, Decimal]]:
    """All entries as `(name, amount)`, in any order; their sum is 0."""
    # TODO: task 1
    ### BEGIN SOLUTION
    rows = execute(conn, "SELECT account, cents FROM entries").fetchall()
    return [(account, _money(cents)) for account, cents in rows]
    ### END SOLUTION


def transfer(
    conn: Any,
    src: str,
    dst: str,
    amount: Decimal,
    key: str,
) -> Receipt:
    """Move `amount` from `src` to `dst`, once for each key, in a transaction.

    Raises:
        Refused: the rules do not allow it; see task 2.
        Conflict: the key belongs to another transfer.
    """
    # TODO: tasks 2, 3 and 5; write helper functions below as you need them
    ### BEGIN SOLUTION
    cents = _cents(amount)
    if cents == 0 or src == dst:
        raise Refused(f"cannot move {amount} from {src!r} to {dst!r}")
    wanted = (src, dst, cents, key)
    # The first who writes a key has it. A second one waits here until the first has ended.
    insert = "INSERT INTO receipts VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"
    new = execute(conn, insert, uuid.uuid4().hex, *wanted)
    if new.rowcount == 1:
        _move(conn, src, dst, cents)
    found = execute(conn, "SELECT id, src, dst, cents, key FROM receipts WHERE key = ?", key)
    id, *known = found.fetchone()
    if tuple(known) != wanted:
        raise Conflict(f"the key {key!r} belongs to another transfer")
    return Receipt(id, src, dst, _money(cents), key)


def _move(conn: Any, src: str, dst: str, cents: int) -> None:
    """Both entries and both balances, in the order of the names: so no two wait in a circle."""
    for name, change in sorted([(src, -cents), (dst, cents)]):
        done = execute(conn, CHANGE, change, name, change)
        if done.rowcount == 0:
            raise Refused(f"there is no account {name!r}, or it has too little money")
        execute(conn, "INSERT INTO entries VALUES (?, ?)", name, change)


def _cents(amount: Decimal) -> int:
    if not amount.is_finite() or amount < 0 or amount.as_tuple().exponent < -2:
        raise Refused(f"{amount} is no amount of money")
    return int(amount * 100)


def _money(cents: int) -> Decimal:
    return Decimal(cents) / 100


SCHEMA = (
    "CREATE TABLE accounts (name TEXT PRIMARY KEY, cents BIGINT NOT NULL,"
    f" CHECK (cents >= 0 OR name = '{BANK}'))",
    "CREATE TABLE entries (account TEXT NOT NULL REFERENCES accounts, cents BIGINT NOT NULL)",
    "CREATE TABLE receipts (id TEXT PRIMARY KEY, src TEXT NOT NULL, dst TEXT NOT NULL,"
    " cents BIGINT NOT NULL, key TEXT NOT NULL UNIQUE)",
)

# The condition and the change are one statement: nobody can come between them.
CHANGE = (
    f"UPDATE accounts SET cents = cents + ? WHERE name = ? AND (cents + ? >= 0 OR name = '{BANK}')"
)
### END SOLUTION


# %% id="run" tags=["solution"]
def run_tx(
    pool: Pool,
    fn: Callable[[Any], Any],
    retries: int = 5,
    rng: random.Random | None = None,
    clock: Clock | None = None,
    isolation: str | None = None,
) -> Any:
    """What `fn(conn)` returns, committed; all is tried again after a conflict.

    Args:
        pool: lends connections.
        fn: reads and writes, and neither begins nor ends a transaction.
        retries: tries after the first, 0 or more.
        rng: draws the waits; None is a new one.
        clock: waits; None is the real one.
        isolation: a level in small letters; None is the database's own.
    """
    # TODO: task 4
    ### BEGIN SOLUTION
    rng = random.Random() if rng is None else rng
    clock = SystemClock() if clock is None else clock
    attempt = 0
    while True:
        try:
            with pool.connection() as conn:
                return _try_once(conn, fn, isolation)
        except Exception as error:
            if attempt == retries or not _is_conflict(error):
                raise
        clock.sleep(rng.uniform(0, min(2.0, 0.02 * 2**attempt)))
        attempt += 1


def _try_once(conn: Any, fn: Callable[[Any], Any], isolation: str | None) -> Any:
    if isinstance(conn, sqlite3.Connection):
        conn.execute("BEGIN IMMEDIATE")
    else:
        conn.execute(f"BEGIN ISOLATION LEVEL {isolation}" if isolation else "BEGIN")
    try:
        result = fn(conn)
        if not isinstance(conn, sqlite3.Connection) and conn.info.transaction_status == FAILED:
            raise RuntimeError("a statement has failed, so there is nothing to commit")
        conn.commit()
    except BaseException:
        with suppress(Exception):  # it must not hide the first error
            conn.rollback()
        raise
    return result


FAILED = 3  # psycopg.pq.TransactionStatus.INERROR, without importing psycopg


def _is_conflict(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return getattr(error, "sqlstate", None) in ("40001", "40P01") or code & 255 in (5, 6)
    ### END SOLUTION


# %% id="check" tags=["check"]
check("03.3-bank-ledger")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("03.3-bank-ledger")` shows a worked
# answer, and `reset("03.3-bank-ledger")` gives you the empty task back. Your version is kept
# beside it.

# %% id="hint" tags=["check"]
hint("03.3-bank-ledger")

# %% [markdown] id="playground"
# ## Try it by hand
#
# One account with 10.00, and two people who want 7.00 of it. Then the first asks again, because
# the answer got lost. Bet on each line before you run it. Then change the second key to `"first"`.


# %% id="play" tags=["play"]
from contextlib import closing, contextmanager
from functools import partial


class OnePool:
    def __init__(self, conn):
        self._conn = conn

    @contextmanager
    def connection(self):
        yield self._conn


def show(pool, label, fn):
    try:
        told = run_tx(pool, fn, rng=random.Random(1), clock=ManualClock())
        print(f"{label}: {told}")
    except ValueError as error:
        print(f"{label}: {type(error).__name__}, {error}")


def pays(conn, dst, key):
    return transfer(conn, "ada", dst, Decimal(7), key).amount


def listed(conn):
    return [f"{name} {amount}" for name, amount in entries(conn)]


def story(pool):
    def opening(conn):
        create(conn)
        for name, money in (("ada", "10"), ("bao", "0"), ("cat", "0")):
            open_account(conn, name, Decimal(money))

    run_tx(pool, opening)
    for dst, key in (("bao", "first"), ("cat", "second"), ("bao", "first")):
        show(pool, key, partial(pays, dst=dst, key=key))
    show(pool, "entries", listed)


with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
    try:
        story(OnePool(conn))
    except NotImplementedError:
        print("Nothing to play with yet: write the ledger first.")

# %% [markdown] id="question"
# ## To think about
#
# Now the money goes to another bank, over the network, and takes two seconds. No transaction may be
# open for so long. What would you commit before the call, and what after it?
#
# What does somebody find who looks at the ledger in between, and what if your process dies there?
# There is no single right answer, and no check.
