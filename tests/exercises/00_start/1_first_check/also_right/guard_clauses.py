# Each case leaves at once; named amounts stand above.
from decimal import Decimal

FREE_FROM, FEE = Decimal("25.00"), Decimal("4.90")


def delivery_fee(total):
    if total < Decimal("0"):
        raise ValueError("negative total")
    if total >= FREE_FROM:
        return Decimal("0.00")
    return FEE
