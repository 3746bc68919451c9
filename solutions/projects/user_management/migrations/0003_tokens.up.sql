-- M3: sessions, and the tokens of letters.
-- ### BEGIN SOLUTION M3: one table or several
CREATE TABLE tokens (
    digest bytea PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    purpose text NOT NULL CHECK (purpose IN ('session', 'verify', 'reset')),
    expires_at double precision NOT NULL
);
CREATE INDEX ON tokens (user_id);
-- ### END SOLUTION
