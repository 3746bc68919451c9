"""What shows the fault of each hunt of chapter 3.

`observe_<id>` runs the learner's code and gives back `(is it sound?, what was
seen)`. The same function is used before and after the code is mended.
"""

import sqlite3
import threading
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from course_lib.databases.plan import read_postgres
from course_lib.labs import postgres

# ---------------------------------------------------------------- lesson 03.1


def _came_out(fn, *args):
    """What the caller gets: the name of the error, or "" when there was none."""
    try:
        fn(*args)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look at
        return type(error).__name__
    return ""


def observe_03_1_a(orders_class):
    with TemporaryDirectory(prefix="course-hunt-") as folder:
        path = Path(folder) / "orders.db"
        orders_class(path).close()
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            other.execute("INSERT INTO customers VALUES (1), (2), (3)")
            for customer in (1, 2):  # each on a new connection, as programs do
                sound, seen = _order_of_a_leaving_customer(orders_class, path, other, customer)
                if not sound:
                    return False, seen
            with closing(orders_class(path)) as orders:
                if _came_out(orders.place, 3, lambda: None):
                    return False, seen + " But a customer who stays cannot order any more."
                if not _came_out(orders.place, 99, lambda: None):
                    return False, seen + " But customer 99, who does not exist, sees no error."
    return True, seen


def _order_of_a_leaving_customer(orders_class, path, other, customer):
    def closes_the_account():
        with suppress(sqlite3.OperationalError):  # locked: then the customer has to wait
            other.execute("DELETE FROM customers WHERE id = ?", [customer])

    with closing(orders_class(path)) as orders:
        error = _came_out(orders.place, customer, closes_the_account)
    seen = "While the warehouse answers, the customer closes the account. "
    orphans = other.execute(
        "SELECT count(*) FROM orders WHERE customer_id NOT IN (SELECT id FROM customers)"
    ).fetchone()[0]
    if orphans:
        return False, seen + "The order is accepted, and belongs to nobody."
    return True, seen + (f"The order is refused with {error}." if error else "It has to wait.")


def observe_03_1_b(accounts_class):
    with postgres().database() as db, db.connect(autocommit=True) as connection:
        connection.execute(accounts_class.SCHEMA)
        accounts = accounts_class(connection)
        accounts.register("ada")
        accounts.close("ada")
        error = _came_out(accounts.register, "ada")
        seen = "Ada closes her account and registers again: "
        if error:
            return False, f"{seen}{error}."
        seen += "she is welcome."
        if accounts.find("ada") != [("ada",)]:
            return False, seen + f" But find() gives {accounts.find('ada')}."
        if not _came_out(accounts.register, "ada"):
            return False, seen + " But now there can be two live accounts of ada."
        accounts.close("ada")
        if accounts.find("ada"):
            return False, seen + " But a closed account is found."
        if error := _came_out(accounts.register, "ada"):
            return False, f"{seen} But the next time that she comes back, it is {error}."
        if connection.execute("SELECT count(*) FROM members").fetchone()[0] < 3:
            return False, seen + " But her closed accounts are gone, and invoices need them."
    return True, seen + " A second live account is refused."


def observe_03_1_c(desk_class):
    with postgres().database() as db, db.connect(autocommit=True) as connection:
        connection.execute(desk_class.SCHEMA)
        desk = desk_class(connection)
        desk.place(1, [("tea", 2, Decimal("4.20")), ("rye", 1, Decimal("3.10"))])
        desk.place(2, [("tea", 1, Decimal("4.20"))])
        if desk.total(1) != Decimal("11.50"):
            return False, f"Two tea at 4.20 and one rye at 3.10 cost {desk.total(1)}, not 11.50."
        desk.change(1, "tea", 5)
        total = desk.total(1)
        seen = f"Five tea and one rye cost 24.10. After the change the total is {total}."
        if total != Decimal("24.10"):
            return False, seen
        desk.change(1, "tea", 2)
        if desk.total(1) != Decimal("11.50"):
            return False, f"{seen} But changed back, it is {desk.total(1)}, not 11.50."
        if desk.total(2) != Decimal("4.20"):
            return False, f"{seen} But another bill is {desk.total(2)} now, not 4.20."
    return True, seen


# ---------------------------------------------------------------- lesson 03.2


def observe_03_2_a(at_least):
    with postgres().database() as db, db.connect(autocommit=True) as connection:
        run = connection.execute
        run("CREATE TABLE profiles (id int PRIMARY KEY, doc jsonb NOT NULL)")
        run("""INSERT INTO profiles VALUES (1, '{"name": "Ada", "age": 36}'),
            (2, '{"name": "Bao", "age": 9}'), (3, '{"name": "Chen"}'),
            (4, '{"name": "Dana", "age": 30}')""")
        seen = "Ada is 36, Dana 30, Bao 9, and Chen does not say. Who is at least 30? "
        try:
            found = list(at_least(run, 30))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller sees it
            return False, f"{seen}{type(error).__name__}: {str(error).splitlines()[0]}."
        seen += f"{' and '.join(found) or 'Nobody'}."
        if found != ["Ada", "Dana"]:
            return False, seen
        run("""INSERT INTO profiles VALUES (5, '{"name": "Eli", "age": "old"}')""")
        error = _came_out(at_least, run, 30)
    if error != "ValueError":
        return False, f"{seen} But with the age 'old', it ends with {error or 'no error'}."
    return True, f"{seen} With the age 'old', it raises ValueError."


def observe_03_2_b(revenue):
    with postgres().database() as db, db.connect(autocommit=True) as connection:
        run = connection.execute
        run("CREATE TABLE orders (id int PRIMARY KEY, city text)")
        run("CREATE TABLE order_lines (order_id int, line int, quantity int, price int)")
        run("CREATE TABLE parcels (order_id int, parcel text)")
        run("INSERT INTO orders VALUES (1, 'Lyon'), (2, 'Osaka'), (3, 'Lyon'), (4, 'Osaka')")
        run("""INSERT INTO order_lines VALUES
            (1, 1, 1, 10), (1, 2, 2, 5), (2, 1, 1, 20), (3, 1, 1, 90), (4, 1, 1, 20)""")
        run("INSERT INTO parcels VALUES (1, 'A'), (2, 'B'), (4, 'C')")
        before = _money(revenue, run)
        run("INSERT INTO parcels VALUES (1, 'D')")
        after = _money(revenue, run)
    right = {"Lyon": 20, "Osaka": 40}
    seen = f"Each sent order in one parcel: {before}. "
    if before != right:
        return False, f"{seen}The bills of the sent orders say {right}."
    return after == right, f"{seen}Order 1, from Lyon, gets a second parcel: {after}."


def _money(revenue, run):
    return {city: int(money) for city, money in revenue(run)}


def observe_03_2_c(chain):
    with postgres().database() as db, db.connect(autocommit=True) as connection:
        run = connection.execute
        run("CREATE TABLE staff (id int PRIMARY KEY, name text, manager int)")
        run("INSERT INTO staff SELECT n, 'person', nullif(n - 1, 0) FROM generate_series(1, 200) n")
        run("INSERT INTO staff VALUES (301, 'Dana', 302), (302, 'Eli', 301), (303, 'Finn', 301)")
        run("SET statement_timeout = '10s'")
        if list(chain(run, 200)) != list(range(200, 0, -1)):
            return False, "With 200 levels and no circle, the way to the top is not complete."
        run("SET statement_timeout = '300ms'")
        asked = []

        def run_some(*statement):
            asked.append(statement)
            if len(asked) > 1000:
                raise psycopg.errors.QueryCanceled("a loop in Python has no end either")
            return run(*statement)

        seen = "Finn is under Dana, Dana under Eli, and Eli under Dana: "
        try:
            found = list(chain(run_some, 303))
        except psycopg.errors.QueryCanceled:
            return False, f"{seen}it has no end, and is stopped."
        except Exception as error:  # noqa: BLE001 - an error is a good answer, too
            return True, f"{seen}it ends with {type(error).__name__}. 200 levels are no problem."
    if found != [303, 301, 302]:
        return False, f"{seen}it gives {len(found)} numbers. The three should be there once."
    return True, f"{seen}it ends, with each of them once. 200 levels are no problem."


# ---------------------------------------------------------------- lesson 03.3


def _accounts(connection):
    connection.execute("""
        CREATE TABLE IF NOT EXISTS accounts (id text PRIMARY KEY, balance bigint NOT NULL);
        TRUNCATE accounts;
        INSERT INTO accounts VALUES ('ada', 100), ('bao', 100)""")


def _balances(connection):
    rows = connection.execute("SELECT id, balance FROM accounts ORDER BY id")
    return dict(rows.fetchall())


def observe_03_3_a(send):
    with postgres().database() as db, db.connect(autocommit=True) as connection:
        _accounts(connection)
        send(connection, "ada", "bao", 30)
        if _balances(connection) != {"ada": 70, "bao": 130}:
            return False, f"30 of ada's 100 are sent to bao: {_balances(connection)}."
        seen = ""
        for case, source, target, amount in (
            ("to an account that does not exist", "ada", "eve", 100),
            ("from an account that does not exist", "eve", "ada", 100),
            ("of -50", "ada", "bao", -50),
            ("of 0", "ada", "bao", 0),
            ("of NaN", "ada", "bao", float("nan")),
            ("from ada to ada", "ada", "ada", 10),
            ("of 101 where there is 100", "ada", "bao", 101),
        ):
            _accounts(connection)
            error = _came_out(send, connection, source, target, amount)
            after = _balances(connection)
            if not error or after != {"ada": 100, "bao": 100}:
                told = f"raises {error}" if error else "is accepted"
                return False, f"{seen}A transfer {case} {told}: {after}, sum {sum(after.values())}."
            seen = "Mended so far. "
        _accounts(connection)
        left = _both_send_all(db, send)
        if left != {"ada": 0, "bao": 200}:
            return False, f"Odd transfers are refused. Two at once send all of it: {left}."
    return True, "Odd transfers are refused. Of two at once that send all, one is done."


def _both_send_all(db, send):
    """Two transfers of 100 at once, both past the check if nothing holds them; the balances."""
    check = threading.Barrier(2)

    class Meets:
        """A connection that meets the other one after its first statement."""

        def __init__(self, connection):
            self._connection, self._met = connection, False

        def execute(self, *statement):
            result = self._connection.execute(*statement)
            if not self._met:
                self._met = True
                with suppress(threading.BrokenBarrierError):
                    check.wait(0.5)
            return result

        def __getattr__(self, name):
            return getattr(self._connection, name)

    def request():
        with db.connect(autocommit=True) as connection:
            _came_out(send, Meets(connection), "ada", "bao", 100)

    threads = [threading.Thread(target=request) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.connect() as connection:
        return _balances(connection)


def observe_03_3_b(withdraw):
    with postgres().database() as db, db.connect(autocommit=True) as connection:
        _accounts(connection)
        disturbed = []

        def another_takes_20():
            if not disturbed:
                disturbed.append(True)
                with db.connect() as other:
                    other.execute("UPDATE accounts SET balance = balance - 20 WHERE id = 'ada'")

        seen = "Ada has 100. While 10 are withdrawn, another takes 20"
        error = _came_out(withdraw, connection, 10, another_takes_20)
        if error:
            return False, f"{seen}: it ends with {error}, and ada has {_ada(connection)}."
        seen += f": ada has {_ada(connection)}."
        if _ada(connection) != 70:
            return False, seen
        if withdraw(connection, 10) != 60 or _ada(connection) != 60:
            return False, seen + " But a quiet withdrawal is wrong now."
    return True, seen


def _ada(connection):
    return _balances(connection)["ada"]


def observe_03_3_c(pay):
    with postgres().database() as db, db.connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id int PRIMARY KEY, status text, city text)")
        connection.execute("INSERT INTO orders VALUES (1, 'new', 'Osaka'), (2, 'new', 'Lyon')")
        waited, charged = [], []

        def charge(order):
            charged.append(order)
            with db.connect(autocommit=True) as other:
                other.execute("SET lock_timeout = '50ms'")
                change = "UPDATE orders SET city = 'Cardiff' WHERE id = %s"
                waited.append(_came_out(other.execute, change, [order]))
                if len(charged) == 1 and not waited[-1]:
                    _came_out(pay, other, order, lambda order: charged.append(order) or "paid")
            return "paid"

        pay(connection, 1, charge)
        seen = "While the service is asked, somebody changes the address: "
        if waited != [""]:
            return False, f"{seen}it waits until it gives up, with {waited[0]}."
        seen += "it is done at once."
        if charged != [1]:
            return False, f"{seen} But two requests at once charge {len(charged)} times now."
        status, city = connection.execute("SELECT status, city FROM orders WHERE id = 1").fetchone()
        if (status, city) != ("paid", "Cardiff"):
            return False, f"{seen} But the order is {status} and goes to {city}."
        pay(connection, 1, charge)
        if charged != [1]:
            return False, f"{seen} But a paid order is charged again."
    return True, f"{seen} The order is charged once."


# ---------------------------------------------------------------- lesson 03.5


def observe_03_5_a(pool_class):
    with postgres().database() as db:
        with db.connect() as connection:
            connection.execute("CREATE TABLE carts (item text)")
        pool = pool_class(db.connect, 1)
        try:
            return _use_again(db, pool)
        finally:
            pool.close()


def _use_again(db, pool):
    def work(statement):
        with pool.connection() as connection:
            return connection.execute(statement).fetchone()

    error = _came_out(work, "SELECT 1 / 0")
    if error != "DivisionByZero":
        return False, f"A visitor divides by zero and sees {error or 'no error'}."
    seen = "A statement fails. The next visitor asks SELECT 7 and "
    if error := _came_out(work, "SELECT 7"):
        return False, f"{seen}gets {error}."
    seen += "gets 7."
    if not _came_out(work, "INSERT INTO carts VALUES ('tea') RETURNING 1 / 0"):
        return False, seen + " But errors are hidden now."
    _came_out(work, "INSERT INTO carts VALUES ('rye') RETURNING 1")
    if work("SELECT count(*) FROM carts") != (0,):
        return False, seen + " But an insert without a commit is there for the next visitor."
    with pool.connection() as connection:
        connection.execute("INSERT INTO carts VALUES ('bun')")
        connection.commit()
    if work("SELECT count(*) FROM carts") != (1,):
        return False, seen + " But an insert with a commit is gone."
    return _after_a_cut(db, pool, work, seen)


def _after_a_cut(db, pool, work, seen):
    """The line is cut while a visitor has the connection."""

    def cut():
        with pool.connection() as connection:
            connection.execute("SELECT 7")
            with db.connect() as other:
                victim = connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s, 10000)", [victim])
            raise LookupError("the visitor's own error")

    error = _came_out(cut)
    if error != "LookupError":
        return False, f"{seen} But when the line is cut, {error} hides the visitor's own error."
    if error := _came_out(work, "SELECT 7"):
        return False, f"{seen} But after the line was cut, the next visitor gets {error}."
    return True, seen + " What is not committed is gone, and a dead connection is replaced."


def observe_03_5_b(manager_class):
    migrations = (
        (1, "CREATE TABLE prices AS SELECT 4 AS cents"),
        (2, "UPDATE prices SET cents = cents * 100"),
    )

    def apply_all(connection):
        manager = manager_class(connection)
        for number, sql in migrations:
            manager.apply(number, sql)

    for crash_at in range(1, 20):
        with postgres().database() as db:
            with closing(_Crashing.connect(db.url, autocommit=True)) as connection:
                connection.statements_left = crash_at
                connection.end = db.connect
                crashed = _came_out(apply_all, connection)
            seen = f"The power fails at statement {crash_at}, and the program starts again: "
            with closing(db.connect(autocommit=True)) as connection:
                if error := _came_out(apply_all, connection):
                    return False, f"{seen}{error}."
                cents = connection.execute("SELECT cents FROM prices").fetchall()
                if cents != [(400,)]:
                    return False, f"{seen}4 times 100 is {cents[0][0] if cents else 'gone'}."
        if not crashed:
            break
    return True, "The power fails at each statement in turn. Each time, a new start gives 400."


class _Crashing(psycopg.Connection):
    """Its session ends before one of its statements; what is open is undone."""

    statements_left = None

    def execute(self, *statement, **options):
        if self.statements_left is not None:
            self.statements_left -= 1
            if self.statements_left == 0:
                with self.end() as other:
                    other.execute("SELECT pg_terminate_backend(%s, 10000)", [self.info.backend_pid])
        return super().execute(*statement, **options)


def observe_03_5_c(migrate):
    with postgres().database() as db:
        with db.connect() as connection:
            connection.execute("CREATE TABLE orders (id int)")
            connection.execute("INSERT INTO orders VALUES (1)")
        error = _customer_during(db, migrate)
        seen = "A report is open, and the migration runs. A customer reads, and "
        if error:
            return False, f"{seen}goes away after a second: {error}."
        seen += "gets the order."
        with db.connect() as connection:
            there = _gift(connection)
        if there is None:  # it gave up, and is started again
            with db.connect(autocommit=True) as connection:
                if error := _came_out(migrate, connection):
                    return False, f"{seen} But without the report it fails too: {error}."
                there = _gift(connection)
        if there != ("NO", "false"):
            return False, f"{seen} But the column is not as it should be: {there}."
    return True, f"{seen} After the report, the column is added."


def _gift(connection):
    return connection.execute(
        "SELECT is_nullable, column_default FROM information_schema.columns"
        " WHERE table_name = 'orders' AND column_name = 'gift'"
    ).fetchone()


def _customer_during(db, migrate):
    """What a customer gets who reads while a report is open and the migration runs."""
    with (
        db.connect() as report,
        db.connect(autocommit=True) as migrating,
        db.connect(autocommit=True) as customer,
    ):
        report.execute("SELECT count(*) FROM orders")
        thread = threading.Thread(target=_came_out, args=(migrate, migrating))
        thread.start()
        try:
            waiting = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
            while thread.is_alive():
                if customer.execute(waiting, [migrating.info.backend_pid]).rowcount:
                    break
                thread.join(0.002)
            customer.execute("SET statement_timeout = '1s'")
            return _came_out(customer.execute, "SELECT id FROM orders")
        finally:
            report.rollback()  # the report ends, and whoever waits goes on
            thread.join()


# ---------------------------------------------------------------- lesson 03.4


def _pages(connection, query):
    rows = connection.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT json) " + query)
    return read_postgres(rows.fetchone()[0]).pages


def observe_03_4_a(latest):
    with (
        postgres().database(template="shop") as db,
        db.connect(autocommit=True) as connection,
    ):
        right = connection.execute("""SELECT id FROM orders WHERE customer_id = 77
                                      ORDER BY placed_at DESC LIMIT 3""").fetchall()
        connection.execute(latest.INDEX)
        connection.execute("VACUUM ANALYZE orders")
        found = connection.execute(latest.QUERY).fetchall()
        pages = _pages(connection, latest.QUERY)
    if found != right:
        return False, f"The latest three are {right}, and the query gives {found}."
    few = "fewer than 20" if pages < 20 else f"{pages:,}"
    return pages < 20, f"The query finds the right three rows and reads {few} pages."


def observe_03_4_b(day):
    with (
        postgres().database(template="shop") as db,
        db.connect(autocommit=True) as connection,
    ):
        connection.execute(day.INDEX)
        connection.execute("VACUUM ANALYZE orders")
        pages = _pages(connection, day.QUERY)
        before = connection.execute(day.QUERY).fetchone()[0]
        connection.execute("""INSERT INTO orders (id, customer_id, placed_at, status) VALUES
            (900001, 77, '2025-05-31 23:59:59.999999', 'new'),
            (900002, 77, '2025-06-01 00:00:00', 'new'),
            (900003, 77, '2025-06-01 23:59:59.999999', 'new'),
            (900004, 77, '2025-06-02 00:00:00', 'new')""")
        added = connection.execute(day.QUERY).fetchone()[0] - before
        there = connection.execute("""SELECT count(*) FROM orders
            WHERE placed_at >= '2025-06-01' AND placed_at < '2025-06-02'""").fetchone()[0]
    few = "fewer than 100" if pages < 100 else f"{pages:,}"
    seen = f"The query reads {few} pages."
    seen += f" Of four orders around its two midnights it counts {added}, and 2 are of that day."
    return pages < 100 and added == 2 and before + added == there, seen


def observe_03_4_c(report):
    with (
        postgres().database(template="shop") as db,
        db.connect(autocommit=True) as connection,
    ):
        statements = []

        def run(query, values=None):
            statements.append(query)
            return connection.execute(query, values)

        listed = report(run, 100)
        sent = len(statements)
        two, none = report(run, 2), report(run, 0)
        right = connection.execute("""SELECT o.id, city FROM orders o
            JOIN customers c ON c.id = customer_id ORDER BY o.id DESC LIMIT 100""").fetchall()
    seen = f"A list of 100 orders sends {sent} statement{'s' * (sent != 1)}."
    if [tuple(row) for row in listed] != right:
        return False, seen + " But the list is not right any more."
    if [tuple(row) for row in two] != right[:2] or list(none):
        return False, seen + " But lists of two orders or of none are not right any more."
    return sent <= 2, seen


# ---------------------------------------------------------------- lesson 03.6


def observe_03_6_a(cheapest):
    products = [
        {"sku": "bowl", "price": 30, "tags": ["gift"]},
        {"sku": "cup", "price": 10, "tags": ["gift"]},
        {"sku": "lamp", "price": 20, "tags": ["gift"]},
        {"sku": "nail", "price": 1, "tags": []},
        {"sku": "card", "price": 2, "tags": ["gift"]},
    ]

    def asked(count):
        return [product["sku"] for product in cheapest(products, "gift", count)]

    found = asked(3)
    seen = f"Gifts for 30, 10, 20 and 2. The three cheapest: {', '.join(found)}."
    if found != ["card", "cup", "lamp"]:
        return False, seen
    if asked(1) != ["card"] or asked(9) != ["card", "cup", "lamp", "bowl"] or asked(0):
        return False, seen + f" But of 1, 9 and 0 it makes {asked(1)}, {asked(9)} and {asked(0)}."
    if [product["sku"] for product in products] != ["bowl", "cup", "lamp", "nail", "card"]:
        return False, seen + " But the caller's list is in another order now."
    return True, seen


def observe_03_6_b(matching):
    lamp = {"sku": "lamp", "bulb": {"fitting": "E27", "watts": 6}}
    torch = {"sku": "torch", "bulb": "built in"}
    kettle = {"sku": "kettle", "bulb": None}

    def asked(query):
        try:
            found = matching([lamp, torch, kettle], query)
            return [document["sku"] for document in found]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look at
            return type(error).__name__

    found = asked({"bulb.fitting": "E27"})
    seen = f"A lamp with an E27 bulb is there. The query for bulb.fitting E27 gives {found}."
    if found != ["lamp"]:
        return False, seen
    for query, right in (
        ({"bulb.fitting": "E14"}, []),
        ({"sku": "lamp", "bulb.watts": 6}, ["lamp"]),
        ({"sku": "torch"}, ["torch"]),
        ({"bulb": {"fitting": "E27", "watts": 6}}, ["lamp"]),
        ({"bulb.fitting.size": 1}, []),
    ):
        if asked(query) != right:
            return False, f"{seen} But {query} gives {asked(query)}."
    return True, seen


def observe_03_6_c(up_to):
    good = [{"sku": "cup", "price": 10}, {"sku": "bowl", "price": 30}, {"sku": "pen", "price": 2}]

    def asked(*more, limit=10):
        try:
            return up_to([*good[:1], *more, *good[1:]], limit)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look at
            return type(error).__name__

    if asked() != ["cup", "pen"]:
        return False, f"Of 10, 30 and 2, up to 10, it finds {asked()}."
    seen = ""
    for what, odd in (
        ('"7" as text', {"sku": "mug", "price": "7"}),
        ("None", {"sku": "mug", "price": None}),
        ("missing", {"sku": "mug"}),
    ):
        found = asked(odd)
        seen = f"Of 10, 30 and 2, and a price that is {what}, up to 10: {found or 'nothing'}."
        if found not in (["cup", "pen"], ["cup", "mug", "pen"]) or (
            "mug" in found and what[0] != '"'
        ):
            return False, seen
    return True, "One price that is text, None or missing does not hide the others."
