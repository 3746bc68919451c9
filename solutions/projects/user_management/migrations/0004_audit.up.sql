-- M4: what staff did, and the order of their list.
-- ### BEGIN SOLUTION M4: a table, and an index for the pages
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at double precision NOT NULL,
    actor_id bigint NOT NULL REFERENCES users,
    action text NOT NULL,
    user_id bigint NOT NULL REFERENCES users,
    detail text NOT NULL
);
CREATE INDEX ON audit (user_id);
CREATE INDEX ON users (name, id) WHERE NOT deleted;
-- ### END SOLUTION
