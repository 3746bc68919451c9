"""M1: the questions that the dashboard asks, each one statement.

`start` and `end` are dates: from `start` on, and before `end`, in the zone `tz`.
"""

STEPS = ("visit", "basket", "order")
"""The funnel, in this order."""

# Write SQL that several queries share here, above them.
# TODO M1: what they share, if you like


def revenue(conn, start, end, tz, *, category=None):
    """Rows `(day, items, sold, refunded)`, one for every day; of one category, or of all."""
    # TODO M1: every day is there, also one without a sale
    raise NotImplementedError


def average(days):
    """What one item cost on average over all these rows of `revenue`; None without items."""
    # TODO M1: one division, at the end
    raise NotImplementedError


def cohorts(conn, start, end, tz):
    """Rows `(month, [customers after 0, 1, 2, ... months])`, one for every month."""
    # TODO M1: first the month of each customer's first order
    raise NotImplementedError


def top_n(conn, start, end, tz, n):
    """Rows `(category, rank, product, sold)`: the products of each category with rank 1 to n."""
    # TODO M1: equal products share a rank
    raise NotImplementedError


def funnel(conn, start, end, tz):
    """Rows `(step, visitors, share of the step before)`, one for each of STEPS."""
    # TODO M1: the earliest event after the one that counted before
    raise NotImplementedError
