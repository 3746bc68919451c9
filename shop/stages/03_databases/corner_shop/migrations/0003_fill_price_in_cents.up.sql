-- A large table is filled in batches, each a transaction of its own. This one is small.
UPDATE products SET price_cents = price WHERE price_cents IS NULL;
