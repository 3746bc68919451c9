"""M1: users in the database."""

# Imports that your code needs, for instance psycopg, go here.
### BEGIN SOLUTION M1: imports, and what the methods share
import psycopg
from psycopg.rows import class_row

from .models import Conflict, EmailTaken, ListedUser, NotFound, User

FIELDS = "id, email, name, about, role, verified, version"
EDITABLE = {"name", "about"}
### END SOLUTION


class Users:
    """The users that are not deleted. The caller decides about transactions."""

    def __init__(self, conn):
        self._conn = conn

    def add(self, email, name, password_hash, *, role="member"):
        """The new User. Raises EmailTaken."""
        ### BEGIN SOLUTION M1: ask the constraint, not a SELECT
        try:
            return self._one(
                "INSERT INTO users (email, name, password_hash, role)"
                f" VALUES (%s, %s, %s, %s) RETURNING {FIELDS}",
                (email, name, password_hash, role),
            )
        except psycopg.errors.UniqueViolation as error:
            raise EmailTaken("this address is taken, log in instead") from error
        ### END SOLUTION

    def get(self, user_id):
        """The User. Raises NotFound."""
        ### BEGIN SOLUTION M1: only who is not deleted
        user = self._one(f"SELECT {FIELDS} FROM users WHERE id = %s AND NOT deleted", (user_id,))
        if user is None:
            raise NotFound(f"there is no user {user_id}")
        return user
        ### END SOLUTION

    def find(self, email):
        """The User with this address, or None."""
        ### BEGIN SOLUTION M1: capitals do not count
        return self._one(
            f"SELECT {FIELDS} FROM users WHERE lower(email) = lower(%s) AND NOT deleted", (email,)
        )
        ### END SOLUTION

    def update(self, user_id, version, **changes):
        """The User with another name or about. Raises ValueError, Conflict, NotFound."""
        ### BEGIN SOLUTION M1: the version is part of the condition
        if changes.keys() - EDITABLE:
            raise ValueError(f"only {', '.join(sorted(EDITABLE))} can be edited")
        user = self._one(
            "UPDATE users SET name = coalesce(%s, name), about = coalesce(%s, about),"
            f" version = version + 1 WHERE id = %s AND version = %s AND NOT deleted RETURNING {FIELDS}",
            (changes.get("name"), changes.get("about"), user_id, version),
        )
        if user is None:
            self.get(user_id)
            raise Conflict("this user was changed meanwhile, read it again")
        return user
        ### END SOLUTION

    def delete(self, user_id):
        """Keep the row, but hide it and free the address. Raises NotFound."""
        ### BEGIN SOLUTION M1: mark the row
        found = self._conn.execute(
            "UPDATE users SET deleted = true WHERE id = %s AND NOT deleted", (user_id,)
        )
        if not found.rowcount:
            raise NotFound(f"there is no user {user_id}")
        ### END SOLUTION

    ### BEGIN SOLUTION M1: helpers, if you like
    def _one(self, statement, values):
        with self._conn.cursor(row_factory=class_row(User)) as cursor:
            return cursor.execute(statement, values).fetchone()

    ### END SOLUTION

    # What later milestones need of the table goes here.
    ### BEGIN SOLUTION M2: read and replace the stored password
    def password_hash(self, user_id):
        found = self._conn.execute("SELECT password_hash FROM users WHERE id = %s", (user_id,))
        return found.fetchone()[0]

    def replace_hash(self, user_id, old, new):
        """Only if nobody else has replaced it meanwhile."""
        self._conn.execute(
            "UPDATE users SET password_hash = %s WHERE id = %s AND password_hash = %s",
            (new, user_id, old),
        )

    ### END SOLUTION
    ### BEGIN SOLUTION M4: the list of staff
    def page(self, after, limit, *, now):
        """Users by name and id, after the pair `after`; sessions are counted on the way."""
        with self._conn.cursor(row_factory=class_row(ListedUser)) as cursor:
            return cursor.execute(
                f"SELECT {FIELDS}, (SELECT count(*) FROM tokens WHERE user_id = users.id"
                " AND purpose = 'session' AND expires_at > %s) AS sessions FROM users"
                " WHERE NOT deleted AND (name, id) > (%s, %s) ORDER BY name, id LIMIT %s",
                (now, *after, limit),
            ).fetchall()

    ### END SOLUTION
