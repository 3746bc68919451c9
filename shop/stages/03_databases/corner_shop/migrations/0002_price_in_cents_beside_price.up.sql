-- Expand: both names exist, and whoever writes one writes both. Old and new code may run.
ALTER TABLE products ADD COLUMN price_cents integer CHECK (price_cents > 0);

CREATE FUNCTION one_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.price := coalesce(NEW.price, NEW.price_cents);
        NEW.price_cents := NEW.price;
    ELSIF NEW.price IS DISTINCT FROM OLD.price THEN
        NEW.price_cents := NEW.price;
    ELSIF NEW.price_cents IS DISTINCT FROM OLD.price_cents THEN
        NEW.price := NEW.price_cents;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER one_price BEFORE INSERT OR UPDATE ON products
    FOR EACH ROW EXECUTE FUNCTION one_price();
