"""The shop's people, products and orders, made from a seed.

The same seed gives the same shop on every Python version and system: only
`random.Random.random()` is used, the one method whose sequence Python promises
to keep (library reference, `random`, "Notes on Reproducibility").
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

__all__ = ["Customer", "Order", "OrderLine", "Product", "Shop", "shop"]

T = TypeVar("T")

_OPENING = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)

# category: (what is sold, the kinds of it, lowest and highest price in cents)
_CATALOGUE: dict[str, tuple[tuple[str, ...], tuple[str, ...], int, int]] = {
    "bakery": (("bread", "roll", "flatbread"), ("rye", "wheat", "maize", "oat"), 80, 650),
    "drinks": (("tea", "lemonade", "syrup"), ("mint", "ginger", "mango", "lime"), 120, 1400),
    "garden": (("pot", "basket", "watering can"), ("small", "large", "blue", "green"), 150, 3500),
    "kitchen": (("bowl", "kettle", "pan"), ("steel", "enamel", "glass", "iron"), 490, 8900),
    "paper": (("notebook", "envelope", "poster"), ("plain", "lined", "red", "grey"), 60, 1800),
}

# (given names, family names, does the family name come first?)
_NAMES: tuple[tuple[tuple[str, ...], tuple[str, ...], bool], ...] = (
    (("Amara", "Chidi", "Ngozi"), ("Okafor", "Eze", "Nwosu"), False),
    (("Aroha", "Mere", "Tane"), ("Ngata", "Parata", "Tamihana"), False),
    (("Ayşe", "Emre", "Zeynep"), ("Yılmaz", "Kaya", "Demir"), False),
    (("Camila", "Joaquín", "Lucía"), ("Quispe", "Fernández", "Muñoz"), False),
    (("Fatima", "Omar", "Yusuf"), ("Haddad", "al-Masri", "Benali"), False),
    (("Grace", "Owen", "Siân"), ("Walker", "O’Neill", "Price"), False),
    (("Hana", "Kenji", "Yuki"), ("Sato", "Tanaka", "Mori"), True),
    (("Ioana", "Mihai", "Zoë"), ("Popescu", "Müller", "Novák"), False),
    (("Lan", "Minh", "Thu"), ("Nguyễn", "Trần", "Phạm"), True),
    (("Łukasz", "Olena", "Zofia"), ("Wójcik", "Kovalenko", "Nowak"), False),
    (("Mei", "Jun", "Xia"), ("Chen", "Wang", "Zhao"), True),
    (("Priya", "Arjun", "Divya"), ("Sharma", "Iyer", "Reddy"), False),
)

_CITIES = ("Accra", "Bogotá", "Brno", "Cardiff", "Hà Nội", "İzmir", "Kochi", "Lyon", "Osaka")


@dataclass(frozen=True)
class Product:
    """Something on the shelf; `stock` is how many are there, 0 to 60."""

    id: int
    name: str
    category: str
    price: Decimal
    stock: int


@dataclass(frozen=True)
class Customer:
    """A person who orders; `email` is under example.com, which nobody can own."""

    id: int
    name: str
    email: str
    city: str


@dataclass(frozen=True)
class OrderLine:
    """`quantity` of one product, at the price it had that day."""

    product_id: int
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True)
class Order:
    """What one customer ordered at `placed_at` (UTC): 1 to 4 different products."""

    id: int
    customer_id: int
    placed_at: datetime
    lines: tuple[OrderLine, ...]

    @property
    def total(self) -> Decimal:
        return sum((line.unit_price * line.quantity for line in self.lines), Decimal("0.00"))


@dataclass(frozen=True, repr=False)
class Shop:
    """All of it. Ids count from 1; orders are in the order they were placed."""

    products: tuple[Product, ...]
    customers: tuple[Customer, ...]
    orders: tuple[Order, ...]

    def __repr__(self) -> str:
        return (
            f"Shop({len(self.products)} products, {len(self.customers)} customers, "
            f"{len(self.orders)} orders)"
        )


def shop(*, seed: int = 1, products: int = 50, customers: int = 20, orders: int = 200) -> Shop:
    """A shop of the given size; the same arguments always make the same shop.

    >>> shop(seed=1)
    Shop(50 products, 20 customers, 200 orders)

    Raises:
        ValueError: a size is negative, or there are orders but nobody or nothing to order.
    """
    if min(products, customers, orders) < 0:
        raise ValueError("shop() takes sizes of 0 or more")
    if orders and not (products and customers):
        raise ValueError("orders need at least one product and one customer")
    # A generator each: asking for more products does not change the customers.
    shelf = _products(random.Random(f"{seed} products"), products)
    people = _customers(random.Random(f"{seed} customers"), customers)
    return Shop(shelf, people, _orders(random.Random(f"{seed} orders"), orders, shelf, people))


def _products(rng: random.Random, count: int) -> tuple[Product, ...]:
    shelf = [
        (f"{item}, {kind}", category, low, high)
        for category, (items, kinds, low, high) in _CATALOGUE.items()
        for item in items
        for kind in kinds
    ]
    _shuffle(rng, shelf)
    made = []
    for number in range(count):
        name, category, low, high = shelf[number % len(shelf)]
        series = number // len(shelf)
        made.append(
            Product(
                id=number + 1,
                name=f"{name}, series {series + 1}" if series else name,
                category=category,
                price=Decimal(low + _below(rng, high - low + 1)).scaleb(-2),
                stock=_below(rng, 61),
            )
        )
    return tuple(made)


def _customers(rng: random.Random, count: int) -> tuple[Customer, ...]:
    return tuple(
        Customer(
            id=number,
            name=_full_name(rng),
            email=f"customer{number}@example.com",
            city=_pick(rng, _CITIES),
        )
        for number in range(1, count + 1)
    )


def _full_name(rng: random.Random) -> str:
    given_names, family_names, family_first = _pick(rng, _NAMES)
    given, family = _pick(rng, given_names), _pick(rng, family_names)
    return f"{family} {given}" if family_first else f"{given} {family}"


def _orders(
    rng: random.Random, count: int, shelf: Sequence[Product], people: Sequence[Customer]
) -> tuple[Order, ...]:
    placed_at = _OPENING
    made = []
    for number in range(1, count + 1):
        placed_at += timedelta(seconds=30 + _below(rng, 1800))
        customer = _pick(rng, people)
        made.append(Order(number, customer.id, placed_at, _lines(rng, shelf)))
    return tuple(made)


def _lines(rng: random.Random, shelf: Sequence[Product]) -> tuple[OrderLine, ...]:
    # Multiplying two draws makes the first products far more popular than the
    # last, as in a real shop.
    chosen = {int(rng.random() * rng.random() * len(shelf)) for _ in range(1 + _below(rng, 4))}
    return tuple(
        OrderLine(shelf[index].id, 1 + _below(rng, 3), shelf[index].price)
        for index in sorted(chosen)
    )


def _below(rng: random.Random, limit: int) -> int:
    return int(rng.random() * limit)


def _pick(rng: random.Random, options: Sequence[T]) -> T:
    return options[_below(rng, len(options))]


def _shuffle(rng: random.Random, items: list[T]) -> None:
    for last in range(len(items) - 1, 0, -1):
        other = _below(rng, last + 1)
        items[last], items[other] = items[other], items[last]
