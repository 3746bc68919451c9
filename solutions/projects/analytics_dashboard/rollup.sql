-- Your tables for the roll-up. `create` runs this file after schema.sql.
-- ### BEGIN SOLUTION M2: sums that are ready, and how far they reach
CREATE TABLE daily (
    zone text NOT NULL,
    day date NOT NULL,
    category text NOT NULL,
    items bigint NOT NULL,
    sold numeric NOT NULL,
    refunded numeric NOT NULL,
    PRIMARY KEY (zone, day, category)
);
CREATE TABLE watermarks (
    zone text PRIMARY KEY,
    upto timestamptz NOT NULL
);
-- ### END SOLUTION
