-- The tables of the shop. Given: nothing to write here.
-- Rows are only added. They never change, and they never go.

CREATE TABLE customers (
    id bigint PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE products (
    id bigint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    category text NOT NULL
);

CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    placed_at timestamptz NOT NULL
);
CREATE INDEX ON orders (placed_at);

CREATE TABLE order_lines (
    order_id bigint NOT NULL REFERENCES orders,
    line integer NOT NULL,
    product_id bigint NOT NULL REFERENCES products,
    quantity integer NOT NULL CHECK (quantity > 0),
    unit_price numeric(10, 2) NOT NULL CHECK (unit_price >= 0),
    PRIMARY KEY (order_id, line)
);

CREATE TABLE refunds (
    id bigint PRIMARY KEY,
    order_id bigint NOT NULL,
    line integer NOT NULL,
    amount numeric(10, 2) NOT NULL CHECK (amount > 0),
    refunded_at timestamptz NOT NULL,
    FOREIGN KEY (order_id, line) REFERENCES order_lines
);
CREATE INDEX ON refunds (refunded_at);

CREATE TABLE visits (
    id bigint PRIMARY KEY,
    visitor_id bigint NOT NULL,
    step text NOT NULL CHECK (step IN ('visit', 'basket', 'order')),
    happened_at timestamptz NOT NULL
);
CREATE INDEX ON visits (happened_at);
