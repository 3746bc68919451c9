-- M1: the table of the users.
-- ### BEGIN SOLUTION M1: a table, and what makes an address unique
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    about text NOT NULL DEFAULT '',
    password_hash text NOT NULL,
    role text NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'support', 'admin')),
    verified boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    deleted boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE NOT deleted;
-- ### END SOLUTION
