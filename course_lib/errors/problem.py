"""Errors a caller can act on, and the answer that tells a client about them.

The class is for the decision, the code for the machine, the text for people. A
client sees only `detail`, which each class builds on purpose; what is not built
cannot leak. Everything that is not a `ShopError` is a bug: the client learns
nothing but a number to quote.

Source: RFC 9457, "Problem Details for HTTP APIs" (2023); RFC 9110, section 10.2.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from course_lib.errors.arguments import check_count, check_seconds

__all__ = [
    "Conflict",
    "InvalidInput",
    "NotFound",
    "Problem",
    "ShopError",
    "Unavailable",
    "to_problem",
]

_TYPES = "https://corner-shop.example/problems/"


class ShopError(Exception):
    """An error that a caller can act on. Raise a subclass; this one alone counts as a bug.

    Attributes:
        status: the HTTP status that a boundary answers with.
        code: one stable word for programs. It never changes, the text may.
        title: what this kind of error is called, the same for each occurrence.
        detail: what a client may read about this occurrence; empty for nothing.
        retry_after: seconds after which the same request may succeed, or None.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal Server Error"
    detail: str = ""
    retry_after: float | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own would call the class with `args`, which is the text alone.
        return _restore, (type(self), self.args), self.__dict__


def _restore(kind: type[ShopError], args: tuple[object, ...]) -> ShopError:
    return kind.__new__(kind, *args)


class InvalidInput(ShopError):
    """The same input can never work. It has no value: that may be a password."""

    status, code, title = 422, "invalid_input", "The input is not valid"

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        self.detail = f"{field} {reason}"
        super().__init__(self.detail)


class NotFound(ShopError):
    """There is no such thing. `key` is what was asked for."""

    status, code, title = 404, "not_found", "There is no such thing"

    def __init__(self, kind: str, key: object) -> None:
        self.kind, self.key = kind, key
        self.detail = f"no {kind} {key!r}"
        super().__init__(self.detail)


class Conflict(ShopError):
    """Somebody was faster. Read again, then decide again."""

    status, code, title = 409, "conflict", "It has changed in the meantime"

    def __init__(self, kind: str, key: object) -> None:
        self.kind, self.key = kind, key
        self.detail = f"{kind} {key!r} has changed; read it again"
        super().__init__(self.detail)


class Unavailable(ShopError):
    """The same input may work later. Clients do not learn which `service` is down."""

    status, code, title = 503, "unavailable", "Not available at the moment"
    detail = "try again later"

    def __init__(self, service: str, *, retry_after: float = 1.0) -> None:
        self.service = service
        self.retry_after = check_seconds("retry_after", retry_after, zero_allowed=True)
        super().__init__(f"{service} is not available, try again in {retry_after:g} s")


@dataclass(frozen=True)
class Problem:
    """What a client is told about an error; nothing in it is secret.

    `type` is a URI that names the kind of problem. `code` and `incident` are our
    additions: a word for programs, and a number to quote to the shop.

    Raises:
        ValueError: `status` is none of an error, or `retry_after` is no wait.
    """

    status: int
    type: str
    title: str
    detail: str
    code: str
    retry_after: float | None = None
    incident: str = ""

    def __post_init__(self) -> None:
        if check_count("status", self.status, least=400) > 599:
            raise ValueError(f"status must be from 400 to 599, got {self.status!r}")
        if self.retry_after is not None:
            check_seconds("retry_after", self.retry_after, zero_allowed=True)

    def as_dict(self) -> dict[str, str | int]:
        """The body, ready for JSON. Empty members are left out."""
        members: dict[str, str | int] = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "incident": self.incident,
        }
        return {name: value for name, value in members.items() if value}

    def headers(self) -> dict[str, str]:
        """The headers that belong to it. A part of a second is rounded up."""
        found = {"content-type": "application/problem+json"}
        if self.retry_after is not None:
            found["retry-after"] = str(math.ceil(self.retry_after))
        return found


def to_problem(error: Exception) -> Problem:
    """What a client may know about this error.

    >>> to_problem(NotFound("order", 17)).as_dict()["detail"]
    'no order 17'
    >>> to_problem(KeyError("password")).detail
    ''
    """
    if not isinstance(error, ShopError) or error.status == ShopError.status:
        return Problem(500, "about:blank", ShopError.title, "", ShopError.code)
    return Problem(
        error.status,
        _TYPES + error.code,
        error.title,
        error.detail,
        error.code,
        error.retry_after,
    )
