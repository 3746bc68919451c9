# The steps of the fee are a table, which a loop reads from the top.
from decimal import Decimal

STEPS = [(Decimal(25), Decimal(0)), (Decimal(0), Decimal("4.9"))]


def delivery_fee(total):
    for start, fee in STEPS:
        if total >= start:
            return fee
    raise ValueError(f"{total} is below zero")
