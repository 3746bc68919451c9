# fails "a small order pays for delivery" with "Got: 'None'"
from decimal import Decimal


def delivery_fee(total):
    if total < 0:
        raise ValueError(total)
    fee = Decimal("4.90") if total < 25 else Decimal(0)
