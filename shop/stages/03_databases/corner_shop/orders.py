"""Orders, stock and the ledger: what is taken, sold and paid is never half written.

Every method is one transaction on a connection of the pool, so several threads, and
several copies of the shop, may use one database.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from psycopg import sql

from corner_shop.errors import SoldOut
from course_lib.databases.pool import Pool
from course_lib.databases.transactions import run
from course_lib.errors import Conflict, InvalidInput, NotFound

__all__ = ["Order", "OrderBook", "State", "read_order"]


class State(Enum):
    WAITING = "waiting for payment"
    PAID = "paid"
    REFUSED = "refused"


@dataclass(frozen=True)
class Order:
    """`key` is made once and stored: every try to pay for this order uses it."""

    number: int
    key: str
    cents: int
    state: State = State.WAITING
    reason: str = ""


def read_order(body: object) -> dict[str, int]:
    """The items of a request such as {"items": {"tea": 2}}.

    Raises:
        InvalidInput: something in it is missing or wrong.
    """
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, dict) or not items:
        raise InvalidInput("items", "must name at least one product")
    for count in items.values():
        if type(count) is not int or not 1 <= count <= 100:
            raise InvalidInput("items", "must count each product from 1 to 100")
    return dict(items)


class OrderBook:
    """All orders, by number. Thread-safe, as its pool is."""

    price_column = "price_cents"  # what the release before this one called "price"

    def __init__(
        self, pool: Pool[Any], *, new_key: Callable[[], str] = lambda: uuid.uuid4().hex
    ) -> None:
        self._pool = pool
        self._new_key = new_key

    def add(self, items: Mapping[str, int]) -> Order:
        """Take the stock and store the order: both, or nothing.

        Raises:
            InvalidInput: the shop does not have such a product.
            SoldOut: not enough of it is left.
        """
        key = self._new_key()
        return run(self._pool.connection, lambda conn: self._add(conn, items, key))

    def get(self, number: int) -> Order:
        """Raises NotFound."""
        return run(self._pool.connection, lambda conn: _read(conn, number))

    def waiting(self) -> list[Order]:
        """Oldest first."""
        return run(self._pool.connection, _waiting)

    def finish(self, number: int, state: State, *, reason: str = "") -> Order:
        """Book the money of a paid order, or put the stock of a refused one back.

        Raises:
            NotFound: there is no such order.
            Conflict: it has ended in another state: paid stays paid.
        """
        return run(self._pool.connection, lambda conn: _finish(conn, number, state, reason))

    def set_price(self, product: str, cents: int) -> None:
        """Raises NotFound. Orders that are there keep their price."""
        statement = sql.SQL("UPDATE products SET {price} = %s WHERE name = %s")
        query = statement.format(price=sql.Identifier(self.price_column))
        if run(self._pool.connection, lambda c: c.execute(query, (cents, product)).rowcount) == 0:
            raise NotFound("product", product)

    def _add(self, conn: Any, items: Mapping[str, int], key: str) -> Order:
        # By name, as everybody does: then two orders never wait for each other in a circle.
        taken = [(*self._take(conn, name, items[name]), items[name]) for name in sorted(items)]
        number = conn.execute(
            "INSERT INTO orders (key, state) VALUES (%s, %s) RETURNING number",
            (key, State.WAITING.value),
        ).fetchone()[0]
        conn.cursor().executemany(
            "INSERT INTO order_lines (order_number, product_id, cents_each, count)"
            " VALUES (%s, %s, %s, %s)",
            [(number, *line) for line in taken],
        )
        return Order(number, key, sum(cents * count for _, cents, count in taken))

    def _take(self, conn: Any, name: str, count: int) -> tuple[int, int]:
        """The product's id and price. One statement looks and takes: nobody is between."""
        statement = sql.SQL(
            "UPDATE products SET stock = stock - %(count)s"
            " WHERE name = %(name)s AND stock >= %(count)s RETURNING id, {price}"
        )
        query = statement.format(price=sql.Identifier(self.price_column))
        row = conn.execute(query, {"name": name, "count": count}).fetchone()
        if row:
            return row
        if conn.execute("SELECT 1 FROM products WHERE name = %s", (name,)).fetchone():
            raise SoldOut(name)
        raise InvalidInput("items", "names a product that the shop does not have")


_ORDER = """\
SELECT number, key, sum(cents_each * count)::bigint, state, reason
FROM orders JOIN order_lines ON order_number = number
"""


def _read(conn: Any, number: int) -> Order:
    row = conn.execute(f"{_ORDER} WHERE number = %s GROUP BY number", (number,)).fetchone()
    if row is None:
        raise NotFound("order", number)
    return _order(row)


def _waiting(conn: Any) -> list[Order]:
    query = f"{_ORDER} WHERE state = %s GROUP BY number ORDER BY number"
    return [_order(row) for row in conn.execute(query, (State.WAITING.value,))]


def _order(row: tuple[Any, ...]) -> Order:
    number, key, cents, state, reason = row
    return Order(number, key, cents, State(state), reason)


def _finish(conn: Any, number: int, state: State, reason: str) -> Order:
    conn.execute("SELECT 1 FROM orders WHERE number = %s FOR UPDATE", (number,))
    order = _read(conn, number)  # nobody else can finish it any more
    if order.state is state:
        return order
    if order.state is not State.WAITING:
        raise Conflict("order", number)
    conn.execute(
        "UPDATE orders SET state = %s, reason = %s WHERE number = %s",
        (state.value, reason, number),
    )
    if state is State.PAID:
        _book(conn, order)
    elif state is State.REFUSED:
        _put_back(conn, number)
    return replace(order, state=state, reason=reason)


def _book(conn: Any, order: Order) -> None:
    conn.cursor().executemany(
        "INSERT INTO entries (order_number, account, cents) VALUES (%s, %s, %s)",
        [(order.number, "bank", order.cents), (order.number, "sales", -order.cents)],
    )


def _put_back(conn: Any, number: int) -> None:
    # Locked by name first, in the order in which `add` takes.
    conn.execute(
        "SELECT 1 FROM products JOIN order_lines ON product_id = id"
        " WHERE order_number = %s ORDER BY name FOR UPDATE OF products",
        (number,),
    )
    conn.execute(
        "UPDATE products SET stock = stock + count FROM order_lines"
        " WHERE product_id = id AND order_number = %s",
        (number,),
    )
