"""M1: users in the database."""

# Imports that your code needs, for instance psycopg, go here.
# TODO M1: imports, and what the methods share


class Users:
    """The users that are not deleted. The caller decides about transactions."""

    def __init__(self, conn):
        self._conn = conn

    def add(self, email, name, password_hash, *, role="member"):
        """The new User. Raises EmailTaken."""
        # TODO M1: ask the constraint, not a SELECT
        raise NotImplementedError

    def get(self, user_id):
        """The User. Raises NotFound."""
        # TODO M1: only who is not deleted
        raise NotImplementedError

    def find(self, email):
        """The User with this address, or None."""
        # TODO M1: capitals do not count
        raise NotImplementedError

    def update(self, user_id, version, **changes):
        """The User with another name or about. Raises ValueError, Conflict, NotFound."""
        # TODO M1: the version is part of the condition
        raise NotImplementedError

    def delete(self, user_id):
        """Keep the row, but hide it and free the address. Raises NotFound."""
        # TODO M1: mark the row
        raise NotImplementedError

    # TODO M1: helpers, if you like

    # What later milestones need of the table goes here.
    # TODO M2: read and replace the stored password
    # TODO M4: the list of staff
