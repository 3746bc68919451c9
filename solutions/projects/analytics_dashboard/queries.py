"""M1: the questions that the dashboard asks, each one statement.

`start` and `end` are dates: from `start` on, and before `end`, in the zone `tz`.
"""

STEPS = ("visit", "basket", "order")
"""The funnel, in this order."""

# Write SQL that several queries share here, above them.
### BEGIN SOLUTION M1: what they share, if you like
MOVES = """
    SELECT placed_at AS moment, category, quantity AS items,
           quantity * unit_price AS sold, 0.00 AS refunded
    FROM orders
    JOIN order_lines ON order_id = orders.id
    JOIN products ON product_id = products.id
    UNION ALL
    SELECT refunded_at, category, 0, 0.00, amount
    FROM refunds
    JOIN order_lines USING (order_id, line)
    JOIN products ON product_id = products.id
"""

# The first moment of the period, and the first moment after it.
FIRST = "%(start)s::date::timestamp AT TIME ZONE %(tz)s"
AFTER = "%(end)s::date::timestamp AT TIME ZONE %(tz)s"
DAYS = "generate_series(%(start)s::date::timestamp, %(end)s::date - 1, interval '1 day')"
### END SOLUTION


def revenue(conn, start, end, tz, *, category=None):
    """Rows `(day, items, sold, refunded)`, one for every day; of one category, or of all."""
    ### BEGIN SOLUTION M1: every day is there, also one without a sale
    return conn.execute(
        f"""
        SELECT day::date, coalesce(sum(items), 0),
               coalesce(sum(sold), 0), coalesce(sum(refunded), 0)
        FROM {DAYS} AS day
        LEFT JOIN ({MOVES}) AS moves
               ON (moment AT TIME ZONE %(tz)s)::date = day
              AND moment >= {FIRST} AND moment < {AFTER}
              AND (%(category)s::text IS NULL OR category = %(category)s)
        GROUP BY 1 ORDER BY 1
        """,
        {"start": start, "end": end, "tz": tz, "category": category},
    ).fetchall()
    ### END SOLUTION


def average(days):
    """What one item cost on average over all these rows of `revenue`; None without items."""
    ### BEGIN SOLUTION M1: one division, at the end
    items = sum(row[1] for row in days)
    return sum(row[2] for row in days) / items if items else None
    ### END SOLUTION


def cohorts(conn, start, end, tz):
    """Rows `(month, [customers after 0, 1, 2, ... months])`, one for every month."""
    ### BEGIN SOLUTION M1: first the month of each customer's first order
    return conn.execute(
        """
        WITH active AS (
            SELECT DISTINCT customer_id, date_trunc('month', placed_at AT TIME ZONE %(tz)s) AS month
            FROM orders
        ), firsts AS (
            SELECT customer_id, min(month) AS cohort FROM active GROUP BY 1
        ), months AS (
            SELECT generate_series(%(start)s::date::timestamp, %(end)s::date - 1,
                                   interval '1 month') AS month
        ), counts AS (
            SELECT first.month AS cohort, later.month, count(customer_id) AS customers
            FROM months AS first
            JOIN months AS later ON later.month >= first.month
            LEFT JOIN (firsts JOIN active USING (customer_id)) AS seen
                   ON seen.cohort = first.month AND seen.month = later.month
            GROUP BY 1, 2
        )
        SELECT cohort::date, array_agg(customers ORDER BY month)
        FROM counts GROUP BY 1 ORDER BY 1
        """,
        {"start": start, "end": end, "tz": tz},
    ).fetchall()
    ### END SOLUTION


def top_n(conn, start, end, tz, n):
    """Rows `(category, rank, product, sold)`: the products of each category with rank 1 to n."""
    ### BEGIN SOLUTION M1: equal products share a rank
    return conn.execute(
        f"""
        WITH ranked AS (
            SELECT category, name, sum(quantity * unit_price) AS sold,
                   rank() OVER (PARTITION BY category
                                ORDER BY sum(quantity * unit_price) DESC) AS place
            FROM orders
            JOIN order_lines ON order_id = orders.id
            JOIN products ON product_id = products.id
            WHERE placed_at >= {FIRST} AND placed_at < {AFTER}
            GROUP BY category, name
        )
        SELECT category, place, name, sold FROM ranked
        WHERE place <= %(n)s ORDER BY category, place, name
        """,
        {"start": start, "end": end, "tz": tz, "n": n},
    ).fetchall()
    ### END SOLUTION


def funnel(conn, start, end, tz):
    """Rows `(step, visitors, share of the step before)`, one for each of STEPS."""
    ### BEGIN SOLUTION M1: the earliest event after the one that counted before
    counts = conn.execute(
        f"""
        WITH seen AS (
            SELECT * FROM visits WHERE happened_at >= {FIRST} AND happened_at < {AFTER}
        ), first AS (
            SELECT visitor_id, min(happened_at) AS since FROM seen
            WHERE step = 'visit' GROUP BY 1
        ), second AS (
            SELECT visitor_id, min(happened_at) AS since FROM seen JOIN first USING (visitor_id)
            WHERE step = 'basket' AND happened_at > since GROUP BY 1
        ), third AS (
            SELECT DISTINCT visitor_id FROM seen JOIN second USING (visitor_id)
            WHERE step = 'order' AND happened_at > since
        )
        SELECT (SELECT count(*) FROM first), (SELECT count(*) FROM second),
               (SELECT count(*) FROM third)
        """,
        {"start": start, "end": end, "tz": tz},
    ).fetchone()
    before = (0, *counts)
    return [
        (step, n, n / b if b else None) for step, n, b in zip(STEPS, counts, before, strict=False)
    ]
    ### END SOLUTION
