"""M4: what staff do with the accounts of others."""

# Imports that your code needs go here.
### BEGIN SOLUTION M4: imports
import json

from psycopg.rows import class_row

from . import tokens
from .models import ROLES, AuditEntry, Forbidden, NotFound
from .policy import may
from .repository import Users

### END SOLUTION


class Staff:
    """Every method begins with the id of the user who asks."""

    def change_role(self, actor_id, user_id, role):
        """The User with the new role. Raises ValueError, Forbidden, NotFound."""
        ### BEGIN SOLUTION M4: policy, change and audit in one transaction
        if role not in ROLES:
            raise ValueError(f"a role is one of {', '.join(ROLES)}, not {role!r}")
        with self._db.connection() as conn, conn.transaction():
            self._allow(conn, actor_id, "change_role", user_id)
            conn.execute("UPDATE users SET role = %s WHERE id = %s", (role, user_id))
            self._audit(conn, actor_id, "change_role", user_id, role)
            return Users(conn).get(user_id)
        ### END SOLUTION

    def deactivate(self, actor_id, user_id):
        """Delete the user softly, and end the sessions. Raises Forbidden, NotFound."""
        ### BEGIN SOLUTION M4: the same again
        with self._db.connection() as conn, conn.transaction():
            self._allow(conn, actor_id, "deactivate", user_id)
            Users(conn).delete(user_id)
            tokens.forget_all(conn, user_id)
            self._audit(conn, actor_id, "deactivate", user_id, "")
        ### END SOLUTION

    def list_users(self, actor_id, cursor=None, *, limit=50):
        """A list of ListedUser, and the cursor of the next page or None. Raises Forbidden."""
        ### BEGIN SOLUTION M4: go on after a place, not after a number of rows
        with self._db.connection() as conn:
            self._allow(conn, actor_id, "list_users")
            after = json.loads(cursor) if cursor else ("", 0)
            found = Users(conn).page(after, limit + 1, now=self._clock.now())
        users = found[:limit]
        more = len(found) > limit
        return users, json.dumps([users[-1].name, users[-1].id]) if more else None
        ### END SOLUTION

    def history(self, actor_id, user_id):
        """What was done to this user: AuditEntry, oldest first. Raises Forbidden."""
        ### BEGIN SOLUTION M4: also of a user who is gone
        with self._db.connection() as conn:
            self._allow(conn, actor_id, "history")
            with conn.cursor(row_factory=class_row(AuditEntry)) as entries:
                return entries.execute(
                    "SELECT at, actor_id, action, user_id, detail FROM audit"
                    " WHERE user_id = %s ORDER BY id",
                    (user_id,),
                ).fetchall()
        ### END SOLUTION

    # Helpers go here.
    ### BEGIN SOLUTION M4: who asks, and what is written down
    def _allow(self, conn, actor_id, action, user_id=None):
        try:
            actor = Users(conn).get(actor_id)
        except NotFound as error:
            raise Forbidden("you are no user any more") from error
        target = None if user_id is None else Users(conn).get(user_id)
        if not may(actor, action, target):
            raise Forbidden(f"a {actor.role} may not do that")

    def _audit(self, conn, actor_id, action, user_id, detail):
        conn.execute(
            "INSERT INTO audit (at, actor_id, action, user_id, detail) VALUES (%s, %s, %s, %s, %s)",
            (self._clock.now(), actor_id, action, user_id, detail),
        )

    ### END SOLUTION
