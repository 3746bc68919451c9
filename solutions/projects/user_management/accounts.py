"""M2 and M3: passwords, sessions, letters."""

# Imports that your code needs go here.
### BEGIN SOLUTION M2: imports
import secrets

from . import passwords, tokens
from .models import InvalidToken, LogInFailed, NotFound
from .repository import Users

### END SOLUTION


class Accounts:
    """What users do with their own accounts. What it knows is in the database."""

    def __init__(self, db, hasher, clock, mailer):
        self._db = db
        self._hasher = hasher
        self._clock = clock
        self._mailer = mailer
        ### BEGIN SOLUTION M2: what an unknown address is compared with
        self._dummy = hasher.hash(secrets.token_urlsafe())
        ### END SOLUTION

    def authenticate(self, email, password, address):
        """The User. Raises LogInFailed, TooManyTries."""
        ### BEGIN SOLUTION M2: the same way for everybody
        now = self._clock.now()
        with self._db.connection() as conn:
            passwords.refuse_too_many(conn, email, address, now)
            user = Users(conn).find(email)
            stored = Users(conn).password_hash(user.id) if user else self._dummy
        # Hashing is slow: meanwhile somebody else can have the connection.
        right = passwords.matches(self._hasher, stored, password) and user is not None
        new = self._hasher.hash(password) if right and self._is_old(stored) else stored
        with self._db.connection() as conn:
            if not right:
                passwords.note_failure(conn, email, address, now)
                raise LogInFailed("address and password do not fit")
            passwords.forget_failures(conn, email, address)
            if new != stored:
                Users(conn).replace_hash(user.id, stored, new)
            return user
        ### END SOLUTION

    def register(self, email, name, password):
        """The new User, who gets a letter. Raises EmailTaken."""
        ### BEGIN SOLUTION M3: the letter goes out when the user is there
        password_hash = self._hasher.hash(password)
        with self._db.connection() as conn, conn.transaction():
            user = Users(conn).add(email, name, password_hash)
            token = self._token(conn, user, "verify", tokens.LETTER)
        self._mailer.send(email, "verify", token)
        return user
        ### END SOLUTION

    def verify_email(self, token):
        """The User, whose address is verified now. Raises InvalidToken."""
        ### BEGIN SOLUTION M3: use the token up
        with self._db.connection() as conn, conn.transaction():
            user = self._redeem(conn, token, "verify")
            conn.execute("UPDATE users SET verified = true WHERE id = %s", (user.id,))
            return Users(conn).get(user.id)
        ### END SOLUTION

    def log_in(self, email, password, address):
        """The token of a new session. Raises as `authenticate`."""
        ### BEGIN SOLUTION M3: a session is a token too
        user = self.authenticate(email, password, address)
        with self._db.connection() as conn:
            return self._token(conn, user, "session", tokens.SESSION)
        ### END SOLUTION

    def user_of(self, token):
        """The User of this session. Raises InvalidToken."""
        ### BEGIN SOLUTION M3: the user may be gone
        with self._db.connection() as conn:
            user_id = tokens.owner(conn, token, "session", now=self._clock.now())
            return self._living(conn, user_id)
        ### END SOLUTION

    def log_out(self, token):
        """End this session; nothing happens if it is not valid."""
        ### BEGIN SOLUTION M3: on the server, not only in the browser
        with self._db.connection() as conn:
            tokens.forget(conn, token)
        ### END SOLUTION

    def request_reset(self, email):
        """Send a letter to the user with this address, if there is one. Gives None."""
        ### BEGIN SOLUTION M3: the same answer for everybody
        with self._db.connection() as conn:
            user = Users(conn).find(email)
            if user is None:
                return
            token = self._token(conn, user, "reset", tokens.LETTER)
        self._mailer.send(user.email, "reset", token)
        ### END SOLUTION

    def reset(self, token, password):
        """Set a new password; whoever knew the old one is out. Raises InvalidToken."""
        ### BEGIN SOLUTION M3: all of it or nothing
        password_hash = self._hasher.hash(password)
        with self._db.connection() as conn, conn.transaction():
            user = self._redeem(conn, token, "reset")
            conn.execute(
                "UPDATE users SET password_hash = %s WHERE id = %s", (password_hash, user.id)
            )
            tokens.forget_all(conn, user.id, but="verify")
            passwords.forget_failures(conn, user.email)
        ### END SOLUTION

    # Helpers go here.
    ### BEGIN SOLUTION M2: helpers, if you like
    def _is_old(self, stored):
        return not stored.startswith("$argon2") or self._hasher.check_needs_rehash(stored)

    ### END SOLUTION
    ### BEGIN SOLUTION M3: tokens of users
    def _token(self, conn, user, purpose, seconds):
        return tokens.issue(conn, user.id, purpose, now=self._clock.now(), seconds=seconds)

    def _redeem(self, conn, token, purpose):
        user_id = tokens.redeem(conn, token, purpose, now=self._clock.now())
        return self._living(conn, user_id)

    def _living(self, conn, user_id):
        try:
            return Users(conn).get(user_id)
        except NotFound as error:
            raise InvalidToken("this account is closed") from error

    ### END SOLUTION
