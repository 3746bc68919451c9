"""Checks of projects.user-management.

Every telling begins with an empty schema, in a database that its process keeps. Connections can do
something before each statement: stop there, break, count. So two sessions meet at every place where
they can meet, in the same order every time. Work with passwords is counted, never timed.
"""

import base64
import contextlib
import functools
import hashlib
import itertools
import os
import random
import re
import threading
from types import SimpleNamespace

from course_lib.clock import ManualClock
from course_lib.labs import postgres
from course_lib.practice import scenario

NAMES = (
    "Conflict",
    "EmailTaken",
    "Forbidden",
    "InvalidToken",
    "LogInFailed",
    "NotFound",
    "TooManyTries",
    "UserService",
    "Users",
    "migrate",
)
SERVICES = ("postgres",)
SEEDS = 2
HINTS = (
    "Who else may write between your look and your change? Let the table forbid it: a unique index "
    "on an expression, for some rows only. Then ask the database what happened.",
    "Whom do you compare a password with if nobody has this address? With somebody who does not "
    "exist. Make that hash when the service begins. And who writes a failure down, if the error "
    "undoes the transaction?",
    "Would you store a password as it is? A token is one. Look for its hash, together with purpose "
    "and age; a DELETE that gives back the row tells which of two was first.",
    "Write the table of rights as one function of actor, action and user, without any SQL. Then "
    "each method has four steps in one transaction: read both, ask the policy, change, write down.",
    "Constraint, then repository, then service: each rule stands at the lowest place that can keep "
    "it. When a scenario with two sessions fails, write down which statement comes first.",
)

PATIENCE = 3.0  # seconds until a thread that hangs is given up
LOOK = 0.001  # seconds between two looks
MOST_STEPS = 60  # statements of one method that are looked at
MOST_CONNECTIONS = 8
WINDOW, LETTER, SESSION = 900, 3600, 86400
HERE, THERE = "192.0.2.1", "198.51.100.7"


# A database whose connections can be watched


def nothing(_conn):
    """What is done before a statement if nobody has asked for more."""


@functools.cache
def watched():
    import psycopg

    class Watched(psycopg.Connection):
        """`wait` is the one way of psycopg to send something and wait for the answer."""

        before = staticmethod(nothing)

        def wait(self, *args, **options):
            self.before(self)
            return super().wait(*args, **options)

    return Watched


class Db:
    """Lends connections, and hands each of their statements to `before` first."""

    def __init__(self, url):
        self._url = url
        self._free = []
        self._places = threading.Semaphore(MOST_CONNECTIONS)
        self.before = nothing
        self.left_open = 0

    @contextlib.contextmanager
    def connection(self):
        if not self._places.acquire(timeout=PATIENCE):
            raise TimeoutError(f"all {MOST_CONNECTIONS} connections are lent")
        conn = None
        try:
            conn = self._free.pop() if self._free else self._new()
            conn.before = lambda conn: self.before(conn)
            yield conn
        finally:
            if conn is not None:
                self._take_back(conn)
            self._places.release()

    def _new(self):
        return watched().connect(self._url, autocommit=True)

    def _take_back(self, conn):
        conn.before = nothing
        if conn.closed:
            return
        if conn.info.transaction_status != 0:
            self.left_open += 1
            conn.close()
            return
        self._free.append(conn)

    def close(self):
        while self._free:
            self._free.pop().close()


class Home:
    """One database and its connections for each process: to make them takes longer than a story."""

    def __init__(self):
        self._database = postgres().database("user_checks")
        self._migrate = None
        self.eyes = self._database.connect(autocommit=True, options="-c lock_timeout=3s")
        self.db = None

    def empty(self, migrate):
        """The schema that `migrate` makes, without rows."""
        if self._migrate is not migrate or not self._emptied():
            self._make(migrate)
        self.db.before = nothing
        self.db.left_open = 0

    def _make(self, migrate):
        if self.db:
            self.db.close()
        self.db = Db(self._database.url)
        self._migrate = None
        self.eyes.execute(  # a thread that was given up may still hold locks
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        self.eyes.execute("DROP SCHEMA IF EXISTS public CASCADE")
        self.eyes.execute("CREATE SCHEMA public")
        migrate(self.eyes)
        # Rows that a migration has put there must be there each time.
        if not self._rows():
            self._migrate = migrate

    def _emptied(self):
        """Whether all rows could be deleted: in one statement, as then their order is free."""
        import psycopg

        deletes = (f"t{n} AS (DELETE FROM {table})" for n, table in enumerate(self._tables()))
        try:
            self.eyes.execute(f"WITH {', '.join(deletes)} SELECT 1")
        except psycopg.Error:
            return False
        return not self._rows()

    def forget(self):
        """Make everything new for the next story."""
        self._migrate = None

    def _tables(self):
        return [
            name
            for (name,) in self.eyes.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
                " AND tablename <> 'schema_migrations'"
            )
        ]

    def _rows(self):
        """How many tables have rows."""
        tables = self._tables()
        any_row = " + ".join(f"(EXISTS (SELECT FROM {table}))::int" for table in tables)
        return not tables or self.eyes.execute(f"SELECT {any_row}").fetchone()[0]


@functools.cache
def home(_pid):
    return Home()


class Place:
    """An empty schema after the migrations, and somebody who can look into it."""

    def __init__(self, solution, db, eyes):
        self.solution = solution
        self.eyes = eyes
        self.db = db
        self.clock = ManualClock()
        self.hasher = counting()()
        self.letters = []
        self.numbers = itertools.count(1)

    def users(self, method, *args, **options):
        """What a method of Users gives, on a connection of its own."""
        with self.db.connection() as conn:
            return getattr(self.solution.Users(conn), method)(*args, **options)

    def service(self, mailer=None):
        mailer = mailer or SimpleNamespace(send=self._send)
        return self.solution.UserService(self.db, self.hasher, self.clock, mailer)

    def _send(self, email, purpose, token):
        self.letters.append((email, purpose, token))

    def asked(self, method, *args, **options):
        """What was given, or the name of the error."""
        return asked(self.solution, lambda: self.users(method, *args, **options))

    def member(self, email, password, name="Ada", role="member"):
        """A user who is there already."""
        return self.users("add", email, name, self.hasher.hash(password), role=role)

    def tried(self, service, email, password, address=HERE):
        """What came of a log-in without a session."""
        return word(asked(self.solution, lambda: service.authenticate(email, password, address)))

    def called(self, call, *args, **options):
        """That it was done, or the error's name."""
        return word(asked(self.solution, lambda: call(*args, **options)))

    def letter(self):
        """The token of the newest letter."""
        return self.letters[-1][2]

    def everything(self):
        """Every row of every table as text, and what bytes in it mean."""
        names = self.eyes.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        rows = [
            text
            for (name,) in names
            for (text,) in self.eyes.execute(f"SELECT t::text FROM {name} t")
        ]
        text = "\n".join(rows)
        return text + "".join(as_text(digits) for digits in re.findall(r"\\x([0-9a-f]+)", text))

    def waiting(self):
        """How many sessions wait for a lock."""
        (count,) = self.eyes.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
        return count


def as_text(digits):
    return bytes.fromhex(digits).decode("latin-1")


@contextlib.contextmanager
def place(solution):
    here = home(os.getpid())
    here.empty(solution.migrate)
    try:
        yield Place(solution, here.db, here.eyes)
    except BaseException:
        here.forget()  # threads may still be at work there
        raise


@functools.cache
def counting():
    from argon2 import PasswordHasher

    class Counting(PasswordHasher):
        """Quick, and `work` has the settings of each hash that was computed."""

        def __init__(self, time_cost=1):
            super().__init__(time_cost=time_cost, memory_cost=8, parallelism=1)
            self.work = []

        def hash(self, password, *, salt=None):
            made = super().hash(password, salt=salt)
            self.work.append(made.split("$")[3])
            return made

        def verify(self, hash, password):
            try:
                return super().verify(hash, password)
            finally:
                if hash.count("$") == 5:  # otherwise it is no hash, and nothing was computed
                    self.work.append(hash.split("$")[3])

    return Counting


def asked(solution, run):
    """What `run` gave, or the name of the error if it is one of the project's."""
    known = tuple(
        getattr(solution, name)
        for name in NAMES
        if name[0].isupper() and name not in ("UserService", "Users")
    )
    try:
        return run()
    except known as error:
        return next(kind.__name__ for kind in known if isinstance(error, kind))


def word(answer):
    """An error's name, or that it was done."""
    return answer if isinstance(answer, str) else "done"


def fields(user, *but):
    """The fields of a User that can be compared; an error's name stays as it is."""
    if user is None or isinstance(user, str):
        return user
    names = ("email", "name", "about", "role", "verified", "version")
    return {name: getattr(user, name) for name in names if name not in but}


def new_address(rng):
    """An address, and two other ways to write it."""
    text = f"ada.{rng.randrange(10**6)}x@example.org"
    return text, text.upper(), text.title()


# Two sessions that meet


def meetings(here, prepare):
    """Two calls; the first stops before each of its statements in turn until the other has ended.

    `prepare(step)` gives both calls. An other that waits for a lock is let wait.
    """
    found = set()
    for step in range(1, MOST_STEPS):
        calls = prepare(step)
        reached, answers = meet(here, step, *calls)
        found.add(" and ".join(sorted(answers)))
        if not reached:
            return sorted(found)
    return [*sorted(found), f"more than {MOST_STEPS} statements"]


def meet(here, step, slow, fast):
    """Whether there is such a step, and how both ended."""
    answers = {}
    at_step, go_on, over = threading.Event(), threading.Event(), threading.Event()
    steps = itertools.count(1)

    def works(name, call, ended):
        try:
            answers[name] = word(asked(here.solution, call))
        except Exception as error:  # noqa: BLE001 - it is what a learner must see
            answers[name] = type(error).__name__
        finally:
            ended.set()

    slow_ended = threading.Event()
    first = threading.Thread(target=works, args=("slow", slow, slow_ended), daemon=True)
    second = threading.Thread(target=works, args=("fast", fast, over), daemon=True)

    def stops(_conn):
        if threading.current_thread() is first and next(steps) == step:
            at_step.set()
            go_on.wait(PATIENCE)

    here.db.before = stops
    first.start()
    while not at_step.wait(LOOK) and not slow_ended.is_set():
        pass
    second.start()
    while not over.wait(LOOK) and not here.waiting():
        pass
    go_on.set()
    first.join(PATIENCE)
    second.join(PATIENCE)
    here.db.before = nothing
    return at_step.is_set(), [answers.get(name, "hangs") for name in ("slow", "fast")]


def breaks(here, prepare):
    """The connection breaks before each statement of a call in turn; what is found afterwards.

    `prepare(step)` gives the call, and a look at what came of it.
    """
    import psycopg

    found = set()
    for step in range(1, MOST_STEPS):
        call, look = prepare(step)
        steps = itertools.count(1)
        broken = []

        def cuts(conn, steps=steps, step=step, broken=broken):
            if next(steps) == step:
                broken.append(1)
                conn.close()
                raise psycopg.OperationalError("the connection was lost")

        here.db.before = cuts
        with contextlib.suppress(psycopg.Error):
            call()
        here.db.before = nothing
        found.add(look())
        if not broken:
            return sorted(found)
    return [*sorted(found), f"more than {MOST_STEPS} statements"]


# M1

IN_AND_OUT = "users go in and come out by named fields"
CAPITALS = "an address is taken, whatever its capitals"
GONE = "a deleted user is invisible, and the address is free"
KEYS = "an update changes name and about, and nothing else"
STALE = "an edit of an old version is a conflict"
NO_HASH = "the password hash never comes out"
TWO_ADD = "of two who want one address, one gets it"
TWO_EDIT = "of two who edit one version, one does"
TWENTY = "of twenty who want one address, one gets it"


@scenario(IN_AND_OUT, task=1, limit=10, next_step="Name the columns, and fill User by their names.")
def in_and_out(solution, rng):
    """Two users are added, got, and found; and some who are not there."""
    address, upper, _ = new_address(rng)
    name = f"O'Hara %s {rng.randrange(1000)}; --"
    with place(solution) as here:
        ada = here.users("add", address, name, "hash-1")
        bao = here.users("add", "bao@example.org", name, "hash-2", role="support")
        return {
            "added": fields(ada),
            "with a role": fields(bao),
            "two ids": type(ada.id) is int and ada.id != bao.id,
            "got": here.users("get", ada.id) == ada,
            "found": here.users("find", address) == ada,
            "found by capitals": here.users("find", upper) == ada,
            "get of nobody": here.asked("get", ada.id + bao.id + 1),
            "find of nobody": here.users("find", "cat@example.org"),
            "transactions left open": here.db.left_open,
        }


@scenario(
    CAPITALS,
    task=1,
    needs=(IN_AND_OUT,),
    limit=10,
    next_step="A unique index may be on lower(email). Its violation becomes EmailTaken.",
)
def capitals(solution, rng):
    """The same address is added twice more, in other capitals; then another, on one connection."""
    address, upper, title = new_address(rng)
    with place(solution) as here, here.db.connection() as conn:
        users = solution.Users(conn)
        added = [users.add(upper, "Ada", "h").email]
        for again in (address, title, upper):
            added.append(word(asked(solution, lambda again=again: users.add(again, "Eve", "h"))))
        added.append(users.add(f"not.{address}", "Bao", "h").email)
        return {"answers": added, "whose it is": users.find(title).name}


@scenario(
    GONE,
    task=1,
    needs=(CAPITALS,),
    points=2,
    limit=10,
    next_step="Every statement asks for users that are not deleted; the unique index too.",
)
def gone(solution, rng):
    """A user is deleted, and somebody else takes the address; twice."""
    address, upper, _ = new_address(rng)
    with place(solution) as here:
        seen = {}
        for turn in ("first", "second"):
            user = here.users("add", address, turn, "h")
            here.users("delete", user.id)
            seen[f"{turn} user, deleted"] = {
                "get": here.asked("get", user.id),
                "find": here.users("find", upper),
                "update": here.asked("update", user.id, user.version, name="back"),
                "delete": here.asked("delete", user.id),
            }
        last = here.users("add", upper, "last", "h")
        old = here.asked("update", user.id, user.version, about="mine")
        seen["the last one"] = fields(here.users("get", last.id))
        seen["another id"] = last.id != user.id
        seen["update of the one before"] = old
        seen["rows are kept"] = len(
            {"first", "second"} & set(re.findall(r"\w+", here.everything()))
        )
        seen["nobody to delete"] = here.asked("delete", last.id + 1000)
    return seen


@scenario(
    KEYS,
    task=1,
    needs=(IN_AND_OUT,),
    points=2,
    limit=10,
    next_step="Compare the keys with a list of your own before they come near any SQL.",
)
def keys(solution, rng):
    """A name, an about, both, a name; then other keys, alone and together with a name."""
    text = f"it's % {rng.randrange(1000)}"
    with place(solution) as here:
        ada = here.users("add", "ada@example.org", "Ada", "the-hash")
        seen = {"name": fields(here.users("update", ada.id, 1, name=text))}
        seen["about"] = fields(here.users("update", ada.id, 2, about=text[::-1]))
        seen["both"] = fields(here.users("update", ada.id, 3, name="A", about="B"))
        seen["name again"] = fields(here.users("update", ada.id, 4, name=text))
        seen["empty"] = fields(here.users("update", ada.id, 5, about=""))
        for key, value in (
            ("role", "admin"),
            ("verified", True),
            ("email", "eve@example.org"),
            ("password_hash", "mine"),
            ("deleted", True),
            ("id", 7),
            ("name = 'x', role", "admin"),
            ("nonsense", 1),
        ):
            for more in ({}, {"name": "Eve"}):
                with_more = " with a name" if more else ""
                seen[key + with_more] = refused(here, ada.id, {key: value} | more)
        seen["afterwards"] = fields(here.asked("get", ada.id))
        seen["the hash is the same"] = "the-hash" in here.everything()
    return seen


def refused(here, user_id, changes):
    user = here.asked("get", user_id)
    if isinstance(user, str):
        return "the user is not there any more"
    try:
        return f"not refused, {word(here.asked('update', user_id, user.version, **changes))}"
    except (ValueError, TypeError):
        return "refused"


@scenario(
    STALE,
    task=1,
    needs=(KEYS,),
    limit=10,
    next_step="WHERE id = ... AND version = ...; how many rows were changed?",
)
def stale(solution, rng):
    """Two read one version; both edit. Also a version that is still to come, and nobody."""
    with place(solution) as here:
        ada = here.users("add", "ada@example.org", "Ada", "h")
        bao = here.users("add", "bao@example.org", "Bao", "h")
        return {
            "the first": fields(here.asked("update", ada.id, 1, name=f"A{rng.randrange(1000)}")),
            "the second": here.asked("update", ada.id, 1, about="lost?"),
            "too early": here.asked("update", ada.id, 3, about="early"),
            "nobody": here.asked("update", ada.id + bao.id + 1, 1, about="nobody"),
            "after reading again": fields(here.asked("update", ada.id, 2, about="B")),
            "the other one": fields(here.users("get", bao.id)),
        }


@scenario(
    NO_HASH,
    task=1,
    needs=(STALE,),
    limit=10,
    next_step="Do not SELECT *: name the columns that may be seen.",
)
def no_hash(solution, rng):
    """Whatever the methods give is searched for the hash."""
    secret = f"hash{rng.randrange(10**9)}"
    with place(solution) as here:
        ada = here.users("add", "ada@example.org", "Ada", secret)
        given = {
            "add": ada,
            "get": here.users("get", ada.id),
            "find": here.users("find", "ada@example.org"),
            "update": here.users("update", ada.id, 1, name="A"),
            "delete": here.users("delete", ada.id),
        }
    return {method: secret in searched(value) for method, value in given.items()}


def searched(value):
    """All that can be read in a value."""
    own = [getattr(value, "__dict__", "")]
    own += [getattr(value, name, "") for name in dir(value) if not name.startswith("__")]
    return f"{value!r} {value} {own!r}"


@scenario(
    TWO_ADD,
    task=1,
    needs=(CAPITALS,),
    points=2,
    limit=20,
    next_step="A SELECT before the INSERT says how it was. Only the unique index knows how it is.",
)
def two_add(solution, rng):
    """One who adds an address stops before each statement, while another adds it in capitals."""
    with place(solution) as here:

        def prepare(step):
            address = f"ada{step}.{rng.randrange(10**6)}@example.org"
            return (
                lambda: here.users("add", address, "slow", "h"),
                lambda: here.users("add", address.upper(), "fast", "h"),
            )

        return meetings(here, prepare)


@scenario(
    TWO_EDIT,
    task=1,
    needs=(STALE,),
    points=2,
    limit=20,
    next_step="Look at the version and change the row in one statement.",
)
def two_edit(solution, rng):
    """One who edits stops before each statement, while another edits the same version."""
    with place(solution) as here:
        lost = []

        def prepare(step):
            user = here.users("add", f"ada{step}@example.org", "Ada", "h")
            lost.append(user.id)
            return (
                lambda: here.users("update", user.id, 1, name=f"slow{rng.randrange(9)}"),
                lambda: here.users("update", user.id, 1, about="fast"),
            )

        found = meetings(here, prepare)
        versions = {here.users("get", user_id).version for user_id in lost}
    return {"both": found, "versions": sorted(versions)}


@scenario(
    TWENTY,
    task=1,
    needs=(TWO_ADD,),
    limit=20,
    next_step="Look at the first error that is not EmailTaken.",
)
def twenty(solution, rng):
    """Twenty threads add one address at the same moment, each with other capitals."""
    address, _, _ = new_address(rng)
    spellings = ["".join(rng.choice((c, c.upper())) for c in address) for _ in range(20)]
    start, answers = threading.Barrier(20), []
    with place(solution) as here:

        def works(spelling):
            start.wait(PATIENCE)
            try:
                answers.append(word(here.asked("add", spelling, "Ada", "h")))
            except Exception as error:  # noqa: BLE001 - it is what a learner must see
                answers.append(type(error).__name__)

        threads = [threading.Thread(target=works, args=(s,), daemon=True) for s in spellings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * PATIENCE)
    return sorted(answers)


# M2

RIGHT = "the right password gives the user"
SAME = "an unknown user and a wrong password look the same, and cost the same"
OLD = "an old hash is replaced at the right password"
BRAKE = "five failed tries stop a pair, and nobody else"
PASSES = "the brake opens again, whatever a stranger does"
ZERO = "the right password sets the count to zero"
UNKNOWN = "an unknown address has the same brake"
SHARED = "two services share the brake"


def new_password(rng):
    return f"pass {rng.randrange(10**9)} word"


@scenario(RIGHT, task=2, limit=10, next_step="Compare with the stored hash, and give the User.")
def right_password(solution, rng):
    """Two users log in with their own passwords, and with each other's."""
    address, upper, _ = new_address(rng)
    one, two = new_password(rng), new_password(rng)
    with place(solution) as here:
        service = here.service()
        ada = here.member(address, one)
        here.member("bao@example.org", two)
        user = service.authenticate(upper, one, HERE)
        return {
            "ada": fields(user),
            "ada's id": user.id == ada.id,
            "a hash in it": "$argon2" in searched(user),
            "ada with bao's": here.tried(service, address, two),
            "bao with her own": here.tried(service, "bao@example.org", two),
            "bao with ada's": here.tried(service, "bao@example.org", one),
            "nothing": here.tried(service, address, ""),
            "transactions left open": here.db.left_open,
        }


@scenario(
    SAME,
    task=2,
    needs=(RIGHT,),
    points=2,
    limit=10,
    next_step="Hash something with this hasher in __init__, and verify against that. Nothing more.",
)
def same(solution, rng):
    """An unknown address first of all; a deleted user; the wrong password. Hashes are counted."""
    password = new_password(rng)
    with place(solution) as here:
        for email in ("ada@example.org", "bao@example.org"):
            user = here.member(email, password)
        here.users("delete", user.id)
        service = here.service()
        seen = {}
        for label, email, given in (
            ("unknown", "cat@example.org", password),
            ("unknown again", "dan@example.org", password[::-1]),
            ("deleted", "bao@example.org", password),
            ("wrong password", "ada@example.org", password[::-1]),
        ):
            here.hasher.work.clear()
            seen[label] = {"told": told(solution, service, email, given)}
            seen[label]["work"] = sorted(here.hasher.work)
        wrong = seen["wrong password"]
        return {
            label: {what: compared(found[what], wrong[what]) for what in found}
            for label, found in seen.items()
        } | {"error": wrong["told"].split(":")[0]}


def told(solution, service, email, password):
    """Everything that an error says."""
    try:
        service.authenticate(email, password, HERE)
    except solution.LogInFailed as error:
        return f"{type(error).__name__}: {error} {error.args!r}".replace(email, "ADDRESS")
    return "no LogInFailed"


def compared(found, wrong):
    return "the same" if found == wrong else f"{found!r}; for a wrong password {wrong!r}"


def old_hashes(rng, password):
    """The same password as three older programs stored it."""
    import bcrypt

    salt, rounds = f"salt{rng.randrange(10**6)}", rng.randrange(900, 1100)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), rounds)
    return {
        "bcrypt": bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode(),
        "pbkdf2": f"pbkdf2_sha256${rounds}${salt}${base64.b64encode(digest).decode()}",
        "argon2 with other settings": counting()(time_cost=2).hash(password),
    }


@scenario(
    OLD,
    task=2,
    needs=(RIGHT,),
    points=3,
    limit=15,
    next_step="Only now is the password known: hash it again and store that.",
)
def old(solution, rng):
    """Users with three kinds of old hashes, and one with a new one, log in wrongly and rightly."""
    password = new_password(rng)
    seen = {}
    with place(solution) as here:
        service = here.service()
        kinds = old_hashes(rng, password) | {"a new one": here.hasher.hash(password)}
        for number, (kind, stored) in enumerate(kinds.items()):
            email = f"user{number}@example.org"
            here.users("add", email, kind, stored)
            seen[kind] = [
                f"{here.tried(service, email, given)}, {kept(here, stored)}"
                for given in (password[::-1], "x" * 80, password, password, f"{password}x")
            ]
            good = re.findall(r"\$argon2id\$v=19\$m=8,t=1,p=1\$", here.everything())
            seen[kind].append(f"{len(good)} of {number + 1} hashes are good now")
            here.clock.advance(WINDOW)
    return seen


def kept(here, stored):
    return "the hash stays" if stored in here.everything() else "the hash is replaced"


@scenario(
    BRAKE,
    task=2,
    needs=(RIGHT,),
    points=2,
    limit=15,
    next_step="Count for both texts together, in a table, and outside of what the error undoes.",
)
def brake(solution, rng):
    """A stranger guesses at one address, and then at thirty others; the owner logs in at home."""
    address, upper, title = new_address(rng)
    password = new_password(rng)
    with place(solution) as here:
        service = here.service()
        here.member(address, password)
        here.member("bao@example.org", password)
        seen = {"guesses": []}
        for number in range(7):
            seen["guesses"].append(here.tried(service, address, f"guess {number}", THERE))
            here.clock.advance(1)
        seen["right, from there"] = here.tried(service, address, password, THERE)
        seen["in capitals"] = [here.tried(service, e, password, THERE) for e in (upper, title)]
        seen["somebody else, from there"] = here.tried(service, "bao@example.org", password, THERE)
        seen["the owner"] = here.tried(service, address, password)
        seen["there again"] = here.tried(service, address, password, THERE)
        for number in range(30):
            for _ in range(5):
                here.tried(service, address, "guess", f"203.0.113.{number}")
        seen["the owner, after thirty others"] = here.tried(service, address, password)
        seen["the last of the thirty"] = here.tried(service, address, password, "203.0.113.29")
    return seen


@scenario(
    PASSES,
    task=2,
    needs=(BRAKE,),
    points=2,
    limit=15,
    next_step="Count only failures younger than WINDOW, by clock.now(); a refused try is none.",
)
def passes(solution, rng):
    """Five failures; refused tries all the time until the five are old; then the right password."""
    password = new_password(rng)
    with place(solution) as here:
        service = here.service()
        here.member("ada@example.org", password)
        seen = {}
        for turn in ("first", "second"):
            seen[turn] = [here.tried(service, "ada@example.org", "guess") for _ in range(5)]
            passed = 0
            while passed < WINDOW:
                given = password if rng.randrange(2) else "guess"
                refused = here.tried(service, "ada@example.org", given)
                if refused != "TooManyTries":
                    seen[turn].append(f"{refused} after {passed} s")
                step = min(rng.randrange(60, 99), max(WINDOW - passed - 1, 1))
                here.clock.advance(step)
                passed += step
            seen[turn].append(f"then {here.tried(service, 'ada@example.org', password)}")
        for _ in range(2):
            seen["four, and four later"] = [
                here.tried(service, "ada@example.org", "guess") for _ in range(4)
            ]
            here.clock.advance(WINDOW)
        for given in ("guess", "guess", password):
            seen["four, and four later"].append(here.tried(service, "ada@example.org", given))
    return seen


@scenario(
    ZERO,
    task=2,
    needs=(BRAKE,),
    limit=10,
    next_step="Forget the failures of this pair, and of no other.",
)
def zero(solution, rng):
    """Four failures and the right password, three times; five failures elsewhere stay."""
    password = new_password(rng)
    with place(solution) as here:
        service = here.service()
        here.member("ada@example.org", password)
        for _ in range(5):
            here.tried(service, "ada@example.org", "guess", THERE)
        seen = [
            [here.tried(service, "ada@example.org", g) for g in (*["guess"] * 4, password)]
            for _ in range(3)
        ]
        return {"here": seen, "there": here.tried(service, "ada@example.org", password, THERE)}


@scenario(
    UNKNOWN,
    task=2,
    needs=(BRAKE, SAME),
    limit=10,
    next_step="The brake knows e-mail addresses as texts, not users.",
)
def unknown(solution, rng):
    """Seven tries each for a user, for a deleted one, and for an address nobody has."""
    address, upper, _ = new_address(rng)
    with place(solution) as here:
        service = here.service()
        here.member(address, new_password(rng))
        here.users("delete", here.member("bao@example.org", "x").id)
        return {
            label: [here.tried(service, email, "guess") for email in emails]
            for label, emails in (
                ("user", [address, upper] * 4),
                ("deleted", ["bao@example.org"] * 8),
                ("nobody", ["cat@example.org", "CAT@example.org"] * 4),
            )
        }


@scenario(
    SHARED,
    task=2,
    needs=(BRAKE,),
    limit=10,
    next_step="Keep the failures in a table. A list in the object is lost at the next start.",
)
def shared(solution, rng):
    """Three failures at one service, two at another; then a third service is asked."""
    password = new_password(rng)
    with place(solution) as here:
        here.member("ada@example.org", password)
        services = [here.service() for _ in range(3)]
        failures = [
            here.tried(services[number % 2], "ada@example.org", "guess") for number in range(5)
        ]
        return {
            "failures": failures,
            "then": [here.tried(service, "ada@example.org", password) for service in services],
        }


# M3

REGISTER = "who registers gets a letter, and its token verifies once"
COMMITTED = "a letter can be used at the moment it is sent"
SESSIONS = "a session is known until it is ended"
AGE = "tokens are too old at exactly their age"
STORED = "no table has a token or a password"
CHANCE = "tokens do not come from random"
RESET = "a reset sets the password and ends all sessions"
SILENT = "asking for a reset tells nothing"
PURPOSE = "a token for one purpose is none for another"
TWICE = "of two who use one token at the same moment, one does"
OWNER = "a reset opens the brake for its owner"
WHOLE = "a reset is all or nothing"


def whose(here, service, token):
    """The address of the session's user, or the error's name."""
    user = asked(here.solution, lambda: service.user_of(token))
    return user if isinstance(user, str) else user.email


@scenario(REGISTER, task=3, limit=10, next_step="One row for the token; to use it is to delete it.")
def register(solution, rng):
    """Two register, one in vain; letters are used, used again, and made up."""
    address, upper, _ = new_address(rng)
    password = new_password(rng)
    with place(solution) as here:
        service = here.service()
        ada = service.register(address, "Ada", password)
        service.register("bao@example.org", "Bao", password)
        taken = here.called(service.register, upper, "Eve", "x")
        tokens = [token for _, _, token in here.letters]
        verified = service.verify_email(tokens[0])
        here.users("delete", here.users("find", "bao@example.org").id)
        return {
            "registered": fields(ada),
            "in capitals": taken,
            "letters": [letter[:2] for letter in here.letters],
            "verified": fields(verified, "version"),
            "the same user": verified.id == ada.id,
            "stays so": here.users("get", ada.id).verified,
            "used again": here.called(service.verify_email, tokens[0]),
            "user is deleted": here.called(service.verify_email, tokens[1]),
            "made up": here.called(service.verify_email, tokens[0][::-1]),
            "empty": here.called(service.verify_email, ""),
            "log-in": here.tried(service, upper, password),
        }


@scenario(
    COMMITTED,
    task=3,
    needs=(REGISTER,),
    limit=10,
    next_step="Send after the with block of the transaction, not inside.",
)
def committed(solution, rng):
    """The mailer uses each token at once, on another connection."""
    with place(solution) as here:
        found = []

        def send(email, purpose, token):
            reader = here.service()
            if purpose == "verify":
                found.append(here.called(reader.verify_email, token))
            else:
                found.append(here.called(reader.reset, token, new_password(rng)))

        service = here.service(SimpleNamespace(send=send))
        service.register("ada@example.org", "Ada", new_password(rng))
        service.request_reset("ada@example.org")
    return found


@scenario(
    SESSIONS,
    task=3,
    needs=(REGISTER,),
    points=2,
    limit=10,
    next_step="Look the session up each time, and the user too: both must still be there.",
)
def sessions(solution, rng):
    """Two users log in, one of them twice; one session is ended, and then one user deleted."""
    password = new_password(rng)
    with place(solution) as here:
        service = here.service()
        ada = service.register("ada@example.org", "Ada", password)
        service.register("bao@example.org", "Bao", password)
        tokens = [
            service.log_in(email, password, HERE)
            for email in ("ada@example.org", "ADA@example.org", "bao@example.org")
        ]

        def users():
            return [whose(here, service, token) for token in tokens]

        seen = {
            "kinds": {type(token).__name__ for token in tokens},
            "all different": len({*tokens}),
        }
        seen["users"] = users()
        seen["all of one"] = service.user_of(tokens[0]) == here.users("get", ada.id)
        seen["log out"] = [here.called(service.log_out, token) for token in (tokens[0],) * 2]
        seen["log out of nothing"] = here.called(service.log_out, "made up")
        seen["one is out"] = users()
        here.users("delete", ada.id)
        seen["ada is deleted"] = users()
        seen["made up"] = whose(here, service, tokens[2][::-1])
        seen["log-ins"] = [
            here.called(service.log_in, "bao@example.org", given, HERE)
            for given in ("guess", *["guess"] * 4, password)
        ]
        return seen


@scenario(
    AGE,
    task=3,
    needs=(SESSIONS,),
    points=2,
    limit=10,
    next_step="Write down when it ends, by clock.now(), and compare with < at each use.",
)
def age(solution, rng):
    """Tokens a second before their age, and at it; sessions that are used meanwhile."""
    password = new_password(rng)
    with place(solution) as here:
        service = here.service()
        for number in range(2):
            service.register(f"ada{number}@example.org", "Ada", password)
            service.request_reset(f"ada{number}@example.org")
        (_, _, verify), (_, _, reset), (_, _, late_verify), (_, _, late_reset) = here.letters
        here.clock.advance(LETTER - 1)
        seen = {
            "letters, a second before": [
                here.called(service.verify_email, verify),
                here.called(service.reset, reset, password),
            ]
        }
        here.clock.advance(1)
        seen["letters, too old"] = [
            here.called(service.verify_email, late_verify),
            here.called(service.reset, late_reset, password),
        ]
        session = service.log_in("ada0@example.org", password, HERE)
        seen["session"] = []
        for seconds in (SESSION - 1 - LETTER, LETTER, 1):
            here.clock.advance(seconds)
            seen["session"].append(whose(here, service, session))
        return seen


@scenario(
    STORED,
    task=3,
    needs=(SESSIONS,),
    points=2,
    limit=10,
    next_step="Store hashlib.sha256(token.encode()), and look for that.",
)
def stored(solution, rng):
    """All rows of all tables are searched for tokens and passwords."""
    first, second = new_password(rng), new_password(rng)
    with place(solution) as here:
        service = here.service()
        service.register("ada@example.org", "Ada", first)
        secrets = {"verify": here.letter(), "password": first}
        service.request_reset("ada@example.org")
        secrets["reset, used"] = here.letter()
        service.reset(here.letter(), second)
        service.request_reset("ada@example.org")
        secrets |= {"reset": here.letter(), "new password": second}
        secrets["session"] = service.log_in("ada@example.org", second, HERE)
        everything = here.everything()
        return {
            name: any(form in everything for form in forms(secret))
            for name, secret in secrets.items()
        }


def forms(secret):
    """A text, and ways to write it that are no hash."""
    data = secret.encode()
    return secret, secret[::-1], data.hex(), base64.b64encode(data).decode().rstrip("=")


@scenario(
    CHANCE,
    task=3,
    needs=(SESSIONS,),
    limit=10,
    next_step="Who has seen a few numbers of random knows the next ones. Take secrets.",
)
def chance(solution, rng):
    """The module random is set to the same state before each of four tokens."""
    import psycopg

    password = new_password(rng)
    state = random.getstate()
    seed = rng.randrange(10**6)
    with place(solution) as here:
        service = here.service()
        service.register("ada@example.org", "Ada", password)
        tokens = []
        calls = (
            lambda: tokens.append(service.log_in("ada@example.org", password, HERE)),
            lambda: service.request_reset("ada@example.org"),
        )
        for call in calls * 2:
            random.seed(seed)
            # A table may refuse a token that is there already.
            with contextlib.suppress(psycopg.IntegrityError):
                call()
        random.setstate(state)
        tokens += [token for _, purpose, token in here.letters if purpose == "reset"]
    return {"different tokens": len({*tokens}), "too short": [t for t in tokens if len(t) < 16]}


@scenario(
    RESET,
    task=3,
    needs=(SESSIONS,),
    points=2,
    limit=10,
    next_step="A reset often means that somebody else was in. Everything of before ends with it.",
)
def reset(solution, rng):
    """A user with two sessions and two letters resets; another user has a session and a letter."""
    old, new = new_password(rng), new_password(rng)
    with place(solution) as here:
        service = here.service()
        for email in ("ada@example.org", "bao@example.org"):
            service.register(email, "Ada", old)
            service.request_reset(email)
        service.request_reset("ADA@example.org")
        ada, bao, again = [token for _, purpose, token in here.letters if purpose == "reset"]
        emails = ("ada@example.org", "ada@example.org", "bao@example.org")
        tokens = [service.log_in(email, old, HERE) for email in emails]
        seen = {
            "made up": here.called(service.reset, again[::-1], new),
            "reset": here.called(service.reset, again, new),
            "sessions": [whose(here, service, token) for token in tokens],
            "used again": here.called(service.reset, again, old),
            "the other letter": here.called(service.reset, ada, old),
            "the old password": here.tried(service, "ada@example.org", old),
            "the new password": here.tried(service, "ada@example.org", new),
            "bao's password": here.tried(service, "bao@example.org", old),
        }
        token = asked(solution, lambda: service.log_in("ada@example.org", new, HERE))
        seen["new session"] = whose(here, service, token)
        here.users("delete", here.users("find", "bao@example.org").id)
        seen["bao is deleted"] = here.called(service.reset, bao, new)
        return seen


@scenario(
    SILENT,
    task=3,
    needs=(RESET,),
    limit=10,
    next_step="No user: no letter, but the same answer, and no error.",
)
def silent(solution, rng):
    """A reset is asked for a user in capitals, for nobody, and for a deleted user."""
    address, upper, _ = new_address(rng)
    with place(solution) as here:
        service = here.service()
        here.member(address, "x")
        here.users("delete", here.member("bao@example.org", "x").id)
        answers = [
            repr(asked(solution, lambda email=email: service.request_reset(email)))
            for email in (upper, "cat@example.org", "BAO@example.org")
        ]
        letters = [(email.lower(), purpose) for email, purpose, _ in here.letters]
        return {"answers": answers, "letters": letters}


@scenario(
    PURPOSE,
    task=3,
    needs=(RESET, SILENT),
    limit=10,
    next_step="Keep the purpose beside the hash, and ask for both.",
)
def purposes(solution, rng):
    """Each token is used for the two other purposes, then for its own."""
    password = new_password(rng)
    with place(solution) as here:
        service = here.service()
        service.register("ada@example.org", "Ada", password)
        verify = here.letter()
        service.request_reset("ada@example.org")
        reset = here.letter()
        session = service.log_in("ada@example.org", password, HERE)
        uses = {
            "verify": lambda token: here.called(service.verify_email, token),
            "session": lambda token: whose(here, service, token),
            "reset": lambda token: here.called(service.reset, token, "stolen"),
        }
        tokens = {"verify": verify, "session": session, "reset": reset}
        seen = {
            f"{kind} for {use}": uses[use](tokens[kind])
            for kind in tokens
            for use in uses
            if use != kind
        }
        for token in (verify, reset):
            service.log_out(token)
        seen["the password"] = here.tried(service, "ada@example.org", password)
        return seen | {kind: uses[kind](tokens[kind]) for kind in tokens}


@scenario(
    TWICE,
    task=3,
    needs=(RESET,),
    points=2,
    limit=20,
    next_step="Look and use up in one statement: DELETE ... RETURNING, for instance.",
)
def twice(solution, rng):
    """One who uses a token stops before each statement, while another uses the same token."""
    seen = {}
    with place(solution) as here:
        service = here.service()

        def verifies(step):
            service.register(f"ada{step}@example.org", "Ada", "x")
            token = here.letter()
            return (lambda: service.verify_email(token),) * 2

        def resets(step):
            service.register(f"bao{step}@example.org", "Bao", "x")
            service.request_reset(f"bao{step}@example.org")
            token = here.letter()
            return (lambda: service.reset(token, "slow")), (lambda: service.reset(token, "fast"))

        seen["reset"] = meetings(here, resets)
        seen["verify"] = meetings(here, verifies)
    return seen


@scenario(
    OWNER,
    task=3,
    needs=(RESET,),
    limit=10,
    next_step="Who can read the letters is the owner: forget all failures of this e-mail address.",
)
def owner(solution, rng):
    """A pair is stopped at two addresses; the owner resets, and logs in there at once."""
    password = new_password(rng)
    with place(solution) as here:
        service = here.service()
        for email in ("ada@example.org", "bao@example.org"):
            service.register(email, "Ada", "x")
            for address in (HERE, THERE):
                for _ in range(5):
                    here.tried(service, email, "guess", address)
        service.request_reset("Ada@example.org")
        service.reset(here.letter(), password)
        return {
            "owner": [
                here.tried(service, "ada@example.org", password, address)
                for address in (HERE, THERE)
            ],
            "somebody else": here.tried(service, "bao@example.org", "x"),
        }


@scenario(
    WHOLE,
    task=3,
    needs=(RESET,),
    points=2,
    limit=20,
    next_step="Password, token and sessions in one transaction.",
)
def whole(solution, rng):
    """The connection breaks before each statement of a reset in turn."""
    with place(solution) as here:
        service = here.service()

        def prepare(step):
            email = f"ada{step}@example.org"
            service.register(email, "Ada", "old")
            session = service.log_in(email, "old", HERE)
            service.request_reset(email)
            token = here.letter()

            def look():
                new = "new" if here.tried(service, email, "new") == "done" else "old"
                old = "" if here.tried(service, email, new) == "done" else ", none"
                alive = "a session" if whose(here, service, session) == email else "no session"
                good = "good" if here.called(service.reset, token, "x") == "done" else "used"
                return f"{new} password{old}, {alive}, token {good}"

            return (lambda: service.reset(token, "new")), look

        return half_done(
            breaks(here, prepare),
            "old password, a session, token good",
            "new password, no session, token used",
        )


def half_done(found, before, after):
    """What was found that is neither nothing nor all; and whether it can be done."""
    return {
        "half done": [text for text in found if text not in (before, after)],
        "done": after in found,
    }


# M4

MATRIX = "the matrix of roles: who changes a role"
OUT = "the matrix of roles: who deactivates whom"
READERS = "the matrix of roles: who reads the list and the history"
NOBODY = "roles and users that do not exist are refused"
NOW = "the role that counts is the one of now"
ENDED = "who is deactivated is out, and the address is free"
AUDIT = "what was done is in the history, and nothing else"
BOTH = "change and entry are one transaction"
PAGES = "pages show everybody once, in order"
MOVES = "who comes or goes between two pages hides nobody"
OPEN = "the list counts the sessions that are open"
FEW = "a large page needs no more statements than a small one"

ROLES = ("member", "support", "admin")


def cast(here, *actors, target="member"):
    """Users of the roles in `actors`, and one more of the role `target`."""
    number = next(here.numbers)
    names = (*actors, target)
    return [
        here.users("add", f"user{number}.{place}@example.org", f"{role}{place}", "h", role=role)
        for place, role in enumerate(names)
    ]


@scenario(
    MATRIX,
    task=4,
    points=3,
    limit=15,
    next_step="One policy function: actor, action, user. Compare ids before you look at roles.",
)
def matrix(solution, rng):
    """Each role, and a deleted admin, gives each role to each role, and to themself."""
    seen = {}
    with place(solution) as here:
        service = here.service()
        for actor_role in (*ROLES, "deleted admin"):
            for target_role in (*ROLES, "themself"):
                found = []
                for role in ROLES:
                    actor, target = cast(here, actor_role.split()[-1], target=rest(target_role))
                    if target_role == "themself":
                        target = actor
                    if actor_role == "deleted admin":
                        here.users("delete", actor.id)
                    answer = here.called(service.change_role, actor.id, target.id, role)
                    now = here.asked("get", target.id)
                    now = now if isinstance(now, str) else now.role
                    found.append(f"{answer}, {now}")
                if (actor_role, target_role) == ("deleted admin", "themself"):
                    found = ["refused" for text in found if text != "done"]  # any error fits
                seen[f"{actor_role} changes {target_role}"] = found
    return seen


def rest(role):
    return "member" if role == "themself" else role


@scenario(
    OUT,
    task=4,
    points=2,
    limit=15,
    next_step="One policy function. Everybody may go; support may remove members.",
)
def out(solution, rng):
    """Each role, and a deleted admin, deactivates each role; each role deactivates itself."""
    seen = {}
    with place(solution) as here:
        service = here.service()
        for actor_role in (*ROLES, "deleted admin"):
            for target_role in ROLES:
                actor, target = cast(here, actor_role.split()[-1], target=target_role)
                if actor_role == "deleted admin":
                    here.users("delete", actor.id)
                answer = here.called(service.deactivate, actor.id, target.id)
                there = word(here.asked("get", target.id)).replace("done", "still there")
                seen[f"{actor_role} deactivates {target_role}"] = f"{answer}, {there}"
        for role in ROLES:
            (actor,) = cast(here, target=role)
            answer = here.called(service.deactivate, actor.id, actor.id)
            seen[f"{role} deactivates themself"] = f"{answer}, {word(here.asked('get', actor.id))}"
    return seen


@scenario(READERS, task=4, limit=10, next_step="To read is an action too: ask the policy first.")
def readers(solution, rng):
    """Each role, and a deleted admin, reads the list, a history, and the own history."""
    seen = {}
    with place(solution) as here:
        service = here.service()
        for role in (*ROLES, "deleted admin"):
            actor, target = cast(here, role.split()[-1])
            if role == "deleted admin":
                here.users("delete", actor.id)
            seen[role] = [
                here.called(service.list_users, actor.id),
                here.called(service.history, actor.id, target.id),
                here.called(service.history, actor.id, actor.id),
            ]
    return seen


@scenario(
    NOBODY,
    task=4,
    needs=(MATRIX,),
    limit=10,
    next_step="ValueError for a role that is not in ROLES, NotFound for a user who is not there.",
)
def nobody(solution, rng):
    """An admin gives roles that do not exist, and changes users who are not there."""
    with place(solution) as here:
        service = here.service()
        admin, target, gone = cast(here, "admin", "member")
        here.users("delete", gone.id)
        seen = {}
        for role in ("owner", "ADMIN", "", "admin'--"):
            try:
                seen[repr(role)] = here.called(service.change_role, admin.id, target.id, role)
            except ValueError:
                seen[repr(role)] = "ValueError"
        seen["role"] = here.users("get", target.id).role
        for label, user_id in (("deleted", gone.id), ("nobody", gone.id + 1000)):
            seen[f"{label}, role"] = here.called(service.change_role, admin.id, user_id, "admin")
            seen[f"{label}, deactivate"] = here.called(service.deactivate, admin.id, user_id)
        return seen


@scenario(
    NOW,
    task=4,
    needs=(MATRIX, OUT, READERS),
    limit=10,
    next_step="Read the actor again in each call.",
)
def now(solution, rng):
    """An admin has done something; then another admin takes the role away, and gives it back."""
    with place(solution) as here:
        service = here.service()
        first, second, target = cast(here, "admin", "admin")
        changed = service.change_role(second.id, target.id, "support")
        seen = {"changed": fields(changed, "email", "version"), "answers": []}
        for role in ("support", "member", "admin"):
            service.change_role(first.id, second.id, role)
            seen["answers"].append(
                [
                    role,
                    here.called(service.change_role, second.id, target.id, "member"),
                    here.called(service.deactivate, second.id, target.id),
                    here.called(service.list_users, second.id),
                ]
            )
        return seen


@scenario(
    ENDED,
    task=4,
    needs=(OUT,),
    points=2,
    limit=10,
    next_step="Delete softly, and end the tokens, in one transaction.",
)
def ended(solution, rng):
    """A user with a session and two letters is deactivated; somebody takes the address."""
    address, upper, _ = new_address(rng)
    old, new = new_password(rng), new_password(rng)
    with place(solution) as here:
        service = here.service()
        user = service.register(address, "Ada", old)
        service.request_reset(address)
        (_, _, verify), (_, _, reset) = here.letters
        session = service.log_in(address, old, HERE)
        seen = {"answer": service.deactivate(user.id, user.id) and "something"}
        for turn in ("deactivated", "the address is taken"):
            seen[turn] = {
                "session": whose(here, service, session),
                "verify": here.called(service.verify_email, verify),
                "reset": here.called(service.reset, reset, old),
                "old password": here.tried(service, address, old),
            }
            if turn == "deactivated":
                second = service.register(upper, "Bao", new)
        seen["another id"] = second.id != user.id
        seen["new password"] = here.tried(service, address, new)
        seen["rows are kept"] = "Ada" in here.everything()
        return seen


@scenario(
    AUDIT,
    task=4,
    needs=(MATRIX, OUT, READERS),
    points=2,
    limit=10,
    next_step="An entry for each change, written beside it; none where the policy said no.",
)
def audit(solution, rng):
    """Some changes and some that are refused, a few seconds apart; then histories are read."""
    with place(solution) as here:
        service = here.service()
        admin, support, eve, ada = cast(here, "admin", "support", "member")
        begin = here.clock.now()
        times = []

        def then(method, actor, *args):
            here.clock.advance(rng.randrange(1, 100))
            times.append(int(here.clock.now() - begin))
            with contextlib.suppress(ValueError):
                here.called(method, actor.id, *args)

        then(service.change_role, admin, ada.id, "support")
        then(service.change_role, eve, eve.id, "admin")
        then(service.change_role, support, ada.id, "admin")
        then(service.change_role, admin, ada.id, "owner")
        then(service.change_role, admin, ada.id, "member")
        then(service.deactivate, eve, ada.id)
        then(service.deactivate, support, ada.id)
        then(service.deactivate, admin, ada.id)
        then(service.deactivate, eve, eve.id)
        people = {"admin": admin, "support": support, "eve": eve, "ada": ada}
        names = {user.id: name for name, user in people.items()}
        return {"times": times} | {
            name: [
                [int(e.at - begin), names[e.actor_id], e.action, names[e.user_id], e.detail]
                for e in service.history(admin.id, user.id)
            ]
            for name, user in people.items()
        }


@scenario(
    BOTH,
    task=4,
    needs=(AUDIT,),
    points=3,
    limit=20,
    next_step="One connection, one transaction: with conn.transaction() around both.",
)
def both(solution, rng):
    """The connection breaks before each statement of a change in turn."""
    with place(solution) as here:
        service = here.service()

        def roles(step):
            admin, user = cast(here, "admin")

            def look():
                role = here.users("get", user.id).role
                return f"{role}, {len(service.history(admin.id, user.id))} entries"

            return (lambda: service.change_role(admin.id, user.id, "support")), look

        def leaves(step):
            admin = cast(here, target="admin")[0]
            user = service.register(f"ada{step}@example.org", "Ada", "x")
            session = service.log_in(user.email, "x", HERE)

            def look():
                there = "gone" if here.asked("get", user.id) == "NotFound" else "there"
                out = "out" if whose(here, service, session) == "InvalidToken" else "in"
                return f"{there}, {out}, {len(service.history(admin.id, user.id))} entries"

            return (lambda: service.deactivate(admin.id, user.id)), look

        return {
            "change_role": half_done(
                breaks(here, roles), "member, 0 entries", "support, 1 entries"
            ),
            "deactivate": half_done(
                breaks(here, leaves), "there, in, 0 entries", "gone, out, 1 entries"
            ),
        }


def crowd(here, rng, count):
    """An admin, and so many members; many have the same name."""
    admin = here.users("add", "admin@example.org", "mmm", "h", role="admin")
    people = [admin]
    for number in range(count):
        name = rng.choice(("aaa", "bbb", "mmm", "zzz")) + rng.choice(("", "x"))
        people.append(here.users("add", f"user{number}@example.org", name, "h"))
    return admin, sorted(people, key=lambda user: (user.name, user.id))


def walk(service, actor, limit, between=lambda page: None):
    """All pages; `between` is called after each with its number."""
    pages, cursor = [], None
    for number in range(1, 100):
        users, cursor = service.list_users(actor.id, cursor, limit=limit)
        pages.append(list(users))
        if cursor is None:
            return pages
        between(number)
    return pages


def label(user):
    return f"{user.name} {user.email.split('@')[0]}"


@scenario(
    PAGES,
    task=4,
    needs=(READERS,),
    points=2,
    limit=15,
    next_step="ORDER BY name, id, and go on after the pair (name, id) of the last row.",
)
def pages(solution, rng):
    """Some thirty users, many with the same name, some deleted, in pages of several sizes."""
    seen = {}
    with place(solution) as here:
        service = here.service()
        admin, people = crowd(here, rng, rng.randrange(28, 33))
        for user in rng.sample([user for user in people if user != admin], 5):
            here.users("delete", user.id)
            people.remove(user)
        for limit in (1, 2, 7, len(people), 50):
            found = walk(service, admin, limit)
            flat = [user for page in found for user in page]
            seen[f"pages of {limit}"] = {
                "too long": [len(page) for page in found if len(page) > limit],
                "users": [label(user) for user in flat],
            }
        by_default, _ = service.list_users(admin.id)
        seen["by default"] = [label(user) for user in by_default]
        seen["whole users"] = [fields(user) for user in flat[:3]]
        seen["their ids"] = [user.id for user in flat] == [user.id for user in people]
    return seen


@scenario(
    MOVES,
    task=4,
    needs=(PAGES,),
    points=2,
    limit=15,
    next_step="OFFSET counts rows, and the rows have moved. Remember the place.",
)
def moves(solution, rng):
    """After the first and second page some listed users go, and new ones come before the place."""
    with place(solution) as here:
        service = here.service()
        admin, people = crowd(here, rng, 30)
        stay = people[6:]
        stay_ids = {user.id for user in (*stay, admin)}

        def between(number):
            if number == 1:
                for user in people[:3]:
                    if user != admin:
                        here.users("delete", user.id)
            if number == 2:
                for n in range(4):
                    here.users("add", f"new{n}@example.org", "aaa", "h")

        found = [user for page in walk(service, admin, 6, between) for user in page]
        return {
            "who was there all the time": [label(user) for user in found if user.id in stay_ids],
            "twice": len(found) - len({user.id for user in found}),
        }


@scenario(
    OPEN,
    task=4,
    needs=(PAGES,),
    limit=15,
    next_step="Count sessions only, and those that have not ended yet, by clock.now().",
)
def open_sessions(solution, rng):
    """Users with none to three sessions, some too old or ended, and with letters."""
    with place(solution) as here:
        service = here.service()
        counts = rng.sample(range(4), 4)
        admin = here.users("add", "admin@example.org", "admin", "h", role="admin")
        for number in range(len(counts)):
            email = f"ada{number}@example.org"
            service.register(email, f"user{number}", "x")
            for _ in range(number):
                service.log_in(email, "x", HERE)
        here.clock.advance(SESSION / 2)
        for number, count in enumerate(counts):
            email = f"ada{number}@example.org"
            service.request_reset(email)
            tokens = [service.log_in(email, "x", HERE) for _ in range(count + 1)]
            service.log_out(tokens[0])

        def listed():
            users, _ = service.list_users(admin.id)
            return [f"{user.name}: {user.sessions}" for user in users]

        seen = {"begun later": counts, "at half time": listed()}
        here.clock.advance(SESSION / 2)
        return seen | {"when the first are too old": listed()}


@scenario(
    FEW,
    task=4,
    needs=(OPEN,),
    points=2,
    limit=15,
    next_step="One statement for the users and their sessions together, not one for each user.",
)
def few(solution, rng):
    """Statements are counted for a page of four, and then for one of forty."""
    with place(solution) as here:
        service = here.service()
        admin, _ = crowd(here, rng, 45)
        counts = {}
        for limit in (4, 40):
            statements = itertools.count()
            here.db.before = lambda _conn, statements=statements: next(statements)
            users, _ = service.list_users(admin.id, limit=limit)
            here.db.before = nothing
            counts[limit] = next(statements)
        more = f"{counts[40]} instead of {counts[4]}"
        return {"users": len(users), "more statements": more if counts[40] > counts[4] else "none"}
