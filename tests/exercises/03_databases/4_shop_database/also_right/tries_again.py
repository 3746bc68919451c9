"""Serializable, and once more after a conflict. UUIDs, natural keys, typed documents."""

import hashlib
import uuid

import psycopg
from psycopg import IsolationLevel

SCHEMA = """
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE TABLE users (email text PRIMARY KEY CHECK (email LIKE '%@%'));
    CREATE TABLE categories (name text PRIMARY KEY);
    CREATE TABLE products (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        category text NOT NULL REFERENCES categories,
        cents bigint NOT NULL CHECK (cents >= 0),
        price numeric GENERATED ALWAYS AS (round(cents / 100.0, 2)) STORED,
        stock integer NOT NULL,
        version integer NOT NULL DEFAULT 1,
        attrs jsonb NOT NULL,
        CONSTRAINT enough CHECK (stock >= 0)
    );
    CREATE TABLE orders (id uuid PRIMARY KEY, email text REFERENCES users, pieces int NOT NULL);
    CREATE TABLE order_lines (
        "order" uuid REFERENCES orders ON DELETE CASCADE,
        product uuid REFERENCES products,
        pieces int CHECK (pieces > 0),
        cents bigint NOT NULL,
        sum bigint GENERATED ALWAYS AS (pieces * cents) STORED,
        UNIQUE ("order", product)
    );
    CREATE INDEX by_price ON products (price, id);
    CREATE INDEX by_name ON products (name);
    CREATE INDEX by_trigram ON products USING gin (lower(name) gin_trgm_ops);
"""


class OutOfStock(RuntimeError):
    pass


def create(conn):
    with conn.cursor() as cursor:
        cursor.execute(SCHEMA)


def add_user(conn, email):
    conn.execute("INSERT INTO users VALUES (%s)", (email,))
    return email


def add_category(conn, name):
    conn.execute("INSERT INTO categories VALUES (%s)", (name,))
    return name


def add_product(conn, *, name, category, price, stock, attrs):
    id = uuid.uuid4()
    add_products(
        conn,
        [dict(name=name, category=category, price=price, stock=stock, attrs=attrs, id=id)],
    )
    return id


def add_products(conn, rows):
    copy = "COPY products (id, name, category, cents, stock, attrs) FROM STDIN"
    with conn.cursor().copy(copy) as out:
        for row in rows:
            values = (row["name"], row["category"], int(row["price"] * 100), row["stock"])
            out.write_row((row.get("id", uuid.uuid4()), *values, Jsonb(row["attrs"])))


def set_price(conn, product, price):
    conn.execute("UPDATE products SET cents = %s WHERE id = %s", (int(price * 100), product))


def stock(conn, product):
    return conn.execute("SELECT stock FROM products WHERE id = %s", (product,)).fetchone()[0]


def place_order(conn, user, lines):
    pieces = {}
    for product, quantity in lines:
        if quantity < 1:
            raise ValueError("quantity")
        pieces[product] = pieces.get(product, 0) + quantity
    if not pieces:
        raise ValueError("empty")
    before = conn.isolation_level
    conn.isolation_level = IsolationLevel.SERIALIZABLE
    try:
        for _ in range(5):
            try:
                return once(conn, user, pieces)
            except psycopg.errors.SerializationFailure:
                pass
        raise RuntimeError("five conflicts")
    except psycopg.errors.CheckViolation as error:
        if error.diag.constraint_name == "enough":
            raise OutOfStock from error
        raise
    finally:
        conn.isolation_level = before


def once(conn, user, pieces):
    order = uuid.uuid4()
    with conn.transaction():
        values = (order, user, sum(pieces.values()))
        conn.execute("INSERT INTO orders VALUES (%s, %s, %s)", values)
        for product, quantity in pieces.items():
            query = "SELECT stock, cents FROM products WHERE id = %s"
            left, cents = conn.execute(query, (product,)).fetchone()
            query = "UPDATE products SET stock = %s, version = version + 1 WHERE id = %s"
            conn.execute(query, (left - quantity, product))
            query = 'INSERT INTO order_lines ("order", product, pieces, cents) VALUES (%s, %s, %s, %s)'
            conn.execute(query, (order, product, quantity, cents))
    return order


def get_order(conn, order):
    query = 'SELECT product, pieces, cents FROM order_lines WHERE "order" = %s'
    lines = [
        {"product": product, "quantity": pieces, "price": Decimal(cents) / 100, "cents": cents}
        for product, pieces, cents in conn.execute(query, (order,))
    ]
    return {"id": order, "total": sum(x["price"] * x["quantity"] for x in lines), "lines": lines}


KEYS = {
    "price": ("price", "numeric", False),
    "-price": ("-price", "numeric", False),
    "name": ("name", "text", False),
    "relevance": ("rank", "numeric", True),
}


def search(
    conn, q, *, category=None, price=None, attrs=None, sort="price", cursor=None, limit=20
):
    try:
        key, kind, down = KEYS[sort]
    except KeyError:
        raise ValueError(f"no such order: {sort}") from None
    q = (q or "").strip().lower()
    low, high = price or (None, None)
    after, seen = None, None
    if cursor:
        after, seen = json.loads(bytes.fromhex(cursor))
        uuid.UUID(seen)
    rank = "strict_word_similarity(%(q)s, lower(name))::numeric" if q else "0.0"
    way, beyond = ("DESC", "<") if down else ("ASC", ">")
    tests = ["(%(category)s::text IS NULL OR category = %(category)s)"]
    tests.append("(%(low)s::numeric IS NULL OR price >= %(low)s)")
    tests.append("(%(high)s::numeric IS NULL OR price <= %(high)s)")
    tests.append("attrs @> %(attrs)s")
    if q:
        like = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        tests.append("(lower(name) LIKE %(like)s OR lower(name) %%> %(q)s)")
    else:
        like = None
    query = f"""
        WITH found AS (SELECT *, {rank} AS rank FROM products WHERE {" AND ".join(tests)})
        SELECT id, name, price, {key} AS place FROM found
        WHERE %(seen)s::uuid IS NULL OR ({key}, id) {beyond} (%(after)s::{kind}, %(seen)s::uuid)
        ORDER BY place {way}, id {way} LIMIT %(limit)s + 1
    """
    values = dict(category=category, low=low, high=high, attrs=Jsonb(attrs or {}), like=like, q=q)
    rows = conn.execute(query, {**values, "after": after, "seen": seen, "limit": limit}).fetchall()
    items = [dict(zip(("id", "name", "price"), row[:3], strict=True)) for row in rows[:limit]]
    if len(rows) <= limit:
        return items, None
    last = rows[limit - 1]
    return items, json.dumps([str(last[3]), str(last[0])]).encode().hex()
