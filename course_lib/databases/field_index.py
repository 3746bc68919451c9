"""An index on one path of a document: which documents have this value?

The rule: an index holds one key for each thing that an equality could ask for: the
value, and each element if it is a list; null if the field is missing. So a lookup finds
exactly what a scan would find. If the index is unique, each key has one document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from course_lib.databases.matching import candidates, choices, order_key, values_at

__all__ = ["DuplicateKey", "FieldIndex"]

Keys = set[tuple[Any, ...]]


class DuplicateKey(Exception):
    """A unique index has this value already. Nothing was changed."""

    def __init__(self, path: str, value: Any) -> None:
        super().__init__(f"a document with {path} = {value!r} exists already.")
        self.path, self.value = path, value


class FieldIndex:
    """key -> numbers of documents. Not for several threads at once."""

    def __init__(self, path: str, *, unique: bool = False) -> None:
        self.path, self.unique = path, unique
        self._numbers: dict[tuple[Any, ...], set[int]] = {}

    def replace(self, old: Mapping[int, Any], new: Mapping[int, Any]) -> None:
        """Take the old documents out and put the new ones in; number -> document.

        Raises:
            DuplicateKey: two documents would have the same key. Nothing was changed.
        """
        self._remove(old)
        added: dict[int, Any] = {}
        for number, document in new.items():
            try:
                self._add(number, document)
            except DuplicateKey:
                self._remove(added)
                for earlier, before in old.items():
                    self._add(earlier, before)
                raise
            added[number] = document

    def find(self, operand: Any) -> set[int] | None:
        """The numbers of the documents that fulfil an equality or `$in`; None: ask a scan."""
        wanted = choices(operand)
        if wanted is None:
            return None
        return set().union(*(self._numbers.get(order_key(value), set()) for value in wanted))

    def _add(self, number: int, document: Any) -> None:
        values = {order_key(value): value for value in candidates(values_at(document, self.path))}
        if self.unique:
            for key, value in values.items():
                if self._numbers.get(key):
                    raise DuplicateKey(self.path, None if key == order_key(None) else value)
        for key in values:
            self._numbers.setdefault(key, set()).add(number)

    def _remove(self, documents: Mapping[int, Any]) -> None:
        for number, document in documents.items():
            for value in candidates(values_at(document, self.path)):
                key = order_key(value)
                numbers = self._numbers.get(key, set())
                numbers.discard(number)
                if not numbers:
                    self._numbers.pop(key, None)
