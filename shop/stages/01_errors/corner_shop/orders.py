"""Orders: what a customer may ask for, and the book in which nothing is lost.

The book is a dictionary, so it forgets everything when the program ends, and it is
not for several threads. Chapter 3 puts a database in its place.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from course_lib.errors import Conflict, InvalidInput, NotFound

__all__ = ["PRICES", "Order", "OrderBook", "State", "read_order"]

PRICES = {"tea": 450, "bread": 320, "kettle": 2900}
"""In cents."""


class State(Enum):
    WAITING = "waiting for payment"
    PAID = "paid"
    REFUSED = "refused"


@dataclass(frozen=True)
class Order:
    """`key` is made once and stored: every try to pay for this order uses it."""

    number: int
    items: Mapping[str, int]
    key: str
    state: State = State.WAITING
    reason: str = ""

    @property
    def cents(self) -> int:
        return sum(PRICES[name] * count for name, count in self.items.items())


def read_order(body: object) -> dict[str, int]:
    """The items of a request such as {"items": {"tea": 2}}.

    Raises:
        InvalidInput: something in it is missing or wrong.
    """
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, dict) or not items:
        raise InvalidInput("items", "must name at least one product")
    for name, count in items.items():
        if name not in PRICES:
            raise InvalidInput("items", "names a product that the shop does not have")
        if type(count) is not int or not 1 <= count <= 100:
            raise InvalidInput("items", "must count each product from 1 to 100")
    return dict(items)


class OrderBook:
    """All orders, by number."""

    def __init__(self, *, new_key: Callable[[], str] = lambda: uuid.uuid4().hex) -> None:
        self._new_key = new_key
        self._orders: dict[int, Order] = {}

    def add(self, items: Mapping[str, int]) -> Order:
        order = Order(len(self._orders) + 1, items, self._new_key())
        self._orders[order.number] = order
        return order

    def get(self, number: int) -> Order:
        """Raises NotFound."""
        if number not in self._orders:
            raise NotFound("order", number)
        return self._orders[number]

    def waiting(self) -> list[Order]:
        """Oldest first."""
        return [order for order in self._orders.values() if order.state is State.WAITING]

    def finish(self, number: int, state: State, *, reason: str = "") -> Order:
        """Raises Conflict if the order has ended in another state: paid stays paid."""
        order = self.get(number)
        if order.state not in (State.WAITING, state):
            raise Conflict("order", number)
        self._orders[number] = replace(order, state=state, reason=reason)
        return self._orders[number]
