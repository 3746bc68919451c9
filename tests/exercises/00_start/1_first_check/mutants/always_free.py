# fails "a small order pays for delivery" with "4.90"
from decimal import Decimal


def delivery_fee(total):
    if total < 0:
        raise ValueError(total)
    return Decimal(0)
