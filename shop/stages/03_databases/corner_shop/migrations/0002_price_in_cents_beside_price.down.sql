DROP TRIGGER one_price ON products;
DROP FUNCTION one_price();
ALTER TABLE products DROP COLUMN price_cents;
