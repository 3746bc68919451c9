"""What the shop offers: place an order, look at it, settle what is waiting.

Each function answers with a status and a body, as the web server of chapter 4 will.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

from corner_shop.errors import PaymentRefused, PaymentUnsettled
from corner_shop.orders import Order, OrderBook, State, read_order
from corner_shop.payment import Payment
from course_lib.errors import Boundary, Problem

__all__ = ["Reply", "Shop", "look_at", "place_order", "settle_waiting"]

_STATUS = {State.PAID: 201, State.WAITING: 202}


@dataclass(frozen=True)
class Reply:
    status: int
    body: dict[str, Any]


@dataclass(frozen=True)
class Shop:
    payment: Payment
    orders: OrderBook
    boundary: Boundary = field(
        default_factory=lambda: Boundary(logger=logging.getLogger("corner_shop"))
    )


def place_order(shop: Shop, body: object) -> Reply:
    """201: paid. 202: stored, the payment is open. Otherwise a problem. Never raises."""
    return shop.boundary.wrap(_place, respond=_refusal)(shop, body)


def look_at(shop: Shop, number: int) -> Reply:
    """200 and the state of the order, or 404."""
    return shop.boundary.wrap(_look, respond=_refusal)(shop, number)


def settle_waiting(shop: Shop) -> int:
    """Ask once more for each order that waits; how many still wait. A timer calls it."""
    for order in shop.orders.waiting():
        try:
            _pay(shop, order)
        except PaymentRefused:
            pass  # the order says so
        except Exception as error:  # noqa: BLE001  one bad order must not stop the others
            shop.boundary.problem(error)
    return len(shop.orders.waiting())


def _place(shop: Shop, body: object) -> Reply:
    items = read_order(body)
    order = shop.orders.add(items)  # first stored, then paid: no failure can lose it
    order = _pay(shop, order)
    return Reply(_STATUS[order.state], _shown(order))


def _pay(shop: Shop, order: Order) -> Order:
    try:
        shop.payment.charge(order)
    except PaymentRefused as refusal:
        shop.orders.finish(order.number, State.REFUSED, reason=refusal.reason)
        raise
    except PaymentUnsettled as error:
        shop.boundary.problem(error)  # for the log: the customer gets an order, not an error
        return order
    return shop.orders.finish(order.number, State.PAID)


def _look(shop: Shop, number: int) -> Reply:
    return Reply(200, _shown(shop.orders.get(number)))


def _shown(order: Order) -> dict[str, Any]:
    shown = {"order": order.number, "state": order.state.value, "cents": order.cents}
    return {**shown, "reason": order.reason} if order.reason else shown


def _refusal(problem: Problem) -> Reply:
    return Reply(problem.status, problem.as_dict())
