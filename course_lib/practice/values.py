"""Plain values: what a scenario may return, compared and shown without running foreign code.

Only exact built-in types are compared, so an object that claims to be equal to
everything gains nothing. What holds the same in another class counts as the same: a named
tuple, an OrderedDict, a number or an array of numpy. It is read with the built-in type's own
methods, so what its class says of itself does not matter. Anything else becomes a `Foreign`,
equal to nothing.
"""

from __future__ import annotations

import math
import re
import reprlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Difference", "Foreign", "difference", "foreign_in", "plain", "same", "show", "text_of"]

DEPTH = 30
NODES = 20_000
INT_BITS = 4_096

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LEAVES = (type(None), bool, float, str, bytes)
_EXACT = (*_LEAVES, int, list, tuple, set, dict)


@dataclass(frozen=True, eq=False)
class Foreign:
    """Stands for something that is not a plain value; `text` says what it was."""

    text: str


class Difference(NamedTuple):
    """The first place where two values differ; `where` is empty for the whole value."""

    where: str
    expected: object
    got: object


MISSING = Foreign("nothing")


def plain(value: object) -> object:
    """A copy of `value` made of exact built-in types, with `Foreign` for the rest.

    Values nested deeper than 30 levels, and what comes after 20,000 items, are
    foreign too. May call the repr of foreign objects: run it under a time limit.
    """
    left = NODES

    def copy(value: object, depth: int) -> object:
        nonlocal left
        left -= 1
        value = _built_in(value)
        kind = type(value)
        if kind in _LEAVES:
            return value
        if left < 0 or depth > DEPTH:
            return Foreign("more than a check compares")
        if kind is int:
            return _int(value)
        if kind in (list, tuple, set):
            item_of = key if kind is set else copy
            items = [item_of(item, depth + 1) for item in value]  # type: ignore[attr-defined]
            return items if kind is list else kind(items)
        if kind is dict:
            pairs = value.items()  # type: ignore[attr-defined]
            return {key(k, depth + 1): copy(v, depth + 1) for k, v in pairs}
        return Foreign(_describe(value))

    def key(value: object, depth: int) -> object:
        copied = copy(value, depth)
        try:
            hash(copied)
        except TypeError:
            return Foreign(_describe(value))  # such as a frozenset, whose copy is a set
        return copied

    return copy(value, 0)


_READ: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
    (bytes, bytes.__bytes__),
    (list, lambda value: [*list.__iter__(value)]),
    (tuple, lambda value: (*tuple.__iter__(value),)),
    (set, lambda value: {*set.__iter__(value)}),
    (frozenset, lambda value: {*frozenset.__iter__(value)}),
    (dict, lambda value: dict(dict.items(value))),
)
"""How what another class holds is read, by the built-in type that it is made from."""


def _built_in(value: object) -> object:
    """What the value holds as an exact built-in type; the value itself where there is none."""
    kind = type(value)
    if kind in _EXACT:
        return value
    ways = (*_READ, *_numpy_ways())
    for base in type.__dict__["__mro__"].__get__(kind):
        for known, read in ways:
            if base is known:
                return read(value)
    return value


def _numpy_ways() -> tuple[tuple[type, Callable[[Any], object]], ...]:
    """The same for numbers and arrays of numpy, if anybody has imported it."""
    numpy: Any = sys.modules.get("numpy")
    if not hasattr(numpy, "ndarray"):
        return ()
    return (numpy.generic, numpy.generic.item), (numpy.ndarray, numpy.ndarray.tolist)


def _int(value: object) -> object:
    assert isinstance(value, int)
    bits = value.bit_length()
    return value if bits <= INT_BITS else Foreign(f"an integer of {bits} bits")


def _describe(value: object) -> str:
    kind = type_name(value)
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - any error of a foreign repr means the same
        return f"an object of type {kind} whose repr fails"
    if type(text) is not str:
        return f"an object of type {kind}"
    return f"{_ADDRESS.sub('', text[:200])} (type {kind})"


def type_name(value: object) -> str:
    """The name of the type, not asking a metaclass that could answer anything."""
    return str(type.__dict__["__name__"].__get__(type(value)))


def text_of(error: BaseException) -> str:
    """`ValueError: what it says` on one line; safe for errors whose `str` fails."""
    try:
        words = str(error)
        text = words if type(words) is str else ""
    except Exception:  # noqa: BLE001 - any error of a foreign str means the same
        text = "(its text cannot be shown)"
    text = _ADDRESS.sub("", " ".join(text[:500].split()))
    return f"{type_name(error)}: {text}" if text else type_name(error)


def foreign_in(value: object) -> Foreign | None:
    """The first `Foreign` in a plain value, if there is one."""
    if isinstance(value, Foreign):
        return value
    parts: list[object] = []
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set):
        parts = [*value]
    return next((found for part in parts if (found := foreign_in(part))), None)


def same(expected: object, got: object) -> bool:
    """Equal values of equal types; NaN equals NaN; floats to nine digits."""
    if type(expected) is not type(got):
        return False
    if isinstance(expected, float) and isinstance(got, float):
        both_nan = math.isnan(expected) and math.isnan(got)
        return both_nan or math.isclose(expected, got, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        return len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        return _typed(expected) == _typed(got) and all(same(v, got[k]) for k, v in expected.items())
    if isinstance(expected, set) and isinstance(got, set) and _typed(expected) != _typed(got):
        return sorted(map(repr, expected)) == sorted(map(repr, got))  # a NaN equals no other NaN
    return expected == got


def _typed(keys: Iterable[object]) -> set[tuple[type, object]]:
    """True as a key is not 1."""
    return {(type(key), key) for key in keys}


def difference(expected: object, got: object) -> Difference | None:
    """Where `got` first differs, or None. Looks into dicts and long lists."""
    if same(expected, got):
        return None
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in [*expected, *(key for key in got if key not in expected)]:
            left, right = expected.get(key, MISSING), got.get(key, MISSING)
            if not same(left, right):
                return Difference(show(key), left, right)
    if isinstance(expected, list) and isinstance(got, list) and len(repr(expected)) > 60:
        for number, (left, right) in enumerate(zip(expected, got, strict=False)):
            if not same(left, right):
                return Difference(f"item {number}", left, right)
    return Difference("", expected, got)


class _Shown(reprlib.Repr):
    """repr with bounds on everything."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 12
        self.maxlevel = 4
        self.maxstring = self.maxother = self.maxlong = 90

    def repr_Foreign(self, value: Foreign, _level: int) -> str:
        return value.text

    def repr_bytes(self, value: bytes, _level: int) -> str:
        return repr(value) if len(value) <= 60 else f"{value[:60]!r}... ({len(value)} bytes)"


_SHOWN = _Shown()


def show(value: object, *, most: int = 120) -> str:
    """A plain value as text of at most `most` characters, on one line."""
    return clip(_SHOWN.repr(value), most)


def clip(text: str, most: int) -> str:
    """`text`, cut with "..." when it is longer than `most` characters.

    Half of a surrogate pair becomes "?", as no terminal can print it.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= most else text[: max(most - 3, 0)] + "..."
