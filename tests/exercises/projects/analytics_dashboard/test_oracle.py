"""The reference agrees with plain Python over the same rows: no SQL, every row looked at."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from course_lib.index import ROOT
from course_lib.labs import PostgresMissing, postgres
from course_lib.practice.projects import load

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "UTC")
PRODUCTS = (("assam", "tea"), ("mint", "tea"), ("oolong", "tea"), ("bowl", "cups"), ("mug", "cups"))
FIRST = date(2026, 2, 20)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def dashboard():
    namespace, failure = load(ROOT / "solutions/projects/analytics_dashboard", "dashboard_oracle")
    assert failure is None
    return namespace


@pytest.fixture
def conn(dashboard):
    try:
        server = postgres()
    except PostgresMissing as missing:
        pytest.skip(str(missing))
    with server.database() as database, database.connect(autocommit=True) as conn:
        conn.execute("SET TIME ZONE 'Pacific/Honolulu'")
        dashboard["create"](conn)
        yield conn


class Rows:
    """The same rows in lists and in the database."""

    def __init__(self, conn, rng):
        self.conn, self.rng, self.ids = conn, rng, count(1)
        self.orders, self.lines, self.refunds, self.visits = {}, {}, [], []
        conn.cursor().executemany(
            "INSERT INTO customers VALUES (%s, '')", [(n,) for n in range(30)]
        )
        conn.cursor().executemany(
            "INSERT INTO products VALUES (%s, %s, %s)",
            [(n, *product) for n, product in enumerate(PRODUCTS)],
        )

    def moment(self, first=0, last=60):
        """Often at a full hour, so that some fall on midnight somewhere."""
        begin = datetime(2026, 2, 18, tzinfo=ZoneInfo("UTC")) + first * DAY
        hours = self.rng.randrange((last - first) * 24)
        return begin + timedelta(hours=hours, minutes=self.rng.choice((0, 0, 15, 30, 59)))

    def add(self, *, orders=0, refunds=0, visits=0, first=0, last=60):
        for _ in range(orders):
            order, moment = next(self.ids), self.moment(first, last)
            self.orders[order] = (self.rng.randrange(30), moment)
            self.write("orders", order, *self.orders[order])
            for line in range(self.rng.randint(1, 3)):
                row = (self.rng.randrange(5), self.rng.randint(1, 3), self.cents())
                self.lines[order, line] = row
                self.write("order_lines", order, line, *row)
        for _ in range(refunds):
            row = (*self.rng.choice(list(self.lines)), self.cents(), self.moment(first, last))
            self.refunds.append(row)
            self.write("refunds", next(self.ids), *row)
        for _ in range(visits):
            step = self.rng.choice(("visit", "visit", "basket", "order"))
            row = (self.rng.randrange(visits // 4), step, self.moment(first, last))
            self.visits.append(row)
            self.write("visits", next(self.ids), *row)

    def cents(self):
        return Decimal(self.rng.choice((100, 200, self.rng.randint(1, 9999)))) / 100

    def write(self, table, *row):
        marks = ", ".join(["%s"] * len(row))
        self.conn.execute(f"INSERT INTO {table} VALUES ({marks})", row)


def there(moment, tz):
    return moment.astimezone(ZoneInfo(tz)).date()


def revenue(rows, start, end, tz, category=None, before=None):
    sums = {start + n * DAY: [0, Decimal(0), Decimal(0)] for n in range((end - start).days)}
    moves = [
        (rows.orders[order][1], product, quantity, quantity * price, 0)
        for (order, _), (product, quantity, price) in rows.lines.items()
    ] + [
        (moment, rows.lines[order, line][0], 0, 0, amount)
        for order, line, amount, moment in rows.refunds
    ]
    for moment, product, *values in moves:
        day = there(moment, tz)
        known = before is None or moment < before
        if known and day in sums and category in (None, PRODUCTS[product][1]):
            sums[day] = [a + b for a, b in zip(sums[day], values, strict=True)]
    return [(day, *values) for day, values in sums.items()]


def months(start, end):
    return [
        date(year, month, 1)
        for year in range(start.year, end.year + 1)
        for month in range(1, 13)
        if start <= date(year, month, 1) < end
    ]


def cohorts(rows, start, end, tz):
    active = defaultdict(set)
    for customer, moment in rows.orders.values():
        active[customer].add(there(moment, tz).replace(day=1))
    return [
        (
            cohort,
            [
                sum(min(seen) == cohort and month in seen for seen in active.values())
                for month in months(cohort, end)
            ],
        )
        for cohort in months(start, end)
    ]


def top_n(rows, start, end, tz, n):
    sold = defaultdict(Decimal)
    for (order, _), (product, quantity, price) in rows.lines.items():
        if start <= there(rows.orders[order][1], tz) < end:
            sold[PRODUCTS[product]] += quantity * price
    ranked = [
        (kind, 1 + sum(k == kind and other > s for (_, k), other in sold.items()), name, s)
        for (name, kind), s in sold.items()
    ]
    return sorted(row for row in ranked if row[1] <= n)


def funnel(rows, start, end, tz):
    """Whether there is any chain at all: every one is tried."""
    by_visitor = defaultdict(lambda: defaultdict(list))
    for visitor, step, moment in rows.visits:
        if start <= there(moment, tz) < end:
            by_visitor[visitor][step].append(moment)
    counts = [0, 0, 0]
    for did in by_visitor.values():
        pairs = [(a, b) for a in did["visit"] for b in did["basket"] if a < b]
        counts[0] += bool(did["visit"])
        counts[1] += bool(pairs)
        counts[2] += any(b < c for _, b in pairs for c in did["order"])
    return counts


@pytest.mark.parametrize("seed", range(5))
def test_the_queries_agree_with_plain_python(dashboard, conn, seed):
    rng = random.Random(seed)
    rows = Rows(conn, rng)
    rows.add(orders=150, refunds=40, visits=160)
    for tz in ZONES:
        end = FIRST + rng.randint(10, 50) * DAY
        for category in (None, "tea", "cups"):
            found = dashboard["revenue"](conn, FIRST, end, tz, category=category)
            assert found == revenue(rows, FIRST, end, tz, category)
        for n in (1, 2):
            assert dashboard["top_n"](conn, FIRST, end, tz, n) == top_n(rows, FIRST, end, tz, n)
        year = date(2026, 1, 1), date(2026, 6, 1)
        assert dashboard["cohorts"](conn, *year, tz) == cohorts(rows, *year, tz)
        found = dashboard["funnel"](conn, FIRST, end, tz)
        assert [visitors for _, visitors, _ in found] == funnel(rows, FIRST, end, tz)


@pytest.mark.parametrize("seed", range(5))
def test_the_roll_up_agrees_with_plain_python_after_late_rows(dashboard, conn, seed):
    rng = random.Random(seed)
    rows = Rows(conn, rng)
    end = FIRST + 40 * DAY
    for day in (10, 11, 20, 21):
        rows.add(orders=30, refunds=15, first=max(0, day - 11), last=day)
        mark = datetime(2026, 2, 18, 13, 30, tzinfo=ZoneInfo("UTC")) + (day - 1) * DAY
        for tz in ZONES:
            rollup = dashboard["Rollup"](conn, tz, overlap=timedelta(days=12))
            rollup.refresh(mark)
            for category in (None, "tea"):
                found = rollup.revenue(FIRST, end, category=category)
                assert found == revenue(rows, FIRST, end, tz, category, before=mark)
