# fails "the database takes care of references" with "products in an order"
class OutOfStock(Exception):
    """There are too few pieces of a product."""


def create(conn: Connection) -> None:
    """Make all tables and indexes in an empty database."""
    conn.execute(SCHEMA)


def add_user(conn: Connection, email: str) -> Any:
    """The id of the new user."""
    return _one(conn, "INSERT INTO users (email) VALUES (%s) RETURNING id", email)


def add_category(conn: Connection, name: str) -> Any:
    """The id of the new category."""
    return _one(conn, "INSERT INTO categories (name) VALUES (%s) RETURNING id", name)


def add_product(
    conn: Connection,
    *,
    name: str,
    category: Any,
    price: Decimal,
    stock: int,
    attrs: dict[str, str],
) -> Any:
    """The id of the new product."""
    return _one(conn, NEW_PRODUCT + " RETURNING id", name, category, price, stock, Jsonb(attrs))


def add_products(conn: Connection, rows: list[dict[str, Any]]) -> None:
    """Add them all, or none. The keys are those of `add_product`."""
    columns = ("name", "category", "price", "stock")
    values = [(*(row[column] for column in columns), Jsonb(row["attrs"])) for row in rows]
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(NEW_PRODUCT, values)


def set_price(conn: Connection, product: Any, price: Decimal) -> None:
    """Change the price of today; no order changes."""
    conn.execute("UPDATE products SET price = %s WHERE id = %s", (price, product))


def stock(conn: Connection, product: Any) -> int:
    """How many pieces are left."""
    return _one(conn, "SELECT stock FROM products WHERE id = %s", product)


def place_order(conn: Connection, user: Any, lines: Iterable[tuple[Any, int]]) -> Any:
    """Order all of `(product, quantity)`, or nothing. The id of the order.

    Raises:
        OutOfStock: there are too few pieces of one product.
        Another exception: unknown product or user, quantity below 1, no lines.
    """
    wanted: Counter[Any] = Counter()
    for product, quantity in lines:
        if quantity <= 0:
            raise ValueError(f"a quantity is at least 1, got {quantity}")
        wanted[product] += quantity
    if not wanted:
        raise ValueError("an order needs at least one line")
    with conn.transaction():
        order = _one(conn, "INSERT INTO orders (user_id) VALUES (%s) RETURNING id", user)
        for product, quantity in sorted(wanted.items()):  # all lock in the same order
            conn.execute(NEW_LINE, (order, product, quantity, _take(conn, product, quantity)))
    return order


def get_order(conn: Connection, order: Any) -> dict[str, Any]:
    """`{"total": Decimal, "lines": [{"product", "quantity", "price"}, ...]}`"""
    found = conn.execute("SELECT product_id, quantity, price FROM order_lines WHERE order_id = %s",
                         (order,)).fetchall()  # fmt: skip
    return {
        "total": sum((quantity * price for _, quantity, price in found), Decimal()),
        "lines": [{"product": row[0], "quantity": row[1], "price": row[2]} for row in found],
    }


def _one(conn: Connection, query: str, *values: Any) -> Any:
    """The only value of the only row. Fails if there is none."""
    (value,) = conn.execute(query, values).fetchone()
    return value


def _take(conn: Connection, product: Any, quantity: int) -> Decimal:
    """Take pieces out of the stock; the price of one. Test and change are one statement."""
    row = conn.execute(TAKE, (quantity, product, quantity)).fetchone()
    if row is None:
        stock(conn, product)  # fails if there is no such product
        raise OutOfStock(f"fewer than {quantity} pieces of product {product} are left")
    return row[0]


TAKE = """
    UPDATE products SET stock = stock - %s WHERE id = %s AND stock >= %s RETURNING price
"""
NEW_PRODUCT = """
    INSERT INTO products (name, category_id, price, stock, attrs) VALUES (%s, %s, %s, %s, %s)
"""
NEW_LINE = """
    INSERT INTO order_lines (order_id, product_id, quantity, price) VALUES (%s, %s, %s, %s)
"""
SCHEMA = """
    CREATE EXTENSION pg_trgm;

    CREATE TABLE users (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        email text NOT NULL UNIQUE
    );
    CREATE TABLE categories (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL UNIQUE
    );
    CREATE TABLE products (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL,
        category_id bigint NOT NULL REFERENCES categories,
        price numeric(9, 2) NOT NULL CHECK (price >= 0),
        stock integer NOT NULL CHECK (stock >= 0),
        attrs jsonb NOT NULL
    );
    CREATE TABLE orders (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        user_id bigint NOT NULL REFERENCES users,
        placed_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE order_lines (
        order_id bigint REFERENCES orders ON DELETE CASCADE,
        product_id bigint REFERENCES products ON DELETE CASCADE,
        quantity integer NOT NULL CHECK (quantity > 0),
        price numeric(9, 2) NOT NULL,  -- of that moment, so it is no copy
        PRIMARY KEY (order_id, product_id)
    );
    CREATE INDEX ON products (price, id);
    CREATE INDEX ON products (name, id);
    CREATE INDEX ON products (category_id);
    CREATE INDEX ON products USING gin (name gin_trgm_ops);
    CREATE INDEX ON products USING gin (attrs jsonb_path_ops);
    CREATE INDEX ON orders (user_id);
    CREATE INDEX ON order_lines (product_id);
"""


def search(
    conn: Connection,
    q: str | None,
    *,
    category: Any = None,
    price: tuple[Decimal | None, Decimal | None] | None = None,
    attrs: dict[str, str] | None = None,
    sort: str = "relevance",
    cursor: str | None = None,
    limit: int = 20,
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of products, and the cursor of the next page or None.

    Raises:
        ValueError: `sort` is not "price", "-price", "name" or "relevance".
    """
    if sort not in SORTS:
        raise ValueError(f"sort is one of {', '.join(SORTS)}")
    value, kind, direction, behind = SORTS[sort]
    if not q:
        value = value.replace(RANK, "0::numeric")
    low, high = price or (None, None)
    filters = {
        "%(q)s <%% name": q or None,  # the operator that the trigram index knows
        "category_id = %(category)s": category,
        "price >= %(low)s": low,
        "price <= %(high)s": high,
        "attrs @> %(attrs)s": Jsonb(attrs) if attrs else None,
        f"({value}, id) {behind} (%(value)s::{kind}, %(id)s)": cursor,
    }
    conditions = [text for text, given in filters.items() if given is not None]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"""
        SELECT id, name, price, {value} FROM products {where}
        ORDER BY {value} {direction}, id {direction} LIMIT %(limit)s
    """
    values = {"q": q, "category": category, "low": low, "high": high, "limit": limit + 1}
    values["attrs"] = filters["attrs @> %(attrs)s"]
    values["value"], values["id"] = _read(cursor) if cursor is not None else (None, None)
    found = conn.execute(query, values).fetchall()
    page = found[:limit]
    items = [{"id": row[0], "name": row[1], "price": row[2]} for row in page]
    return items, _write(page[-1][3], page[-1][0]) if len(found) > limit else None


def _write(value: Any, id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([str(value), id]).encode()).decode()


def _read(cursor: str) -> tuple[str, int]:
    value, id = json.loads(base64.urlsafe_b64decode(cursor))
    return value, int(id)


RANK = "round(word_similarity(%(q)s, name)::numeric, 4)"  # exact, unlike a real
SORTS = {
    "price": ("price", "numeric", "ASC", ">"),
    "-price": ("price", "numeric", "DESC", "<"),
    "name": ("name", "text", "ASC", ">"),
    "relevance": (RANK, "numeric", "DESC", "<"),
}
