"""M3: tokens for sessions and letters. The database knows only their hashes."""

LETTER = 3600.0
"""Seconds for which the token in a letter is good."""

SESSION = 86400.0
"""Seconds for which a session is good."""

# Imports and functions go here.
### BEGIN SOLUTION M3: make a token, look for one, use one up
import hashlib
import secrets

from .models import InvalidToken


def issue(conn, user_id, purpose, *, now, seconds):
    """A new token; only the user will have it. Those of the user that are too old go."""
    token = secrets.token_urlsafe(32)
    conn.execute("DELETE FROM tokens WHERE user_id = %s AND expires_at <= %s", (user_id, now))
    conn.execute(
        "INSERT INTO tokens (digest, user_id, purpose, expires_at) VALUES (%s, %s, %s, %s)",
        (digest(token), user_id, purpose, now + seconds),
    )
    return token


def owner(conn, token, purpose, *, now):
    """The id of the user whose token this is. Raises InvalidToken."""
    return _owner(
        conn.execute(
            "SELECT user_id FROM tokens WHERE digest = %s AND purpose = %s AND expires_at > %s",
            (digest(token), purpose, now),
        )
    )


def redeem(conn, token, purpose, *, now):
    """As `owner`, and the token is used up: of two at once, one finds it gone."""
    return _owner(
        conn.execute(
            "DELETE FROM tokens WHERE digest = %s AND purpose = %s AND expires_at > %s"
            " RETURNING user_id",
            (digest(token), purpose, now),
        )
    )


def forget(conn, token):
    """End a session."""
    conn.execute("DELETE FROM tokens WHERE digest = %s AND purpose = 'session'", (digest(token),))


def forget_all(conn, user_id, *, but=""):
    """End all tokens of this user, but for those of one purpose."""
    conn.execute("DELETE FROM tokens WHERE user_id = %s AND purpose <> %s", (user_id, but))


def digest(token):
    """A fast hash is enough: nobody guesses 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def _owner(found):
    row = found.fetchone()
    if row is None:
        raise InvalidToken("this link or session is not valid, ask for a new one")
    return row[0]


### END SOLUTION
