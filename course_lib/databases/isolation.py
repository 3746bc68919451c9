"""How much of each other transactions may see, and the errors that this costs.

The rule: an error in here ends the whole transaction, and only the whole transaction
may be run again. The codes are those of PostgreSQL (manual, appendix A).
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

__all__ = [
    "DeadlockDetected",
    "InFailedTransaction",
    "Level",
    "SerializationFailure",
    "TransactionError",
]


class Level(Enum):
    """Isolation levels, in the words of the SQL standard."""

    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"
    SERIALIZABLE = "serializable"


class TransactionError(Exception):
    """The transaction is rolled back; `sqlstate` is the code that PostgreSQL gives."""

    sqlstate: ClassVar[str]


class SerializationFailure(TransactionError):
    """Another transaction was first. Cure: run the whole transaction again."""

    sqlstate = "40001"


class DeadlockDetected(TransactionError):
    """Two transactions wait for each other. Cure: lock in one order, or run it again."""

    sqlstate = "40P01"


class InFailedTransaction(TransactionError):
    """A statement after the end of its transaction."""

    sqlstate = "25P02"
