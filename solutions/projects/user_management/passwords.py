"""M2: stored passwords of three kinds, and a brake for those who guess."""

TRIES = 5
WINDOW = 900.0
"""Seconds for which a failed try counts."""

# Imports that your code needs go here.
### BEGIN SOLUTION M2: imports
import base64
import hashlib
import hmac

import bcrypt
from argon2.exceptions import VerifyMismatchError

from .models import TooManyTries

### END SOLUTION


def matches(hasher, stored, password):
    """Whether this is the password of the stored text: Argon2, bcrypt, or PBKDF2."""
    ### BEGIN SOLUTION M2: the beginning tells the kind
    if stored.startswith("$argon2"):
        try:
            return hasher.verify(stored, password)
        except VerifyMismatchError:
            return False
    if stored.startswith("$2"):
        return bcrypt.checkpw(password.encode()[:72], stored.encode())  # it never read more
    _, rounds, salt, digest = stored.split("$")
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), int(rounds))
    return hmac.compare_digest(made, base64.b64decode(digest))
    ### END SOLUTION


# Your functions for the brake go here.
### BEGIN SOLUTION M2: count the failed tries of a pair
def refuse_too_many(conn, email, address, now):
    """Raises TooManyTries."""
    (tries,) = conn.execute(
        "SELECT count(*) FROM failed_tries WHERE email = lower(%s) AND address = %s AND at > %s",
        (email, address, now - WINDOW),
    ).fetchone()
    if tries >= TRIES:
        raise TooManyTries("too many failed tries, wait a quarter of an hour or reset the password")


def note_failure(conn, email, address, now):
    conn.execute("DELETE FROM failed_tries WHERE at <= %s", (now - WINDOW,))
    conn.execute("INSERT INTO failed_tries VALUES (lower(%s), %s, %s)", (email, address, now))


def forget_failures(conn, email, address=None):
    """Those from one address, or from all."""
    conn.execute(
        "DELETE FROM failed_tries WHERE email = lower(%s) AND address = coalesce(%s, address)",
        (email, address),
    )


### END SOLUTION
