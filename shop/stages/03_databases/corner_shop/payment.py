"""Asks the payment service for money, and never for the same money twice.

From the inside out: a time limit for each call, the same key for each try, a retry
with a budget, and a circuit breaker around it all.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from corner_shop.errors import PaymentRefused, PaymentUnsettled
from corner_shop.orders import Order
from course_lib.clock import Clock, SystemClock
from course_lib.errors import (
    CircuitBreaker,
    CircuitOpen,
    Retry,
    RetryBudget,
    full_jitter,
    may_repeat,
    retry_after_seconds,
)

__all__ = ["Answer", "Charge", "Payment", "Transport"]


@dataclass(frozen=True)
class Charge:
    """The request. A service that has seen `key` before repeats its first decision."""

    key: str
    order: int
    cents: int


@dataclass(frozen=True)
class Answer:
    """201: paid. 402: refused, and `reason` says why. Anything else decides nothing."""

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Transport = Callable[[Charge, float], Answer]
"""Sends a charge and waits so many seconds for the answer. Raises TimeoutError,
ConnectionError."""


class Payment:
    """The client of the payment service. Make one, and use it for all orders."""

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        timeout: float = 2.0,
    ) -> None:
        self._clock = clock = SystemClock() if clock is None else clock
        self._transport = transport
        self._timeout = timeout
        self._retry = Retry(
            attempts=3,
            deadline=5.0,  # a customer is waiting
            retry_on=PaymentUnsettled,
            backoff=full_jitter(base=0.2, cap=2.0, rng=rng),
            # min_per_s=0: ten payments that work pay for one retry, and nothing else does
            budget=RetryBudget(ratio=0.1, min_per_s=0.0, clock=clock),
            clock=clock,
        )
        self._breaker = CircuitBreaker(
            is_failure=lambda error: isinstance(error, PaymentUnsettled),
            clock=clock,
        )

    def charge(self, order: Order) -> None:
        """Return when the order is paid.

        Raises:
            PaymentRefused: it never will be.
            PaymentUnsettled: nobody knows yet; ask again later.
        """
        try:
            self._breaker.call(self._retry.call, self._ask, order)
        except CircuitOpen as error:
            raise PaymentUnsettled(str(error)) from error

    def _ask(self, order: Order) -> None:
        try:
            answer = self._transport(Charge(order.key, order.number, order.cents), self._timeout)
        except (TimeoutError, ConnectionError) as error:
            raise PaymentUnsettled(f"no answer ({error})") from error
        if answer.status == 201:
            return
        if answer.status == 402:
            raise PaymentRefused(order.number, answer.reason)
        if may_repeat("POST", status=answer.status, key=True):
            wait = retry_after_seconds(answer.headers.get("retry-after"), now=self._clock.now())
            raise PaymentUnsettled(f"status {answer.status}", retry_after=wait)
        raise RuntimeError(f"payment answered {answer.status}, which this program cannot handle")
