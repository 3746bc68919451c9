"""M4: what staff do with the accounts of others."""

# Imports that your code needs go here.
# TODO M4: imports


class Staff:
    """Every method begins with the id of the user who asks."""

    def change_role(self, actor_id, user_id, role):
        """The User with the new role. Raises ValueError, Forbidden, NotFound."""
        # TODO M4: policy, change and audit in one transaction
        raise NotImplementedError

    def deactivate(self, actor_id, user_id):
        """Delete the user softly, and end the sessions. Raises Forbidden, NotFound."""
        # TODO M4: the same again
        raise NotImplementedError

    def list_users(self, actor_id, cursor=None, *, limit=50):
        """A list of ListedUser, and the cursor of the next page or None. Raises Forbidden."""
        # TODO M4: go on after a place, not after a number of rows
        raise NotImplementedError

    def history(self, actor_id, user_id):
        """What was done to this user: AuditEntry, oldest first. Raises Forbidden."""
        # TODO M4: also of a user who is gone
        raise NotImplementedError

    # Helpers go here.
    # TODO M4: who asks, and what is written down
