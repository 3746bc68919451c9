-- Contract: run this only when no copy of the old code is left.
DROP TRIGGER one_price ON products;
DROP FUNCTION one_price();
ALTER TABLE products ALTER COLUMN price_cents SET NOT NULL;
ALTER TABLE products DROP COLUMN price;
