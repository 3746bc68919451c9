# fails "from 25.00 on delivery is free" with "fee for 25.00"
from decimal import Decimal


def delivery_fee(total):
    if total < 0:
        raise ValueError(total)
    return Decimal("4.90") if total <= 25 else Decimal(0)
