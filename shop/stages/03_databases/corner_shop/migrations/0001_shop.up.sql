CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    price integer NOT NULL CHECK (price > 0),
    stock integer NOT NULL CHECK (stock >= 0)
);

CREATE TABLE orders (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN ('waiting for payment', 'paid', 'refused')),
    reason text NOT NULL DEFAULT ''
);

-- Few orders wait, and the shop asks for them all the time.
CREATE INDEX orders_that_wait ON orders (number) WHERE state = 'waiting for payment';

-- What was ordered, at the price of that moment: a later price must not change it.
CREATE TABLE order_lines (
    order_number bigint NOT NULL REFERENCES orders,
    product_id bigint NOT NULL REFERENCES products,
    count integer NOT NULL CHECK (count BETWEEN 1 AND 100),
    cents_each integer NOT NULL CHECK (cents_each > 0),
    PRIMARY KEY (order_number, product_id)
);

-- Double entry: the cents of one order add up to 0, and no account has it twice.
CREATE TABLE entries (
    order_number bigint NOT NULL REFERENCES orders,
    account text NOT NULL CHECK (account IN ('bank', 'sales')),
    cents bigint NOT NULL,
    PRIMARY KEY (order_number, account)
);
