"""Read the server's own answer to "when may I ask again?".

`Retry-After` has two forms: a number of seconds, and a date. Both are common. A date
is compared with the wall clock, since it was written by another machine's.

Source: RFC 9110, sections 10.2.3 (Retry-After) and 5.6.7 (the three forms of a date).
"""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime

__all__ = ["retry_after_seconds"]

# A number with a thousand digits means "not any more", so it must not overflow.
_LONGEST = 2.0**31


def retry_after_seconds(value: object, *, now: float) -> float | None:
    """Seconds to wait, 0 or more; None if the value cannot be read.

    Args:
        value: seconds as a number, or the text of the header.
        now: Unix time, for dates. A date in the past means 0.

    >>> retry_after_seconds("120", now=0.0)
    120.0
    >>> retry_after_seconds("Thu, 01 Jan 1970 00:01:30 GMT", now=60.0)
    30.0
    >>> retry_after_seconds("soon", now=0.0) is None
    True
    """
    if isinstance(value, str):
        return _from_text(value.strip(), now)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(min(value, _LONGEST)) if 0 <= value < math.inf else None
    return None


def _from_text(text: str, now: float) -> float | None:
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST)
    try:
        moment = parsedate_to_datetime(text)
        # Without a zone it is the old asctime form, which means UTC.
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None  # the parser fails in each of these ways on odd text
