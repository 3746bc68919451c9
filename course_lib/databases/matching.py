"""Which documents a query finds: paths, lists, missing fields and mixed types.

The rules, as in MongoDB's manual: a path goes through lists; a condition holds for a
list if it holds for the list or for one of its elements; a missing field counts as
null; values of different kinds are never equal, less or greater. An operator that
nobody knows is an error, because "no such condition" would match everything.

Source: MongoDB manual, "Query and Projection Operators" and "BSON comparison order".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = [
    "MISSING",
    "Matches",
    "UnknownOperator",
    "candidates",
    "choices",
    "equality",
    "order_key",
    "query",
    "values_at",
]

MISSING = object()
"""What a path finds where there is no field. Different from null only to `$exists`."""

Matches = Callable[[Mapping[str, Any]], bool]
_Test = Callable[[list[Any]], bool]


class UnknownOperator(ValueError):
    """A `$word` that this module does not know, or in a place where it cannot stand."""


def query(conditions: Mapping[str, Any]) -> Matches:
    """A function that says whether a document matches all conditions; {} matches all.

    Raises:
        UnknownOperator: as its name says, before any document is looked at.
        TypeError: an operator has an operand of the wrong kind.

    >>> in_stock = query({"stock.count": {"$gt": 0}, "tags": "tea"})
    >>> in_stock({"stock": {"count": 3}, "tags": ["green", "tea"]}), in_stock({"tags": "tea"})
    (True, False)
    """
    if not isinstance(conditions, Mapping):
        raise TypeError(f"a query is a dict of conditions, got {conditions!r}.")
    parts = [_condition(name, operand) for name, operand in conditions.items()]
    return lambda document: all(part(document) for part in parts)


def values_at(document: Any, path: str) -> list[Any]:
    """Every value that a dotted path leads to; `[MISSING]` where a field is missing.

    A number in the path is a position in a list. Other names go into each document
    of a list. Elements that are no documents, and positions behind the end, give nothing.

    >>> values_at({"lines": [{"sku": "a"}, {"sku": "b"}, 7]}, "lines.sku")
    ['a', 'b']
    """
    return list(_walk(document, path.split(".")))


def candidates(values: list[Any]) -> Iterator[Any]:
    """What a condition may hold for: each value, and the elements of those that are lists."""
    for value in values:
        yield value
        if isinstance(value, list):
            yield from value


def order_key(value: Any) -> tuple[Any, ...]:
    """A key that sorts any two values and is equal for equal ones: null, numbers, text,
    documents, lists, booleans. The order of the fields of a document does not count.

    Raises:
        TypeError: the value is of no kind that a document can hold.
        ValueError: it is NaN, which is equal to nothing and has no place in an order.
    """
    if value is None or value is MISSING:
        return (0,)
    if isinstance(value, bool):  # before numbers: to Python, True is 1
        return (5, value)
    if isinstance(value, int | float):
        if value != value:
            raise ValueError("a document cannot hold NaN: use None for 'not known'.")
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    if isinstance(value, Mapping):
        return (3, tuple(sorted((name, order_key(inner)) for name, inner in value.items())))
    if isinstance(value, list):
        return (4, tuple(order_key(inner) for inner in value))
    raise TypeError(f"a document cannot hold a {type(value).__name__}: {value!r}.")


def equality(operand: Any) -> Any:
    """The value that must be at the path, if the condition names one; else MISSING."""
    return operand.get("$eq", MISSING) if _has_operators(operand) else operand


def choices(operand: Any) -> list[Any] | None:
    """The values of which one must be at the path, if the condition names them; else None."""
    value = equality(operand)
    if value is not MISSING:
        return [value]
    return _list_for("$in", operand["$in"]) if "$in" in operand else None


def _walk(value: Any, names: list[str]) -> Iterator[Any]:
    if not names:
        yield value
    elif isinstance(value, list):
        yield from _walk_list(value, names)
    elif isinstance(value, Mapping) and names[0] in value:
        yield from _walk(value[names[0]], names[1:])
    else:
        yield MISSING


def _walk_list(elements: list[Any], names: list[str]) -> Iterator[Any]:
    if names[0].isdecimal():
        position = int(names[0])
        found = elements[position : position + 1]
        yield from (inner for element in found for inner in _walk(element, names[1:]))
    else:
        documents = [element for element in elements if isinstance(element, Mapping)]
        yield from (inner for document in documents for inner in _walk(document, names))


def _condition(name: str, operand: Any) -> Matches:
    if name in ("$and", "$or"):
        parts = [query(part) for part in _list_for(name, operand)]
        if not parts:
            raise TypeError(f"{name} needs at least one query.")
        combine = all if name == "$and" else any
        return lambda document: combine(part(document) for part in parts)
    if not isinstance(name, str) or name.startswith("$"):
        raise UnknownOperator(f"{name!r} cannot stand here: use $and, $or or the path of a field.")
    test = _test(operand)
    return lambda document: test(values_at(document, name))


def _test(operand: Any) -> _Test:
    """The test of the values at a path: operators, or a value to be equal to."""
    if not _has_operators(operand):
        return _equal(operand)
    tests = [_operator(word)(value) for word, value in operand.items()]
    return lambda values: all(test(values) for test in tests)


def _has_operators(operand: Any) -> bool:
    """One name with a dollar makes all of them operators, so a mixture is an error."""
    return isinstance(operand, Mapping) and any(str(name).startswith("$") for name in operand)


def _operator(word: str) -> Callable[[Any], _Test]:
    if word not in _OPERATORS:
        raise UnknownOperator(f"unknown operator {word!r}: use one of {', '.join(_OPERATORS)}.")
    return _OPERATORS[word]


def _equal(operand: Any) -> _Test:
    return _in([operand])


def _in(operand: Any) -> _Test:
    wanted = {order_key(value) for value in _list_for("$in", operand)}
    return lambda values: any(order_key(value) in wanted for value in candidates(values))


def _not(test: _Test) -> _Test:
    return lambda values: not test(values)


def _compare(holds: Callable[[Any, Any], bool]) -> Callable[[Any], _Test]:
    def with_operand(operand: Any) -> _Test:
        limit = order_key(operand)

        def test(values: list[Any]) -> bool:
            keys = (order_key(value) for value in candidates(values))
            return any(key[0] == limit[0] and holds(key, limit) for key in keys)

        return test

    return with_operand


def _exists(operand: Any) -> _Test:
    if not isinstance(operand, bool):
        raise TypeError(f"$exists needs true or false, got {operand!r}.")
    return lambda values: any(value is not MISSING for value in values) is operand


def _list_for(word: str, operand: Any) -> list[Any]:
    if not isinstance(operand, list):
        raise TypeError(f"{word} needs a list, got {operand!r}.")
    return operand


_OPERATORS: dict[str, Callable[[Any], _Test]] = {
    "$eq": _equal,
    "$ne": lambda operand: _not(_equal(operand)),
    "$gt": _compare(lambda key, limit: key > limit),
    "$gte": _compare(lambda key, limit: key >= limit),
    "$lt": _compare(lambda key, limit: key < limit),
    "$lte": _compare(lambda key, limit: key <= limit),
    "$in": _in,
    "$nin": lambda operand: _not(_in(operand)),
    "$exists": _exists,
}
