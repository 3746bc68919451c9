"""Where a page ended, as a text that a client carries to the next request.

It holds the sort order, the value of the last row in it and the row's id. The client
can read and change it, so it is checked like any other input, and it gives no rights:
it is a place in a list, and the list decides who may see it.

Source: RFC 4648, section 5 (base64url).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass

__all__ = ["Cursor", "read_cursor"]

_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Cursor:
    """The place after one row."""

    sort: str
    value: str | float
    id: int

    def text(self) -> str:
        """The cursor for a URL."""
        content = json.dumps([self.sort, self.value, self.id], ensure_ascii=True)
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read_cursor(text: str, *, sort: str, kind: type) -> Cursor:
    """The cursor in this text.

    Args:
        sort: the order in which the list is asked for now.
        kind: str or float, the type of the values in this order.

    Raises:
        ValueError: the text is no cursor, or one of another order.

    >>> read_cursor(Cursor("username", "anna", 7).text(), sort="username", kind=str)
    Cursor(sort='username', value='anna', id=7)
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        content = None
    if not _is_cursor(content, sort, kind):
        raise ValueError("this cursor does not belong to this list, begin at the first page")
    return Cursor(*content)


def _is_cursor(content: object, sort: str, kind: type) -> bool:
    if not isinstance(content, list) or len(content) != 3:
        return False
    its_sort, value, row_id = content
    return (
        its_sort == sort
        and isinstance(value, str | float)
        and type(value) is kind
        and _can_be_stored(value)
        and type(row_id) is int
        and 0 < row_id <= _LARGEST_ID
    )


def _can_be_stored(value: str | float) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a character that takes two
        return False
    return "\0" not in value
