"""A function in the database does it all. Line numbers, stored totals, full-text search too."""

import psycopg

SCHEMA = """
    CREATE EXTENSION pg_trgm;
    CREATE TABLE users (id bigserial PRIMARY KEY, email text UNIQUE NOT NULL);
    CREATE TABLE categories (id bigserial PRIMARY KEY, name text UNIQUE NOT NULL);
    CREATE TABLE products (
        id bigserial PRIMARY KEY,
        name text NOT NULL,
        name_lower text NOT NULL,
        words tsvector GENERATED ALWAYS AS (to_tsvector('simple', name)) STORED,
        category_id bigint NOT NULL REFERENCES categories,
        price numeric(12, 2) NOT NULL CHECK (price >= 0),
        stock integer NOT NULL CHECK (stock >= 0),
        attrs jsonb NOT NULL DEFAULT '{}'
    );
    CREATE TABLE orders (
        id bigserial PRIMARY KEY,
        user_id bigint NOT NULL REFERENCES users,
        total numeric(20, 2) NOT NULL DEFAULT 0
    );
    CREATE TABLE order_lines (
        order_id bigint REFERENCES orders ON DELETE CASCADE,
        number int,
        product_id bigint NOT NULL REFERENCES products,
        quantity int NOT NULL CHECK (quantity > 0),
        price numeric(12, 2) NOT NULL,
        amount numeric(20, 2) GENERATED ALWAYS AS (quantity * price) STORED,
        PRIMARY KEY (order_id, number)
    );
    CREATE INDEX ON products USING gin (words);
    CREATE INDEX ON products USING gin (name_lower gin_trgm_ops);
    CREATE INDEX ON products (price, id);

    CREATE FUNCTION place(buyer bigint, goods bigint[], pieces int[]) RETURNS bigint AS $$
    DECLARE
        new bigint;
        cost numeric;
    BEGIN
        IF coalesce(array_length(goods, 1), 0) = 0 THEN
            RAISE EXCEPTION 'no lines';
        END IF;
        INSERT INTO orders (user_id) VALUES (buyer) RETURNING id INTO new;
        FOR i IN 1 .. array_length(goods, 1) LOOP
            PERFORM 1 FROM products WHERE id = goods[i] FOR UPDATE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'no such product';
            END IF;
            IF (SELECT stock FROM products WHERE id = goods[i]) < pieces[i] THEN
                RAISE EXCEPTION 'out of stock' USING ERRCODE = 'SHOP1';
            END IF;
            UPDATE products SET stock = stock - pieces[i] WHERE id = goods[i]
                RETURNING price INTO cost;
            INSERT INTO order_lines VALUES (new, i, goods[i], pieces[i], cost);
            UPDATE orders SET total = total + pieces[i] * cost WHERE id = new;
        END LOOP;
        RETURN new;
    END
    $$ LANGUAGE plpgsql;
"""


class OutOfStock(Exception):
    pass


def create(conn):
    conn.execute(SCHEMA)


def add_user(conn, email):
    return one(conn, "INSERT INTO users (email) VALUES (%s) RETURNING id", email)


def add_category(conn, name):
    return one(conn, "INSERT INTO categories (name) VALUES (%s) RETURNING id", name)


def add_product(conn, *, name, category, price, stock, attrs):
    return one(conn, NEW, name, name.lower(), category, price, stock, Jsonb(attrs))


def add_products(conn, rows):
    with conn.transaction():
        for row in rows:
            add_product(conn, **row)


def set_price(conn, product, price):
    conn.execute("UPDATE products SET price = %s WHERE id = %s", (price, product))


def stock(conn, product):
    return one(conn, "SELECT stock FROM products WHERE id = %s", product)


def place_order(conn, user, lines):
    goods, pieces = [each[0] for each in lines], [each[1] for each in lines]
    try:
        return one(conn, "SELECT place(%s, %s::bigint[], %s::int[])", user, goods, pieces)
    except psycopg.Error as error:
        if error.sqlstate == "SHOP1":
            raise OutOfStock from None
        raise


def get_order(conn, order):
    rows = conn.execute(
        "SELECT product_id, quantity, price FROM order_lines WHERE order_id = %s", (order,)
    ).fetchall()
    total = one(conn, "SELECT total FROM orders WHERE id = %s", order)
    return {"total": total, "lines": [{"product": p, "quantity": n, "price": m} for p, n, m in rows]}


def one(conn, query, *values):
    return conn.execute(query, values).fetchone()[0]


NEW = """
    INSERT INTO products (name, name_lower, category_id, price, stock, attrs)
    VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
"""


def search(
    conn, q, *, category=None, price=None, attrs=None, sort="name", cursor=None, limit=20
):
    if sort not in ("price", "-price", "name", "relevance"):
        raise ValueError
    q = (q or "").lower()
    where, values = [], {"q": q, "limit": limit}
    if q:
        where.append("(words @@ plainto_tsquery('simple', %(q)s) OR name_lower %% %(q)s)")
    if category is not None:
        where.append("category_id = %(category)s")
        values["category"] = category
    for name, sign, end in zip(("low", "high"), (">=", "<="), price or (None, None), strict=True):
        if end is not None:
            where.append(f"price {sign} %({name})s")
            values[name] = end
    for number, (key, value) in enumerate((attrs or {}).items()):
        where.append(f"attrs ->> %(key{number})s = %(value{number})s")
        values |= {f"key{number}": key, f"value{number}": value}
    rank = """(CASE WHEN name_lower = %(q)s THEN 3000 ELSE 0 END
        + (similarity(name_lower, %(q)s) * 1000)::int)::int"""
    expression = {"relevance": rank, "-price": "price"}.get(sort, sort)
    kind = {"relevance": "int", "name": "text"}.get(sort, "numeric")
    if cursor is not None:
        values["after"], values["id"] = json.loads(cursor)
        if sort in ("relevance", "-price"):
            where.append(
                f"({expression} < %(after)s::{kind} OR"
                f" {expression} = %(after)s::{kind} AND id > %(id)s)"
            )
        else:
            where.append(f"({expression}, id) > (%(after)s::{kind}, %(id)s)")
    way = "DESC" if sort in ("relevance", "-price") else "ASC"
    rows = conn.execute(
        f"SELECT id, name, price, {expression} FROM products WHERE {' AND '.join(where) or 'true'}"
        f" ORDER BY {expression} {way}, id LIMIT %(limit)s",
        values,
    ).fetchall()
    items = [{"id": row[0], "name": row[1], "price": row[2]} for row in rows]
    last = json.dumps([str(rows[-1][3]), rows[-1][0]]) if rows else None
    return items, last if len(rows) == limit else None
