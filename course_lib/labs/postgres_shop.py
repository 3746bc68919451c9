"""The shop as a template database: 500,000 order lines, the same on every machine.

| table | rows | columns |
| --- | --- | --- |
| customers | 20,000 | id, name, email, city |
| products | 500 | id, name, category, price, stock, details (jsonb) |
| orders | 200,000 | id, customer_id, placed_at, status |
| order_lines | 500,000 | order_id, line, product_id, quantity, unit_price |

There are primary and foreign keys, a unique email, and no other index: what is
missing is for a lesson to find out. `placed_at` rises with the order's id,
`customer_id` jumps about; customers above 19,000 have never ordered; the last
2,000 orders are new. The unit price is the price of the day: 10 % lower in the
first half. What looks drawn by chance is a hash of the row's number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

__all__ = ["fill"]

_TABLES = """
CREATE TABLE customers (
    id int PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    city text NOT NULL
);
CREATE TABLE products (
    id int PRIMARY KEY,
    name text NOT NULL,
    category text NOT NULL,
    price numeric(10, 2) NOT NULL CHECK (price > 0),
    stock int NOT NULL CHECK (stock >= 0),
    details jsonb NOT NULL DEFAULT '{}'
);
"""

# From 0 to 1, different for every salt.
_DRAW = """
CREATE FUNCTION pg_temp.draw(number bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(number, salt) & 65535) / float8 '65536'
"""

_DETAILS = """
UPDATE products SET details = jsonb_build_object(
    'weight_g', 50 + floor(2000 * pg_temp.draw(id, 1)),
    'tags', (ARRAY['["new"]', '["gift", "new"]', '["gift"]', '[]'])[1 + id % 4]::jsonb
) || CASE WHEN id % 5 = 0 THEN '{}'::jsonb
          ELSE jsonb_build_object('colour', (ARRAY['red', 'blue', NULL, 'green'])[id % 5]) END
"""

_ORDERS = """
CREATE TABLE orders AS
SELECT id,
       1 + floor(19000 * pg_temp.draw(id, 2))::int AS customer_id,
       timestamptz '2025-01-01 00:00+00'
           + (id * 150 + floor(140 * pg_temp.draw(id, 3))) * interval '1 second' AS placed_at,
       CASE WHEN id > 198000 THEN 'new'
            WHEN pg_temp.draw(id, 4) < 0.05 THEN 'cancelled'
            ELSE 'shipped' END AS status
FROM generate_series(1, 200000) AS id
"""

# One to four lines each. Multiplying the draw by itself makes the first products
# far more popular than the last, as in a real shop.
_ORDER_LINES = """
CREATE TABLE order_lines AS
SELECT order_id, line, product_id, 1 + (order_id + line) % 3 AS quantity,
       (CASE WHEN order_id <= 100000 THEN earlier ELSE price END)::numeric(10, 2) AS unit_price
FROM (
    SELECT order_id, line, 1 + floor(500 * drawn * drawn)::int AS product_id
    FROM (
        SELECT order_id, line, pg_temp.draw(order_id * 4 + line, 5) AS drawn
        FROM generate_series(1, 200000) AS order_id,
             generate_series(1, 1 + order_id % 4) AS line
        OFFSET 0  -- draws once
    ) AS draws
) AS chosen
JOIN (SELECT id, price, round(price * 0.9, 2) AS earlier FROM products OFFSET 0) AS products
  ON products.id = product_id
ORDER BY order_id, line
"""

# After the rows: to check them all at once is faster than one by one.
_RULES = (
    """
    ALTER TABLE orders
        ADD PRIMARY KEY (id),
        ALTER customer_id SET NOT NULL,
        ALTER placed_at SET NOT NULL,
        ALTER status SET NOT NULL,
        ADD CHECK (status IN ('new', 'shipped', 'cancelled')),
        ADD FOREIGN KEY (customer_id) REFERENCES customers
    """,
    """
    ALTER TABLE order_lines
        ADD PRIMARY KEY (order_id, line),
        ALTER product_id SET NOT NULL,
        ALTER quantity SET NOT NULL,
        ALTER unit_price SET NOT NULL,
        ADD CHECK (quantity > 0),
        ADD FOREIGN KEY (order_id) REFERENCES orders,
        ADD FOREIGN KEY (product_id) REFERENCES products
    """,
)


def fill(connection: psycopg.Connection[Any]) -> None:
    """Make the shop in the empty database of `connection`, which must be in autocommit mode."""
    from course_lib.labs.shop_data import shop

    small = shop(products=500, customers=20_000, orders=0)
    connection.execute("SET work_mem = '64MB'")
    connection.execute("SET maintenance_work_mem = '64MB'")
    connection.execute(_TABLES)
    connection.execute(_DRAW)
    _copy(connection, "customers (id, name, email, city)", small.customers)
    _copy(connection, "products (id, name, category, price, stock)", small.products)
    for statement in (_DETAILS, _ORDERS, _ORDER_LINES, *_RULES):
        connection.execute(statement)
    # Visible to all, frozen and counted now, so that no later reader changes a page.
    connection.execute("VACUUM (FREEZE, ANALYZE)")


def _copy(connection: psycopg.Connection[Any], table: str, rows: tuple[Any, ...]) -> None:
    with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(tuple(vars(row).values()))
