"""Locks the products, then looks. Attributes and prices in tables of their own."""

SCHEMA = """
    CREATE EXTENSION pg_trgm;
    CREATE TABLE users (user_id serial PRIMARY KEY, email varchar(200) NOT NULL UNIQUE);
    CREATE TABLE categories (category_id serial PRIMARY KEY, name varchar(200) NOT NULL UNIQUE);
    CREATE TABLE products (
        product_id serial PRIMARY KEY,
        name varchar(200) NOT NULL,
        category_id int NOT NULL REFERENCES categories ON DELETE RESTRICT,
        sold int NOT NULL DEFAULT 0,
        active boolean NOT NULL DEFAULT true,
        added timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE stocks (
        product_id int PRIMARY KEY REFERENCES products,
        pieces int NOT NULL CHECK (pieces >= 0)
    );
    CREATE TABLE prices (
        product_id int PRIMARY KEY REFERENCES products,
        price numeric NOT NULL CHECK (price >= 0)
    );
    CREATE TABLE product_attrs (
        product_id int REFERENCES products,
        key text,
        value text NOT NULL,
        PRIMARY KEY (product_id, key)
    );
    CREATE TABLE orders (
        order_id serial PRIMARY KEY,
        user_id int NOT NULL REFERENCES users,
        state text NOT NULL DEFAULT 'placed',
        currency text NOT NULL DEFAULT 'EUR'
    );
    CREATE TABLE order_lines (
        line_id serial PRIMARY KEY,
        order_id int NOT NULL REFERENCES orders ON DELETE CASCADE,
        line int NOT NULL,
        product_id int NOT NULL REFERENCES products,
        quantity int NOT NULL,
        unit_price numeric NOT NULL,
        created timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX ON prices (price DESC, product_id DESC);
    CREATE INDEX ON products (lower(name) text_pattern_ops);
    CREATE INDEX ON products USING gist (name gist_trgm_ops);
    CREATE INDEX ON product_attrs (key, value);
"""
ORDERS = {
    "price": "price, product_id",
    "-price": "price DESC, product_id DESC",
    "name": "name, product_id",
    "relevance": "badness, product_id",
}
BEHIND = {
    "price": "price >= %s::numeric AND (price, product_id) > (%s::numeric, %s::int)",
    "-price": "price <= %s::numeric AND (price, product_id) < (%s::numeric, %s::int)",
    "name": "name >= %s::text AND (name, product_id) > (%s::text, %s::int)",
    "relevance": "badness >= %s::float8 AND (badness, product_id) > (%s::float8, %s::int)",
}


class OutOfStock(Exception):
    pass


def create(conn):
    conn.execute(SCHEMA)


def add_user(conn, email):
    query = "INSERT INTO users (email) VALUES (%s) RETURNING user_id"
    return conn.execute(query, [email]).fetchone()[0]


def add_category(conn, name):
    query = "INSERT INTO categories (name) VALUES (%s) RETURNING category_id"
    return conn.execute(query, [name]).fetchone()[0]


def add_product(conn, *, name, category, price, stock, attrs):
    with conn.transaction():
        query = "INSERT INTO products (name, category_id) VALUES (%s, %s) RETURNING product_id"
        (product,) = conn.execute(query, [name, category]).fetchone()
        conn.execute("INSERT INTO stocks VALUES (%s, %s)", [product, stock])
        conn.execute("INSERT INTO prices VALUES (%s, %s)", [product, price])
        for key, value in attrs.items():
            conn.execute("INSERT INTO product_attrs VALUES (%s, %s, %s)", [product, key, value])
    return product


def add_products(conn, rows):
    query = "SELECT nextval('products_product_id_seq') FROM generate_series(1, %s)"
    ids = [id for (id,) in conn.execute(query, [len(rows)])]
    pairs = list(zip(ids, rows, strict=True))
    texts = [(id, key, text) for id, row in pairs for key, text in row["attrs"].items()]
    with conn.transaction(), conn.cursor() as cursor:
        query = "INSERT INTO products (product_id, name, category_id) VALUES (%s, %s, %s)"
        cursor.executemany(query, [(id, row["name"], row["category"]) for id, row in pairs])
        for table, column in (("stocks", "stock"), ("prices", "price")):
            values = [(id, row[column]) for id, row in pairs]
            cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s)", values)
        cursor.executemany("INSERT INTO product_attrs VALUES (%s, %s, %s)", texts)


def set_price(conn, product, price):
    conn.execute("UPDATE prices SET price = %s WHERE product_id = %s", [price, product])


def stock(conn, product):
    query = "SELECT pieces FROM stocks WHERE product_id = %s"
    return conn.execute(query, [product]).fetchone()[0]


def place_order(conn, user, lines):
    conn.execute("BEGIN")
    try:
        order = placed(conn, user, list(lines))
    except BaseException:
        conn.execute("ROLLBACK")
        raise
    conn.execute("COMMIT")
    return order


def placed(conn, user, lines):
    assert lines and all(quantity > 0 for _, quantity in lines)
    query = "INSERT INTO orders (user_id) VALUES (%s) RETURNING order_id"
    (order,) = conn.execute(query, [user]).fetchone()
    for number, (product, quantity) in enumerate(lines, 1):
        query = """
            SELECT pieces, price FROM stocks JOIN prices USING (product_id)
            WHERE product_id = %s FOR UPDATE OF stocks
        """
        left, price = conn.execute(query, [product]).fetchone()
        if left < quantity:
            raise OutOfStock
        new = left - quantity
        conn.execute("UPDATE stocks SET pieces = %s WHERE product_id = %s", [new, product])
        query = "UPDATE products SET sold = sold + %s WHERE product_id = %s"
        conn.execute(query, [quantity, product])
        query = """
            INSERT INTO order_lines (order_id, line, product_id, quantity, unit_price)
            VALUES (%s, %s, %s, %s, %s)
        """
        conn.execute(query, [order, number, product, quantity, price])
    return order


def get_order(conn, order):
    query = """
        SELECT product_id, quantity, unit_price, quantity * unit_price
        FROM order_lines WHERE order_id = %s ORDER BY line
    """
    rows = conn.execute(query, [order]).fetchall()
    return {
        "total": sum(row[3] for row in rows),
        "lines": [dict(zip(("product", "quantity", "price"), row[:3], strict=True)) for row in rows],
    }


def search(
    conn,
    q,
    *,
    category=None,
    price=None,
    attrs=None,
    sort="relevance",
    cursor=None,
    limit=20,
):
    if sort not in ORDERS:
        raise ValueError(sort)
    badness = "(%s <->> name)::float8" if q else "0::float8"
    query = f"""
        SELECT product_id, name, price, badness FROM (
            SELECT product_id, name, category_id, price, {badness} AS badness
            FROM products JOIN prices USING (product_id)
        ) AS found WHERE true
    """
    values = [q] if q else []
    if q:
        query += " AND %s <%% name"
        values.append(q)
    if category is not None:
        query += " AND category_id = %s"
        values.append(category)
    low, high = price if price is not None else (None, None)
    if low is not None:
        query += " AND price >= %s"
        values.append(low)
    if high is not None:
        query += " AND price <= %s"
        values.append(high)
    for key, value in (attrs or {}).items():
        query += """ AND EXISTS (SELECT FROM product_attrs AS a
            WHERE a.product_id = found.product_id AND key = %s AND value = %s)"""
        values += [key, value]
    if cursor is not None:
        product, _, value = cursor.partition(" ")
        query += f" AND {BEHIND[sort]}"
        values += [value, value, int(product)]
    query += f" ORDER BY {ORDERS[sort]} LIMIT %s"
    rows = conn.execute(query, [*values, limit]).fetchall()
    items = [{"id": row[0], "name": row[1], "price": row[2]} for row in rows]
    if len(rows) < limit:
        return items, None
    number, name, cost, bad = rows[-1]
    value = {"name": name, "relevance": repr(bad)}.get(sort, cost)
    return items, f"{number} {value}"
