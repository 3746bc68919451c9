"""Checks of 00-first-check."""

from decimal import Decimal

from course_lib.practice import scenario

NAMES = ("delivery_fee",)
HINTS = (
    "What does your function give for 24.99, for 25.00 and for 25.01?",
    "Three cases: refuse first, then compare with the limit. On which side does 25.00 stand?",
    "An `if` that raises, then one `return` whose value depends on `total < ...`.",
)


def _fee(solution, total):
    """The fee as text; 0 and 0.00 are the same amount. What is no Decimal is named."""
    fee = solution.delivery_fee(Decimal(total))
    if isinstance(fee, Decimal) and fee.is_finite():
        return f"{fee:.2f}"
    return "None" if fee is None else f"a {type(fee).__name__}, not a Decimal"


@scenario(
    "a small order pays for delivery",
    task=1,
    next_step="Give back the fee, a Decimal, when the total is below 25.",
)
def small_order(solution, rng):
    """Orders of 0.00 and 24.99, and one between."""
    between = f"{rng.randrange(100, 2400) / 100:.2f}"
    return {f"fee for {total}": _fee(solution, total) for total in ("0.00", between, "24.99")}


@scenario(
    "from 25.00 on delivery is free",
    task=2,
    needs=("a small order pays for delivery",),
    next_step="Look at the limit itself: 25.00 is free, 24.99 is not.",
)
def large_order(solution, rng):
    """Orders of 25.00 and 25.01, and a larger one."""
    larger = f"{rng.randrange(2600, 90000) / 100:.2f}"
    return {f"fee for {total}": _fee(solution, total) for total in ("25.00", "25.01", larger)}


@scenario(
    "an order below zero is refused",
    task=3,
    needs=("a small order pays for delivery",),
    next_step="Raise ValueError before you look at the fee.",
)
def below_zero(solution, rng):
    """An order of -0.01, and one further down."""
    seen = {}
    for total in ("-0.01", f"-{rng.randrange(100, 9000) / 100:.2f}"):
        try:
            seen[f"order of {total}"] = "a fee of " + _fee(solution, total)
        except ValueError:
            seen[f"order of {total}"] = "ValueError"
    return seen
