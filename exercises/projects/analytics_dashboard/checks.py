"""Checks of projects.analytics-dashboard.

Every telling begins with empty tables in a database that its process keeps. The connection's own
zone is Honolulu, so that nothing can lean on it. The data come from a seeded rng.
"""

import contextlib
import functools
import itertools
import os
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from course_lib.clock import ManualClock
from course_lib.labs import postgres
from course_lib.practice import scenario

NAMES = ("Board", "Cache", "Rollup", "average", "cohorts", "create", "funnel", "revenue", "top_n")
SERVICES = ("postgres",)
SEEDS = 4
HINTS = (
    "What is a moment, and what is a day? Only the zone turns one into the other. And where does "
    "the row of a day come from on which nothing was sold?",
)

ZONES = ("America/New_York", "America/St_Johns", "Asia/Kolkata", "Australia/Adelaide")
"""They are whole half hours away from UTC, and far from Honolulu."""

PRODUCTS = {"assam": "tea", "mint": "tea", "oolong": "tea", "bowl": "cups", "mug": "cups"}
NUMBERS = {name: number for number, name in enumerate(PRODUCTS, 1)}
HALF_HOUR = timedelta(minutes=30)
DAY = timedelta(days=1)


@functools.cache
def database(_pid):
    """One for each process: to make one takes longer than most stories."""
    return postgres().database("dashboard_checks")


class Shop:
    """The tables, and what is written into them."""

    def __init__(self, conn):
        self.conn = conn
        self.ids = itertools.count(1)
        self.copy("customers", [(n, f"customer {n}") for n in range(1, 61)])
        self.copy("products", [(NUMBERS[name], name, PRODUCTS[name]) for name in PRODUCTS])

    def copy(self, table, rows):
        with self.conn.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def orders(self, rows):
        """Rows (moment, customer, [(product, quantity, price)]); their lines, for refunds."""
        orders, lines = [], []
        for moment, customer, bought in rows:
            order = next(self.ids)
            orders.append((order, customer, moment))
            for line, (product, quantity, price) in enumerate(bought, 1):
                lines.append((order, line, NUMBERS[product], quantity, price))
        self.copy("orders", orders)
        self.copy("order_lines", lines)
        return [line[:2] for line in lines]

    def refunds(self, rows):
        """Rows (line, amount, moment)."""
        self.copy("refunds", [(next(self.ids), *line, amount, at) for line, amount, at in rows])

    def visits(self, rows):
        """Rows (visitor, step, moment)."""
        self.copy("visits", [(next(self.ids), *row) for row in rows])


@contextlib.contextmanager
def shop(solution):
    with database(os.getpid()).connect(autocommit=True) as conn:
        conn.execute("DROP SCHEMA IF EXISTS public CASCADE")
        conn.execute("CREATE SCHEMA public")
        conn.execute("SET TIME ZONE 'Pacific/Honolulu'")
        solution.create(conn)
        yield Shop(conn)


def midnight(day, tz):
    """The moment at which the day begins there."""
    return datetime.combine(day, time(), ZoneInfo(tz)).astimezone(UTC)


def grid(start, end, tz, *, margin=DAY):
    """Every half hour from before `start` to after `end`, and the moment just before it."""
    first, last = midnight(start, tz) - margin, midnight(end, tz) + margin
    for number in range((last - first) // HALF_HOUR + 1):
        moment = first + number * HALF_HOUR
        yield from (moment - timedelta(microseconds=1), moment)


def price(rng, low=100, high=9999):
    return Decimal(rng.randint(low, high)) / 100


def bought(rng, most=3):
    names = rng.sample(list(PRODUCTS), rng.randint(1, most))
    return [(name, rng.randint(1, 4), price(rng)) for name in names]


def orders(rng, moments):
    return [(moment, rng.randint(1, 60), bought(rng)) for moment in moments]


def a_day(rng):
    return date(2026, 1, 1) + timedelta(days=rng.randrange(300))


def money(value):
    """A Decimal with two places, whatever it had; anything else as what it is."""
    if type(value) is not Decimal:
        return f"no Decimal: {value!r}"[:60]
    return f"{value:.2f}"


def by_day(rows):
    """Rows of `revenue` as words for each day, in the order in which they came."""
    return {
        str(day): f"{items} items, sold {money(sold)}, refunded {money(refunded)}"
        for day, items, sold, refunded in rows
    } | {"days in order": [str(row[0]) for row in rows]}


# M1

DAYS = "the day is the one in the given zone, and the end is not in"
GAPS = "every day is there, also one without a sale"
CHANGE = "a day may have 23 or 25 hours"
REFUNDS = "a refund counts on its own day, and once"
FILTER = "a category takes only its own sales and refunds"
AVERAGE = "an average is one division over all items"
TOP = "equal products share a rank"
COHORTS = "a customer belongs to the month of the first order"
FUNNEL = "a step counts only after the step before"
NOBODY = "a funnel without visitors has no shares"


@scenario(
    DAYS,
    task=1,
    points=2,
    limit=10,
    next_step="Turn the two dates into moments in the zone, and each moment into its date there.",
)
def days(solution, rng):
    """Two orders every half hour, from a day before the period to a day after it."""
    tz, start = rng.choice(ZONES), a_day(rng)
    end = start + timedelta(days=rng.randint(2, 4))
    with shop(solution) as story:
        story.orders(orders(rng, grid(start, end, tz)))
        found = by_day(solution.revenue(story.conn, start, end, tz))
    return {"zone": tz, "period": f"{start} to {end}"} | found


@scenario(
    GAPS,
    task=1,
    limit=10,
    next_step="Make the days first, and join the sales to them. What is a sum over nothing?",
)
def gaps(solution, rng):
    """A period without any order; one order in ten days; a period of no days."""
    start, tz = a_day(rng), rng.choice(ZONES)
    end = start + timedelta(days=10)
    with shop(solution) as story:
        seen = {"nothing": by_day(solution.revenue(story.conn, start, end, tz))}
        story.orders(orders(rng, [midnight(start, tz) + rng.randint(2, 7) * DAY]))
        seen["one order"] = by_day(solution.revenue(story.conn, start, end, tz))
        seen["no days"] = by_day(solution.revenue(story.conn, start, start, tz))
    return seen


@scenario(
    CHANGE,
    task=1,
    needs=(DAYS,),
    limit=10,
    next_step="Adding 24 hours is not the next day. Let the database do it: AT TIME ZONE.",
)
def change(solution, rng):
    """The days around both changes of the clock, with two orders every half hour."""
    seen = {}
    with shop(solution) as story:
        for tz, day in (
            ("Europe/Berlin", date(2026, 3, 29)),
            ("Europe/Berlin", date(2026, 10, 25)),
            ("America/New_York", date(2026, 3, 8)),
            ("America/New_York", date(2026, 11, 1)),
        ):
            start, end = day - DAY, day + 2 * DAY
            story.orders(orders(rng, grid(start, end, tz)))
            seen[f"{tz}, {day}"] = by_day(solution.revenue(story.conn, start, end, tz))
    return seen


@scenario(
    REFUNDS,
    task=1,
    needs=(GAPS,),
    points=2,
    limit=10,
    next_step="Sales and refunds are two lists. Joined, a line with two refunds sells twice.",
)
def refunds(solution, rng):
    """Orders of four days; lines with none, one or two refunds, up to three days later."""
    tz, start = rng.choice(ZONES), a_day(rng)
    first = midnight(start, tz)
    with shop(solution) as story:
        lines = story.orders(orders(rng, [first + rng.random() * 4 * DAY for _ in range(40)]))
        twice = [line for line in rng.sample(lines, 15) for _ in range(2)]
        late = [(line, price(rng), first + DAY + rng.random() * 5 * DAY) for line in twice]
        at_midnight = [(lines[0], price(rng), first + n * DAY) for n in range(8)]
        story.refunds(late + at_midnight)
        whole = solution.revenue(story.conn, start, start + 8 * DAY, tz)
        later = solution.revenue(story.conn, start + 4 * DAY, start + 6 * DAY, tz)
    return {"all": by_day(whole), "two days with refunds only": by_day(later)}


@scenario(
    FILTER,
    task=1,
    needs=(REFUNDS,),
    limit=10,
    next_step="A refund has the category of its line. A day without tea is still a day.",
)
def category(solution, rng):
    """Three days of orders and refunds, asked for tea, cups, and a category without products."""
    tz, start = rng.choice(ZONES), a_day(rng)
    first = midnight(start, tz)
    with shop(solution) as story:
        lines = story.orders(orders(rng, [first + rng.random() * 3 * DAY for _ in range(30)]))
        story.refunds([(line, price(rng), first + 2 * DAY) for line in rng.sample(lines, 12)])
        return {
            name: by_day(solution.revenue(story.conn, start, start + 4 * DAY, tz, category=name))
            for name in ("tea", "cups", "cake")
        }


@scenario(
    AVERAGE,
    task=1,
    services=(),
    next_step="A day with one item must not weigh as much as a day with a hundred.",
)
def averages(solution, rng):
    """Rows of a quiet and a busy day; of days without items; no rows at all."""
    quiet, busy = price(rng, 5000, 9000), price(rng, 100, 2000)
    items = rng.randint(50, 99)
    start = a_day(rng)
    rows = [
        (start, 1, quiet, Decimal("3.00")),
        (start + DAY, items, items * busy, Decimal(0)),
        (start + 2 * DAY, 0, Decimal(0), Decimal("5.00")),
    ]
    seen = {}
    for label, some in (("all", rows), ("no items", rows[2:]), ("no rows", [])):
        found = solution.average(some)
        seen[label] = f"{found:.6f}" if isinstance(found, Decimal) else repr(found)
    return {"items and price of the two days": f"1 for {quiet}, {items} for {busy} each"} | seen


@scenario(
    TOP,
    task=1,
    limit=10,
    next_step="Which window function gives equal rows the same number?",
)
def top(solution, rng):
    """Two products are equal, first or second; orders just outside the period are larger."""
    tz, start = rng.choice(ZONES), a_day(rng)
    end = start + 3 * DAY
    first, after = midnight(start, tz), midnight(end, tz)
    low, high = price(rng, 100, 900), price(rng, 1000, 2000)
    names = rng.sample(["assam", "mint", "oolong"], 3)
    with shop(solution) as story:
        story.orders(
            [
                (first, 1, [(names[0], 2, high), (names[1], 4, high), (names[2], 1, low)]),
                (after - HALF_HOUR, 2, [(names[0], 2, high), ("mug", 1, low)]),
                (first + DAY, 3, [("bowl", 1, high), ("mug", 1, high)]),
                (first - timedelta(microseconds=1), 4, [(names[2], 50, high), ("bowl", 9, high)]),
                (after, 5, [(names[2], 50, high), ("bowl", 9, high)]),
            ]
        )
        return {
            f"top {n}": [
                f"{category} {rank} {name} {money(sold)}"
                for category, rank, name, sold in solution.top_n(story.conn, start, end, tz, n)
            ]
            for n in (1, 2, 3)
        }


@scenario(
    COHORTS,
    task=1,
    points=2,
    limit=10,
    next_step="The first order of all times decides, not the first in the period.",
)
def cohort(solution, rng):
    """Sixty customers order in some of eight months; five months are asked. One is empty."""
    tz = rng.choice(ZONES)
    months = [date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1)]
    months += [date(2026, month, 1) for month in range(1, 7)]
    empty = rng.randint(3, 5)
    rows = []
    for customer in range(1, 61):
        begins = rng.choice([n for n in range(7) if n != empty])
        for number in sorted({begins, *rng.sample(range(begins, 8), rng.randint(1, 8 - begins))}):
            first, after = midnight(months[number], tz), midnight(months[number + 1], tz)
            edges = (first, first + HALF_HOUR, after - timedelta(microseconds=1))
            rows += [(rng.choice(edges), customer, bought(rng))] * rng.randint(1, 2)
    with shop(solution) as story:
        story.orders(rows)
        found = solution.cohorts(story.conn, months[2], months[7], tz)
    return {"zone": tz} | {str(month): list(counts) for month, counts in found}


@scenario(
    FUNNEL,
    task=1,
    points=2,
    limit=10,
    next_step="Find the earliest visit of each visitor, then the earliest basket after that.",
)
def steps(solution, rng):
    """Visitors do the steps in each order, twice, at one moment, and across the period's edges."""
    tz, start = rng.choice(ZONES), a_day(rng)
    end = start + 2 * DAY
    first, after = midnight(start, tz), midnight(end, tz)
    walks = [
        *itertools.permutations(("visit", "basket", "order")),
        *itertools.permutations(("visit", "basket", "order"), 2),
        ("visit",), ("visit",), ("visit",), ("basket",),
        ("basket", "visit", "basket", "order"),
        ("visit", "order", "basket", "visit", "order"),
        ("order", "basket", "visit", "order", "basket"),
        ("visit", "visit", "basket", "basket", "order", "order"),
    ]  # fmt: skip
    rows = []
    for visitor in range(rng.randint(40, 60)):
        begin = first + rng.random() * DAY
        walk = walks[visitor] if visitor < len(walks) else rng.choice(walks)
        rows += [(visitor, step, begin + n * HALF_HOUR) for n, step in enumerate(walk)]
    rows += [(100, step, first) for step in ("visit", "basket", "order")]
    rows += [(101, "visit", first - HALF_HOUR), (101, "basket", first), (101, "order", first + DAY)]
    rows += [(102, "visit", first), (102, "basket", after - HALF_HOUR), (102, "order", after)]
    rng.shuffle(rows)
    with shop(solution) as story:
        story.visits(rows)
        return shares(solution.funnel(story.conn, start, end, tz))


@scenario(
    NOBODY,
    task=1,
    needs=(FUNNEL,),
    limit=10,
    next_step="What is the share of nobody? Look before you divide.",
)
def nobody(solution, rng):
    """A period without visits; then one visit."""
    tz, start = rng.choice(ZONES), a_day(rng)
    with shop(solution) as story:
        seen = {"no visits": shares(solution.funnel(story.conn, start, start + DAY, tz))}
        story.visits([(1, "visit", midnight(start, tz))])
        seen["one visit"] = shares(solution.funnel(story.conn, start, start + DAY, tz))
    return seen


def shares(rows):
    """Rows of `funnel`; a share may be of any kind of number."""
    return [
        f"{step}: {visitors}, share {'None' if share is None else f'{float(share):.6f}'}"
        for step, visitors, share in rows
    ]
