# %% [markdown] id="title"
# # Your first check
#
# **Goal:** meet a check, a hint and a solution, on something small. · **5 minutes** · needs: [Start here](../../../notebooks/00_start.ipynb)
#
# **Not covered:** taxes, currencies, several deliveries.

# %% [markdown] id="how"
# Run the first code cell with Shift+Enter. Then write your function in the cell under *Your task*, run it, and run the check below it.
# You may do so as often as you like. Nobody counts.

# %% id="setup" tags=["setup"]
from decimal import Decimal

from course_lib.practice import check, hint, reset, solution

# %% [markdown] id="task"
# ## Your task
#
# Corner Shop charges for delivery. Write `delivery_fee(total)`:
#
# 1. An order below 25.00 pays a fee of 4.90.
# 2. From 25.00 on, delivery is free: the fee is 0. Exactly 25.00 is free too.
# 3. An order below zero cannot exist. Raise `ValueError`.
#
# `total` and the fee are `Decimal`, the type for money. `Decimal("4.90")` makes one; a float such as `4.90` is refused.


# %% id="fee" tags=["solution"]
def delivery_fee(total: Decimal) -> Decimal:
    """The fee for delivering an order of this total.

    >>> delivery_fee(Decimal("10.00"))
    Decimal('4.90')
    """
    # TODO: tasks 1 to 3
    ### BEGIN SOLUTION
    if total < 0:
        raise ValueError(f"an order cannot have a total of {total}")
    return Decimal("4.90") if total < 25 else Decimal(0)
    ### END SOLUTION


# %% id="check" tags=["check"]
check("00-first-check")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("00-first-check")` shows a worked answer, and
# `reset("00-first-check")` gives you the empty task back. Your version is kept beside it.

# %% id="hint" tags=["check"]
hint("00-first-check")

# %% [markdown] id="question"
# ## To think about
#
# A customer orders for 24.90 and is asked to pay 4.90 for delivery. What would *you* do, if the shop were yours?
# There is no single right answer, and no check.
