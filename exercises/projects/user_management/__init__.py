"""User management: accounts in a database, and who may do what with them."""

from .models import (
    AuditEntry,
    Conflict,
    EmailTaken,
    Forbidden,
    InvalidToken,
    ListedUser,
    LogInFailed,
    NotFound,
    TooManyTries,
    User,
)
from .repository import Users
from .service import UserService
from .tables import migrate

__all__ = [
    "AuditEntry",
    "Conflict",
    "EmailTaken",
    "Forbidden",
    "InvalidToken",
    "ListedUser",
    "LogInFailed",
    "NotFound",
    "TooManyTries",
    "User",
    "UserService",
    "Users",
    "migrate",
]
