"""M2 and M3: passwords, sessions, letters."""

# Imports that your code needs go here.
# TODO M2: imports


class Accounts:
    """What users do with their own accounts. What it knows is in the database."""

    def __init__(self, db, hasher, clock, mailer):
        self._db = db
        self._hasher = hasher
        self._clock = clock
        self._mailer = mailer
        # TODO M2: what an unknown address is compared with
        raise NotImplementedError

    def authenticate(self, email, password, address):
        """The User. Raises LogInFailed, TooManyTries."""
        # TODO M2: the same way for everybody
        raise NotImplementedError

    def register(self, email, name, password):
        """The new User, who gets a letter. Raises EmailTaken."""
        # TODO M3: the letter goes out when the user is there
        raise NotImplementedError

    def verify_email(self, token):
        """The User, whose address is verified now. Raises InvalidToken."""
        # TODO M3: use the token up
        raise NotImplementedError

    def log_in(self, email, password, address):
        """The token of a new session. Raises as `authenticate`."""
        # TODO M3: a session is a token too
        raise NotImplementedError

    def user_of(self, token):
        """The User of this session. Raises InvalidToken."""
        # TODO M3: the user may be gone
        raise NotImplementedError

    def log_out(self, token):
        """End this session; nothing happens if it is not valid."""
        # TODO M3: on the server, not only in the browser
        raise NotImplementedError

    def request_reset(self, email):
        """Send a letter to the user with this address, if there is one. Gives None."""
        # TODO M3: the same answer for everybody
        raise NotImplementedError

    def reset(self, token, password):
        """Set a new password; whoever knew the old one is out. Raises InvalidToken."""
        # TODO M3: all of it or nothing
        raise NotImplementedError

    # Helpers go here.
    # TODO M2: helpers, if you like
    # TODO M3: tokens of users
