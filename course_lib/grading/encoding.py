"""How a value crosses from a learner's process: JSON that says the type of everything.

Only the exact built-in types of `practice.values.plain` cross, so no code of the
sender's runs here. Whatever else arrives, in any size or depth, is `Malformed`.

| value | as |
| --- | --- |
| None, bool, str | itself; lone surrogates as \\u escapes |
| list | array |
| int | {"int": hexadecimal} |
| float | {"float": float.hex}, so nan, inf and -0.0 too |
| bytes | {"bytes": hexadecimal} |
| tuple, set | {"tuple": [...]}, {"set": [...]} in the order of their encodings |
| dict | {"dict": [[key, value], ...]} in its order |
| Foreign | {"foreign": text} |
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, NoReturn

from course_lib.practice.values import DEPTH, INT_BITS, Foreign

__all__ = ["MOST_BYTES", "Malformed", "decode", "encode", "without_controls"]

MOST_BYTES = 4 * 2**20
"""Of one encoded value."""

MOST_NODES = 50_000

MOST_OF_ONE_HASH = 100
"""Keys of one dict or set. Python's integers have few hashes for who chooses them well."""


_CONTROLS = {*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_CONTROLS -= {*map(ord, "\t\n\r")}
_SHOWN = dict.fromkeys(_CONTROLS, "?")


def without_controls(text: str) -> str:
    """The text without what no page may hold, or what turns the words after it round."""
    return text.translate(_SHOWN)


class Malformed(ValueError):
    """These bytes are no encoded value."""


def encode(value: object) -> bytes:
    """The bytes of a plain value.

    Raises:
        TypeError: there is something in it that is not plain.

    >>> encode([1, "a", None])
    b'[{"int":"0x1"},"a",null]'
    """
    return _dumps(_tagged(value)).encode("ascii")


def _dumps(tagged: object) -> str:
    return json.dumps(tagged, ensure_ascii=True, separators=(",", ":"))


def _tagged(value: object) -> object:
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int:
        return {"int": hex(value)}
    if type(value) is float:
        return {"float": value.hex()}
    if type(value) is bytes:
        return {"bytes": value.hex()}
    if type(value) is list:
        return [_tagged(item) for item in value]
    if type(value) is tuple:
        return {"tuple": [_tagged(item) for item in value]}
    if type(value) is set:
        return {"set": sorted((_tagged(item) for item in value), key=_dumps)}
    if type(value) is dict:
        return {"dict": [[_tagged(key), _tagged(each)] for key, each in value.items()]}
    if isinstance(value, Foreign):
        return {"foreign": value.text}
    raise TypeError(f"{type(value).__name__} is not plain")


def decode(data: bytes, *, most: int = MOST_BYTES) -> object:
    """The value that `encode` was given. The bytes may come from anybody.

    Raises:
        Malformed: they are something else, or too many.

    >>> decode(encode({(1, b"x"): float("inf")}))
    {(1, b'x'): inf}
    """
    if len(data) > most:
        raise Malformed(f"{len(data):,} bytes, more than {most:,}")
    try:
        tagged = json.loads(
            data.decode("ascii"),
            parse_int=_refuse,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
        return _Decoder().value(tagged, 0)
    except (ValueError, TypeError, RecursionError) as error:
        raise Malformed(f"not an encoded value ({type(error).__name__})") from error


def _refuse(text: str) -> NoReturn:
    raise Malformed("a bare number")


class _Decoder:
    """Counts what it has built: the limit holds for the whole value."""

    def __init__(self) -> None:
        self._left = MOST_NODES

    def value(self, tagged: object, depth: int) -> object:
        self._left -= 1
        if self._left < 0 or depth > DEPTH + 4:
            raise Malformed("too many values, or too deep")
        if tagged is None or isinstance(tagged, bool | str):
            return tagged
        if isinstance(tagged, list):
            return [self.value(item, depth + 1) for item in tagged]
        if not isinstance(tagged, dict) or len(tagged) != 1:
            raise Malformed("no such tag")
        [(tag, content)] = tagged.items()
        if tag in _COLLECTIONS and isinstance(content, list):
            return self._collection(tag, content, depth)
        if tag in _SCALARS and isinstance(content, str):
            return _SCALARS[tag](content)
        raise Malformed("no such tag")

    def _collection(self, tag: str, content: list[Any], depth: int) -> object:
        if tag != "dict":
            items = [self.value(item, depth + 1) for item in content]
            return tuple(items) if tag == "tuple" else set(_unlike(items))
        pairs = [(self.value(key, depth + 1), self.value(v, depth + 1)) for key, v in content]
        _unlike([key for key, _ in pairs])
        return dict(pairs)


def _unlike(keys: list[Hashable]) -> list[Hashable]:
    """The keys. Raises Malformed: many share one hash, so that a table of them takes hours."""
    counts = Counter(map(hash, keys))
    if counts and max(counts.values()) > MOST_OF_ONE_HASH:
        raise Malformed("too many values that share one hash")
    return keys


def _integer(text: str) -> int:
    if len(text) > INT_BITS // 4 + 3:
        raise Malformed("an integer that is too large")
    return int(text, 16)


_COLLECTIONS = frozenset({"tuple", "set", "dict"})
_SCALARS: dict[str, Callable[[str], object]] = {
    "int": _integer,
    "float": float.fromhex,
    "bytes": bytes.fromhex,
    "foreign": lambda text: Foreign(without_controls(text)),
}
