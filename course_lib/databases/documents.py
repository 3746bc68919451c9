"""A collection of documents: store, find, change and delete JSON-like objects.

The rules: nothing is shared with the caller, copies go in and come out; every call
happens completely or not at all; a unique index holds for all threads, because check
and change happen under one lock.

Documents hold null, booleans, numbers, text, lists and documents, and have an `_id`
that never changes. How queries match is in `matching`, what updates do in `updating`.
Source: MongoDB manual, "MongoDB CRUD Operations".
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, ClassVar

from course_lib.databases.document_values import checked, copied
from course_lib.databases.field_index import DuplicateKey, FieldIndex
from course_lib.databases.matching import (
    MISSING,
    Matches,
    UnknownOperator,
    equality,
    order_key,
    query,
    values_at,
)
from course_lib.databases.updating import InvalidUpdate, Update, update

__all__ = ["Collection", "DuplicateKey", "InvalidUpdate", "UnknownOperator"]

Document = dict[str, Any]


class Collection:
    """Documents by `_id`. Every method may be called from several threads.

    Args:
        new_id: makes the `_id` of a document that comes without one.

    >>> products = Collection(new_id=iter(("p1", "p2")).__next__)
    >>> products.insert_many([{"name": "tea", "price": 4}, {"name": "cup", "price": 9}])
    ['p1', 'p2']
    >>> products.find({"price": {"$lt": 5}})
    [{'_id': 'p1', 'name': 'tea', 'price': 4}]
    """

    production_gap: ClassVar[tuple[str, ...]] = (
        "Everything is in memory: nothing survives the end of the process.",
        "Indexes answer $eq and $in only; real ones are sorted and answer ranges and sorts too.",
        "One lock for the whole collection: readers wait for writers.",
        "A list is sorted as a whole; MongoDB sorts by its smallest or largest element.",
        "The order of fields does not count; in MongoDB {a, b} and {b, a} differ.",
        "No dates, decimals or bytes, no $not, $elemMatch or $regex, no aggregation.",
    )

    def __init__(self, *, new_id: Callable[[], Any] = lambda: uuid.uuid4().hex) -> None:
        self._new_id = new_id
        self._lock = threading.RLock()
        self._documents: dict[int, Document] = {}  # by number of insertion
        self._next = 0
        self._indexes = {"_id": FieldIndex("_id", unique=True)}
        self.examined = 0
        """How many documents have been tested against a query so far."""

    def insert_one(self, document: Mapping[str, Any]) -> Any:
        """Store a copy; its `_id`. The document of the caller stays as it is.

        Raises:
            DuplicateKey: a unique index has one of its values already.
            TypeError, ValueError: it holds what a document cannot hold.
        """
        return self.insert_many([document])[0]

    def insert_many(self, documents: Iterable[Mapping[str, Any]]) -> list[Any]:
        """Store all or none of them; their `_id`s in the same order. Raises as `insert_one`."""
        copies = [self._with_id(checked(document)) for document in documents]
        with self._lock:
            numbered = dict(enumerate(copies, start=self._next))
            self._replace({}, numbered)
            self._next += len(copies)
        return [copied(copy["_id"]) for copy in copies]

    def find(
        self,
        conditions: Mapping[str, Any] | None = None,
        *,
        sort: Sequence[tuple[str, int]] = (),
        skip: int = 0,
        limit: int | None = None,
        projection: Sequence[str] | None = None,
    ) -> list[Document]:
        """Copies of the documents that match, in order of insertion if not sorted.

        Args:
            sort: (path, 1 or -1) pairs, the most important first; see `order_key`.
                Equal documents keep their order of insertion in both directions.
            skip: how many to leave out, after sorting.
            limit: the most to give back, after sorting and skipping; None: all.
            projection: the paths to keep, besides `_id`; None: everything.

        Raises:
            ValueError: an unknown operator or direction, or a negative number.
        """
        matches = query(conditions or {})
        _check_page(sort, skip, limit)
        with self._lock:
            found = [self._documents[number] for number in self._matching(conditions, matches)]
            for path, direction in reversed(sort):
                found.sort(key=_sort_key(path, direction), reverse=direction == -1)
            end = None if limit is None else skip + limit
            return [_projected(document, projection) for document in found[skip:end]]

    def update(
        self,
        conditions: Mapping[str, Any],
        operators: Mapping[str, Any],
        *,
        many: bool = False,
        upsert: bool = False,
    ) -> int:
        """Change the first match, or with `many` every match; how many matched.

        Args:
            upsert: if nothing matches, insert what the equalities in `conditions` say,
                changed by the operators. The result is 0 then too.

        Raises:
            UnknownOperator, InvalidUpdate: see `updating.update`; also for a change of `_id`.
            DuplicateKey: a unique index forbids the result. Nothing is changed.
        """
        matches, change = query(conditions), update(operators)
        with self._lock:
            numbers = self._matching(conditions, matches, most=None if many else 1)
            old = {number: self._documents[number] for number in numbers}
            new = {number: _changed(document, change) for number, document in old.items()}
            self._replace(old, new)
            if upsert and not numbers:
                equalities = dict(_equalities(conditions))
                self.insert_one(_changed(update({"$set": equalities})({}), change))
            return len(numbers)

    def delete(self, conditions: Mapping[str, Any]) -> int:
        """Delete every match; how many. `{}` deletes everything, and has to be written out."""
        matches = query(conditions)
        with self._lock:
            numbers = self._matching(conditions, matches)
            self._replace({number: self._documents[number] for number in numbers}, {})
            return len(numbers)

    def create_index(self, field: str, *, unique: bool = False) -> None:
        """Let `$eq` and `$in` on this path find documents without testing all of them.

        Raises:
            DuplicateKey: `unique`, and two documents have the same value; a missing
                field counts as null. There is no new index then.
            ValueError: there is an index on this path already, of the other kind.
        """
        with self._lock:
            existing = self._indexes.get(field)
            if existing is not None:
                if unique and not existing.unique:
                    raise ValueError(f"the index on {field!r} is not unique: it stays as it is.")
                return
            index = FieldIndex(field, unique=unique)
            index.replace({}, self._documents)
            self._indexes[field] = index

    def __len__(self) -> int:
        with self._lock:
            return len(self._documents)

    def __repr__(self) -> str:
        return f"Collection({len(self)} documents, indexes on {', '.join(self._indexes)})"

    def _with_id(self, copy: Document) -> Document:
        if "_id" not in copy:
            copy = {"_id": self._new_id(), **copy}
        if isinstance(copy["_id"], list):
            raise TypeError("an _id cannot be a list: it would be one key per element.")
        return copy

    def _matching(
        self, conditions: Mapping[str, Any] | None, matches: Matches, *, most: int | None = None
    ) -> list[int]:
        """The numbers of the first `most` matches, in order of insertion."""
        numbers = []
        for number in self._to_examine(conditions or {}):
            self.examined += 1
            if matches(self._documents[number]):
                numbers.append(number)
                if len(numbers) == most:
                    break
        return numbers

    def _to_examine(self, conditions: Mapping[str, Any]) -> list[int]:
        """The fewest documents that one index can promise, or all of them."""
        fewest: Set[int] = self._documents.keys()
        for path, operand in conditions.items():
            found = self._indexes[path].find(operand) if path in self._indexes else None
            if found is not None and len(found) < len(fewest):
                fewest = found
        return sorted(fewest)

    def _replace(self, old: dict[int, Document], new: dict[int, Document]) -> None:
        """Take the old documents out and put the new ones in, in every index or in none."""
        done: list[FieldIndex] = []
        try:
            for index in self._indexes.values():
                index.replace(old, new)
                done.append(index)
        except DuplicateKey:
            for index in done:
                index.replace(new, old)
            raise
        for number in old.keys() - new.keys():
            del self._documents[number]
        self._documents.update(new)


def _changed(old: Document, change: Update) -> Document:
    new: Document = checked(change(old))
    if "_id" in old and ("_id" not in new or order_key(new["_id"]) != order_key(old["_id"])):
        raise InvalidUpdate("the _id of a document cannot be changed: insert a new one.")
    return new


def _equalities(conditions: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the new document of an upsert must have: (path, value) pairs."""
    for name, operand in conditions.items():
        if name == "$and":
            for part in operand:
                yield from _equalities(part)
        elif name != "$or":
            value = equality(operand)
            if value is not MISSING:
                yield name, value


def _check_page(sort: Sequence[tuple[str, int]], skip: int, limit: int | None) -> None:
    for path, direction in sort:
        if direction not in (1, -1):
            raise ValueError(f"sort {path!r} by 1 (up) or -1 (down), got {direction!r}.")
    if skip < 0 or (limit is not None and limit < 0):
        raise ValueError(f"skip and limit cannot be negative, got {skip} and {limit}.")


def _sort_key(path: str, direction: int) -> Callable[[Document], tuple[Any, ...]]:
    """The value at the path; of several, the one that would come first."""
    pick = min if direction == 1 else max

    def key(document: Document) -> tuple[Any, ...]:
        return pick(map(order_key, values_at(document, path)), default=order_key(MISSING))

    return key


def _projected(document: Document, paths: Sequence[str] | None) -> Document:
    if paths is not None:
        document = _kept(document, [path.split(".") for path in ("_id", *paths)])
    copy: Document = copied(document)
    return copy


def _kept(value: Any, paths: list[list[str]]) -> Any:
    """Only what the paths lead to; all of it where a path ends."""
    if [] in paths:
        return value
    if isinstance(value, list):
        return [_kept(element, paths) for element in value if isinstance(element, Mapping | list)]
    below = {name: [path[1:] for path in paths if path[0] == name] for name in value}
    return {
        name: _kept(value[name], rest)
        for name, rest in below.items()
        if [] in rest or (rest and isinstance(value[name], Mapping | list))
    }
