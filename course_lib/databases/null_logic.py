"""Three-valued logic: True, False and None for "nobody knows".

The rule: NULL is not a value but the lack of one, so a comparison with it is neither
true nor false. `WHERE` keeps only what is true; `CHECK` refuses only what is false.
That is why `x NOT IN (1, NULL)` finds nothing: it may be the unknown one.

Source: ISO/IEC 9075-2 (SQL), 6.39 "<boolean value expression>" and 8 "Predicates".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    "Truth",
    "all_of",
    "any_of",
    "eq",
    "ge",
    "gt",
    "in_",
    "is_null",
    "le",
    "lt",
    "ne",
    "not_",
]

Truth = bool | None


def eq(left: Any, right: Any) -> Truth:
    """`left = right`; unknown if one of them is.

    >>> eq(1, 1), eq(1, 2), eq(None, None)
    (True, False, None)
    """
    return None if left is None or right is None else bool(left == right)


def ne(left: Any, right: Any) -> Truth:
    """`left <> right`."""
    return not_(eq(left, right))


def lt(left: Any, right: Any) -> Truth:
    """`left < right`."""
    return None if left is None or right is None else bool(left < right)


def gt(left: Any, right: Any) -> Truth:
    """`left > right`."""
    return lt(right, left)


def le(left: Any, right: Any) -> Truth:
    """`left <= right`."""
    return not_(lt(right, left))


def ge(left: Any, right: Any) -> Truth:
    """`left >= right`."""
    return not_(lt(left, right))


def is_null(value: Any) -> bool:
    """`value IS NULL`: the one question about NULL that has an answer."""
    return value is None


def not_(truth: Truth) -> Truth:
    """`NOT truth`; what nobody knows stays unknown."""
    return None if truth is None else not truth


def all_of(*truths: Truth) -> Truth:
    """`AND`: one false decides; otherwise one unknown makes the result unknown.

    >>> all_of(True, None), all_of(False, None)
    (None, False)
    """
    if any(truth is False for truth in truths):
        return False
    return None if any(truth is None for truth in truths) else True


def any_of(*truths: Truth) -> Truth:
    """`OR`: one true decides; otherwise one unknown makes the result unknown."""
    return not_(all_of(*(not_(truth) for truth in truths)))


def in_(value: Any, values: Iterable[Any]) -> Truth:
    """`value IN (...)`: equal to one of them.

    >>> in_(1, [1, None]), in_(2, [1, None]), in_(None, [])
    (True, None, False)
    """
    return any_of(*(eq(value, other) for other in values))
