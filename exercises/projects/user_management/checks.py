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
SEEDS = 3
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


@functools.cache
def database(_pid):
    """One for each process: to make one takes longer than most stories."""
    return postgres().database("user_checks")


class Place:
    """An empty schema after the migrations, and somebody who can look into it."""

    def __init__(self, solution, url, eyes):
        self.solution = solution
        self.eyes = eyes
        self.db = Db(url)
        self.clock = ManualClock()
        self.hasher = counting()()
        self.letters = []
        self._numbers = itertools.count(1)

    def users(self, method, *args, **options):
        """What a method of Users gives, on a connection of its own."""
        with self.db.connection() as conn:
            return getattr(self.solution.Users(conn), method)(*args, **options)

    def service(self, mailer=None):
        mailer = mailer or SimpleNamespace(send=lambda *letter: self.letters.append(letter))
        return self.solution.UserService(self.db, self.hasher, self.clock, mailer)

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
    home = database(os.getpid())
    with home.connect(autocommit=True) as eyes:
        eyes.execute("DROP SCHEMA IF EXISTS public CASCADE")
        eyes.execute("CREATE SCHEMA public")
        eyes.execute("SET client_min_messages = warning")
        solution.migrate(eyes)
        here = Place(solution, home.url, eyes)
        try:
            yield here
        finally:
            here.db.close()


@functools.cache
def counting():
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError

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
            self.work.append(hash.split("$")[3] if hash.count("$") > 3 else hash)
            try:
                return super().verify(hash, password)
            except InvalidHashError:
                self.work.pop()
                raise

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
    """A name, an about, both; then other keys, alone and together with a name."""
    text = f"it's % {rng.randrange(1000)}"
    with place(solution) as here:
        ada = here.users("add", "ada@example.org", "Ada", "the-hash")
        seen = {"name": fields(here.users("update", ada.id, 1, name=text))}
        seen["about"] = fields(here.users("update", ada.id, 2, about=text[::-1]))
        seen["both"] = fields(here.users("update", ada.id, 3, name="A", about="B"))
        seen["empty"] = fields(here.users("update", ada.id, 4, about=""))
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
        seen["afterwards"] = fields(here.users("get", ada.id))
        seen["the hash is the same"] = "the-hash" in here.everything()
    return seen


def refused(here, user_id, changes):
    try:
        here.users("update", user_id, 5, **changes)
    except (ValueError, TypeError):
        return "refused"
    return "not refused"


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
        own = type(error).__name__ if type(error) is not solution.LogInFailed else "LogInFailed"
        return f"{own}: {error} {error.args!r}".replace(email, "ADDRESS")
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
    next_step="Only now is the password known: hash it again, and store that. Only if it was right.",
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
    return seen


def kept(here, stored):
    return "the hash stays" if stored in here.everything() else "the hash is replaced"


@scenario(
    BRAKE,
    task=2,
    needs=(RIGHT,),
    points=2,
    limit=15,
    next_step="Count for address and e-mail together, in a table; and outside what the error undoes.",
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
