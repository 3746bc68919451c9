# fails "a small order pays for delivery" with "a float, not a Decimal"


def delivery_fee(total):
    if total < 0:
        raise ValueError(total)
    return 4.90 if total < 25 else 0.0
