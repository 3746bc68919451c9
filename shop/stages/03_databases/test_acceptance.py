"""The promise of stage 3: nothing is sold twice, the books balance, and a release stops nobody.

The database is a real PostgreSQL. Threads are buyers; a barrier lets them begin together.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from corner_shop.api import Shop, look_at, place_order, settle_waiting
from corner_shop.orders import OrderBook, State
from corner_shop.payment import Answer, Payment

from course_lib.clock import ManualClock
from course_lib.errors import Conflict, NotFound


class Bank:
    """Pays each key once. Thread-safe: it only ever sets what is not there."""

    def __init__(self, *words):
        self.words, self.taken = list(words), {}

    def __call__(self, charge, timeout):
        word = self.words.pop(0) if self.words else "ok"
        if word == "refused":
            return Answer(402, "no_funds")
        self.taken.setdefault(charge.key, charge.cents)
        if word == "lost":
            raise TimeoutError("the money is taken, the answer is lost")
        return Answer(201)


class LastRelease(OrderBook):
    """The code that ran before: it knows the old name of the column."""

    price_column = "price"


def shop_on(pool, bank, *, book=OrderBook):
    return Shop(Payment(bank, clock=ManualClock()), book(pool))


def stock_up(database, **products):
    """name=(cents, pieces); under the schema of the first release."""
    with database.connect() as conn:
        rows = [(name, cents, pieces) for name, (cents, pieces) in products.items()]
        statement = "INSERT INTO products (name, price, stock) VALUES (%s, %s, %s)"
        conn.cursor().executemany(statement, rows)


def value(database, query):
    with database.connect() as conn:
        return conn.execute(query).fetchone()[0]


@pytest.fixture
def stocked(database, migrate):
    """A shop with 10 kettles and much tea."""
    migrate(3)
    stock_up(database, kettle=(2900, 10), tea=(450, 1000))
    migrate()
    return database


BOOKS = "SELECT coalesce(sum(cents), 0)::bigint FROM entries"
BANK = f"{BOOKS} WHERE account = 'bank'"
LEFT = "SELECT stock FROM products WHERE name = 'kettle'"


def test_thirty_buyers_of_ten_kettles(stocked, pool):
    shop, together = shop_on(pool, bank := Bank()), threading.Barrier(30)

    def buy(_):
        together.wait(timeout=20)
        return place_order(shop, {"items": {"tea": 1, "kettle": 1}}).status

    with ThreadPoolExecutor(30) as buyers:
        statuses = list(buyers.map(buy, range(30)))

    assert sorted(statuses) == [201] * 10 + [409] * 20
    assert value(stocked, LEFT) == 0
    assert value(stocked, "SELECT stock FROM products WHERE name = 'tea'") == 990
    assert value(stocked, BOOKS) == 0, "the books do not balance"
    assert value(stocked, BANK) == 10 * 3350 == sum(bank.taken.values())
    assert value(stocked, "SELECT count(*) FROM order_lines") == 20


def test_buyers_who_name_the_products_in_another_order_do_not_wait_in_a_circle(stocked, pool):
    shop, together = shop_on(pool, Bank()), threading.Barrier(8)
    orders = [{"tea": 1, "kettle": 1}, {"kettle": 1, "tea": 1}] * 4

    def buy(items):
        together.wait(timeout=20)
        return place_order(shop, {"items": items}).status

    with ThreadPoolExecutor(8) as buyers:
        assert list(buyers.map(buy, orders)) == [201] * 8

    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert value(stocked, query) == 0


def test_a_refused_payment_puts_the_stock_back_and_books_nothing(stocked, pool):
    shop = shop_on(pool, Bank("refused"))

    reply = place_order(shop, {"items": {"kettle": 4}})

    assert reply.status == 402
    assert (value(stocked, LEFT), value(stocked, BANK)) == (10, 0)


def test_a_lost_answer_is_settled_later_and_booked_once(stocked, pool):
    shop = shop_on(pool, bank := Bank("lost"))

    number = place_order(shop, {"items": {"tea": 2}}).body["order"]
    assert look_at(shop, number).body["state"] == "waiting for payment"
    assert settle_waiting(shop) == 0

    assert shop.orders.finish(number, State.PAID).state is State.PAID  # once more: no change
    assert value(stocked, BANK) == 900 == sum(bank.taken.values())
    with pytest.raises(Conflict):
        shop.orders.finish(number, State.REFUSED)


def test_an_order_that_fails_in_its_second_line_takes_nothing(stocked, pool):
    shop = shop_on(pool, Bank())

    assert place_order(shop, {"items": {"kettle": 1, "tea": 100, "gold": 1}}).status == 422
    assert place_order(shop, {"items": {"kettle": 11}}).status == 409

    assert value(stocked, LEFT) == 10
    assert value(stocked, "SELECT count(*) FROM orders") == 0


def test_a_new_price_does_not_change_an_order_that_is_there(stocked, pool):
    shop = shop_on(pool, Bank())
    number = place_order(shop, {"items": {"kettle": 1}}).body["order"]

    shop.orders.set_price("kettle", 9900)

    assert look_at(shop, number).body["cents"] == 2900
    with pytest.raises(NotFound):
        shop.orders.set_price("gold", 1)


def test_the_orders_are_there_after_the_shop_was_killed(stocked, pool, server):
    shop = shop_on(pool, Bank())
    number = place_order(shop, {"items": {"kettle": 1}}).body["order"]
    pool.close()

    with stocked.connect() as conn:  # as another program would find it
        row = conn.execute("SELECT state FROM orders WHERE number = %s", (number,)).fetchone()

    assert row == ("paid",)


class Traffic:
    """Buyers of one release, until they are told to go home. Their errors are kept."""

    def __init__(self, shop, price):
        self.shop, self.price, self.orders, self.wrong = shop, price, 0, []
        self._over, self._some = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._buy)
        self._thread.start()

    def _buy(self):
        while not self._over.is_set():
            try:
                self.shop.orders.set_price("kettle", self.price)
                reply = place_order(self.shop, {"items": {"tea": 1}})
            except Exception as error:  # noqa: BLE001  told at the end
                reply = error
            if getattr(reply, "status", 0) == 201:
                self.orders += 1
                if self.orders % 5 == 0:
                    self._some.set()
            else:
                self.wrong.append(reply)

    def goes_on(self):
        """Five more orders or so were placed since now."""
        self._some.clear()
        return self._some.wait(timeout=20)

    def ends(self):
        self._over.set()
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()
        assert self.wrong == []


def test_a_column_is_renamed_while_people_buy(database, migrate, pool):
    migrate(1)
    stock_up(database, kettle=(2900, 10), tea=(450, 100_000))

    old = Traffic(shop_on(pool, Bank(), book=LastRelease), price=3000)
    assert old.goes_on()
    assert migrate(3) == [2, 3]  # expand and fill, under load
    assert old.goes_on()
    new = Traffic(shop_on(pool, Bank()), price=3000)  # both releases at once
    assert old.goes_on()
    assert new.goes_on()
    old.ends()
    assert migrate() == [4]  # contract, when the old release is gone
    assert new.goes_on()
    new.ends()

    placed = old.orders + new.orders
    assert value(database, "SELECT count(*) FROM orders WHERE state = 'paid'") == placed
    assert value(database, BOOKS) == 0
    assert value(database, BANK) == 450 * placed
    assert value(database, "SELECT price_cents FROM products WHERE name = 'kettle'") == 3000


@pytest.mark.parametrize("writer", ["price", "price_cents"])
def test_between_the_releases_either_name_changes_both(database, migrate, writer):
    migrate(3)
    stock_up(database, kettle=(2900, 10))

    with database.connect() as conn:
        conn.execute(f"UPDATE products SET {writer} = 3100")

    assert value(database, "SELECT price_cents FROM products") == 3100
    assert value(database, "SELECT price FROM products") == 3100
