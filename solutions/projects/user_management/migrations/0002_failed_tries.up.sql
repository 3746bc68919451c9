-- M2: what the throttle must remember.
-- ### BEGIN SOLUTION M2: a table of failed tries
CREATE TABLE failed_tries (
    email text NOT NULL,
    address text NOT NULL,
    at double precision NOT NULL
);
CREATE INDEX ON failed_tries (email, address, at);
CREATE INDEX ON failed_tries (at);
-- ### END SOLUTION
