# fails "an order below zero is refused" with "Expected: 'ValueError'"
from decimal import Decimal


def delivery_fee(total):
    return Decimal("4.90") if total < 25 else Decimal(0)
