"""Changing a document by operators: `$set`, `$unset`, `$inc`, `$push`, `$pull`.

The rule: all or nothing. The operators work on a copy, and the copy is used only if
every one of them has succeeded. Without operators an update is an error: a document
in that place would silently replace everything else.

Source: MongoDB manual, "Update Operators".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from course_lib.databases.document_values import copied
from course_lib.databases.matching import MISSING, UnknownOperator, order_key, query

__all__ = ["InvalidUpdate", "Update", "update"]

MAX_LENGTH = 1_000_000
"""The longest list that `$set` may make by filling it with null."""

Update = Callable[[Mapping[str, Any]], dict[str, Any]]
_Change = Callable[[Any, Any], Any]
"""(the value that is there or MISSING, the operand) -> the value that should be there."""


class InvalidUpdate(ValueError):
    """The operators are right, but not for this document."""


def update(operators: Mapping[str, Any]) -> Update:
    """A function that gives back a changed copy; nested documents and lists are copied too.

    Args:
        operators: operator -> {path: operand}, e.g. {"$inc": {"stock.count": -1}}.
            A path may end in a position of a list.

    Raises:
        UnknownOperator: no operator, or one that nobody knows.
        InvalidUpdate: two operators change the same place. The function raises it
            if an operand does not fit what is there, e.g. `$inc` of a text.

    >>> sell = update({"$inc": {"count": -1}, "$push": {"buyers": "Ada"}})
    >>> sell({"name": "tea", "count": 3})
    {'name': 'tea', 'count': 2, 'buyers': ['Ada']}
    """
    steps = list(_steps(operators))
    _refuse_overlaps([path for _, path, _ in steps])

    def change(document: Mapping[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = copied(document)
        for word, path, operand in steps:
            _apply(changed, path.split("."), _CHANGES[word], copied(operand), path)
        return changed

    return change


def _steps(operators: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    if not isinstance(operators, Mapping) or not operators:
        raise UnknownOperator(
            f"an update needs operators, e.g. {{'$set': ...}}, got {operators!r}."
        )
    for word, places in operators.items():
        if word not in _CHANGES:
            known = ", ".join(_CHANGES)
            raise UnknownOperator(f"unknown update operator {word!r}: use one of {known}.")
        if not isinstance(places, Mapping):
            raise InvalidUpdate(f"{word} needs a dict of path and value, got {places!r}.")
        for path, operand in places.items():
            yield word, path, operand


def _refuse_overlaps(paths: list[str]) -> None:
    ordered = sorted(path.split(".") for path in paths)
    for first, second in pairwise(ordered):
        if second[: len(first)] == first:
            raise InvalidUpdate(
                f"{'.'.join(first)!r} and {'.'.join(second)!r} overlap: use two updates."
            )


def _apply(place: Any, names: list[str], change: _Change, operand: Any, path: str) -> None:
    """Go down the path, making documents on the way, and change what is at its end."""
    name, rest = names[0], names[1:]
    old = _get(place, name, path)
    if rest:
        new = {} if old is MISSING and change is not _unset and change is not _pull else old
        if new is MISSING:
            return
        _apply(new, rest, change, operand, path)
    else:
        new = change(old, operand)
    if new is not old:
        _put(place, name, new)


def _get(place: Any, name: str, path: str) -> Any:
    if isinstance(place, dict):
        return place.get(name, MISSING)
    if isinstance(place, list) and name.isdecimal():
        position = int(name)
        if position >= MAX_LENGTH:
            raise InvalidUpdate(f"{path!r}: a list may have {MAX_LENGTH} elements at most.")
        return place[position] if position < len(place) else MISSING
    kind = "a list, which needs a position" if isinstance(place, list) else f"{place!r}"
    raise InvalidUpdate(f"{path!r} leads through {kind}; there is no field {name!r} in it.")


def _put(place: Any, name: str, new: Any) -> None:
    if isinstance(place, list):
        position = int(name)
        place.extend([None] * (position + 1 - len(place)))
        place[position] = None if new is MISSING else new
    elif new is MISSING:
        del place[name]
    else:
        place[name] = new


def _set(old: Any, operand: Any) -> Any:
    return operand


def _unset(old: Any, operand: Any) -> Any:
    return MISSING


def _inc(old: Any, operand: Any) -> Any:
    if not _is_number(operand):
        raise InvalidUpdate(f"$inc needs a number, got {operand!r}.")
    if old is MISSING:
        return operand
    if not _is_number(old):
        raise InvalidUpdate(f"$inc needs a number to add to, found {old!r}.")
    return old + operand


def _push(old: Any, operand: Any) -> Any:
    return [*_list(old, "$push"), operand]


def _pull(old: Any, operand: Any) -> Any:
    """Without the elements that are equal, or that fulfil the conditions, if it is a dict."""
    if old is MISSING:
        return MISSING
    unwanted = _unwanted(operand)
    return [element for element in _list(old, "$pull") if not unwanted(element)]


def _unwanted(operand: Any) -> Callable[[Any], bool]:
    if not isinstance(operand, Mapping):
        return lambda element: order_key(element) == order_key(operand)
    if any(name.startswith("$") and name not in ("$and", "$or") for name in operand):
        matches = query({"element": operand})  # {"$lt": 3} is about the element itself
        return lambda element: matches({"element": element})
    matches = query(operand)
    return lambda element: isinstance(element, Mapping) and matches(element)


def _list(old: Any, word: str) -> list[Any]:
    if old is MISSING:
        return []
    if not isinstance(old, list):
        raise InvalidUpdate(f"{word} needs a list, found {old!r}.")
    return old


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CHANGES: dict[str, _Change] = {
    "$set": _set,
    "$unset": _unset,
    "$inc": _inc,
    "$push": _push,
    "$pull": _pull,
}
