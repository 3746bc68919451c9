# %% [markdown] id="title"
# # A document store that keeps its word
#
# **Goal:** write a small store of documents with the queries and updates of MongoDB: never a
# half-done change, never a shared list. · **120 minutes** · needs: [Beyond
# tables](../../../notebooks/03_databases/6_beyond_tables.ipynb)
#
# **Not covered:** disks, dates, ranges by index, regular expressions, aggregation.

# %% [markdown] id="how"
# ## How to work
#
# There are five tasks. Each adds one thing, and you can check after each. The check stops at the
# first thing that is not right yet. It says what was done, what was expected and what came back.
#
# A **document** is a `dict` with text keys, its *fields*. A value in it is `None` (called *null*),
# a boolean, a number, a text, a list or a document. No key contains a dot or begins with `$`.
#
# Where the tasks say *refuse*, raise an exception of your choice. A refused call changes nothing.
#
# `get` and `put` are given below, for paths without lists. You may use them, or write your own.

# %% id="setup" tags=["setup"]
import copy
import itertools
import operator
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from course_lib.practice import check, hint, reset, solution

Document = dict[str, Any]
MISSING = object()


def get(value: Any, path: str) -> Any:
    """The value at the path, or MISSING. Does not look into lists."""
    for name in path.split("."):
        inside = isinstance(value, dict)
        value = value.get(name, MISSING) if inside else MISSING
    return value


def put(document: Document, path: str, value: Any) -> None:
    """Put the value at the path, through new documents. MISSING removes it."""
    *way, last = path.split(".")
    for name in way:
        document = document.setdefault(name, {})
        if not isinstance(document, dict):
            where = f"{path!r} leads through {document!r}"
            raise ValueError(f"{where}, which is no document.")
    if value is MISSING:
        del document[last]
    else:
        document[last] = value


# %% [markdown] id="task-1"
# ## Task 1: put in, get out
#
# - `insert_one(document)` and `insert_many(documents)` store documents. What they give back is
#   up to you; the `_id`s are a good choice.
# - `find({"city": "Oslo", "age": 30})` gives the documents in which each of these fields has the
#   value: a list, or anything else that `list()` accepts. `find({})` gives them all. The order is
#   up to you, as long as nobody asks for one.
# - Each document has an `_id`, a number or a text. If it comes without one, the store makes one
#   up. That never fails, also when many exist or some were deleted. A second document with the
#   same `_id` is refused.
# - Nothing is shared. The caller may change what was put in, and what came out, on every level:
#   the store does not change. Nor does the store change the caller's document. It gets no `_id`.
# - `insert_many` stores all of them or, if one is refused, none.

# %% [markdown] id="task-2"
# ## Task 2: ask
#
# A query says for paths what must hold there. All of it must hold.
#
# - The **operators** are `$eq $ne $gt $gte $lt $lte $in $nin $exists`, as in
#   `{"price": {"$gte": 5, "$lt": 9}}`. A value without an operator means `$eq`. A document without
#   operators is such a value: the field must equal all of it. `{}` is one, too.
# - `$and` and `$or` take a list of queries, and may be nested: `{"$or": [{...}, {...}]}`.
# - Every other word with a dollar is refused, and so is one of these in the wrong place. One
#   typing mistake in `delete` must not match everything.
# - **Kinds.** `$gt` and its friends compare numbers with numbers and text with text. Two kinds
#   never match, and never raise. `1` equals `1.0`, but not `True`.
# - **Missing** counts as null: `{"a": None}` finds both. So `$ne` and `$nin` find a missing field,
#   unless null is what they exclude. Only `$exists` tells the two apart: it takes a boolean.
# - **Paths.** `item.size` is the field `size` in the document in `item`. If `item` is a list, it
#   is that field in each document of the list. If it is anything else, the field is missing.
# - **Lists.** A condition holds for a list if it holds for the list itself or for one of its
#   elements. Each operator may choose another element. `$ne` and `$nin` are the opposites of
#   `$eq` and `$in`: no element may match.
# - A text is no list: `{"$in": "steamer"}` must not find `team`. Refusing it is best.
#
# These points are free:
#
# - positions like `lines.0`, and a list in a list;
# - documents in a list that lack the field, and an empty list in the middle of a path;
# - `$gt` and its friends when they are given null, a boolean, a list or a document.

# %% [markdown] id="task-3"
# ## Task 3: order and pages
#
# - `sort` is a list of `(path, 1)` for upwards or `(path, -1)` for downwards. The first pair
#   counts most.
# - Any two values have an order: null and missing, then numbers, text, documents and lists, and
#   at last booleans. Downwards it is the opposite. Among documents and lists, the order is free.
# - Equal ones stay in the order in which they were inserted, in both directions. An update does
#   not change that order.
# - First sort, then leave out `skip` documents, then take `limit`. `None` means all. A `limit` of
#   0 and negative numbers are free. Refusing them is kind: `-1` must not mean everything.
# - `projection` is a list of paths to keep. The `_id` is always kept, and missing stays missing.
#   `["item.size"]` gives `{"_id": 1, "item": {"size": 5}}`.
#
# Paths through lists are free here, in `sort` and in `projection`.

# %% [markdown] id="task-4"
# ## Task 4: change
#
# `update(query, ops)` changes one document that matches, and `many=True` all of them. It gives
# back how many matched. `delete(query)` deletes all that match. (Whether `delete({})` empties the
# store or is refused is free.)
#
# - `ops` is like `{"$set": {path: value}, "$inc": {path: 1}}`.
#   - `$set` makes the documents that are missing on its way.
#   - `$unset` removes the field, whatever the value.
#   - `$inc` adds; a missing field counts as 0.
#   - `$push` appends one element; a missing list is made.
#   - `$pull` removes all elements equal to a value.
#   - `$unset` and `$pull` leave a missing field missing.
# - Refused: any other word in `ops`, the name of a field too, `$inc` of a text or a list, and
#   `$push` onto something that is no list.
# - All or nothing: if one operator fails, or one of many documents, no document is changed.
# - No update changes an `_id`.
# - `upsert=True`: if nothing matches, insert a document made of what the query says to be equal,
#   plain or with `$eq`. Then `ops` change it. Other conditions add nothing.
#
# These points are free:
#
# - paths into a list, two operators on one path, and a `$set` through a number or a text;
# - `$and` and `$or` in an upsert, and what an upsert gives back when it inserts.

# %% [markdown] id="task-5"
# ## Task 5: indexes and threads
#
# - `collection.examined` counts how many documents have been tested against a query.
# - After `create_index("sku")`, the query `{"sku": 7}` tests only documents that have this value.
#   The field may be a path. Results are always the same as without the index.
# - With `unique=True` no two documents have the same value. Missing counts as null, so only one
#   document may lack the field.
# - What would break this is refused: an insert, an update, an upsert, and `create_index` itself.
#   Lists in a unique index are free. So is an update of many that breaks it only half-way.
# - All this holds when several threads call at the same moment. Each call is one step for all
#   others.


# %% id="store" tags=["solution"]
class Collection:
    """Documents, each with an `_id`. May be used by several threads.

    >>> products = Collection()
    >>> products.insert_many([{"_id": 1, "price": 4}, {"_id": 2, "price": 9}])
    [1, 2]
    >>> products.find({"price": {"$lt": 5}})
    [{'_id': 1, 'price': 4}]
    """

    def __init__(self) -> None:
        # TODO: decide what must be remembered (all tasks)
        ### BEGIN SOLUTION
        self.examined = 0
        self._lock = threading.RLock()  # guards all that follows
        self._numbers = itertools.count()
        self._documents: dict[int, Document] = {}  # by number, in the order of insertion
        self._indexes = {"_id": Index("_id", unique=True)}
        ### END SOLUTION

    def insert_one(self, document: Document) -> Any:
        """Store a copy; its `_id`. Refused if it or a unique value exists."""
        # TODO: task 1
        ### BEGIN SOLUTION
        return self.insert_many([document])[0]
        ### END SOLUTION

    def insert_many(self, documents: list[Document]) -> list[Any]:
        """Store copies of all of them, or of none; their `_id`s."""
        # TODO: task 1
        ### BEGIN SOLUTION
        copies = [{"_id": uuid.uuid4().hex, **copy.deepcopy(each)} for each in documents]
        with self._lock:
            self._store({next(self._numbers): each for each in copies})
        return [each["_id"] for each in copies]
        ### END SOLUTION

    def find(
        self,
        query: Document,
        sort: list[tuple[str, int]] | None = None,
        skip: int = 0,
        limit: int | None = None,
        projection: list[str] | None = None,
    ) -> list[Document]:
        """Copies of what matches: sorted, then skipped, then limited."""
        # TODO: tasks 1, 2, 3 and 5
        ### BEGIN SOLUTION
        with self._lock:
            found = [self._documents[number] for number in self._matching(query)]
            # The least important path first: a sort leaves equal ones as they were.
            for path, direction in reversed(sort or []):
                found.sort(key=lambda each: key(get(each, path)), reverse=direction == -1)
            end = None if limit is None else skip + limit
            return [projected(each, projection) for each in found[skip:end]]
        ### END SOLUTION

    def update(
        self,
        query: Document,
        ops: Document,
        many: bool = False,
        upsert: bool = False,
    ) -> int:
        """Change one match, or all; how many matched. All or nothing."""
        # TODO: tasks 4 and 5
        ### BEGIN SOLUTION
        with self._lock:
            numbers = self._matching(query)
            if not many:
                numbers = numbers[:1]
            self._store({number: changed(self._documents[number], ops) for number in numbers})
            if upsert and not numbers:
                self.insert_one(changed(equalities(query), ops))
            return len(numbers)
        ### END SOLUTION

    def delete(self, query: Document) -> int:
        """Delete all matches; how many."""
        # TODO: tasks 4 and 5
        ### BEGIN SOLUTION
        with self._lock:
            numbers = self._matching(query)
            self._store(dict.fromkeys(numbers))
            return len(numbers)
        ### END SOLUTION

    def create_index(self, field: str, unique: bool = False) -> None:
        """Find equal values of this path without testing every document."""
        # TODO: task 5
        ### BEGIN SOLUTION
        with self._lock:
            if field in self._indexes and not unique:
                return
            index = Index(field, unique)
            index.refuse_duplicates(self._documents)
            index.replace({}, self._documents)
            self._indexes[field] = index

    def _matching(self, query: Document) -> list[int]:
        """The numbers of the documents that match, in the order of insertion."""
        matches({}, query)  # a wrong query is refused, even if there is nothing to test
        numbers = self._candidates(query)
        self.examined += len(numbers)
        return [number for number in numbers if matches(self._documents[number], query)]

    def _candidates(self, query: Document) -> list[int]:
        """The numbers of all documents that could match."""
        for path, operand in query.items():
            if path in self._indexes and not has_operators(operand):
                return sorted(self._indexes[path].numbers.get(key(operand), ()))
        return list(self._documents)

    def _store(self, new: dict[int, Any]) -> None:
        """Put these documents in their places, or none of them. None deletes one."""
        stay = {number: each for number, each in new.items() if each is not None}
        for index in self._indexes.values():
            index.refuse_duplicates(stay)
        # From here on nothing can fail.
        old = {number: self._documents[number] for number in new if number in self._documents}
        for index in self._indexes.values():
            index.replace(old, stay)
        self._documents.update(stay)
        for number in new.keys() - stay.keys():
            del self._documents[number]


class DuplicateKey(Exception):
    """Another document has this value of a unique index."""


class Index:
    """Finds documents by the values at one path."""

    def __init__(self, path: str, unique: bool) -> None:
        self.path, self.unique = path, unique
        self.numbers: dict[Any, set[int]] = {}  # of the documents, by the key of the value

    def refuse_duplicates(self, new: dict[int, Document]) -> None:
        """Raise DuplicateKey if these documents, put in their places, would break the rule."""
        taken: set[Any] = set()
        for document in new.values() if self.unique else ():
            keys = self._keys(document)
            others = [number for each in keys for number in self.numbers.get(each, ())]
            if taken & keys or any(number not in new for number in others):
                raise DuplicateKey(f"a document with this {self.path} exists: {document}")
            taken |= keys

    def replace(self, old: dict[int, Document], new: dict[int, Document]) -> None:
        for number, document in old.items():
            for each in self._keys(document):
                self.numbers[each].remove(number)
                if not self.numbers[each]:
                    del self.numbers[each]
        for number, document in new.items():
            for each in self._keys(document):
                self.numbers.setdefault(each, set()).add(number)

    def _keys(self, document: Document) -> set[Any]:
        return {key(value) for value in with_elements(document, self.path)}


# Values: where they are, and how they compare


def values_at(value: Any, path: str) -> Iterator[Any]:
    """All values that the path leads to; MISSING where the field is missing."""
    if isinstance(value, list):
        for element in value:
            if isinstance(element, dict):
                yield from values_at(element, path)
        return
    name, _, rest = path.partition(".")
    inner = value.get(name, MISSING) if isinstance(value, dict) else MISSING
    if rest:
        yield from values_at(inner, rest)
    else:
        yield inner


def with_elements(document: Document, path: str) -> Iterator[Any]:
    """The values at the path, and the elements of those that are lists."""
    for value in values_at(document, path):
        yield value
        if isinstance(value, list):
            yield from value


def key(value: Any) -> tuple[Any, ...]:
    """Equal for equal values, and in order for any two. It begins with the kind."""
    if value is None or value is MISSING:
        return (0,)
    if isinstance(value, bool):  # before the numbers: to Python, True is 1
        return (4, value)
    if isinstance(value, int | float):
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    if isinstance(value, dict):
        return (3, "document", *sorted((name, key(inner)) for name, inner in value.items()))
    return (3, "list", *map(key, value))


# Queries


def matches(document: Document, query: Document) -> bool:
    # A list, and no short cut: every condition is looked at, so that a wrong one is refused.
    results = [holds(document, name, operand) for name, operand in query.items()]
    return all(results)


def holds(document: Document, name: str, operand: Any) -> bool:
    """Whether one condition of a query holds."""
    if name in ("$and", "$or"):
        parts = [matches(document, part) for part in operand]
        return all(parts) if name == "$and" else any(parts)
    if name.startswith("$"):
        raise ValueError(f"{name!r} cannot stand here: use $and, $or or a path.")
    values = list(with_elements(document, name))
    words = operand if has_operators(operand) else {"$eq": operand}
    results = [known(word, OPERATORS)(values, limit) for word, limit in words.items()]
    return all(results)


def has_operators(operand: Any) -> bool:
    return isinstance(operand, dict) and any(name.startswith("$") for name in operand)


def known(word: str, words: dict[str, Any]) -> Any:
    """What stands for this word. An unknown one is an error, never "no condition"."""
    if word not in words:
        raise ValueError(f"unknown operator {word!r}: use one of {', '.join(words)}.")
    return words[word]


def is_equal(values: list[Any], operand: Any) -> bool:
    return any(key(value) == key(operand) for value in values)


def is_in(values: list[Any], operand: Any) -> bool:
    if not isinstance(operand, list):
        raise ValueError(f"$in and $nin need a list, got {operand!r}.")
    return any(is_equal(values, each) for each in operand)


def compare(relation: Callable[[Any, Any], bool]) -> Callable[[list[Any], Any], bool]:
    """An operator that holds if a value of the same kind has this relation to the operand."""

    def operator_(values: list[Any], operand: Any) -> bool:
        limit = key(operand)
        return any(v[0] == limit[0] and relation(v, limit) for v in map(key, values))

    return operator_


OPERATORS: dict[str, Callable[[list[Any], Any], bool]] = {
    "$eq": is_equal,
    "$ne": lambda values, operand: not is_equal(values, operand),
    "$gt": compare(operator.gt),
    "$gte": compare(operator.ge),
    "$lt": compare(operator.lt),
    "$lte": compare(operator.le),
    "$in": is_in,
    "$nin": lambda values, operand: not is_in(values, operand),
    "$exists": lambda values, operand: any(v is not MISSING for v in values) == operand,
}


def projected(document: Document, paths: list[str] | None) -> Document:
    """A copy with the `_id` and what is at the paths; None: with everything."""
    if paths is None:
        return copy.deepcopy(document)
    kept: Document = {}
    for path in ["_id", *paths]:
        value = get(document, path)
        if value is not MISSING:
            put(kept, path, copy.deepcopy(value))
    return kept


# Changes: functions of what is there, or MISSING, and the operand


def changed(old: Document, ops: Document) -> Document:
    """A changed copy of the document; the document itself stays as it is."""
    new = copy.deepcopy(old)
    for word, places in ops.items():
        change = known(word, CHANGES)
        for path, operand in places.items():
            before = get(new, path)
            after = change(before, copy.deepcopy(operand))
            if after is not before:
                put(new, path, after)
    if "_id" in old and key(get(new, "_id")) != key(old["_id"]):
        raise ValueError("the _id of a document cannot be changed.")
    return new


def add(old: Any, operand: Any) -> Any:
    old = 0 if old is MISSING else old
    for value in (old, operand):
        if key(value)[0] != key(0)[0]:
            raise ValueError(f"$inc adds numbers, got {value!r}.")
    return old + operand


def push(old: Any, operand: Any) -> Any:
    if not isinstance(old, list) and old is not MISSING:
        raise ValueError(f"$push needs a list, found {old!r}.")
    return [operand] if old is MISSING else [*old, operand]


def pull(old: Any, operand: Any) -> Any:
    if not isinstance(old, list):
        return old
    return [each for each in old if key(each) != key(operand)]


CHANGES: dict[str, Callable[[Any, Any], Any]] = {
    "$set": lambda old, operand: operand,
    "$unset": lambda old, operand: MISSING,
    "$inc": add,
    "$push": push,
    "$pull": pull,
}


def equalities(query: Document) -> Document:
    """What the query says to be equal, as a new document."""
    document: Document = {}
    for path, operand in query.items():
        if has_operators(operand):
            operand = operand.get("$eq", MISSING)
        if operand is not MISSING and not path.startswith("$"):
            put(document, path, copy.deepcopy(operand))
    return document
    ### END SOLUTION


# %% id="check" tags=["check"]
check("03.6-document-store")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("03.6-document-store")` shows a
# worked answer, and `reset("03.6-document-store")` gives you the empty task back. Your version is
# kept beside it.

# %% id="hint" tags=["check"]
hint("03.6-document-store")

# %% [markdown] id="playground"
# ## Try it by hand
#
# A small shop, and three questions. Bet on each answer before you run the cell. Why does the last
# one find the cup, which has no stock at all?


# %% id="shop" tags=["play"]
def shop():
    products = Collection()
    products.insert_many(
        [
            {"_id": "tea", "price": 4, "tags": ["hot"], "stock": {"Oslo": 3}},
            {
                "_id": "pot",
                "price": "on request",
                "tags": ["hot"],
                "stock": {"Oslo": 0},
            },
            {"_id": "cup", "price": 9, "tags": []},
        ]
    )
    queries = [
        {"tags": "hot"},
        {"price": {"$gt": 3}},
        {"stock.Oslo": {"$ne": 0}},
    ]
    for query in queries:
        found = sorted(each["_id"] for each in products.find(query))
        print(query, "finds", found)


# %% id="play" tags=["play"]
try:
    shop()
except NotImplementedError:
    print("Nothing to play with yet: write the store first.")

# %% [markdown] id="question"
# ## To think about
#
# Your store takes any document. Next year half of the products have `price`, the other half
# `price_eur`. Who notices, and when? Where would you put the rule that each product has a price?
#
# There is no single right answer, and no check.
