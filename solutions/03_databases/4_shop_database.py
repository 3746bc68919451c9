# %% [markdown] id="title"
# # The database of a shop
#
# **Goal:** a shop that never sells what it does not have, keeps the prices of yesterday, and finds
# what people misspell. · **120 minutes** · needs: lessons 03.2 and 03.4
#
# **Not covered:** payment, refunds, and what a user may see.

# %% [markdown] id="how"
# ## How to work
#
# There are six tasks. Each adds one thing, and you can check after each. The check stops at the
# first thing that is not right yet. It says what was done, what was expected and what came back.
#
# The database is PostgreSQL, for it has exact money, trigrams and plans that we can count on. The
# course brings one along, and the check makes an empty database for each story. `conn` is always a
# psycopg connection with `autocommit=True`, and it gives rows as tuples. No transaction is open
# when one of your functions is called, and none is when it has returned or raised.
#
# You write the schema, and the functions that use it. The checks use nothing but these functions
# and the names of five tables. An **id** is whatever your function returns: a number, a text or a
# UUID. *Refuse* means: raise an exception of your choice, and change nothing.

# %% id="setup" tags=["setup"]
import base64
import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from course_lib.labs import postgres
from course_lib.practice import check, hint, reset, solution

# %% [markdown] id="task-1"
# ## Task 1: the schema
#
# `create(conn)` makes the schema in an empty database. There must be tables called `users`,
# `categories`, `products`, `orders` and `order_lines`. Their columns are up to you, and so are
# further tables, indexes and functions.
#
# - `add_user(conn, email)` and `add_category(conn, name)` return an id. An email is there once, and
#   so is the name of a category: the second one is refused.
# - `add_product(conn, *, name, category, price, stock, attrs)` returns an id. Two products may have
#   the same name.
#
#   `category` is an id, `price` a Decimal with two decimals, up to 9,999,999.99. `stock` is a whole
#   number. `attrs` is a dict from text to text, such as `{"colour": "red"}`; one `jsonb` column for
#   it is fine.
# - `add_products(conn, rows)` is the import: it takes a list of dicts with the same five keys. If
#   one of them is refused, none is added. What it returns is up to you.
# - `set_price(conn, product, price)` changes the price of today. `stock(conn, product)` is the
#   number of pieces that are left.
# - A negative price, a negative stock and an unknown category are refused.
#
# Free: what `set_price` and `stock` do with an unknown product.

# %% [markdown] id="task-2"
# ## Task 2: orders
#
# - `place_order(conn, user, lines)` takes pairs `(product, quantity)`, notes the order, takes the
#   pieces out of the stock, and returns the id of the order. `order_lines` has a row for each line.
# - It opens its own transaction, and it is all or nothing. If there are too few pieces of one
#   product, it raises `OutOfStock`, which is given below.
# - An unknown product, an unknown user, a quantity of 0 or less, and an order without lines are
#   refused with another exception than `OutOfStock`.
# - The same product in two lines counts together. Whether that becomes one row or two is free.
# - `get_order(conn, order)` is `{"total": Decimal, "lines": [...]}`. Each line is a dict with
#   `product`, `quantity` and `price`, the Decimal for one piece. Their order is free, and more keys
#   are allowed. Sums are exact, to the cent.
# - The price of a line is the price of the moment when the order was placed. Only the price is
#   history. Names and emails never change here.
# - Each of the five tables is in third normal form. So each fact is written down once: no column,
#   keys aside, follows from a foreign key, and no line keeps quantity times price. A column
#   that PostgreSQL computes (`GENERATED ALWAYS AS`) is fine. A total in `orders` is fine too.
# - The database itself takes care of the references. `DELETE FROM products` fails while one of
#   them is in an order. The same holds for users with orders and for categories with products.
#   Deleting an order deletes its lines.

# %% [markdown] id="task-3"
# ## Task 3: thirty buyers, ten pieces
#
# Thirty people press the button at the same moment, each with a connection of their own. Each wants
# one of the last ten pieces.
#
# Ten of them get one and the other twenty get `OutOfStock`. Nobody gets any other error. If your
# way needs a second try, `place_order` makes it by itself.
#
# The check does not hope for bad luck. It stops a buyer before a statement, lets the next one
# start, stops that one too, and so on, fifteen deep. It does so for every statement of yours. A
# buyer who waits for a lock is sent home and comes again later.
#
# In a second story, three buyers wait for the same row.
#
# Free: deadlocks between two orders of several products. Lesson 03.3 is about them.

# %% [markdown] id="task-4"
# ## Task 4: search
#
# `search(conn, q, *, category, price, attrs, sort, cursor, limit)` returns `(items, next_cursor)`.
# Items are dicts with `id`, `name` and `price`, a Decimal; more keys are allowed.
#
# - `q` is a word; capitals do not matter. It finds every product with this word in its name,
#   however long the name is. Without a `q`, None or empty, all products are found.
# - `category` is an id or None. `price` is None or a pair `(low, high)`. Both ends are included,
#   and each may be None. `attrs` is None or a dict: all pairs in it must be in the product.
# - Filters can be combined, and all of them must hold. Products without stock are found too.
# - `sort` is `"price"`, `"-price"` for the highest first, `"name"`, or `"relevance"`. Any other
#   raises ValueError. Relevance comes in task 6; until then any order will do.
# - Every text is data: quotes, percent signs and SQL in `q`, in names and in `attrs` do no harm.
#
# Free: a `q` of several words, a part of a word, and what `%` and `_` in `q` find.

# %% [markdown] id="task-5"
# ## Task 5: pages
#
# - At most `limit` items come back, and fewer only on the last page. If more follow, `next_cursor`
#   is a text. Given to the next call as `cursor`, with all else the same, it brings the next page.
#
#   At the end it is None. (An empty last page is fine.)
# - This holds for each `sort`, and for many products with the same price or name. Equal ones come
#   in any fixed order, for example by id.
# - Meanwhile other products are added, before and behind the place where a page ended. What was
#   there from the beginning is seen exactly once, and nothing is seen twice.
# - A text that is no cursor of yours is refused.
#
# Free: a cursor used with other filters, a product whose price changes while somebody turns the
# pages, and a `limit` below 1.

# %% [markdown] id="task-6"
# ## Task 6: typing mistakes, and a large shop
#
# - A `q` with one wrong, missing or extra letter still finds the product. The check uses words of
#   nine letters or more, in names of at most two words. What has nothing in common with `q` is not
#   found. The extension `pg_trgm` compares texts by their groups of three letters.
# - `"relevance"` puts the best match first. How you measure it is up to you, but a product that is
#   called exactly `q` comes before one that only resembles it.
# - The check imports 10,000 products with `add_products`, which may take half a minute, and calls
#   `VACUUM ANALYZE`. Then it asks PostgreSQL how many rows it has read (`pg_stat_user_tables`). A
#   search for a rare word by relevance reads less than a tenth. So does a page of 20 by price, the
#   first as well as one in the middle.
#
# Beware of `real`: `similarity` gives one, and the same number as a Python float is not quite
# equal to it.


# %% id="orders" tags=["solution"]
class OutOfStock(Exception):
    """There are too few pieces of a product."""


def create(conn: Connection) -> None:
    """Make all tables and indexes in an empty database."""
    # TODO: task 1, and an index or two in task 6
    ### BEGIN SOLUTION
    conn.execute(SCHEMA)
    ### END SOLUTION


def add_user(conn: Connection, email: str) -> Any:
    """The id of the new user."""
    # TODO: task 1
    ### BEGIN SOLUTION
    return _one(conn, "INSERT INTO users (email) VALUES (%s) RETURNING id", email)
    ### END SOLUTION


def add_category(conn: Connection, name: str) -> Any:
    """The id of the new category."""
    # TODO: task 1
    ### BEGIN SOLUTION
    return _one(conn, "INSERT INTO categories (name) VALUES (%s) RETURNING id", name)
    ### END SOLUTION


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
    # TODO: task 1
    ### BEGIN SOLUTION
    return _one(conn, NEW_PRODUCT + " RETURNING id", name, category, price, stock, Jsonb(attrs))
    ### END SOLUTION


def add_products(conn: Connection, rows: list[dict[str, Any]]) -> None:
    """Add them all, or none. The keys are those of `add_product`."""
    # TODO: task 1
    ### BEGIN SOLUTION
    columns = ("name", "category", "price", "stock")
    values = [(*(row[column] for column in columns), Jsonb(row["attrs"])) for row in rows]
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(NEW_PRODUCT, values)
    ### END SOLUTION


def set_price(conn: Connection, product: Any, price: Decimal) -> None:
    """Change the price of today; no order changes."""
    # TODO: task 1
    ### BEGIN SOLUTION
    conn.execute("UPDATE products SET price = %s WHERE id = %s", (price, product))
    ### END SOLUTION


def stock(conn: Connection, product: Any) -> int:
    """How many pieces are left."""
    # TODO: task 1
    ### BEGIN SOLUTION
    return _one(conn, "SELECT stock FROM products WHERE id = %s", product)
    ### END SOLUTION


def place_order(
    conn: Connection,
    user: Any,
    lines: Iterable[tuple[Any, int]],
) -> Any:
    """Order all of `(product, quantity)`, or nothing. The id of the order.

    Raises:
        OutOfStock: there are too few pieces of one product.
        Another exception: unknown product or user, quantity below 1, no lines.
    """
    # TODO: tasks 2 and 3
    ### BEGIN SOLUTION
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
    ### END SOLUTION


def get_order(conn: Connection, order: Any) -> dict[str, Any]:
    """`{"total": Decimal, "lines": [{"product", "quantity", "price"}]}`"""
    # TODO: task 2; write helper functions below as you need them
    ### BEGIN SOLUTION
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
        product_id bigint REFERENCES products,
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
### END SOLUTION


# %% id="search" tags=["solution"]
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
    # TODO: tasks 4 to 6
    ### BEGIN SOLUTION
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
### END SOLUTION


# %% id="check" tags=["check"]
check("03.4-shop-database")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("03.4-shop-database")` shows a
# worked answer, and `reset("03.4-shop-database")` gives you the empty task back. Your version is
# kept beside it.

# %% id="hint" tags=["check"]
hint("03.4-shop-database")

# %% [markdown] id="playground"
# ## Try it by hand
#
# Bet on each line before you run it. Then misspell other words until nothing is found: how many
# wrong letters does it take?


# %% id="play" tags=["play"]
def story(conn):
    create(conn)
    anna, teas = add_user(conn, "anna@example.org"), add_category(conn, "tea")
    tea = add_product(
        conn,
        name="strawberry tea",
        category=teas,
        price=Decimal("3.10"),
        stock=3,
        attrs={},
    )
    order = place_order(conn, anna, [(tea, 2)])
    set_price(conn, tea, Decimal("9.90"))
    print("left:", stock(conn, tea))
    print("the order:", get_order(conn, order))
    try:
        place_order(conn, anna, [(tea, 2)])
    except OutOfStock as error:
        print("OutOfStock:", error)
    print("found:", search(conn, "strawbery"))


with postgres().database() as database:
    with database.connect(autocommit=True) as conn:
        try:
            story(conn)
        except NotImplementedError:
            print("Nothing to play with yet: write the functions first.")

# %% [markdown] id="question"
# ## To think about
#
# The shop wants to print invoices of last year. A customer has married since and has another name,
# and a product was renamed. Which columns of your schema would have to become history, like the
# price? And which must not, if the customer asks you to delete her data?
#
# There is no single right answer, and no check.
