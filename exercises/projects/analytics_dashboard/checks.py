"""Checks of projects.analytics-dashboard.

Every telling begins with empty tables in a database that its process keeps. The connection's own
zone is Honolulu, so that nothing can lean on it. The data come from a seeded rng.
"""

import contextlib
import functools
import itertools
import os
import re
import sys
import threading
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from time import monotonic
from zoneinfo import ZoneInfo

from course_lib.clock import ManualClock
from course_lib.labs import postgres
from course_lib.practice import scenario

NAMES = ("Board", "Cache", "Rollup", "average", "cohorts", "create", "funnel", "revenue", "top_n")
SERVICES = ("postgres",)
SEEDS = 3  # each makes some thirty small shops
HINTS = (
    "What is a moment, and what is a day? Only the zone turns one into the other. And where does "
    "the row of a day come from on which nothing was sold?",
    "What would a second run of the same refresh do? Replace a day instead of adding to it. Then "
    "it is safe to do more days than needed; start where a late row may still lie.",
    "Who finds nothing becomes the one who asks; the others need something to wait for. Put a "
    "concurrent.futures.Future into the dict before the query begins, not after it.",
    "Could somebody who hears the text draw the figure? Take the rows once, and make both from "
    "them. matplotlib.figure.Figure() works without pyplot.",
    "Query functions, then the roll-up table, then the cache, then the board: each knows only the "
    "one before. A wrong number is easiest to find in the lowest one.",
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


def flat(seen, where=""):
    """One key for each value, as a report names only the first that differs."""
    found = {}
    for key, value in seen.items():
        name = f"{where}, {key}" if where else str(key)
        found |= flat(value, name) if isinstance(value, dict) else {name: value}
    return found


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
    return flat(seen)


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
            seen[f"around {day}"] = by_day(solution.revenue(story.conn, start, end, tz))
    return flat(seen)


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
    return flat({"all": by_day(whole), "two days": by_day(later)})


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
        found = {
            name: by_day(solution.revenue(story.conn, start, start + 4 * DAY, tz, category=name))
            for name in ("tea", "cups", "cake")
        }
    return flat(found)


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


# M2

SOURCES = ("orders", "order_lines", "refunds", "products", "customers", "visits")

SAME = "after a refresh the roll-up says what the rows say"
LATE = "a late row is taken in by the next refresh"
AGAIN = "to run it again changes nothing"
PARTS = "a day may be taken in part by part"
FAILED = "a refresh that failed is made good by the next one"
MIXED = "the days of two zones do not mix"
READS = "the roll-up reads at least 50 times fewer rows"
RECENT = "a refresh reads only the days that may have changed"


def told(rollup, start, end):
    """What the roll-up says, of everything and of tea."""
    return {
        "all": by_day(rollup.revenue(start, end)),
        "tea": by_day(rollup.revenue(start, end, category="tea")),
    }


def busy(story, rng, first, days, count=40):
    """Orders and refunds at any moment of these days."""
    moments = [first + rng.random() * days * DAY for _ in range(count)]
    lines = story.orders(orders(rng, moments))
    chosen = rng.sample(lines, count // 3)
    story.refunds([(line, price(rng), first + rng.random() * days * DAY) for line in chosen])


@scenario(
    SAME,
    task=2,
    limit=10,
    next_step="Sum by day in the zone and by category. The days without a row come from the query.",
)
def same_as_rows(solution, rng):
    """Five days of orders and refunds, none on one day; one refresh of a new Rollup."""
    tz, start = rng.choice(ZONES), a_day(rng)
    first, end = midnight(start, tz), start + 6 * DAY
    with shop(solution) as story:
        rollup = solution.Rollup(story.conn, tz)
        seen = {"before the first refresh": told(rollup, start, end)}
        busy(story, rng, first, 3)
        story.orders(orders(rng, [first, first + 4 * DAY, first + 5 * DAY]))
        rollup.refresh(midnight(end, tz))
        seen |= {"zone": tz, "after it": told(rollup, start, end)}
        seen["a part"] = by_day(rollup.revenue(start + DAY, start + 3 * DAY))
    return flat(seen)


@scenario(
    LATE,
    task=2,
    needs=(SAME,),
    points=2,
    limit=10,
    next_step="Go back by the overlap, and then to the start of that day in the zone.",
)
def late(solution, rng):
    """After a refresh come rows of up to two days before; each refresh has a new Rollup."""
    tz, start = rng.choice(ZONES), a_day(rng)
    first, end = midnight(start, tz), start + 7 * DAY
    mark = first + 4 * DAY + rng.randint(16, 30) * HALF_HOUR
    with shop(solution) as story:

        def rollup():
            return solution.Rollup(story.conn, tz, overlap=2 * DAY)

        busy(story, rng, first, 4, 60)
        story.orders(orders(rng, [mark - 2 * DAY - HALF_HOUR]))  # the day of the oldest late row
        rollup().refresh(mark)
        seen = {"before": told(rollup(), start, end)}
        moments = [mark - 2 * DAY, mark - DAY, mark - HALF_HOUR]
        lines = story.orders(orders(rng, moments))
        story.refunds([(lines[0], price(rng), mark - 2 * DAY)])
        rollup().refresh(mark + DAY)
        seen["after orders of two days ago"] = told(rollup(), start, end)
        story.orders(orders(rng, [mark - DAY]))
        rollup().refresh(mark + DAY + HALF_HOUR)
        seen["after one more"] = told(rollup(), start, end)
    return flat(seen)


@scenario(
    AGAIN,
    task=2,
    needs=(SAME,),
    points=2,
    limit=10,
    next_step="The sum of a day replaces the old one. And an earlier `upto` counts as the latest.",
)
def again(solution, rng):
    """The same refresh three times; one with an earlier moment; then the same with a late row."""
    tz, start = rng.choice(ZONES), a_day(rng)
    first, end = midnight(start, tz), start + 5 * DAY
    mark = first + 4 * DAY + rng.randint(1, 40) * HALF_HOUR
    with shop(solution) as story:
        busy(story, rng, first, 4)
        story.orders(orders(rng, [mark - HALF_HOUR, mark - DAY, mark - DAY + HALF_HOUR]))
        rollup = solution.Rollup(story.conn, tz, overlap=2 * DAY)
        rollup.refresh(mark)
        seen = {"once": told(rollup, start, end)}
        rollup.refresh(mark)
        solution.Rollup(story.conn, tz, overlap=2 * DAY).refresh(mark)
        seen["three times"] = told(rollup, start, end)
        rollup.refresh(mark - DAY)
        seen["then with an earlier moment"] = told(rollup, start, end)
        story.orders(orders(rng, [mark - DAY]))
        rollup.refresh(mark)
        seen["then with a late row"] = told(rollup, start, end)
    return flat(seen)


@scenario(
    PARTS,
    task=2,
    needs=(SAME,),
    limit=10,
    next_step="What happens at `upto` itself waits for the next refresh; so does what comes after.",
)
def parts(solution, rng):
    """Three refreshes on one day and one on the next; orders exactly at those moments."""
    tz, start = rng.choice(ZONES), a_day(rng)
    first, end = midnight(start, tz), start + 3 * DAY
    marks = [first + n * HALF_HOUR for n in (*sorted(rng.sample(range(2, 46), 3)), 60)]
    seen = {}
    with shop(solution) as story:
        story.orders(orders(rng, [first, *marks, first + 40 * HALF_HOUR, marks[-1] + HALF_HOUR]))
        rollup = solution.Rollup(story.conn, tz, overlap=HALF_HOUR)
        for number, mark in enumerate(marks, 1):
            rollup.refresh(mark)
            seen[f"after refresh {number}"] = told(rollup, start, end)
    return flat(seen)


@scenario(
    FAILED,
    task=2,
    needs=(SAME,),
    points=2,
    limit=10,
    next_step="Sums and watermark belong into one transaction: both are written, or none.",
)
def failed(solution, rng):
    """Four times one of your tables refuses to be written, in the middle of a refresh."""
    tz, start = rng.choice(ZONES), a_day(rng)
    first, end = midnight(start, tz), start + 20 * DAY
    with shop(solution) as story:
        conn = story.conn
        rollup = solution.Rollup(conn, tz, overlap=HALF_HOUR)
        busy(story, rng, first, 2)
        rollup.refresh(first + 2 * DAY)
        left_open = []
        for number in range(1, 5):
            begin = first + 3 * number * DAY
            busy(story, rng, begin, 2)
            with refusing(conn, number):
                with contextlib.suppress(Exception):
                    rollup.refresh(begin + 2 * DAY)
                left_open.append(conn.info.transaction_status.name)
            rollup.refresh(begin + 2 * DAY + HALF_HOUR)
        seen = {"transactions after the failures": left_open} | told(rollup, start, end)
    return flat(seen)


@contextlib.contextmanager
def refusing(conn, number):
    """Meanwhile one of the learner's tables cannot be written, another one for the next number."""
    tables = conn.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL (%s) "
        "ORDER BY tablename",
        (list(SOURCES),),
    ).fetchall()
    conn.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$"
    )
    if tables:
        (table,) = tables[number % len(tables)]
        conn.execute(
            f'CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON "{table}" EXECUTE FUNCTION refuse()'
        )
    try:
        yield
    finally:
        conn.rollback()
        conn.execute("DROP FUNCTION refuse() CASCADE")


@scenario(
    MIXED,
    task=2,
    needs=(SAME,),
    limit=10,
    next_step="The zone belongs to the key of a day, and each zone has its own watermark.",
)
def mixed(solution, rng):
    """Two Rollups of one database, hours apart; they refresh in turn."""
    start = a_day(rng)
    west, east = "America/New_York", "Australia/Adelaide"
    first, end = midnight(start, east), start + 5 * DAY
    seen = {}
    with shop(solution) as story:
        story.orders(orders(rng, [first + n * HALF_HOUR for n in range(48 * 4)]))
        for hours in (30, 70, 100):
            for tz in (west, east):
                rollup = solution.Rollup(story.conn, tz, overlap=HALF_HOUR)
                rollup.refresh(first + timedelta(hours=hours + (tz == east)))
        for tz in (west, east):
            seen[tz] = told(solution.Rollup(story.conn, tz), start, end)
    return flat(seen)


@scenario(
    READS,
    task=2,
    needs=(SAME,),
    points=2,
    limit=10,
    next_step="The roll-up's `revenue` must not touch the orders. How many rows has a day?",
)
def reads_fewer(solution, rng):
    """Ten days with 5,000 rows; PostgreSQL counts the rows that `Rollup.revenue` reads."""
    tz, start = rng.choice(ZONES), a_day(rng)
    end = start + 10 * DAY
    with shop(solution) as story:
        rows = many(story, rng, midnight(start, tz))
        rollup = solution.Rollup(story.conn, tz)
        rollup.refresh(midnight(end, tz))
        count = reads(story.conn, lambda: rollup.revenue(start, end))
        found = by_day(rollup.revenue(start, end))
    return {"rows read": "few enough" if count * 50 <= rows else f"{count} of {rows}"} | found


@scenario(
    RECENT,
    task=2,
    needs=(SAME,),
    points=2,
    limit=10,
    next_step="Compare placed_at itself with a moment, so that its index can be used.",
)
def recent(solution, rng):
    """5,000 rows are rolled up and ten orders come; what the next refresh reads is counted."""
    tz, start = rng.choice(ZONES), a_day(rng)
    first = midnight(start, tz)
    mark = first + 10 * DAY + 20 * HALF_HOUR
    with shop(solution) as story:
        rows = many(story, rng, first)
        rollup = solution.Rollup(story.conn, tz, overlap=HALF_HOUR)
        rollup.refresh(mark)
        story.orders(orders(rng, [mark + rng.random() * HALF_HOUR for _ in range(10)]))
        # A large table is not read from end to end for a few rows. Nor shall this small one be.
        for way in ("seqscan", "hashjoin", "mergejoin"):
            story.conn.execute(f"SET enable_{way} = off")
        sources = ("orders", "order_lines", "refunds")
        count = reads(story.conn, lambda: rollup.refresh(mark + HALF_HOUR), sources)
        found = by_day(rollup.revenue(start + 9 * DAY, start + 11 * DAY))
    return {"rows read": "few enough" if count * 10 <= rows else f"{count} of {rows}"} | found


def many(story, rng, first):
    """800 orders with five lines each, and 200 refunds, in ten days; the number of rows."""
    numbers = {"first": first, "a": rng.randint(50, 99)}
    story.conn.execute(
        "INSERT INTO orders SELECT n, 1 + n %% 60, %(first)s + (n - 1) * interval '18 minutes' "
        "FROM generate_series(1, 800) AS n",
        numbers,
    )
    story.conn.execute(
        "INSERT INTO order_lines SELECT n, line, line, 1 + n %% 3, (%(a)s + n %% 17) * 0.25 "
        "FROM generate_series(1, 800) AS n, generate_series(1, 5) AS line",
        numbers,
    )
    story.conn.execute(
        "INSERT INTO refunds SELECT n, n, 1 + n %% 5, 1.5, %(first)s + n * interval '1 hour' "
        "FROM generate_series(1, 200) AS n",
        numbers,
    )
    story.conn.execute("ANALYZE")
    story.ids = itertools.count(10_000)
    return 5_000


def reads(conn, work, tables=None):
    """How many rows of these tables, or of all, PostgreSQL reads while `work` runs."""

    def count():
        conn.execute("SELECT pg_stat_force_next_flush()")
        conn.execute("SELECT pg_stat_clear_snapshot()")
        return conn.execute(
            "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables "
            "        WHERE %(names)s::text[] IS NULL OR relname = ANY (%(names)s)) "
            "     + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes "
            "        WHERE %(names)s::text[] IS NULL OR relname = ANY (%(names)s))",
            {"names": list(tables) if tables else None},
        ).fetchone()[0]

    before = count()
    work()
    return int(count() - before)


# M3

PATIENCE = 3.0  # seconds for what must come
WAITING = 0.3  # seconds for what must not come
NOT_THERE = "still waits"

AGE = "an answer is good until max_age, counted from when its query began"
VIEWERS = "fifty viewers at once cost one query"
QUESTION = "another filter or zone is another question"
OTHERS = "a slow query holds up no other question"
TOO_OLD = "nobody joins a query that began too long ago"
ERROR = "an error reaches all who wait, and is not kept"
EVENTS = "an event makes the answers old that depend on it"
DURING = "an event during a query makes its answer old, too"
SIZE = "no more answers are kept than the size allows"


class Thread:
    """Work in a thread; `result` is what it gave, its error, or that it still waits."""

    def __init__(self, work):
        self.result = NOT_THERE
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work):
        try:
            self.result = work()
        except Exception as error:  # noqa: BLE001 - told to the learner
            self.result = f"{type(error).__name__}: {error}"

    def wait(self, seconds=PATIENCE):
        self._thread.join(seconds)
        return self.result


def at_once(count, work):
    """What each of these threads gives, which begin together."""
    start = threading.Barrier(count)
    end = monotonic() + PATIENCE

    def run():
        start.wait(PATIENCE)
        return work()

    return [each.wait(max(0, end - monotonic())) for each in [Thread(run) for _ in range(count)]]


class Query:
    """Counts its calls, and answers "answer 1", "answer 2" ...; `meanwhile(number)` runs first."""

    def __init__(self, meanwhile=lambda number: None):
        self.calls = 0
        self._lock = threading.Lock()
        self._meanwhile = meanwhile

    def __call__(self, **arguments):
        with self._lock:
            self.calls += 1
            number = self.calls
        self._meanwhile(number)
        return f"answer {number}"


def question(rng):
    start = a_day(rng)
    return {"start": start, "end": start + DAY, "tz": rng.choice(ZONES), "category": "tea"}


def a_cache(solution, rng, **options):
    clock = ManualClock(start=rng.random() * 1000)
    return solution.Cache(clock, **options), clock


@scenario(
    AGE,
    task=3,
    services=(),
    points=2,
    next_step="Read the clock before the query. Exactly at max_age the answer is too old.",
)
def age(solution, rng):
    """The same question before, at and after max_age; then a query that takes its time."""
    most = rng.randint(10, 90)
    cache, clock = a_cache(solution, rng, max_age=most)
    asked, query = question(rng), Query()
    cache.add("revenue", query)
    seen = [cache.get("revenue", **asked)]
    for seconds in (0, most - 0.25, 0.25, most - 1, 2):
        clock.advance(seconds)
        seen.append(cache.get("revenue", **asked))
    cache.add("slow", Query(lambda number: clock.advance(most * 0.6)))
    slow = [cache.get("slow", **asked)]
    for part in (0.2, 0.3):
        clock.advance(most * part)
        slow.append(cache.get("slow", **asked))
    return {"answers": seen, "queries": query.calls, "of the slow query": slow}


@scenario(
    VIEWERS,
    task=3,
    services=(),
    points=3,
    limit=12,
    next_step="The first notes, under the lock, that it asks. The others wait for its answer.",
)
def viewers(solution, rng):
    """Fifty threads ask the same at one moment, while the query waits for a second one."""
    second = threading.Event()

    def meanwhile(number):
        if number > 1:
            second.set()
        second.wait(WAITING)

    query, asked = Query(meanwhile), question(rng)
    cache, _ = a_cache(solution, rng)
    cache.add("revenue", query)
    answers = at_once(50, lambda: cache.get("revenue", **asked))
    return {"queries": query.calls, "answers": {each: answers.count(each) for each in answers}}


@scenario(
    QUESTION,
    task=3,
    services=(),
    next_step="The key is the name with all arguments, in whatever order they come.",
)
def questions(solution, rng):
    """Questions that differ in one thing: name, start, end, zone, category; and one in nothing."""
    cache, _ = a_cache(solution, rng)
    asked = question(rng)
    calls = []
    for name in ("revenue", "funnel"):

        def query(name=name, **arguments):
            calls.append(name)
            return ", ".join([name, *(f"{key} {arguments[key]}" for key in sorted(arguments))])

        cache.add(name, query)
    seen = {"first": cache.get("revenue", **asked)}
    for label, other in (
        ("start", asked | {"start": asked["start"] - DAY}),
        ("end", asked | {"end": asked["end"] + DAY}),
        ("tz", asked | {"tz": "Pacific/Honolulu"}),
        ("category", asked | {"category": "cups"}),
        ("no category", asked | {"category": None}),
    ):
        seen[f"another {label}"] = cache.get("revenue", **other)
    seen["another name"] = cache.get("funnel", **asked)
    seen["queries before"] = len(calls)
    cache.get("revenue", **dict(reversed(asked.items())))
    return seen | {"queries after the first in another order": len(calls)}


@scenario(
    OTHERS,
    task=3,
    needs=(QUESTION,),
    services=(),
    limit=12,
    next_step="Do not hold the lock while the query runs.",
)
def others(solution, rng):
    """A query runs until another question has been answered."""
    cache, _ = a_cache(solution, rng)
    asked, answered = question(rng), threading.Event()
    seen = []
    cache.add("slow", Query(lambda number: seen.append(answered.wait(PATIENCE))))
    cache.add("fast", Query())
    slow = Thread(lambda: cache.get("slow", **asked))
    fast = Thread(lambda: (cache.get("fast", **asked), answered.set()))
    slow.wait()
    fast.wait()
    return {"answered while the slow query ran": seen}


@scenario(
    TOO_OLD,
    task=3,
    needs=(AGE,),
    services=(),
    limit=12,
    next_step="A query under way has an age, too. And the one that began last wins.",
)
def too_old(solution, rng):
    """A query hangs longer than max_age. A second viewer asks; it ends; then a third asks."""
    most = rng.randint(10, 90)
    cache, clock = a_cache(solution, rng, max_age=most)
    begun, second, asked = threading.Event(), threading.Event(), question(rng)

    def meanwhile(number):
        if number == 1:
            begun.set()
            second.wait(PATIENCE)

    cache.add("revenue", Query(meanwhile))

    def next_one():
        answer = cache.get("revenue", **asked)
        second.set()
        return answer

    first = Thread(lambda: cache.get("revenue", **asked))
    begun.wait(PATIENCE)
    clock.advance(most)
    later = Thread(next_one)
    seen = {"the second": later.wait(), "the first": first.wait()}
    return seen | {"the third": cache.get("revenue", **asked)}


@scenario(
    ERROR,
    task=3,
    needs=(VIEWERS,),
    services=(),
    points=2,
    limit=12,
    next_step="Whatever the query does, the waiting must end. Forget the failed try first.",
)
def errors(solution, rng):
    """A query fails while ten wait for it. Then it works again."""
    broken, second = [True], threading.Event()

    def meanwhile(number):
        if broken[0]:
            second.wait(WAITING)
            raise ConnectionError("no route to the database")

    query, asked = Query(meanwhile), question(rng)
    cache, _ = a_cache(solution, rng)
    cache.add("revenue", query)
    answers = at_once(10, lambda: cache.get("revenue", **asked))
    broken[0] = False
    again = [str(Thread(lambda: cache.get("revenue", **asked)).wait())[:6] for _ in range(2)]
    return {"answers": {each: answers.count(each) for each in answers}, "later": again}


@scenario(
    EVENTS,
    task=3,
    needs=(QUESTION,),
    services=(),
    next_step="Each query was added with its events. Forget all its answers, and no others.",
)
def events(solution, rng):
    """Events of one query, of two, of none; each query has two answers in the cache."""
    cache, _ = a_cache(solution, rng)
    queries = {"revenue": Query(), "top": Query(), "funnel": Query()}
    cache.add("revenue", queries["revenue"], events=("order", "refund"))
    cache.add("top", queries["top"], events=["order"])
    cache.add("funnel", queries["funnel"])
    first = question(rng)
    second = first | {"tz": "Pacific/Honolulu"}
    seen = {}
    for event in rng.sample(("order", "refund", "visit", "funnel"), 4):
        for asked in (first, second):
            for name in queries:
                cache.get(name, **asked)
        before = {name: query.calls for name, query in queries.items()}
        cache.publish(event)
        for asked in (first, second):
            for name in queries:
                cache.get(name, **asked)
        new = {name: query.calls - before[name] for name, query in queries.items()}
        seen[f"new queries after {event}"] = new
    return flat(seen)


@scenario(
    DURING,
    task=3,
    needs=(EVENTS, OTHERS),
    services=(),
    limit=12,
    next_step="Forget queries under way as well: who asks after the event does not join them.",
)
def during(solution, rng):
    """An order comes while a query runs. Somebody asks before it ends, somebody afterwards."""
    cache, _ = a_cache(solution, rng)
    asked, seen = question(rng), {}

    def meanwhile(number):
        if number == 1:
            cache.publish("order")
            other = Thread(lambda: cache.get("revenue", **asked))
            seen["asked after the event"] = other.wait(PATIENCE)

    cache.add("revenue", Query(meanwhile), events=("order",))
    seen["asked before the event"] = cache.get("revenue", **asked)
    seen["asked at last"] = cache.get("revenue", **asked)
    return seen


@scenario(
    SIZE,
    task=3,
    needs=(QUESTION,),
    services=(),
    next_step="When a new question would be one too many, forget another one first.",
)
def size(solution, rng):
    """As many questions as there is room for, twice; then thirty others."""
    most = rng.randint(2, 6)
    cache, _ = a_cache(solution, rng, size=most)
    query, asked = Query(), question(rng)
    cache.add("revenue", query)
    lengths = []

    def ask(number):
        cache.get("revenue", **asked | {"start": asked["start"] + number * DAY})
        lengths.append(len(cache))

    for number in (*range(most), *range(most)):
        ask(number)
    seen = {"room": most, "queries": query.calls, "kept": len(cache)}
    for number in range(most, 30):
        ask(number)
    return seen | {"queries at last": query.calls, "most that were kept": max(lengths)}


# M4

ASKS = "the board asks the cache once for each, with everything"
TEXT = "the text says every number"
FIGURE = "the figure shows the same numbers"
NAMED = "the figure can be read by somebody who sees no colours"
NOTHING = "nothing sold and nobody there is said, not a crash"
LEFT = "no figure stays open in pyplot"

ROOM = 10  # seconds: the first figure loads matplotlib


class Answers:
    """Stands for the cache."""

    def __init__(self, days, steps):
        self.answers = {"revenue": days, "funnel": steps}
        self.asked = []

    def get(self, name, **arguments):
        self.asked.append(f"{name} {sorted((k, str(v)) for k, v in arguments.items())}")
        return self.answers[name]


def rows_of(rng, count=None):
    start = a_day(rng)
    days = [
        (start + n * DAY, items, items * price(rng) * (n != 1), price(rng))
        for n, items in enumerate(
            sorted(rng.sample(range(1, 40), count or rng.randint(4, 8)), reverse=True)
        )
    ]
    visits, baskets, bought = sorted(rng.sample(range(10, 999), 3), reverse=True)
    return days, [
        ("visit", visits, None),
        ("basket", baskets, baskets / visits),
        ("order", bought, bought / baskets),
    ]


def board(solution, cache, days, rng, category=None):
    start = days[0][0] if days else a_day(rng)
    end = start + len(days) * DAY
    return solution.Board(cache, start=start, end=end, tz=rng.choice(ZONES), category=category)


def said(text, days, steps):
    """The numbers in the text, line by line."""
    lines = [line.strip() for line in str(text).splitlines()]
    seen = {}
    for word in [*(str(day) for day, *_ in days), "total"]:
        rest = [line[len(word) :] for line in lines if line.lower().startswith(word)]
        seen[word] = [re.findall(r"-?\d+\.\d\d(?!\d)", line) for line in rest]
    items, sold = sum(row[1] for row in days), sum(row[2] for row in days)
    seen["average"] = close(
        [line for line in lines if line.lower().startswith("average")], items, sold
    )
    for step, _, share in steps:
        rest = [line[len(step) :] for line in lines if line.lower().startswith(f"{step}:")]
        seen[step] = [percent(line, share) for line in rest]
    return seen


def close(lines, items, sold):
    """Whether these lines are one with the right average, however it was rounded."""
    numbers = [float(each) for line in lines for each in re.findall(r"-?\d+\.\d\d(?!\d)", line)]
    if not lines or not items:
        return [*numbers, f"{len(lines)} lines"]
    right = len(numbers) == 1 and abs(numbers[0] - float(sold / items)) < 0.011
    return "right" if right else numbers


def percent(line, share):
    """The visitors, and whether the share is right to one in a hundred."""
    visitors, *rest = [float(each) for each in re.findall(r"\d+(?:\.\d+)?", line)] or [None]
    if share is None:
        return {"visitors": visitors, "share": rest}
    right = len(rest) == 1 and abs(rest[0] - 100 * share) <= 1
    return {"visitors": visitors, "share": "right" if right else rest}


@scenario(
    ASKS,
    task=4,
    services=(),
    limit=ROOM,
    next_step="The funnel knows no category. Take each answer once, and pass it on.",
)
def asks(solution, rng):
    """A board of tea, and one of everything; twice rendered each."""
    seen = {}
    for category in ("tea", None):
        cache = Answers(*rows_of(rng))
        shown = board(solution, cache, cache.answers["revenue"], rng, category)
        seen[f"asked before, {category}"] = list(cache.asked)
        shown.render()
        seen[f"asked by render, {category}"] = sorted(cache.asked)
        shown.render()
        seen[f"asked by two, {category}"] = len(cache.asked)
    return seen


@scenario(
    TEXT,
    task=4,
    services=(),
    points=2,
    limit=ROOM,
    next_step="Compare your lines with those in TASK.md: what they begin with, two decimals.",
)
def text(solution, rng):
    """A board of some days; then the cache has other numbers, and it is rendered again."""
    cache = Answers(*rows_of(rng))
    shown = board(solution, cache, cache.answers["revenue"], rng, "tea")
    seen = {"first": said(shown.render()[1], **ordered(cache))}
    days, steps = rows_of(rng, len(cache.answers["revenue"]))
    start = cache.answers["revenue"][0][0]
    days = [(start + n * DAY, *row[1:]) for n, row in enumerate(days)]
    cache.answers = {"revenue": days, "funnel": steps}
    found = str(shown.render()[1])
    seen["second"] = said(found, days, steps)
    words = ("tea", str(start), *ZONES)
    return flat(seen | {"it names": [word for word in words if word in found]})


def ordered(cache):
    return {"days": cache.answers["revenue"], "steps": cache.answers["funnel"]}


@scenario(
    FIGURE,
    task=4,
    services=(),
    points=2,
    limit=ROOM,
    next_step="First panel: two lines. Second panel: a bar for each step, with its number.",
)
def figure(solution, rng):
    """A board of some days. The lines, the bars, and the numbers at the bars are read."""
    cache = Answers(*rows_of(rng))
    figure, _ = board(solution, cache, cache.answers["revenue"], rng).render()
    money, people = figure.axes[:2]
    steps = [count for _, count, _ in cache.answers["funnel"]]
    return flat(
        {
            "lines": {
                word: [round(float(value), 2) for value in line.get_ydata()]
                for word in ("sold", "refunded")
                for line in money.lines
                if word in str(line.get_label()).lower()
            },
            "lines that go from left to right": [rises(line) for line in money.lines],
            "bars": bars(people),
            "numbers at the bars": [any(str(n) in word for word in words(people)) for n in steps],
        }
    )


def rises(line):
    """Whether each point is to the right of the one before."""
    places = [float(place) for place in line.get_xdata(orig=False)]
    return all(one < next_one for one, next_one in itertools.pairwise(places))


def bars(axes):
    """The lengths of the bars, upright or lying."""
    heights = [float(bar.get_height()) for bar in axes.patches]
    widths = [float(bar.get_width()) for bar in axes.patches]
    return widths if len(set(widths)) > 1 else heights


def words(axes):
    """What is written inside the panel, the legend too, in small letters."""
    legend = axes.get_legend()
    found = [*axes.texts, *(legend.get_texts() if legend else [])]
    return [each.get_text().lower() for each in found]


@scenario(
    NAMED,
    task=4,
    needs=(FIGURE,),
    services=(),
    points=2,
    limit=ROOM,
    next_step="Titles, named axes, a name for the figure, and lines that differ in their shape.",
)
def named(solution, rng):
    """A board of cups. Its titles, names and labels are read, and how its lines differ."""
    cache = Answers(*rows_of(rng))
    days = cache.answers["revenue"]
    figure, _ = board(solution, cache, days, rng, "cups").render()
    figure.draw_without_rendering()  # only now the ticks have their words
    money, people = figure.axes[:2]
    name = str(figure.get_label())
    ticks = [tick.get_text() for tick in (*people.get_xticklabels(), *people.get_yticklabels())]
    shapes = [(str(line.get_linestyle()), str(line.get_marker())) for line in money.lines[:2]]
    return {
        "panels without title": sum(not axes.get_title() for axes in (money, people)),
        "axes without name": sum(
            not (axes.get_xlabel() and axes.get_ylabel()) for axes in (money, people)
        ),
        "figure's name says": [w for w in ("cups", str(days[0][0]), *ZONES) if w in name],
        "names at the lines": [
            any(word in text for text in words(money)) for word in ("sold", "refunded")
        ],
        "steps at the bars": [step in ticks for step in ("visit", "basket", "order")],
        "lines differ in style or marker": len(set(shapes)) == 2,
    }


@scenario(
    NOTHING,
    task=4,
    needs=(TEXT,),
    services=(),
    limit=ROOM,
    next_step="No items: the average is none. No visitors: a line without a share.",
)
def nothing(solution, rng):
    """Days without items, steps without visitors; then no days at all."""
    start = a_day(rng)
    zero = [(start + n * DAY, 0, Decimal(0), Decimal(0)) for n in range(3)]
    steps = [("visit", 0, None), ("basket", 0, None), ("order", 0, None)]
    seen = {}
    for label, days in (("nothing sold", zero), ("no days", [])):
        figure, text = board(solution, Answers(days, steps), days, rng).render()
        figure.draw_without_rendering()
        seen[label] = said(text, days, steps)
    return flat(seen)


@scenario(
    LEFT,
    task=4,
    services=(),
    limit=ROOM,
    next_step="matplotlib.figure.Figure() makes one that nobody keeps. Or close it in pyplot.",
)
def left(solution, rng):
    """Three boards are rendered. Then pyplot is asked which figures it still keeps."""

    def kept():
        pyplot = sys.modules.get("matplotlib.pyplot")
        return set(pyplot.get_fignums()) if pyplot else set()

    before = kept()
    for _ in range(3):
        cache = Answers(*rows_of(rng))
        board(solution, cache, cache.answers["revenue"], rng).render()
    new = kept() - before
    for number in new:
        sys.modules["matplotlib.pyplot"].close(number)
    return {"figures kept": len(new)}
