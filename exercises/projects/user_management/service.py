"""The service, put together. Given: nothing to write here."""

from .accounts import Accounts
from .staff import Staff


class UserService(Accounts, Staff):
    """Users, their sessions and their rights.

    Args:
        db: `with db.connection() as conn` lends a psycopg connection in autocommit.
        hasher: an `argon2.PasswordHasher`.
        clock: `now()` gives Unix seconds.
        mailer: `send(email, purpose, token)`; purpose is "verify" or "reset".
    """
