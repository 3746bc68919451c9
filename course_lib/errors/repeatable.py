"""May this HTTP request be sent again? Two questions, and both need a yes.

Can it help: is the cause one that passes? Does it harm: if the first request was
carried out and only its answer was lost, what does a second one do? A timeout does not
say that nothing happened.

Sources: RFC 9110, sections 9.2.2 (idempotent methods) and 15.6; RFC 6585, section 4;
RFC 8470, section 5.2 (425). The Idempotency-Key header: an IETF draft, and Stripe's API.
"""

from __future__ import annotations

__all__ = ["IDEMPOTENT_METHODS", "NOT_PROCESSED", "TRANSIENT_STATUSES", "may_repeat"]

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Twice has the same effect as once."""

NOT_PROCESSED = frozenset({425, 429})
"""Refused at the door, before any work."""

TRANSIENT_STATUSES = NOT_PROCESSED | {408, 500, 502, 503, 504}
"""A later try may get another answer. Not 501: that method will not appear by waiting."""


def may_repeat(
    method: str, *, status: int | None = None, sent: bool = True, key: bool = False
) -> bool:
    """Whether this request, which failed, may be sent once more.

    Args:
        method: such as "POST".
        status: of the answer; None: there was none.
        sent: False when the connection was never made, so nothing can have happened.
        key: the request carries an idempotency key that the server honours.

    >>> may_repeat("GET", status=503), may_repeat("POST", status=503)
    (True, False)
    >>> may_repeat("POST", status=None, key=True)
    True
    """
    if status is not None and status not in TRANSIENT_STATUSES:
        return False
    harmless = method.upper() in IDEMPOTENT_METHODS or key
    return harmless or not sent or status in NOT_PROCESSED
