"""What shows the fault of each hunt of chapter 3.

`observe_<id>` runs the learner's code and gives back `(is it sound?, what was
seen)`. The same function is used before and after the code is mended.
"""

import sqlite3
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

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
