"""Checks of 03.4-shop-database.

Each story has an empty database. It knows only the learner's functions and the names of
five tables. Ids are turned into names before anything is compared. Moments are never
left to chance: a cursor of our own runs other people's orders before a statement, or a
row stays locked until all buyers wait for it.
"""

import atexit
import functools
import itertools
import math
import os
import random
import threading
import time
import uuid
from contextlib import contextmanager
from decimal import Decimal

from course_lib.databases.dependencies import find
from course_lib.labs import postgres
from course_lib.practice import scenario

NAMES = (
    "OutOfStock",
    "create",
    "add_user",
    "add_category",
    "add_product",
    "add_products",
    "set_price",
    "stock",
    "place_order",
    "get_order",
    "search",
)
SERVICES = ("postgres",)
SEEDS = 2  # each story makes a database, one of them with 10,000 products
HINTS = (
    "What may change later and must not change the past? And between which two of your statements "
    "could another buyer act? What would you have read by then that is no longer true?",
    "Let one statement test and change the stock: an UPDATE with a condition. It changes one row "
    "or none. For pages, remember the place: the value that was sorted by, and the id.",
    "A list of conditions and a dict of values, of which only texts of your own reach the SQL; the "
    "sort comes from a dict of yours. Compare pairs, (price, id) with the pair in the cursor, "
    "upwards or downwards for both. Ask for one row more than limit. An index for the pair, "
    "and gin_trgm_ops for <%.",
)

TABLES = ("users", "categories", "products", "orders", "order_lines")
# No two of them have much in common, nor do two of their misspellings.
WORDS = (
    "marshmallows", "kaleidoscope", "thermometers", "hummingbirds", "paperweights",
    "skateboarder", "strawberries", "xylophonists", "encyclopaedia", "toothbrushes",
    "gingerbreads", "blackcurrant",
)  # fmt: skip
BUYERS, PIECES = 30, 10
AT_ONCE = 15  # of the buyers; a server has not so many connections
LOCK_TIMEOUT = "50ms"
WAITING = 3.0  # seconds until all buyers wait, at most
MANY, PART = 10_000, 1_000


# A shop, and what its answers are called


@functools.cache
def database_of(_pid):
    """One for each process, emptied for each story: to make one takes longer than most stories."""
    database = postgres().database("shop_checks")
    atexit.register(database.drop)
    return database


@contextmanager
def shop(solution):
    """An empty shop, and the connection that the task describes."""
    database, conn = connected()
    with conn:
        conn.execute("SET client_min_messages = error")
        empty(conn)
        solution.create(conn)
        yield database, conn


def connected():
    """The database and a connection to it, made anew if an earlier story has ended it."""
    import psycopg

    try:
        database = database_of(os.getpid())
        return database, database.connect(autocommit=True)
    except psycopg.OperationalError:
        database_of.cache_clear()
        database = database_of(os.getpid())
        return database, database.connect(autocommit=True)


def empty(conn):
    """Without tables, extensions and schemas, as a new database is."""
    conn.execute(  # a thread that was given up may still hold locks
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    schemas = conn.execute(
        "SELECT quote_ident(nspname) FROM pg_namespace"
        " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    ).fetchall()
    for (schema,) in schemas:
        conn.execute(f"DROP SCHEMA {schema} CASCADE")
    conn.execute("CREATE SCHEMA public")


def product(solution, conn, category, name, price="1.00", stock=5, attrs=None):
    return solution.add_product(
        conn, name=name, category=category, price=Decimal(price), stock=stock, attrs=attrs or {}
    )


def money(value):
    return f"{value:.2f}" if isinstance(value, Decimal) and value == round(value, 2) else (
        f"{value!r}, {type(value).__name__}"
    )  # fmt: skip


def order_of(solution, conn, order, names):
    """What `get_order` says, with names for the ids."""
    found = solution.get_order(conn, order)
    lines = [
        f"{line['quantity']} {names.get(line['product'], 'unknown')} at {money(line['price'])}"
        for line in found["lines"]
    ]
    return {"total": money(found["total"]), "lines": sorted(lines)}


def outcome(call, *, out_of_stock=(), none="done"):
    """`done`, `OutOfStock` or `refused`."""
    try:
        call()
    except NotImplementedError:
        raise  # not written yet
    except out_of_stock:
        return "OutOfStock"
    except Exception:  # noqa: BLE001 - which exception it is, is free
        return "refused"
    return none


def order(solution, conn, user, lines):
    return outcome(
        lambda: solution.place_order(conn, user, lines), out_of_stock=solution.OutOfStock
    )


def unknown(found):
    """An id of the same kind that nobody has."""
    if isinstance(found, int):
        return found + 1_000_000
    try:
        return type(found)("b7a0c6de-2f5f-4a55-9c6a-0d5f3a1e7c11") if uuid.UUID(str(found)) else ""
    except ValueError:
        return f"{found}-nobody"


def count(conn, table):
    return conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def idle(conn):
    return conn.info.transaction_status.name == "IDLE"


def cents(rng, low=100, high=2000):
    return f"{rng.randint(low, high) / 100:.2f}"


# Task 1


@scenario(
    "what is added is there, and nonsense is refused",
    task=1,
    limit=8,
    next_step="Let the schema refuse: UNIQUE, CHECK, NOT NULL and REFERENCES.",
)
def goods(solution, rng):
    """Two users, two categories and three products are added, then what must be refused."""
    stocks = rng.sample(range(1, 90), 3)
    with shop(solution) as (_, conn):
        missing = [
            table
            for table in TABLES
            if not conn.execute("SELECT to_regclass(%s)", (table,)).fetchone()[0]
        ]
        if missing:
            return f"create() makes no table called {missing[0]}"
        solution.add_user(conn, "anna@example.org")
        solution.add_user(conn, "ben@example.org")
        first, second = (solution.add_category(conn, name) for name in ("tea", "tools"))
        ids = [
            product(solution, conn, category, "teapot", cents(rng), left)
            for category, left in zip((first, first, second), stocks, strict=True)
        ]
        solution.set_price(conn, ids[0], Decimal("0.00"))
        seen = {
            "a second user with the same email": outcome(
                lambda: solution.add_user(conn, "anna@example.org")
            ),
            "a second category with the same name": outcome(
                lambda: solution.add_category(conn, "tea")
            ),
            "a price of -0.01": outcome(lambda: product(solution, conn, first, "bad", "-0.01")),
            "set_price to -0.01": outcome(
                lambda: solution.set_price(conn, ids[0], Decimal("-0.01"))
            ),
            "a stock of -1": outcome(lambda: product(solution, conn, first, "bad", stock=-1)),
            "an unknown category": outcome(lambda: product(solution, conn, unknown(first), "bad")),
            "stock() of each": [solution.stock(conn, each) for each in ids],
        }
        return {**seen, **{f"rows in {table}": count(conn, table) for table in TABLES}}


def rows(category, names, **others):
    kept = {"category": category, "price": Decimal("2.50"), "stock": 5, "attrs": {}, **others}
    return [{"name": name, **kept} for name in names]


@scenario(
    "an import adds all or nothing",
    task=1,
    limit=8,
    next_step="One transaction around the whole list: with conn.transaction():",
)
def import_all(solution, rng):
    """Five products are imported, then four with a bad one among them."""
    with shop(solution) as (_, conn):
        tea = solution.add_category(conn, "tea")
        solution.add_products(conn, rows(tea, WORDS[:5]))
        seen = {"after a good list": count(conn, "products")}
        for what, bad in (
            ("a negative price", rows(tea, ["bad"], price=Decimal("-1.00"))),
            ("a negative stock", rows(tea, ["bad"], stock=-1)),
            ("an unknown category", rows(unknown(tea), ["bad"])),
        ):
            batch = [*rows(tea, WORDS[:3]), *bad]
            seen[what] = outcome(lambda batch=batch: solution.add_products(conn, batch))
            seen[f"after {what}"] = count(conn, "products")
        return {**seen, "no transaction is left open": idle(conn)}


# Task 2


@scenario(
    "sums are exact to the cent",
    task=2,
    limit=8,
    next_step="numeric in the table and Decimal in Python; no float on the way.",
)
def exact(solution, rng):
    """Small and large prices times small and large quantities."""
    prices = ["0.10", "9999999.99", "0.01", "1234567.89", cents(rng), cents(rng)]
    quantities = [3, 997, 70_001, 7, rng.randint(2, 99), rng.randint(2, 99)]
    with shop(solution) as (_, conn):
        user, tea = solution.add_user(conn, "anna@example.org"), solution.add_category(conn, "tea")
        names = {product(solution, conn, tea, price, price, 90_000): price for price in prices}
        lines = list(zip(names, quantities, strict=True))
        seen = {}
        for chosen in (lines[:1], lines[1:2], lines):
            placed = solution.place_order(conn, user, chosen)
            seen[f"{len(chosen)} lines from {names[chosen[0][0]]} on"] = order_of(
                solution, conn, placed, names
            )
        return seen


@scenario(
    "an order keeps the prices of its day",
    task=2,
    limit=8,
    next_step="Which column holds what a piece cost on that day?",
)
def history(solution, rng):
    """Two products are ordered, their prices change, and they are ordered again."""
    old, new = [cents(rng) for _ in range(2)], [cents(rng, 2100, 4000) for _ in range(2)]
    quantities = rng.sample(range(1, 9), 2)
    with shop(solution) as (_, conn):
        user, tea = solution.add_user(conn, "anna@example.org"), solution.add_category(conn, "tea")
        ids = [
            product(solution, conn, tea, name, price, 50)
            for name, price in zip(("pot", "cup"), old, strict=True)
        ]
        names = dict(zip(ids, ("pot", "cup"), strict=True))
        lines = list(zip(ids, quantities, strict=True))
        first = solution.place_order(conn, user, lines)
        before = order_of(solution, conn, first, names)
        for each, price in zip(ids, new, strict=True):
            solution.set_price(conn, each, Decimal(price))
        second = solution.place_order(conn, user, lines)
        return {
            "the first order": before,
            "the second, after the prices have changed": order_of(solution, conn, second, names),
            "the first, read again": order_of(solution, conn, first, names),
            "left of each": [solution.stock(conn, each) for each in ids],
        }


@scenario(
    "an order is taken whole or not at all",
    task=2,
    limit=8,
    next_step="One transaction for the order, all lines and all stocks.",
)
def whole(solution, rng):
    """Orders that cannot be, each followed by a look at stocks and tables."""
    left = rng.randint(5, 9)
    with shop(solution) as (_, conn):
        user, tea = solution.add_user(conn, "anna@example.org"), solution.add_category(conn, "tea")
        pot, cup, jug = (product(solution, conn, tea, n, "2.00", left) for n in ("p", "c", "j"))
        wrong = {
            "too many of the last": [(pot, 1), (cup, 1), (jug, left + 1)],
            "too many of the first": [(jug, left + 1), (cup, 1), (pot, 1)],
            "too many in two lines": [(pot, left), (pot, 1)],
            "an unknown product": [(pot, 1), (unknown(pot), 1)],
            "a quantity of 0": [(pot, 1), (cup, 0)],
            "a quantity of -1": [(pot, 1), (cup, -1)],
            "two lines, 3 and -1 of one": [(pot, 3), (pot, -1)],
            "two lines, 3 and 0 of one": [(pot, 3), (pot, 0)],
            "no lines": [],
        }

        def look(what, outcome):
            stocks = [solution.stock(conn, each) for each in (pot, cup, jug)]
            tables = [count(conn, table) for table in ("orders", "order_lines")]
            return f"{outcome}; stocks {stocks}, orders and lines {tables}, idle: {idle(conn)}"

        seen = {
            what: look(what, order(solution, conn, user, lines)) for what, lines in wrong.items()
        }
        seen["an unknown user"] = look("", order(solution, conn, unknown(user), [(pot, 1)]))
        seen["all there is"] = order(solution, conn, user, [(pot, left), (cup, 1)])
        twice = solution.place_order(conn, user, [(jug, 2), (cup, 1), (jug, left - 2)])
        found = solution.get_order(conn, twice)
        seen["a product in two lines"] = {
            "total": money(found["total"]),
            "pieces": sum(line["quantity"] for line in found["lines"] if line["product"] == jug),
        }
        seen["left at the end"] = [solution.stock(conn, each) for each in (pot, cup, jug)]
        seen["one more"] = order(solution, conn, user, [(pot, 1)])
        return seen


@scenario(
    "each fact is written down once",
    task=2,
    limit=8,
    next_step="A fact hangs on the key, the whole key, and nothing but the key. Whose fact is it?",
)
def normal_form(solution, rng):
    """Products are ordered again and again at new prices; then each table is searched."""
    with shop(solution) as (_, conn):
        users = [solution.add_user(conn, f"{word}@example.org") for word in WORDS[:3]]
        categories = [solution.add_category(conn, word) for word in WORDS[:3]]
        ids = [
            product(solution, conn, categories[n % 3], word, f"{n}.{n}1", 900 + 7 * n)
            for n, word in enumerate(WORDS[3:], 1)
        ]
        lines = 0
        for n in range(9):
            chosen = rng.sample(ids, 2 + n % 4)
            quantities = rng.sample(range(2, 30), len(chosen))
            solution.place_order(conn, users[n % 3], list(zip(chosen, quantities, strict=True)))
            lines += len(chosen)
            for each in chosen:
                solution.set_price(conn, each, Decimal(cents(rng, 2000, 9999)))
        repeated = [text for table in TABLES for text in repetitions(conn, table)]
        written = "one for each line" if count(conn, "order_lines") == lines else "another number"
        return {"rows in order_lines": written, "written more than once": repeated}


def columns_of(conn, table):
    """Names of columns: all that count, those in keys, and those that are a foreign key."""
    query = """
        SELECT attname, EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indisunique
                                AND attnum = ANY (indkey)),
               EXISTS (SELECT FROM pg_constraint WHERE conrelid = attrelid AND contype = 'f'
                       AND conkey = ARRAY[attnum]),
               EXISTS (SELECT FROM pg_constraint WHERE conrelid = attrelid AND contype = 'f'
                       AND attnum = ANY (conkey))
        FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
        WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
          AND typcategory NOT IN ('A', 'B', 'D', 'T') AND typname NOT IN ('json', 'jsonb', 'hstore')
        ORDER BY attnum
    """
    found = conn.execute(query, (table,)).fetchall()
    keys = {name for name, key, _, part in found if key or part}
    return [row[0] for row in found], keys, {name for name, _, foreign, _ in found if foreign}


def repetitions(conn, table):
    """Facts that a foreign key decides already, and products of two columns."""
    names, keys, foreign = columns_of(conn, table)
    listed = ", ".join(f'"{name}"' for name in names)
    records = conn.execute(f"SELECT {listed} FROM {table}").fetchall()
    cells = [dict(zip(names, record, strict=True)) for record in records]
    facts = [name for name in names if name not in keys and len({row[name] for row in cells}) > 1]
    repeats = {name for name in foreign if len({row[name] for row in cells}) < len(cells)}
    for rule in find(cells, max_left=1):
        if rule.left <= repeats and rule.left and rule.right in facts:
            yield f"{table}: {rule}"
    numbers = [name for name in names if all(isinstance(row[name], int | Decimal) for row in cells)]
    for one, two in itertools.combinations(numbers, 2):
        for third in set(numbers) & set(facts) - {one, two}:
            if all(row[one] * row[two] == row[third] for row in cells):
                yield f"{table}: {one} {two} -> {third}"


def deletion(conn, table):
    """Whether all rows of this table can go, and how many are left."""
    answer = outcome(lambda: conn.execute(f"DELETE FROM {table}"))
    return f"{answer}, left {count(conn, table)}"


@scenario(
    "the database takes care of references",
    task=2,
    limit=8,
    next_step="REFERENCES, with ON DELETE CASCADE only where a part dies with its whole.",
)
def references(solution, rng):
    """Rows that are in use are deleted, then an order, by plain SQL."""
    with shop(solution) as (_, conn):
        user, tea = solution.add_user(conn, "anna@example.org"), solution.add_category(conn, "tea")
        pot = product(solution, conn, tea, "pot", "2.00")
        seen = {"categories with a product": deletion(conn, "categories")}
        solution.place_order(conn, user, [(pot, 1)])
        solution.place_order(conn, user, [(pot, 2)])
        seen["products in an order"] = deletion(conn, "products")
        seen["users with an order"] = deletion(conn, "users")
        seen["lines before"] = count(conn, "order_lines")
        seen["orders"] = deletion(conn, "orders")
        seen["lines after"] = count(conn, "order_lines")
        seen["users without orders"] = deletion(conn, "users")
        return seen


# Task 3


def stepped(conn, before):
    """Let this connection call `before` ahead of each statement."""
    import psycopg

    class Stepped(psycopg.Cursor):
        def execute(self, *args, **options):
            before()
            return super().execute(*args, **options)

        def executemany(self, *args, **options):
            before()
            return super().executemany(*args, **options)

    conn.cursor_factory = Stepped
    return conn


@contextmanager
def connections(database, number):
    """Each gives up after a moment if somebody holds the lock it wants."""
    made = [database.connect(autocommit=True) for _ in range(number)]
    try:
        yield made
    finally:
        for each in made:
            each.close()


def buy(solution, conn, user, product):
    """As text: what came of one try to buy one piece."""
    import psycopg

    try:
        solution.place_order(conn, user, [(product, 1)])
    except NotImplementedError:
        raise
    except solution.OutOfStock:
        return "OutOfStock"
    except psycopg.errors.LockNotAvailable:
        return "waits"
    except Exception as error:  # noqa: BLE001 - it is told to the learner
        return f"raised {type(error).__name__}"
    return "sold"


def rush(solution, conns, user, product, stop):
    """Buyer n stops before statement `stop`, and buyer n + 1 starts; so the last one ends first."""
    answers = {}

    def start(number):
        steps = itertools.count()

        def before():
            if next(steps) == stop and number + 1 < len(conns):
                start(number + 1)

        answers[number] = buy(solution, stepped(conns[number], before), user, product)

    start(0)
    for number, conn in enumerate(conns):
        if answers.get(number, "waits") == "waits":
            answers[number] = buy(solution, stepped(conn, lambda: None), user, product)
    return list(answers.values())


def statements_of(solution, conn, user, product):
    """How many statements one order takes."""
    steps = itertools.count()
    solution.place_order(stepped(conn, lambda: next(steps)), user, [(product, 1)])
    return next(steps)


@scenario(
    "thirty buyers share ten pieces",
    task=3,
    needs=("an order is taken whole or not at all",),
    limit=30,
    next_step="What you read may be old when you write. Can one statement test and change?",
)
def thirty(solution, rng):
    """Twice fifteen orders, each stopped before its statement n for the next one; for each n."""
    with shop(solution) as (database, conn), connections(database, AT_ONCE) as conns:
        for each in conns:
            each.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        user, tea = solution.add_user(conn, "anna@example.org"), solution.add_category(conn, "tea")
        pot = product(solution, conn, tea, "pot", stock=1)
        for stop in range(max(1, statements_of(solution, conns[0], user, pot))):
            pot = product(solution, conn, tea, f"pot {stop}", stock=PIECES)
            before = count(conn, "orders")
            rushes = [rush(solution, conns, user, pot, stop) for _ in range(BUYERS // AT_ONCE)]
            answers = [*itertools.chain(*rushes)]
            seen = {
                "other answers": sorted({*answers} - {"sold", "OutOfStock"}),
                "sold": answers.count("sold"),
                "OutOfStock": answers.count("OutOfStock"),
                "orders": count(conn, "orders") - before,
                "left": solution.stock(conn, pot),
            }
            if seen != {**seen, **ALL_SOLD}:
                return {**seen, "stopped before statement": stop + 1}
        return {**seen, "stopped before statement": "each of them"}


ALL_SOLD = {
    "sold": PIECES,
    "OutOfStock": BUYERS - PIECES,
    "orders": PIECES,
    "left": 0,
    "other answers": [],
}


def lock_all_rows(conn):
    """Hold every row of the shop, apart from those that an order only refers to."""
    query = """
        SELECT oid::regclass::text FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    """
    for (table,) in conn.execute(query).fetchall():
        if table not in ("users", "categories"):
            conn.execute(f"SELECT FROM {table} FOR NO KEY UPDATE")


def all_wait(conn, sessions):
    """Whether all these sessions wait for a lock; asked again for a while."""
    query = "SELECT count(*) FROM unnest(%s::int[]) AS s (pid) WHERE pg_blocking_pids(pid) <> '{}'"
    end = time.monotonic() + WAITING
    while conn.execute(query, (sessions,)).fetchone()[0] < len(sessions):
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@scenario(
    "three buyers who wait for one row share two pieces",
    task=3,
    needs=("thirty buyers share ten pieces",),
    limit=15,
    next_step="After the wait, look again: an UPDATE with a condition does.",
)
def waiting(solution, rng):
    """Somebody holds the product, three buyers start and wait for it, then it is let go."""
    with shop(solution) as (database, conn), connections(database, 3) as conns:
        for each in conns:
            each.execute("SET statement_timeout = '8s'")
        user, tea = solution.add_user(conn, "anna@example.org"), solution.add_category(conn, "tea")
        pot = product(solution, conn, tea, "pot", stock=2)
        answers = []
        threads = [
            threading.Thread(
                target=lambda each=each: answers.append(buy(solution, each, user, pot)), daemon=True
            )
            for each in conns
        ]
        with database.connect(autocommit=True) as eyes, conn.transaction():
            lock_all_rows(conn)
            for thread in threads:
                thread.start()
            all_wait(eyes, [each.info.backend_pid for each in conns])
        for thread in threads:
            thread.join(10)
        return {"answers": sorted(answers), "left": solution.stock(conn, pot)}


# Task 4


def stocked(solution, conn, rng):
    """Categories and forty products. Gives back dicts with the id of each, to compare with."""
    categories = [solution.add_category(conn, name) for name in ("tea", "tools", "toys")]
    goods = []
    for number in range(40):
        kept = {
            "name": f"{WORDS[number % 6]} {number:02}",
            "category": rng.choice(categories),
            "price": Decimal(rng.choice(("1.00", "2.50", "9.99", "10.00", "120.00"))),
            "stock": rng.randint(0, 3),
            "attrs": {
                key: value
                for key in ("colour", "size", "origin")
                if (value := rng.choice(("red", "small", "small red", None)))
            },
        }
        goods.append({**kept, "id": solution.add_product(conn, **kept)})
    return categories, goods


def fits(each, q, category, price, attrs):
    """The oracle: whether one product fits, without a database."""
    low, high = price or (None, None)
    return (
        (not q or q.lower() in each["name"].lower().split())
        and category in (None, each["category"])
        and (low is None or each["price"] >= low)
        and (high is None or each["price"] <= high)
        and all(each["attrs"].get(key) == value for key, value in (attrs or {}).items())
    )


def everything(solution, conn, q, *, limit=100, most=20, between=lambda: None, **options):
    """All items of all pages."""
    items, cursor = [], None
    for _ in range(most):
        page, cursor = solution.search(conn, q, cursor=cursor, limit=limit, **options)
        items.append(list(page))
        if cursor is None:
            return items
        between()
    raise AssertionError(f"search has not come to an end after {most} pages of {limit}")


def names_of(pages, goods):
    """The names of the products with these ids; and what is wrong with an item."""
    known = {each["id"]: each for each in goods}
    found = []
    for item in itertools.chain(*pages):
        each = known.get(item["id"], {"name": "unknown", "price": item["price"]})
        right = item["name"] == each["name"] and money(item["price"]) == money(each["price"])
        found.append(each["name"] if right else f"{each['name']} with another name or price")
    return found


FILTERS_MATCH = "every combination finds what it should"


@scenario(
    "filters find what a plain loop finds",
    task=4,
    limit=10,
    next_step="Start with no condition, and append one for each filter that is given.",
)
def filters(solution, rng):
    """Every filter alone, then thirty random combinations, against a loop over all products."""
    with shop(solution) as (_, conn):
        categories, goods = stocked(solution, conn, rng)
        prices = (Decimal("2.50"), Decimal("10.00"))
        asked = [
            (None, None, None, None),
            ("", None, None, {}),
            (WORDS[0], None, None, None),
            (WORDS[1].upper(), None, None, None),
            (None, categories[0], None, None),
            (None, unknown(categories[0]), None, None),
            (None, None, (prices[0], None), None),
            (None, None, (None, prices[1]), None),
            (None, None, prices, None),
            (None, None, (None, None), None),
            (None, None, (None, Decimal("0.00")), None),
            (None, None, None, {"colour": "red"}),
            (None, None, None, {"colour": "red", "size": "small"}),
            (None, None, None, {"colour": "small", "weight": "red"}),
        ]
        for _ in range(30):
            asked.append(
                (
                    rng.choice((None, None, *WORDS[:6])),
                    rng.choice((None, *categories)),
                    rng.choice((None, prices, (prices[0], None), (None, prices[1]))),
                    rng.choice((None, {"size": "small"}, {"size": "red", "origin": "small red"})),
                )
            )
        for q, category, price, attrs in asked:
            pages = everything(
                solution, conn, q, category=category, price=price, attrs=attrs, sort="name"
            )
            expected = [g["name"] for g in goods if fits(g, q, category, price, attrs)]
            difference = first_difference(sorted(names_of(pages, goods)), sorted(expected))
            if difference:
                number = categories.index(category) if category in categories else category
                return {f"q={q!r} category={number} price={price} attrs={attrs}"[:120]: difference}
        return FILTERS_MATCH


def first_difference(found, expected):
    """The first name that should not be there, or that is lacking."""
    for name in found:
        if found.count(name) > expected.count(name):
            return f"{name} is found {found.count(name)} times, expected {expected.count(name)}"
    return next((f"{name} is lacking" for name in expected if name not in found), "")


@scenario(
    "items come in the order that was asked for",
    task=4,
    limit=8,
    next_step="Make a dict from the four words to the SQL; what is not in it is a ValueError.",
)
def sorting(solution, rng):
    """Each order, and then orders that do not exist, one of them with a DELETE in it."""
    numbers = rng.sample(range(100, 900), 12)
    with shop(solution) as (_, conn):
        tea = solution.add_category(conn, "tea")
        labels = rng.sample(WORDS, 12)
        goods = [
            {"name": name, "price": Decimal(number) / 10}
            for name, number in zip(labels, numbers, strict=True)
        ]
        for each in goods:
            each["id"] = product(solution, conn, tea, each["name"], f"{each['price']:.2f}")
        user = solution.add_user(conn, "anna@example.org")
        solution.place_order(conn, user, [(goods[0]["id"], 1)])
        seen = {
            sort: names_of(everything(solution, conn, None, sort=sort), goods)
            for sort in ("price", "-price", "name")
        }
        for sort in ("stock", "id", "price DESC", "price; DELETE FROM order_lines"):
            try:
                solution.search(conn, None, sort=sort)
                seen[f"sort={sort!r}"] = "accepted"
            except ValueError:
                seen[f"sort={sort!r}"] = "ValueError"
            except NotImplementedError:
                raise
            except Exception as error:  # noqa: BLE001 - it is told to the learner
                seen[f"sort={sort!r}"] = type(error).__name__
        return {**seen, "order lines afterwards": count(conn, "order_lines")}


EVIL = (
    "'; DELETE FROM order_lines; --",
    "x' OR '1'='1",
    "100% %s %(q)s %",
    '{"a": 1} {0} {q}',
    'back\\slash " and _',
    "'",
)


@scenario(
    "a text is data, whatever stands in it",
    task=4,
    limit=8,
    next_step="Values travel beside the SQL, as parameters. Only texts of your own go into it.",
)
def injection(solution, rng):
    """Six texts with SQL and signs in them: as q, as name, as attribute."""
    with shop(solution) as (_, conn):
        user, tea = solution.add_user(conn, "o'hara@example.org"), solution.add_category(conn, "'")
        goods = [
            {"name": text, "attrs": {text: text[::-1]}, "price": Decimal("1.00")} for text in EVIL
        ]
        for each in goods:
            each["id"] = product(solution, conn, tea, each["name"], attrs=each["attrs"])
        solution.place_order(conn, user, [(goods[0]["id"], 1)])
        seen = {}
        for text, each in zip(EVIL, goods, strict=True):
            pages = everything(solution, conn, None, attrs=each["attrs"], sort="name")
            seen[f"by the attribute {text}"] = names_of(pages, goods)
            for sort in ("price", "relevance"):
                everything(solution, conn, text, sort=sort)
                everything(solution, conn, text, sort=sort, category=tea, attrs={"a": text})
        seen["rows afterwards"] = {table: count(conn, table) for table in TABLES}
        seen["left"] = [solution.stock(conn, each["id"]) for each in goods]
        return seen


# Task 5


PAGES_MATCH = "each product once, in order"


@scenario(
    "pages lose nothing and repeat nothing while products are added",
    task=5,
    limit=10,
    next_step="Go on behind the last pair of value and id; do not count from the start.",
)
def pages(solution, rng):
    """Pages of 3 among products of equal prices and names; two products added between pages."""
    word = WORDS[0]
    shapes = (word, f"{word} tea", f"big {word}", word, f"small {word} {WORDS[1]}")
    seen = {}
    with shop(solution) as (_, conn):
        for sort in ("price", "-price", "name", "relevance"):
            category = solution.add_category(conn, f"for {sort}")
            seen[sort] = turn(solution, conn, category, None, sort, shapes, rng)
    return seen


def turn(solution, conn, category, q, sort, shapes, rng):
    """What is wrong with the pages, if anything."""
    added = itertools.count()
    goods = []

    def add(name, price):
        each = {"name": name, "price": Decimal(price)}
        each["id"] = product(solution, conn, category, name, price)
        goods.append(each)

    def both_sides():
        if next(added) < 6:
            add(f"aaa {WORDS[0]}", "0.50")
            add(f"zzz {WORDS[0]} {WORDS[1]}", "99.00")

    for number in range(15):
        add(shapes[number % 5], rng.choice(("5.00", "7.00")))
    originals = [each["id"] for each in goods]
    options = {"category": category, "sort": sort, "limit": 3}
    pages = everything(solution, conn, q, between=both_sides, **options)
    ids = [item["id"] for page in pages for item in page]
    lost = [each["name"] for each in goods if each["id"] in originals and each["id"] not in ids]
    repeated = [each["name"] for each in goods if ids.count(each["id"]) > 1]
    values = [item["name" if sort == "name" else "price"] for page in pages for item in page]
    up = all(one <= two for one, two in itertools.pairwise(values))
    down = all(one >= two for one, two in itertools.pairwise(values))
    full = all(len(page) == 3 for page in pages[:-2]) and len(pages[-1]) <= 3
    if lost or repeated:
        return f"lost {lost[:3]}, repeated {repeated[:3]}"
    if not {"price": up, "name": up, "-price": down, "relevance": True}[sort]:
        return f"out of order: {[str(value) for value in values][:8]}"
    return PAGES_MATCH if full else f"pages of 3 have {[len(page) for page in pages]} items"


@scenario(
    "a page has limit items, and a strange cursor is refused",
    task=5,
    limit=8,
    next_step="A cursor comes from outside, so read it with care; None says that nothing follows.",
)
def limits(solution, rng):
    """Seven products in pages of 1, 3, 7 and 8; then texts that are no cursors."""
    with shop(solution) as (_, conn):
        tea = solution.add_category(conn, "tea")
        for word in WORDS[:7]:
            product(solution, conn, tea, word)
        seen = {}
        for sort in ("price", "-price", "name", "relevance"):
            for limit in (1, 3, 7, 8):
                found = everything(solution, conn, None, sort=sort, limit=limit)
                sizes = [len(page) for page in found]
                seen[f"{sort}, limit {limit}"] = sizes[:-1] if sizes[-1] == 0 else sizes
            for cursor in ("no cursor", "'; DELETE FROM products; --", "?=&"):
                answer = outcome(
                    lambda sort=sort, cursor=cursor: solution.search(
                        conn, None, sort=sort, cursor=cursor
                    )
                )
                seen[f"{sort}, cursor {cursor!r}"] = answer
        _, cursor = solution.search(conn, None, sort="price", limit=3)
        seen["a cursor is a"] = "text" if isinstance(cursor, str) else type(cursor).__name__
        return {**seen, "products": count(conn, "products")}


# Task 6


def misspelled(word, rng):
    """One letter left out, doubled or replaced, in the middle."""
    place = rng.randint(4, len(word) - 4)
    return {
        "missing": word[:place] + word[place + 1 :],
        "extra": word[:place] + "x" + word[place:],
        "wrong": word[:place] + "x" + word[place + 1 :],
    }


@scenario(
    "a misspelled word is found, and the best match comes first",
    task=6,
    limit=10,
    next_step="word_similarity(q, name) is 1 for a word of the name. Its operator is <%.",
)
def typing_mistakes(solution, rng):
    """One letter missing, wrong or too many; then a name that is q beside one that resembles it."""
    with shop(solution) as (_, conn):
        tea = solution.add_category(conn, "tea")
        goods = []
        for number, word in enumerate(WORDS):
            name = (word, f"{word} tea", f"old {word.capitalize()}")[number % 3]
            goods.append({"name": name, "price": Decimal("1.00"), "word": word})
            goods[-1]["id"] = product(solution, conn, tea, name)
        wrong = []
        for each in goods:
            for kind, q in misspelled(each["word"], rng).items():
                found = names_of(everything(solution, conn, q, sort="relevance"), goods)
                if found != [each["name"]]:
                    wrong.append(f"{q}, one letter {kind}: {found[:2]}")
        seen = {"misspelled words that find something else": wrong[:3]}
        word = WORDS[0]
        long = f"the very best {WORDS[1]} with {WORDS[2]} for children and friends"
        for name in (misspelled(word, rng)["wrong"], word, long):
            goods.append({"name": name, "price": Decimal("1.00")})
            goods[-1]["id"] = product(solution, conn, tea, name)
        for sort in ("relevance", "price"):
            found = names_of(everything(solution, conn, WORDS[2], sort=sort), goods)
            seen[f"a word of a long name, by {sort}"] = long in found
        found = names_of(everything(solution, conn, word, sort="relevance", limit=2), goods)
        seen["the exact name first"] = [name for name in found if name in (word, goods[-3]["name"])]
        again = names_of(everything(solution, conn, word, sort="relevance", limit=2), goods)
        seen["asked again"] = "the same" if again == found else "another order"
        return seen


@scenario(
    "pages by relevance lose and repeat nothing either",
    task=6,
    limit=8,
    next_step="Is the number in the cursor exactly the one in the database? A real is not.",
)
def pages_by_relevance(solution, rng):
    """Pages of 3 among good and bad matches, many alike; two products added between pages."""
    word = WORDS[0]
    shapes = [word, f"{word} tea", *(word[:n] + word[n + 1 :] for n in (4, 6, 8))]
    with shop(solution) as (_, conn):
        category = solution.add_category(conn, "tea")
        return turn(solution, conn, category, word, "relevance", shapes, rng)


def random_words(rng):
    letters = "bcdfghjklmnpqrstvwxz"
    return [
        "".join(rng.choice("aeiou" if n % 2 else letters) for n in range(9)) for _ in range(600)
    ]


def rows_read(conn, eyes, call):
    """How many rows of the shop's tables were read during this call, in any way."""
    query = """
        SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables
    """
    flush = "SELECT pg_stat_force_next_flush()"
    conn.execute(flush)
    (before,) = eyes.execute(query).fetchone()
    call()
    conn.execute(flush)
    return eyes.execute(query).fetchone()[0] - before


@scenario(
    "among 10,000 products few rows are read",
    task=6,
    points=2,
    limit=60,
    next_step="Put EXPLAIN in front of your query. An index helps only a query made for it.",
)
def large(solution, rng):
    """An import of 10,000 products, VACUUM ANALYZE, then one search for a word and two pages."""
    some = random.Random(7)
    words = random_words(some)
    with shop(solution) as (database, conn), database.connect(autocommit=True) as eyes:
        categories = [solution.add_category(conn, word) for word in WORDS[:5]]
        goods = [
            {
                "name": f"{some.choice(words)} {some.choice(words)}",
                "category": some.choice(categories),
                "price": Decimal(some.randint(100, 999_999)) / 100,
                "stock": 5,
                "attrs": {"colour": some.choice(("red", "green", "blue"))},
            }
            for _ in range(MANY)
        ]
        for place in rng.sample(range(MANY), 3):
            goods[place]["name"] = WORDS[3]
        solution.add_products(conn, goods)
        seen = {"products": count(conn, "products")}
        conn.execute("VACUUM ANALYZE")
        cursor = None
        for _ in range(math.ceil(MANY / 2 / 100)):
            _, cursor = solution.search(conn, None, sort="price", cursor=cursor, limit=100)
        calls = {
            "a rare word": lambda: solution.search(conn, WORDS[3], sort="relevance", limit=20),
            "the first page by price": lambda: solution.search(conn, None, sort="price", limit=20),
            "a page in the middle": lambda: solution.search(
                conn, None, sort="price", cursor=cursor, limit=20
            ),
        }
        for what, call in calls.items():
            read = rows_read(conn, eyes, call)
            seen[what] = f"less than {PART} rows read" if read < PART else f"{read} rows read"
        return seen
