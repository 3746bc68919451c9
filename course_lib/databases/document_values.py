"""What a document can hold: null, booleans, numbers, text, lists and documents.

The rule: check and copy at the border. What is inside can then be compared, sorted and
changed without surprises, and nobody outside holds a reference to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["MAX_DEPTH", "checked", "copied"]

MAX_DEPTH = 100
"""How deeply documents and lists may be nested, as in MongoDB."""


def copied(value: Any) -> Any:
    """A copy that shares no document and no list with the value."""
    if isinstance(value, Mapping):
        return {name: copied(inner) for name, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


def checked(value: Any, *, depth: int = 0) -> Any:
    """A copy, if the value can be stored.

    Raises:
        TypeError: something in it is no JSON value, or a field name is no text.
        ValueError: NaN, a field name that a path could not reach, or nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"a document may be nested {MAX_DEPTH} levels deep at most.")
    if isinstance(value, Mapping):
        return {_name(name): checked(inner, depth=depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [checked(inner, depth=depth + 1) for inner in value]
    if value is not None and not isinstance(value, bool | int | float | str):
        raise TypeError(f"a document cannot hold a {type(value).__name__}: {value!r}.")
    if value != value:
        raise ValueError("a document cannot hold NaN: use None for 'not known'.")
    return value


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name of a field is a text, got {name!r}.")
    if not name or "." in name or name.startswith("$"):
        raise ValueError(f"a field cannot be called {name!r}: no dots and no dollar in front.")
    return name
