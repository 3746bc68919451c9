"""What can go wrong with an order, sorted by what the shop does next."""

from course_lib.errors import ShopError, Unavailable

__all__ = ["PaymentRefused", "PaymentUnsettled", "SoldOut"]

# Only these words reach the customer: the text of another company is not ours to repeat.
_REASONS = {"card_expired": "the card has expired", "no_funds": "there is not enough money"}


class SoldOut(ShopError):
    """The product is known, but not enough of it is left. Nothing was taken."""

    status, code, title = 409, "sold_out", "Not enough of a product is left"

    def __init__(self, product: str) -> None:
        self.detail = f"not enough {product} is left"
        super().__init__(self.detail)


class PaymentRefused(ShopError):
    """A clear no. The same payment can never work, so it is never repeated."""

    status, code, title = 402, "payment_refused", "The payment was refused"

    def __init__(self, number: int, reason: str) -> None:
        self.reason = _REASONS.get(reason, "the bank gave no reason")
        self.detail = f"order {number}: {self.reason}"
        super().__init__(self.detail)


class PaymentUnsettled(Unavailable):
    """No clear answer: the money was taken, or it was not. Ask again with the same key."""

    def __init__(self, why: str, *, retry_after: float | None = None) -> None:
        super().__init__("payment")
        self.retry_after = retry_after  # seconds; None: the payment service named no time
        self.args = (f"payment is not settled: {why}",)
