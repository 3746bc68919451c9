"""What goes in and out of the service. Given: nothing to write here."""

from dataclasses import dataclass

ROLES = ("member", "support", "admin")


@dataclass(frozen=True)
class User:
    """A user as the rest of the application may see one."""

    id: int
    email: str
    name: str
    about: str
    role: str
    verified: bool
    version: int


@dataclass(frozen=True)
class ListedUser(User):
    """A line of the list for staff; `sessions` are those that are open now."""

    sessions: int


@dataclass(frozen=True)
class AuditEntry:
    """Who did what to whom; `at` in Unix seconds."""

    at: float
    actor_id: int
    action: str
    user_id: int
    detail: str


class EmailTaken(Exception):
    """A living user has this address."""


class NotFound(Exception):
    """There is no such user, or no longer."""


class Conflict(Exception):
    """Somebody else has changed the user since this version was read."""


class LogInFailed(Exception):
    """Address and password do not fit. It does not say which."""


class TooManyTries(Exception):
    """Too many failed tries; wait."""


class InvalidToken(Exception):
    """The token is unknown, used or too old, or for something else."""


class Forbidden(Exception):
    """The policy does not allow it."""
