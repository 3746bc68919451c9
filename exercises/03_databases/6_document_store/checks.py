"""Checks of 03.6-document-store.

Most stories put a few documents into a new store, do one thing, and look at all
documents afterwards. Where the task leaves the order free, they are put in order of
`_id`. The 500 random queries have the answers of mongomock, an imitation of MongoDB;
a test tells it the same story.
"""

import contextlib
import copy
import itertools
import os
import queue
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from functools import partial

from course_lib.practice import scenario

NAMES = ("Collection",)
SEEDS = 6  # each seed asks 500 random queries and stops a thread at every line, twice
HINTS = (
    "What does it mean that a list equals a value? And what is the value of a field that is not "
    "there? Answer both for `$ne` too, before you write any operator.",
    "Split the work in two: an iterator that gives all values at a path, and `matches(document, "
    "query)`, which asks whether one of them fits. For order and equality, turn each value into a "
    "tuple that begins with its kind. For changes: build the new documents first, then store.",
    "`find`, `update` and `delete` ask `_matching(query)` for numbers of documents. All changes go "
    "through one `_store({number: new document})`: under one lock it asks each unique index "
    "whether it would allow them, and only then changes anything. An index is a dict from such a "
    "tuple to a set of numbers.",
)

WORDS = ("apple", "bread", "cream", "dates", "flour", "grape", "honey", "lemon", "mango", "olive")
PATIENCE = 2.0  # seconds until a call that hangs is given up
LOOK = 0.0003  # seconds between two looks at a thread
SHORT_STOP, LONG_STOP = 2, 60  # so many looks without a move: it waits for a lock
MOST_LINES = 500  # of one call that are looked at
VISITS = 2  # of one line
STANDARD_LIBRARY = os.path.dirname(os.__file__)


# A store, and what is in it


def store(solution, *documents):
    collection = solution.Collection()
    if documents:
        collection.insert_many(copy.deepcopy([*documents]))
    return collection


def found(collection, query, **options):
    """The documents in the order in which they came, as plain dicts with sorted fields."""
    return [plain(document) for document in collection.find(query, **options)]


def everything(collection):
    return by_id(found(collection, {}))


def ids(collection, query, **options):
    return [document.get("_id") for document in found(collection, query, **options)]


def by_id(documents):
    return sorted(documents, key=lambda document: str(document.get("_id")))


def plain(value):
    if isinstance(value, Mapping):
        return {name: plain(value[name]) for name in sorted(value)}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def without_ids(documents):
    """The documents in some fixed order, without ids that the store has made up."""
    kept = [{name: v for name, v in each.items() if name != "_id"} for each in documents]
    return sorted(kept, key=repr)


def outcome(method, *args, **options):
    """`accepted`, or `refused` if the call raised an exception."""
    try:
        method(*args, **options)
    except NotImplementedError:
        raise  # not written yet
    except Exception:  # noqa: BLE001 - which exception it is, is free
        return "refused"
    return "accepted"


def refusal(method, *args):
    """The same for words that nobody knows; to some, that is a NotImplementedError."""
    try:
        method(*args)
    except Exception:  # noqa: BLE001 - which exception it is, is free
        return "refused"
    return "accepted"


def numbers_and_words(rng, count=3):
    """So many numbers and so many words, both in order."""
    numbers = rng.sample(range(2, 90), count)
    return *sorted(numbers), *sorted(rng.sample(WORDS, count))


def answers(solution, rows):
    """For each (query, document) a sentence: whether the one finds the other."""
    seen = {}
    for query, document in rows:
        try:
            collection = store(solution, {"_id": 1, **document})
            verb = "finds" if found(collection, copy.deepcopy(query)) else "does not find"
        except NotImplementedError:
            raise
        except Exception as error:  # noqa: BLE001 - so that the report shows the row
            verb = f"stops with {type(error).__name__} at"
        seen[f"{query} on {document}"] = f"{verb} {document} by {query}"
    return seen


# Threads. A thread that hangs is left behind: it is a daemon.


class Work:
    """`work()` in a thread of its own."""

    def __init__(self, work):
        self.ended = threading.Event()
        self.given = queue.SimpleQueue()
        self.thread = threading.Thread(target=self.run, args=(work,), daemon=True)
        self.thread.start()

    def run(self, work):
        try:
            self.given.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised again by result
            self.given.put((None, error))
        finally:
            self.ended.set()

    def result(self):
        """What it gave, or that there is nothing in time. Raises the thread's error."""
        try:
            value, error = self.given.get(timeout=PATIENCE)
        except queue.Empty:
            return f"did not return within {PATIENCE:g} s"
        if error:
            raise error
        return value

    def place(self):
        """Where it is in its code."""
        frame = sys._current_frames().get(self.thread.ident)
        return frame and (frame.f_code, frame.f_lasti)

    def ended_or_waiting(self, locks):
        """Return when it has ended, or has stood still for so long that it waits for a lock.

        `locks` are the places where that has happened before: there, a short stop will do.
        """
        place, looks = None, 0
        while not self.ended.wait(LOOK):
            looks = looks + 1 if place == self.place() else 0
            place = self.place()
            if looks == (SHORT_STOP if place in locks else LONG_STOP):
                locks.add(place)
                return


def overtaken(line, slow, fast, locks):
    """Stop `slow` at that line of the learner's code until `fast` has ended or waits for it.

    Of a line that comes often, only the first visits count. False if `slow` has fewer lines.
    Raises what one of them raised.
    """
    reached, go_on = threading.Event(), threading.Event()
    lines, visits = itertools.count(1), Counter()

    def watch(frame, event, argument):
        name = frame.f_code.co_filename
        if name == __file__ or name.startswith((STANDARD_LIBRARY, "<frozen")):
            return None
        if event == "line":
            visits[name, frame.f_lineno] += 1
            if visits[name, frame.f_lineno] <= VISITS and next(lines) == line:
                reached.set()
                go_on.wait(PATIENCE)
        return watch

    def traced():
        sys.settrace(watch)
        try:
            slow()
        finally:
            sys.settrace(None)

    slow_work = Work(traced)
    while not reached.wait(LOOK) and not slow_work.ended.is_set():
        pass
    fast_work = Work(fast)
    fast_work.ended_or_waiting(locks)
    go_on.set()
    slow_work.result()
    fast_work.result()
    return reached.is_set()


def at_every_line(story):
    """Tell `story(line, locks)` for each line of its slow call; what came out, each once."""
    came, locks = set(), set()
    for line in range(1, MOST_LINES):
        reached, result = story(line, locks)
        came.add(result)
        if not reached:
            break
    return sorted(came)


# Task 1

STORES = "stores documents and finds them by their values"
COPIES_IN = "what the caller does to a document afterwards changes nothing"
COPIES_OUT = "what the caller does to a result changes nothing"
ONE_ID = "there is one document for each _id"
NEW_IDS = "makes up an _id that no other document has"
BATCH = "insert_many stores all, or none"


@scenario(STORES, task=1, next_step="Keep the documents, and compare each field of the query.")
def stores(solution, rng):
    """One document, then four more. Queries with one field, with two, with none."""
    collection = solution.Collection()
    low, high, *words = numbers_and_words(rng, 2)
    cities = [words[0], words[1], words[0], words[1], words[0]]
    ages = [low, low, high, high, low]
    documents = [
        {"_id": number, "city": city, "age": age}
        for number, (city, age) in enumerate(zip(cities, ages, strict=True))
    ]
    seen = {"in a new store": found(collection, {})}
    collection.insert_one(documents[0])
    collection.insert_many(documents[1:])
    seen["find({})"] = everything(collection)
    for query in (
        {"city": words[0]},
        {"city": words[1], "age": high},
        {"age": low, "city": words[0]},
        {"city": low},
        {"_id": 3},
    ):
        seen[f"find({query})"] = by_id(found(collection, query))
    return seen


@scenario(
    COPIES_IN,
    task=1,
    needs=(STORES,),
    next_step="Store a deep copy: a list inside the document must be copied too.",
)
def copies_in(solution, rng):
    """Documents are inserted; then the caller changes them, and the lists in them."""
    number, word = rng.randrange(90), rng.choice(WORDS)
    shared, without = [number], {"tags": [word]}
    one = {"_id": "a", "tags": [word], "item": {"size": number}}
    many = [{"_id": "b", "numbers": shared}, {"_id": "c", "numbers": shared}, without]
    collection = solution.Collection()
    collection.insert_one(one)
    collection.insert_many(many)
    seen = {"the caller's document without an _id": copy.deepcopy(without)}
    one["tags"].append("changed")
    one["item"]["size"] = one["more"] = -1
    shared.append(-1)
    without["tags"].append("changed")
    many.clear()
    stored = [each for each in found(collection, {}) if each["_id"] in ("a", "b", "c")]
    others = [each for each in found(collection, {}) if each not in stored]
    return seen | {"stored": by_id(stored), "stored without an _id": without_ids(others)}


@scenario(
    COPIES_OUT,
    task=1,
    needs=(COPIES_IN,),
    next_step="Give out deep copies. Otherwise each caller holds the store's own lists.",
)
def copies_out(solution, rng):
    """A document is found, and the caller changes it, its list, and the document in it."""
    number, word = rng.randrange(90), rng.choice(WORDS)
    collection = store(solution, {"_id": 1, "tags": [word], "item": {"size": number}})
    for query in ({}, {"_id": 1}, {"tags": [word]}):
        for document in collection.find(query):
            with contextlib.suppress(TypeError, AttributeError):  # results may be read-only
                document["tags"].append("changed")
                document["item"]["size"] = -1
                document["_id"] = -1
    return {"stored": found(collection, {})}


@scenario(
    ONE_ID,
    task=1,
    needs=(STORES,),
    next_step="Look for the _id before you store. 7 and '7' are two values.",
)
def one_id(solution, rng):
    """A second document with the same _id, by insert_one and by insert_many."""
    number, word = rng.randrange(90), rng.choice(WORDS)
    collection = store(solution, {"_id": number, "n": 1}, {"_id": word, "n": 2})
    seen = {
        f"one more {_id!r}": outcome(collection.insert_one, {"_id": _id, "n": 3})
        for _id in (number, word)
    }
    again = [{"_id": number, "n": 4}]
    seen["the same by insert_many"] = outcome(collection.insert_many, again)
    seen[f"the text {str(number)!r}"] = outcome(collection.insert_one, {"_id": str(number), "n": 5})
    return seen | {"n of all": sorted(document["n"] for document in found(collection, {}))}


@scenario(
    NEW_IDS,
    task=1,
    needs=(ONE_ID,),
    points=2,
    next_step="uuid4 has enough room. A random number below a million meets itself early.",
    limit=20.0,
)
def new_ids(solution, rng):
    """Documents with numbers and texts as _id, 60 without an _id, then 4,000 without."""
    taken = range(rng.randint(22, 30), 50)
    collection = store(solution, *({"_id": _id, "n": 0} for _id in (*taken, *map(str, taken))))
    calls = [outcome(collection.insert_one, {"n": n}) for n in range(1, 61)]
    seen = {"60 documents without _id": f"{calls.count('refused')} refused"}
    new = [each["_id"] for each in found(collection, {"n": 3})]
    seen["found by a new _id"] = [
        each["n"] for _id in new for each in found(collection, {"_id": _id})
    ]
    many = outcome(collection.insert_many, [{"n": 61} for _ in range(4000)])
    seen["4,000 documents without _id"] = many
    every = [repr(document["_id"]) for document in found(collection, {})]
    return seen | {"documents": len(every), "different ids": len(set(every))}


@scenario(
    BATCH,
    task=1,
    needs=(NEW_IDS,),
    points=2,
    next_step="Look at the whole batch before you store its first document.",
)
def batch(solution, rng):
    """insert_many with an _id that exists already, and with one that comes twice."""
    old, *new = rng.sample(range(90), 5)
    at = rng.randint(1, 3)
    seen = {}
    for label, wrong in (("exists already", old), ("comes twice", new[0])):
        collection = store(solution, {"_id": old})
        broken = [{"_id": _id} for _id in [*new[:at], wrong, *new[at:]]]
        seen[f"a batch, one _id {label}"] = outcome(collection.insert_many, broken)
        seen[f"stored, one _id {label}"] = everything(collection)
        right = [{"_id": _id} for _id in new]
        seen[f"the rest of it, one {label}"] = outcome(collection.insert_many, right)
    return seen


# Task 2

PLAIN = "compares numbers with numbers, text with text, and nothing else"
MISSING = "knows a missing field from null where it should, and nowhere else"
LISTS = "asks a list and its elements"
PATHS = "follows a path through documents and lists"
DOCUMENTS = "a document without operators must be equal as a whole"
AND_OR = "combines queries"
UNKNOWN = "refuses an operator that it does not know"
TEXT_IN = "does not look for a text inside a text"
RANDOM = "answers 500 random queries like mongomock"


@scenario(
    PLAIN,
    task=2,
    needs=(STORES,),
    points=2,
    next_step="Compare only values of the same kind. Test for booleans first: True is an int, too.",
)
def plain_values(solution, rng):
    """Questions about one field; what it holds is a number, a text, a boolean, a document."""
    low, mid, high, a, b, c = numbers_and_words(rng)
    operators = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")
    rows = [({"n": {word: mid}}, {"n": n}) for word in operators for n in (low, mid, high)]
    rows += [({"s": {word: b}}, {"s": s}) for word in operators for s in (a, b, c)]
    rows += [({"n": {"$gt": low, "$lt": high}}, {"n": n}) for n in (low, mid, high)]
    rows += [({"n": {"$in": [low, mid]}}, {"n": n}) for n in (low, high)]
    rows += [({"n": {"$nin": [low, mid]}}, {"n": n}) for n in (low, high)]
    rows += [({"n": {word: []}}, {"n": mid}) for word in ("$in", "$nin")]
    rows += [
        ({"n": 0}, {"n": 0}),
        ({"n": {"$lt": 1}}, {"n": 0}),
        ({"n": {"$lte": 0}}, {"n": -mid}),
        ({"s": ""}, {"s": ""}),
        ({"s": {"$gte": ""}}, {"s": a}),
        ({"n": float(mid)}, {"n": mid}),
        ({"n": {"$gt": mid}}, {"n": mid + 0.5}),
        ({"s": b}, {"s": b[:3]}),
        ({"s": b[:3]}, {"s": b}),
        ({"n": mid}, {"n": str(mid)}),
        ({"n": {"$ne": mid}}, {"n": str(mid)}),
        ({"n": {"$in": [a, mid]}}, {"n": str(mid)}),
        ({"n": {"$nin": [a, mid]}}, {"n": str(mid)}),
        ({"n": 1}, {"n": True}),
        ({"n": True}, {"n": 1}),
        ({"n": True}, {"n": True}),
        ({"n": False}, {"n": 0}),
        ({"n": {"$ne": 1}}, {"n": True}),
        ({"n": {"$in": [1, mid]}}, {"n": True}),
    ]
    others = (a, True, None, {"x": mid})
    rows += [({"n": {word: mid}}, {"n": o}) for word in operators[2:] for o in others]
    others = (mid, True, None, {"x": b})
    rows += [({"s": {word: b}}, {"s": o}) for word in operators[2:] for o in others]
    return answers(solution, rows)


@scenario(
    MISSING,
    task=2,
    needs=(PLAIN,),
    points=2,
    next_step="Let a missing field be a value of its own, equal to null for all but $exists.",
)
def missing(solution, rng):
    """Questions about a field that is missing, null, 0, or a number."""
    low, mid, high, *_ = numbers_and_words(rng)
    documents = ({"b": mid}, {"a": None}, {"a": 0}, {"a": mid})
    queries = (
        {"a": None},
        {"a": {"$eq": None}},
        {"a": {"$ne": None}},
        {"a": {"$ne": mid}},
        {"a": {"$ne": 0}},
        {"a": {"$in": [None, high]}},
        {"a": {"$nin": [None, high]}},
        {"a": {"$in": [low, mid]}},
        {"a": {"$nin": [low, mid]}},
        {"a": {"$exists": True}},
        {"a": {"$exists": False}},
        {"a": {"$exists": True, "$ne": mid}},
        {"a": {"$lt": high}},
        {"a": {"$gt": -1}},
        {"a": {"$gte": 0, "$lte": 0}},
        {"a": 0},
        {"a": ""},
        {"a": False},
    )
    return answers(solution, itertools.product(queries, documents))


@scenario(
    DOCUMENTS,
    task=2,
    needs=(MISSING,),
    next_step="A document is operators if a key has a dollar. Otherwise compare it as a whole.",
)
def documents_as_values(solution, rng):
    """Questions whose value is a document, also an empty one."""
    low, mid, *_ = numbers_and_words(rng)
    exact = {"item": {"size": mid, "box": {"n": low}}}
    rows = [
        (query, document)
        for query in (
            {"item": {"size": mid}},
            {"item": {"size": mid, "box": {"n": low}}},
            {"item": {"$eq": {"size": mid}}},
            {"item": {"$ne": {"size": mid}}},
            {"item": {"$in": [low, {"size": mid}]}},
            {"item": {"$nin": [low, {"size": mid}]}},
            {"item": {"gt": low}},
            {"item": {}},
            {"item": {"$ne": {}}},
        )
        for document in (
            exact,
            {"item": {"size": mid}},
            {"item": {"size": low}},
            {"item": ["size"]},
            {"item": {}},
            {"item": mid},
            {"size": mid},
        )
    ]
    return answers(solution, rows)


@scenario(
    LISTS,
    task=2,
    needs=(MISSING,),
    points=2,
    next_step="Ask about the list itself and about each element; $ne is the opposite of $eq.",
)
def lists(solution, rng):
    """Questions about lists of words, of numbers, of both, and about an empty one."""
    low, mid, high, a, b, c = numbers_and_words(rng)
    words, numbers = {"t": [a, b]}, {"t": [low, high]}
    mixed, empty = {"t": [a, None, mid]}, {"t": []}
    rows = [
        (query, document)
        for query in (
            {"t": a},
            {"t": c},
            {"t": {"$ne": a}},
            {"t": {"$ne": c}},
            {"t": {"$in": [c, b]}},
            {"t": {"$nin": [c, b]}},
            {"t": {"$nin": [c]}},
            {"t": {"$exists": True}},
            {"t": {"$exists": False}},
            {"t": None},
            {"t": {"$ne": None}},
            {"t": {"$gte": mid}},
            {"t": {"$lt": mid}},
            {"t": {"$gt": a}},
        )
        for document in (words, numbers, mixed, empty)
    ]
    rows += [
        ({"t": [a, b]}, words),
        ({"t": [b, a]}, words),
        ({"t": [a]}, words),
        ({"t": {"$eq": [a, b]}}, words),
        ({"t": {"$ne": [a, b]}}, words),
        ({"t": {"$in": [[a, b], c]}}, words),
        ({"t": {"$in": [[a], c]}}, words),
        ({"t": []}, empty),
        ({"t": []}, words),
        ({"t": {"$gt": mid, "$lt": mid}}, numbers),
        ({"t": {"$gt": high, "$lt": mid}}, numbers),
        ({"t": {"$ne": low, "$gt": mid}}, numbers),
        ({"t": a[0]}, words),
        ({"t": a[0]}, {"t": a}),
        ({"t": {"x": mid}}, {"t": [low, {"x": mid}]}),
        ({"t": {"x": mid}}, {"t": [{"x": mid, "y": low}]}),
    ]
    return answers(solution, rows)


@scenario(
    PATHS,
    task=2,
    needs=(LISTS,),
    points=2,
    next_step="Go down name by name. At a list, go on in each of its documents.",
)
def paths(solution, rng):
    """Questions like item.size: through documents, lists of documents, and to nowhere."""
    low, mid, high, a, b, c = numbers_and_words(rng)
    item, deep = {"item": {"size": mid}}, {"item": {"box": {"size": mid, "tags": [a, b]}}}
    lines = {"lines": [{"n": low, "s": a}, {"n": high, "s": b}]}
    nested = {"lines": [{"box": {"n": low}, "tags": [a]}, {"box": {"n": mid}, "tags": [b]}]}
    in_item = {"item": {"lines": [{"n": low}, {"n": mid}]}}
    rows = [
        (query, document)
        for query in (
            {"item.size": mid},
            {"item.size": {"$gt": low}},
            {"item.size": None},
            {"item.size": {"$ne": mid}},
            {"item.size": {"$exists": True}},
            {"item.size": {"$exists": False}},
            {"size": mid},
            {"item.box.size": {"$lte": mid}},
            {"item.box.size": {"$exists": False}},
            {"item.box.size": None},
        )
        for document in (item, deep, {"item": mid}, {"size": mid}, {"item": {}})
    ]
    rows += [
        ({"item.box.tags": b}, deep),
        ({"item.box.tags": {"$nin": [b]}}, deep),
        ({"lines.n": high}, lines),
        ({"lines.n": mid}, lines),
        ({"lines.n": {"$ne": high}}, lines),
        ({"lines.n": {"$ne": mid}}, lines),
        ({"lines.n": {"$lt": mid}}, lines),
        ({"lines.n": {"$gt": mid, "$lt": mid}}, lines),
        ({"lines.n": {"$in": [mid, low]}}, lines),
        ({"lines.n": {"$nin": [mid, low]}}, lines),
        ({"lines.n": {"$exists": True}}, lines),
        ({"lines.x": {"$exists": True}}, lines),
        ({"lines.x": {"$exists": False}}, lines),
        ({"lines.n": low, "lines.s": b}, lines),
        ({"lines.n": low, "lines.s": c}, lines),
        ({"lines.box.n": mid}, nested),
        ({"lines.box.n": high}, nested),
        ({"lines.tags": b}, nested),
        ({"lines.tags": {"$ne": b}}, nested),
        ({"item.lines.n": mid}, in_item),
        ({"item.lines.n": {"$gt": mid}}, in_item),
    ]
    return answers(solution, rows)


@scenario(
    AND_OR,
    task=2,
    needs=(PLAIN,),
    next_step="$and and $or ask the same question again for each query of their list.",
)
def and_or(solution, rng):
    """$and and $or, alone, beside fields, and inside each other."""
    low, mid, high, a, b, _ = numbers_and_words(rng)
    rows = [
        (query, document)
        for query in (
            {"$and": [{"n": {"$gt": low}}, {"n": {"$lt": high}}]},
            {"$or": [{"n": low}, {"s": b}]},
            {"$or": [{"n": low}]},
            {"s": a, "$or": [{"n": low}, {"n": mid}]},
            {"$or": [{"n": low}, {"n": mid}], "$and": [{"s": b}]},
            {"$and": [{"$or": [{"n": mid}, {"s": b}]}, {"n": {"$ne": high}}]},
            {"$or": [{"$and": [{"n": low}, {"s": b}]}, {"n": high, "s": a}]},
        )
        for document in ({"n": n, "s": s} for n in (low, mid, high) for s in (a, b))
    ]
    return answers(solution, rows)


@scenario(
    UNKNOWN,
    task=2,
    needs=(AND_OR,),
    points=2,
    next_step="Look each word up in a dict of operators. What is not in there is an error.",
)
def unknown(solution, rng):
    """Queries with $grater, $regex, $nor and other words that are not in the list."""
    number, word = rng.randint(2, 90), rng.choice(WORDS)
    collection = store(solution, {"_id": 1, "n": number, "s": word})
    seen = {}
    for query in (
        {"n": {"$grater": 1}},
        {"n": {"$gt": 1, "$les": 99}},
        {"s": {"$regex": word[:2]}},
        {"n": {"$": number}},
        {"$nor": [{"n": 1}]},
        {"$gt": 1},
        {"$or": [{"n": {"$grater": 1}}]},
        {"$and": [{"n": {"$equals": number}}]},
    ):
        seen[f"find({query})"] = refusal(found, collection, query)
    return seen


@scenario(
    TEXT_IN,
    task=2,
    needs=(LISTS,),
    next_step="Refuse an operand of $in and $nin that is no list: `in` looks inside a text.",
)
def text_in(solution, rng):
    """$in with a text, in which the value of the field is a part."""
    inner, outer = rng.choice((("team", "steamer"), ("ape", "grapes"), ("eat", "wheat")))
    rows = {"s": inner}, {"s": [inner]}
    seen = {}
    for document in rows:
        collection = store(solution, {"_id": 1, **document})
        query = {"s": {"$in": outer}}
        try:
            fine = not found(collection, query)
        except Exception:  # noqa: BLE001 - which exception it is, is free
            fine = True
        seen[f"{query} on {document}"] = "nothing, or refused" if fine else "found it"
    return seen


def random_documents(rng, count):
    """Documents with some of six fields; also null, empty lists, and several kinds of values."""

    def any_value():
        return rng.choice((rng.choice(WORDS[:4]), rng.choice((0, 1, 2, 2.0, 2.5, -1)), None))

    made = []
    for number in range(count):
        fields = {
            "n": rng.choice((0, 1, 2, 2.0, 2.5, -1)),
            "s": rng.choice((*WORDS[:4], "")),
            "any": any_value(),
            "item": {"n": rng.randrange(3), "box": {"s": rng.choice(WORDS[:4])}},
            "tags": [any_value() for _ in range(rng.randrange(4))],
            "lines": [{"n": rng.randrange(3)} for _ in range(rng.randint(1, 2))],
        }
        names = rng.sample([*fields], rng.randint(1, 3))
        made.append({"_id": number, **{name: fields[name] for name in names}})
    return made


def random_query(rng, depth=0):
    """One or two conditions, now and then $and or $or. Only what mongomock answers as MongoDB."""
    query = {}
    for _ in range(rng.choice((1, 1, 2))):
        path = rng.choice(("n", "s", "any", "item.n", "item.box.s", "tags", "lines.n"))
        query[path] = random_condition(rng, path)
    if depth < 2 and rng.random() < 0.3:
        count = rng.randint(1, 2)
        query[rng.choice(("$and", "$or"))] = [random_query(rng, depth + 1) for _ in range(count)]
    return query


def random_condition(rng, path):
    def some():
        return rng.choice((rng.choice(WORDS[:4]), rng.choice((0, 1, 2, 2.5))))

    def operand(word):
        if word in ("$in", "$nin"):
            return [rng.choice((some(), None)) for _ in range(rng.randrange(4))]
        if word == "$exists":
            return rng.choice((True, False))
        return rng.choice((some(), None)) if word in ("$eq", "$ne") else some()

    if rng.random() < 0.3:
        return rng.choice((some(), None))
    words = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists"]
    several = path not in ("tags", "lines.n") and rng.random() < 0.3
    return {word: operand(word) for word in rng.sample(words, 2 if several else 1)}


@scenario(
    RANDOM,
    task=2,
    needs=(PATHS, DOCUMENTS, UNKNOWN),
    points=3,
    next_step="Take the one document by hand, condition by condition, and read task 2 beside it.",
    limit=10.0,
)
def random_queries(solution, rng):
    """500 queries are asked about twelve documents, the shortest queries first."""
    documents = random_documents(rng, 12)
    collection = store(solution, *documents)
    seen = {}
    for query in sorted((random_query(rng) for _ in range(500)), key=lambda q: len(repr(q))):
        came = ids(collection, copy.deepcopy(query))
        for document in documents:
            verb = {0: "does not find", 1: "finds"}.get(came.count(document["_id"]), "repeats")
            fields = {name: value for name, value in document.items() if name != "_id"}
            seen[f"{query}, {len(seen) + 1}"] = f"{verb} {fields} by {query}"
    return seen


# Task 3

PAGES = "sorts, then skips, then limits"
TIES = "equal documents stay in the order in which they were inserted"
MIXED = "any two values have an order"
PROJECTION = "keeps the paths of the projection, and the _id"


@scenario(
    PAGES,
    task=3,
    needs=(STORES,),
    points=2,
    next_step="Cut the list as the last step: the smallest of ten is not the first of ten.",
)
def pages(solution, rng):
    """Twelve prices in any order; pages of them, upwards and downwards, and past the end."""
    prices = rng.sample(range(10, 90), 12)
    collection = store(solution, *({"_id": p, "price": p, "half": p % 2} for p in prices))
    skip, limit = rng.randint(1, 4), rng.randint(2, 5)
    seen = {}
    for label, query, options in (
        ("upwards", {}, {"sort": [("price", 1)]}),
        ("downwards", {}, {"sort": [("price", -1)]}),
        (f"the first {limit}", {}, {"sort": [("price", 1)], "limit": limit}),
        (f"the last {limit}", {}, {"sort": [("price", -1)], "limit": limit}),
        (f"without the first {skip}", {}, {"sort": [("price", 1)], "skip": skip}),
        (f"skip {skip}, {limit}", {}, {"sort": [("price", 1)], "skip": skip, "limit": limit}),
        (f"down, skip {skip}, 1", {}, {"sort": [("price", -1)], "skip": skip, "limit": 1}),
        ("skip 11, limit 5", {}, {"sort": [("price", 1)], "skip": 11, "limit": 5}),
        ("skip 12", {}, {"sort": [("price", 1)], "skip": 12}),
        ("limit=None", {}, {"sort": [("price", 1)], "limit": None}),
        ("odd ones, 1", {"half": 1}, {"sort": [("price", -1)], "limit": 1}),
    ):
        seen[f"prices, {label}"] = ids(collection, query, **options)
    loose = ids(collection, {}, skip=skip, limit=limit)
    return seen | {f"unsorted, limit {limit}": len(set(loose))}


@scenario(
    TIES,
    task=3,
    needs=(PAGES,),
    points=2,
    next_step="sort(reverse=True) keeps equal ones in order; turning the list round does not.",
)
def ties(solution, rng):
    """Eight documents with two prices and two colours, sorted by one, by both, and by a path."""
    numbers = rng.sample(range(90), 8)
    prices, colours = [1, 2] * 4, ["red", "red", "sky", "sky"] * 2
    rng.shuffle(prices)
    rng.shuffle(colours)
    collection = store(
        solution,
        *(
            {"_id": number, "price": price, "item": {"colour": colour}}
            for number, price, colour in zip(numbers, prices, colours, strict=True)
        ),
    )
    seen = {"inserted, as [_id, price]": [[n, p] for n, p in zip(numbers, prices, strict=True)]}
    for sort in (
        [("price", 1)],
        [("price", -1)],
        [("item.colour", 1)],
        [("price", 1), ("item.colour", -1)],
        [("item.colour", -1), ("price", 1)],
        [("item.colour", -1), ("price", -1)],
        [("nothing", 1)],
        [("nothing", -1)],
    ):
        seen[f"_ids by {sort}"] = ids(collection, {}, sort=sort)
    return seen


@scenario(
    MIXED,
    task=3,
    needs=(TIES,),
    points=2,
    next_step="Sort by a tuple: first the rank of the kind, then the value.",
)
def mixed(solution, rng):
    """A field is missing, null, a number, a text, a document, a list of documents, a boolean."""
    low, mid, high, a, b, _ = numbers_and_words(rng)
    values = [
        None,
        -low,
        0,
        0.5,
        mid,
        high,
        "",
        str(mid),
        a,
        b,
        {"x": mid},
        [{"x": 1}],
        False,
        True,
    ]
    documents = [{"v": value} for value in values] + [{}, {"w": 1}]
    rng.shuffle(documents)
    documents = [{"_id": number, **document} for number, document in enumerate(documents)]
    collection = store(solution, *documents)

    def word(document):
        value = document.get("v")
        if isinstance(value, dict | list):
            return "a document or list"
        return f"{value} in {document['_id']}" if value is None else repr(value)

    seen = {}
    for label, direction in (("upwards", 1), ("downwards", -1)):
        came = [word(each) for each in found(collection, {}, sort=[("v", direction)])]
        seen |= {f"{label}, place {place}": value for place, value in enumerate(came, 1)}
    return seen


@scenario(
    PROJECTION,
    task=3,
    needs=(PAGES, COPIES_OUT),
    next_step="Build a new document from the paths. Sort before that, by any field.",
)
def projection(solution, rng):
    """Documents with five fields; one path is kept, several, a nested one, one that is missing."""
    low, high, a, b = numbers_and_words(rng, 2)
    collection = store(
        solution,
        {"_id": 1, "name": a, "n": high, "tags": [a, b], "item": {"size": low, "box": {"n": 1}}},
        {"_id": 2, "name": None, "n": low},
    )

    def kept(paths, **options):
        try:
            return [*collection.find({}, projection=paths, **options)]
        except NotImplementedError:
            raise
        except Exception:  # noqa: BLE001 - MongoDB's own form, which some write
            return [*collection.find({}, projection=dict.fromkeys(paths, 1), **options)]

    seen = {
        f"projection={paths}": by_id(plain(kept(paths)))
        for paths in (
            ["name"],
            ["n", "name"],
            ["_id", "n"],
            ["item.size"],
            ["item.size", "n"],
            ["item.size", "item.box"],
            ["item.box.n"],
            ["item"],
            ["nothing"],
            ["nothing.n"],
        )
    }
    for document in kept(["tags", "item.box"]):
        with contextlib.suppress(TypeError, AttributeError, KeyError):
            document["tags"].append("changed")
            document["item"]["box"]["n"] = -1
    seen["tags and box, after a result was changed"] = by_id(plain(kept(["tags", "item.box"])))
    return seen | {"names by n": plain(kept(["name"], sort=[("n", 1)], limit=1))}


# Task 4

OPERATORS = "$set, $unset, $inc, $push and $pull change what they should"
MATCHED = "changes one match or all, and says how many there were"
KEEPS_PLACE = "an update leaves a document in its place"
REFUSED = "refuses an update that is not one of the five operators"
ATOMIC = "an update that fails has changed nothing"
SAME_ID = "no update changes an _id"
OPERANDS = "what the caller does to an operand afterwards changes nothing"
UPSERT = "an upsert inserts what the query says to be equal"
DELETE = "delete takes out all matches and nothing else"


@scenario(
    OPERATORS,
    task=4,
    needs=(PATHS,),
    points=3,
    next_step="Write one function for each: from the old value, or missing, to the new one.",
)
def operators(solution, rng):
    """Updates of one document, by one operator and by several."""
    low, mid, high, a, b, c = numbers_and_words(rng)
    seen = {}
    for ops, document in (
        ({"$set": {"n": high}}, {"n": low}),
        ({"$set": {"n": None}}, {"n": low}),
        ({"$set": {"s": a}}, {"n": low}),
        ({"$set": {"item": {"x": 1}}}, {"item": {"y": 2}}),
        ({"$set": {"item.x": 1}}, {"item": {"y": 2}}),
        ({"$set": {"item.x": 1}}, {}),
        ({"$set": {"item.box.x": 1}}, {"item": {"y": 2}}),
        ({"$set": {"t": [a, b]}}, {"t": [c]}),
        ({"$unset": {"n": ""}}, {"n": low, "s": a}),
        ({"$unset": {"n": ""}}, {"n": None}),
        ({"$unset": {"n": ""}}, {"s": a}),
        ({"$unset": {"item.x": 1}}, {"item": {"x": 1, "y": 2}}),
        ({"$unset": {"item.x": ""}}, {"s": a}),
        ({"$inc": {"n": mid}}, {"n": low}),
        ({"$inc": {"n": -mid}}, {"n": low}),
        ({"$inc": {"n": 0.5}}, {"n": low}),
        ({"$inc": {"n": mid}}, {"n": 0}),
        ({"$inc": {"n": mid}}, {"s": a}),
        ({"$inc": {"item.n": mid}}, {"item": {"n": low}}),
        ({"$inc": {"item.n": mid}}, {}),
        ({"$push": {"t": b}}, {"t": [a]}),
        ({"$push": {"t": a}}, {"t": [a]}),
        ({"$push": {"t": a}}, {"t": []}),
        ({"$push": {"t": a}}, {"s": a}),
        ({"$push": {"t": [a, b]}}, {"t": [c]}),
        ({"$push": {"item.t": a}}, {"item": {"t": [b]}}),
        ({"$push": {"item.t": a}}, {}),
        ({"$pull": {"t": a}}, {"t": [a, b, a, c]}),
        ({"$pull": {"t": c}}, {"t": [a, b]}),
        ({"$pull": {"t": a}}, {"t": [a]}),
        ({"$pull": {"t": mid}}, {"t": [low, a, mid, None]}),
        ({"$pull": {"t": a}}, {"s": a}),
        ({"$pull": {"item.t": a}}, {"item": {"t": [b, a]}}),
        ({"$pull": {"item.t": a}}, {}),
        ({"$set": {"n": high, "s": a}}, {"n": low}),
        ({"$set": {"s": a}, "$inc": {"n": 1}, "$push": {"t": b}}, {"n": low, "t": [a]}),
        ({"$unset": {"s": ""}, "$pull": {"t": a}}, {"s": a, "t": [b, a]}),
    ):
        collection = store(solution, {"_id": 1, **document})
        try:
            collection.update({"_id": 1}, copy.deepcopy(ops))
            (after,) = without_ids(found(collection, {}))
            ending = f"becomes {after}"
        except NotImplementedError:
            raise
        except Exception as error:  # noqa: BLE001 - so that the report shows the row
            ending = f"is not changed: {type(error).__name__}"
        seen[f"{ops} on {document}"] = f"{document} {ending}"
    return seen


@scenario(
    MATCHED,
    task=4,
    needs=(OPERATORS,),
    points=2,
    next_step="Find all that match first, then change them. A match counts, changed or not.",
)
def matched(solution, rng):
    """Six documents with n from 1 to 3. Updates of one, of all, of none."""
    numbers = [1, 1, 2, 2, 2, 3]
    rng.shuffle(numbers)
    seen = {}
    for label, query, ops, options in (
        ("n=2, one", {"n": 2}, {"$set": {"new": 1}}, {"many": False}),
        ("n=2, without `many`", {"n": 2}, {"$set": {"new": 1}}, {}),
        ("n=2, all", {"n": 2}, {"$set": {"new": 1}}, {"many": True}),
        ("all", {}, {"$set": {"new": 1}}, {"many": True}),
        ("n=9, one", {"n": 9}, {"$set": {"new": 1}}, {}),
        ("n=9, all", {"n": 9}, {"$set": {"new": 1}}, {"many": True}),
        ("n=2 gets n=2, all", {"n": 2}, {"$set": {"n": 2}}, {"many": True}),
        ("n<3 gets one more, all", {"n": {"$lt": 3}}, {"$inc": {"n": 1}}, {"many": True}),
        ("n=1 gets 2, all", {"n": 1}, {"$set": {"n": 2}}, {"many": True}),
    ):
        collection = store(solution, *({"_id": i, "n": n} for i, n in enumerate(numbers)))
        seen[f"{label}: given back"] = collection.update(query, ops, **options)
        seen[f"{label}: stored"] = sorted(
            f"n={each['n']}{' new' if 'new' in each else ''}" for each in found(collection, {})
        )
    return seen


@scenario(
    KEEPS_PLACE,
    task=4,
    needs=(TIES, OPERATORS),
    next_step="Put the changed document where the old one was, not at the end.",
)
def keeps_place(solution, rng):
    """Some of six documents are changed, one by one and all at once; then all are sorted."""
    numbers = rng.sample(range(90), 6)
    collection = store(solution, *({"_id": number, "same": 1} for number in numbers))
    collection.update({"_id": numbers[rng.randrange(5)]}, {"$set": {"new": 1}})
    collection.update({"_id": {"$in": numbers[:3]}}, {"$inc": {"new": 1}}, many=True)
    return {
        "inserted": numbers,
        "upwards": ids(collection, {}, sort=[("same", 1)]),
        "downwards": ids(collection, {}, sort=[("same", -1)]),
    }


BAD_UPDATES = (
    {"$increase": {"n": 1}},
    {"n": 5},
    {"price": 5},
    {"$set": {"m": 1}, "n": 5},
    {"$inc": {"s": 1}},
    {"$inc": {"s": "x"}},
    {"$inc": {"t": 1}},
    {"$push": {"s": "x"}},
    {"$push": {"n": 1}},
    {"$push": {"item": 1}},
)


@scenario(
    REFUSED,
    task=4,
    needs=(OPERATORS,),
    points=2,
    next_step="Look the word up among the five, and the kind of what is there, before you change.",
)
def refused(solution, rng):
    """Words that are no operators, $inc of a text, $push onto a text, a number, a document."""
    number, word = rng.randint(2, 90), rng.choice(WORDS)
    document = {"_id": 1, "n": number, "s": word, "t": [number], "item": {}}
    seen = {}
    for ops in BAD_UPDATES:
        collection = store(solution, document)
        seen[f"{ops}"] = refusal(collection.update, {"_id": 1}, copy.deepcopy(ops))
        seen[f"stored after {ops}"] = everything(collection)
    collection = store(solution, document)
    typo = {"n": {"$grater": 1}}
    seen[f"a query with {typo}"] = refusal(collection.update, typo, {"$set": {"n": 1}})
    return seen | {"stored after that query": everything(collection)}


@scenario(
    ATOMIC,
    task=4,
    needs=(REFUSED, MATCHED),
    points=2,
    next_step="Change copies, all of them. Store them only when the last one has succeeded.",
)
def atomic(solution, rng):
    """Several operators, of which the last fails; many documents, of which one is no number."""
    number, word = rng.randint(2, 90), rng.choice(WORDS)
    seen = {}
    for ops in (
        {"$set": {"n": -1}, "$inc": {"s": 1}},
        {"$set": {"item.n": -1}, "$push": {"s": "x"}},
        {"$push": {"t": -1}, "$inc": {"s": 1}},
        {"$unset": {"n": ""}, "$increase": {"n": 1}},
        {"$inc": {"n": 1, "s": 1}},
    ):
        collection = store(
            solution, {"_id": 1, "n": number, "s": word, "t": [number], "item": {"n": number}}
        )
        seen[f"{ops}"] = outcome(collection.update, {"_id": 1}, ops)
        seen[f"stored after {ops}"] = everything(collection)
    for at in (0, rng.randint(1, 3), 4):
        values = [number] * 5
        values[at] = word
        collection = store(solution, *({"_id": i, "n": v, "t": [v]} for i, v in enumerate(values)))
        ops = {"$push": {"t": -1}, "$inc": {"n": 1}}
        label = f"many, document {at} has a text"
        seen[label] = outcome(collection.update, {}, ops, many=True)
        seen[f"stored, {label}"] = everything(collection)
    return seen


@scenario(
    SAME_ID,
    task=4,
    needs=(OPERATORS,),
    next_step="Compare the _id before and after the operators.",
)
def same_id(solution, rng):
    """$set, $unset and $inc of the _id, with a value that is free and with one that is taken."""
    first, second, third = rng.sample(range(2, 90), 3)
    seen = {}
    for ops in (
        {"$set": {"_id": third}},
        {"$set": {"_id": second}},
        {"$unset": {"_id": ""}},
        {"$inc": {"_id": 100}},
        {"$set": {"n": -1, "_id": third}},
    ):
        collection = store(solution, {"_id": first, "n": 1}, {"_id": second, "n": 2})
        outcome(collection.update, {"_id": first}, ops)
        after = everything(collection)
        seen[f"_ids after {ops}"] = [each.get("_id") for each in after]
        seen[f"_id {first} found after {ops}"] = ids(collection, {"_id": first})
    return seen


@scenario(
    OPERANDS,
    task=4,
    needs=(MATCHED, COPIES_IN),
    next_step="An operand belongs to the caller: copy it before it becomes part of a document.",
)
def operands(solution, rng):
    """The caller changes what was given to $set of two documents and to $push."""
    number = rng.randrange(90)
    collection = store(solution, {"_id": 1, "t": []}, {"_id": 2, "t": []})
    value, element = [number], {"x": number}
    collection.update({}, {"$set": {"n": value}}, many=True)
    collection.update({"_id": 1}, {"$push": {"t": element}})
    value.append("changed")
    element["x"] = "changed"
    seen = {"stored": everything(collection)}
    collection.update({"_id": 1}, {"$push": {"n": 7}})
    return seen | {"after 7 was pushed to n of 1": everything(collection)}


@scenario(
    UPSERT,
    task=4,
    needs=(MATCHED, AND_OR),
    points=2,
    next_step="Only plain values and $eq say what must be equal; put them in, then change.",
)
def upsert(solution, rng):
    """Upserts that find nothing, that find something, and that fail."""
    low, mid, high, a, b, _ = numbers_and_words(rng)
    seen = {}
    for query in (
        {"s": a},
        {"s": a, "n": mid},
        {"s": {"$eq": a}},
        {"s": a, "m": {"$gt": mid}},
        {"s": {"$ne": b}, "m": {"$in": [low, high]}},
        {"item.size": mid, "s": a},
        {"item": {"size": mid}},
    ):
        for many in (False, True):
            collection = store(solution, {"other": high, "s": b, "n": low})
            collection.update(query, {"$inc": {"count": mid}}, many=many, upsert=True)
            label = f"{query}{', many' if many else ''}"
            seen[f"stored by {label}"] = without_ids(found(collection, {}))
            if "m" not in query:  # then what was inserted matches now
                again = collection.update(query, {"$inc": {"count": 1}}, many=many, upsert=True)
                seen[f"matched, once more {label}"] = again
                seen[f"stored, once more {label}"] = without_ids(found(collection, {}))
    collection = store(solution, {"_id": 1, "s": a})
    collection.update({"_id": 7}, {"$set": {"s": b}}, upsert=True)
    collection.update({"s": a}, {"$set": {"s": b}}, upsert=True)
    collection.update({"s": a}, {"$set": {"s": b}}, upsert=False)
    collection.update({"s": a}, {"$set": {"s": b}})
    seen["with an _id; two that match; none"] = everything(collection)
    equal = [low]
    collection.update({"_id": 8, "t": equal}, {"$set": {"s": b}}, upsert=True)
    equal.append("changed")
    seen["with a list that is changed later"] = everything(collection)
    wrong = outcome(collection.update, {"s": a}, {"$inc": {"s": 1}}, upsert=True)
    return seen | {"$inc of a text": wrong, "stored after it": everything(collection)}


@scenario(
    DELETE,
    task=4,
    needs=(UNKNOWN, NEW_IDS),
    points=2,
    next_step="Find the matches as find does. A wrong query must be refused before anything goes.",
)
def delete(solution, rng):
    """All that match, none, a query with a typing mistake; then new documents are inserted."""
    numbers = [1, 1, 2, 2, 2, 3]
    rng.shuffle(numbers)
    documents = [{"_id": number, "n": n} for number, n in enumerate(numbers, 1)]
    collection = store(solution, *documents)
    seen = {}
    for query in ({"n": {"$grater": 0}}, {"n": {"$gt": 2, "$les": 9}}, {"$nor": [{"n": 1}]}):
        seen[f"delete({query})"] = refusal(collection.delete, query)
    seen["stored after those"] = everything(collection)
    for query in ({"n": 9}, {"n": 2}, {"n": {"$gt": 2}}):
        collection.delete(query)
        seen[f"n after delete({query})"] = [each["n"] for each in everything(collection)]
    gone = numbers.index(2) + 1
    seen["the _id of a deleted one"] = outcome(collection.insert_one, {"_id": gone, "n": 5})
    for number in range(3):
        label = f"insert {number + 1} without _id, afterwards"
        seen[label] = outcome(collection.insert_one, {"n": 4})
    return seen | {"n at the end": sorted(each["n"] for each in found(collection, {}))}


# Task 5

INDEX_USED = "an index saves testing the documents that cannot match"
INDEX_EQUAL = "finds the same with an index, whatever has happened"
INDEX_ORDER = "an index does not change the order of equal documents"
UNIQUE = "a unique index has each value once"
UNIQUE_UPDATE = "no update puts a value into a unique index twice"
UNIQUE_BATCH = "what a unique index refuses leaves nothing behind"
THREADS_INSERT = "a thread that is overtaken inserts no second document"
THREADS_UPDATE = "a thread that is overtaken gives no value twice"
THREADS_INC = "a thread that is overtaken loses no change"
TWENTY = "twenty threads insert one document"


def tested(collection, query):
    """How many documents a query tests. `examined` may begin again with each query."""
    before = collection.examined
    list(collection.find(query))
    after = collection.examined
    return after - before if after >= before else after


@scenario(
    INDEX_USED,
    task=5,
    needs=(STORES, OPERATORS),
    points=2,
    next_step="Keep a dict from value to documents; ask it first, then test what it gives.",
)
def index_used(solution, rng):
    """Sixty documents with ten values. The same query without and with an index."""
    values = [*range(10)] * 6
    rng.shuffle(values)
    collection = store(solution, *({"_id": n, "sku": v, "n": 0} for n, v in enumerate(values)))
    value = rng.randrange(10)
    seen = {"tested without an index": tested(collection, {"sku": value})}
    collection.create_index("sku")

    def at_most(query, most):
        count = tested(collection, query)
        return f"at most {most}" if count <= most else count

    seen["tested, 6 have the value"] = at_most({"sku": value}, 6)
    collection.insert_one({"_id": 60, "sku": value})
    seen["tested, 7 have it"] = at_most({"sku": value}, 7)
    collection.update({"_id": 60}, {"$set": {"sku": 77}})
    seen["tested, 1 has another"] = at_most({"sku": 77}, 1)
    collection.delete({"sku": value})
    seen["tested, none has it"] = at_most({"sku": value}, 0)
    return seen


@scenario(
    INDEX_ORDER,
    task=5,
    needs=(INDEX_USED, KEEPS_PLACE),
    next_step="An index gives a set: put it into the order of insertion before you sort.",
)
def index_order(solution, rng):
    """Twenty documents come to have the same value, in any order; then they are sorted."""
    numbers = rng.sample(range(1000), 20)
    collection = store(solution, *({"_id": n, "sku": n, "same": 1} for n in numbers))
    collection.create_index("sku")
    for number in sorted(numbers):
        collection.update({"_id": number}, {"$set": {"sku": 7}})
    return {
        "inserted": numbers,
        "upwards": ids(collection, {"sku": 7}, sort=[("same", 1)]),
        "downwards": ids(collection, {"sku": 7}, sort=[("same", -1)]),
    }


@scenario(
    UNIQUE,
    task=5,
    needs=(ONE_ID, DELETE),
    points=2,
    next_step="Missing is a value, too: null. Look at what is there when the index is created.",
)
def unique(solution, rng):
    """Inserts with a value that is there, with null, without the field; a late create_index."""
    number, word = rng.randint(2, 90), rng.choice(WORDS)
    collection = solution.Collection()
    collection.create_index("code", unique=True)
    collection.create_index("item.code", unique=True)
    seen = {}
    for n, fields in enumerate(
        (
            {"code": number},
            {"code": number},
            {"code": float(number)},
            {"code": str(number)},
            {"code": 1},
            {"code": True},
            {"code": {"x": number}},
            {"code": {"x": number}},
            {"code": None},
            {},
            {"code": word, "item": {"code": number}},
            {"code": word + "s", "item": {"code": number}},
        )
    ):
        full = {"item": {"code": f"code {n}"}} | fields
        seen[f"{n + 1}: {fields}"] = outcome(collection.insert_one, {"_id": n, **full})
    collection.delete({"code": number})
    again = {"_id": 20, "code": number, "item": {"code": 20}}
    seen["the value of a deleted one"] = outcome(collection.insert_one, again)
    late = store(solution, {"_id": 1, "n": 1}, {"_id": 2, "n": 2}, {"_id": 3, "n": 1}, {"_id": 4})
    seen["create_index over 1, 2, 1"] = outcome(late.create_index, "n", unique=True)
    for query in ({"n": 1}, {"n": 2}, {"n": None}):
        seen[f"found after that by {query}"] = sorted(ids(late, query))
    late.create_index("m")
    seen["two without m, no unique index"] = sorted(ids(late, {"m": None}))
    seen["create_index over missing, missing"] = outcome(late.create_index, "k", unique=True)
    return seen


@scenario(
    UNIQUE_UPDATE,
    task=5,
    needs=(UNIQUE, UPSERT),
    points=2,
    next_step="Ask every index about the changed documents. A document may keep its own value.",
)
def unique_update(solution, rng):
    """Updates and upserts that would give two documents one value, and some that would not."""
    first, second, third = rng.sample(range(2, 90), 3)
    seen = {}
    for label, query, ops, options in (
        ("a value that is there", {"_id": 1}, {"$set": {"code": second}}, {}),
        ("a new value", {"_id": 1}, {"$set": {"code": third}}, {}),
        ("its own value", {"_id": 1}, {"$set": {"code": first, "n": 5}}, {}),
        ("one value for all", {}, {"$set": {"code": third}}, {"many": True}),
        ("something else for all", {}, {"$set": {"n": 5}}, {"many": True}),
        ("a second null", {"_id": 1}, {"$set": {"code": None}}, {}),
        ("a second without it", {"_id": 1}, {"$unset": {"code": ""}}, {}),
        ("$inc to one that is there", {"_id": 1}, {"$inc": {"code": second - first}}, {}),
        ("an upsert", {"_id": 9}, {"$set": {"code": first}}, {"upsert": True}),
        ("an upsert without it", {"_id": 9}, {"$set": {"n": 1}}, {"upsert": True}),
        ("an upsert, new value", {"_id": 9}, {"$set": {"code": third}}, {"upsert": True}),
    ):
        collection = store(
            solution, {"_id": 1, "code": first}, {"_id": 2, "code": second}, {"_id": 3}
        )
        collection.create_index("code", unique=True)
        call = outcome(collection.update, query, ops, **options)
        seen[f"{label}: {ops}"] = call
        seen[f"{label}: stored"] = everything(collection)
        codes = (first, second, third, None)
        seen[f"{label}: by code"] = [sorted(ids(collection, {"code": c})) for c in codes]
        new = {"_id": 20, "code": first}
        seen[f"{label}: insert {first}"] = outcome(collection.insert_one, new)
    return seen


@scenario(
    UNIQUE_BATCH,
    task=5,
    needs=(UNIQUE, BATCH),
    points=2,
    next_step="Ask all indexes first. Only if none objects, change the first one.",
)
def unique_batch(solution, rng):
    """Three indexes. Batches and single documents that the last index refuses."""
    a, b, c, d = rng.sample(range(2, 90), 4)
    wrong = ({"n": 7, "code": c}, {"n": 7, "code": a}, {"n": 7, "code": d})
    seen = {}
    for fields in (("n", "code"), ("code", "n")):
        collection = store(solution, {"_id": 1, "n": 1, "code": a}, {"_id": 2, "n": 2, "code": b})
        for field in fields:
            collection.create_index(field, unique=field == "code")
        batch = [{"_id": 10 + i, **each} for i, each in enumerate(wrong)]
        label = " and ".join(fields)
        call = outcome(collection.insert_many, batch)
        seen[f"a batch, indexes on {label}"] = call
        call = outcome(collection.insert_one, batch[1])
        seen[f"one, indexes on {label}"] = call
        seen[f"stored, {label}"] = everything(collection)
        for query in ({"n": 7}, {"code": c}, {"_id": 10}, {"_id": 11}):
            seen[f"found by {query}, {label}"] = ids(collection, query)
        right = [{"_id": 10, "n": 7, "code": c}, {"_id": 11, "n": 7, "code": d}]
        call = outcome(collection.insert_many, right)
        seen[f"a right batch with the same, {label}"] = call
    return seen


VALUES = (0, 1, 2, 1.0, "a", "b", None, True, {"x": 1}, ["a", 1], [], ["b", {"x": 1}])


def random_step(collection, rng, number):
    """An insert, an update or a delete; some are refused, because a code is there already."""

    def fields():
        values = {"n": rng.choice(VALUES), "item": {"s": rng.choice(VALUES)}}
        names = rng.sample([*values], rng.randint(1, 2))
        return {"code": rng.randrange(60)} | {name: values[name] for name in names}

    def several():
        return [{"_id": 1000 + 3 * number + i, **fields()} for i in range(3)]

    one, few = {"code": rng.randrange(60)}, {"code": {"$lt": rng.randrange(20)}}
    value = rng.choice(VALUES)
    calls = (
        lambda: collection.insert_one({"_id": number, **fields()}),
        lambda: collection.insert_many(several()),
        lambda: collection.update(one, {"$set": {"n": value}}),
        lambda: collection.update(one, {"$set": {"n": value, "code": rng.randrange(60)}}),
        lambda: collection.update(few, {"$unset": {"item.s": ""}}, many=True),
        lambda: collection.update({"n": 1}, {"$inc": {"n": 1}}, many=True),
        lambda: collection.update(few, {"$set": {"n": value, "code": 1}}, many=True),
        lambda: collection.update(one, {"$set": {"item.s": value}}, upsert=True),
        lambda: collection.delete({"n": value, **few}),
    )
    outcome(rng.choice(calls))


@scenario(
    INDEX_EQUAL,
    task=5,
    needs=(INDEX_ORDER, UNIQUE_UPDATE, UNIQUE_BATCH),
    points=3,
    next_step="An index has a key for missing, for a list, and for each of its elements.",
    limit=5.0,
)
def index_equal(solution, rng):
    """150 changes under three indexes, one unique; some are refused. Then all values are asked."""
    collection = solution.Collection()
    collection.create_index("n")
    collection.create_index("code", unique=True)
    seen = {}
    for number in range(1, 151):
        random_step(collection, rng, number)
        if number == 50:
            collection.create_index("item.s")
        if number % 50 == 0:
            for path, value in itertools.product(("n", "item.s"), VALUES):
                codes = sorted(each["code"] for each in found(collection, {path: value}))
                seen[f"codes with {path}={value!r}, {number} changes"] = codes
    return seen


@scenario(
    THREADS_INSERT,
    task=5,
    needs=(UNIQUE,),
    points=2,
    next_step="Looking for the value and storing the document must be one step, under one lock.",
    limit=20.0,
)
def threads_insert(solution, rng):
    """One thread stops before each line of insert in turn; another inserts the same value."""
    code = rng.randrange(90)

    def story(line, locks):
        collection = solution.Collection()
        collection.create_index("code", unique=True)

        def insert(_id):
            return outcome(collection.insert_one, {"_id": _id, "code": code})

        reached = overtaken(line, partial(insert, 1), partial(insert, 2), locks)
        return reached, len(found(collection, {}))

    return {"documents with one code, at each line": at_every_line(story)}


@scenario(
    THREADS_UPDATE,
    task=5,
    needs=(UNIQUE_UPDATE, THREADS_INSERT),
    points=2,
    next_step="An update, an upsert and an insert must all use the same lock, from start to end.",
    limit=20.0,
)
def threads_update(solution, rng):
    """An update stops before each line; another thread inserts the value. Then an upsert."""
    code = rng.randrange(90)

    def story(slow):
        def at_line(line, locks):
            collection = store(solution, {"_id": 1, "code": -1})
            collection.create_index("code", unique=True)
            new = {"_id": 2, "code": code}
            reached = overtaken(
                line,
                partial(outcome, slow, collection),
                partial(outcome, collection.insert_one, new),
                locks,
            )
            return reached, len(found(collection, {"code": code}))

        return at_every_line(at_line)

    return {
        "documents with one code, update": story(
            lambda collection: collection.update({"_id": 1}, {"$set": {"code": code}})
        ),
        "documents with one code, upsert": story(
            lambda collection: collection.update({"code": code}, {"$set": {"n": 1}}, upsert=True)
        ),
    }


@scenario(
    THREADS_INC,
    task=5,
    needs=(THREADS_INSERT, MATCHED),
    points=2,
    next_step="Read the old document and store the new one under the same lock.",
    limit=20.0,
)
def threads_inc(solution, rng):
    """Two threads add to one field. One stops before each line of update in turn."""
    start = rng.randrange(90)

    def story(line, locks):
        collection = store(solution, {"_id": 1, "n": start})

        def add():
            collection.update({"_id": 1}, {"$inc": {"n": 1}})

        reached = overtaken(line, add, add, locks)
        return reached, found(collection, {})[0]["n"]

    return {f"{start} and twice one more, at each line": at_every_line(story)}


@scenario(
    TWENTY,
    task=5,
    needs=(THREADS_INSERT,),
    next_step="Take the lock before you look, and let it go after you have stored.",
    limit=10.0,
)
def twenty(solution, rng):
    """Twenty threads insert the same value at the same moment, and each one of its own."""
    code = rng.randrange(90)
    collection = solution.Collection()
    collection.create_index("code", unique=True)
    start = threading.Barrier(20)

    def insert(number):
        start.wait(PATIENCE)
        same = outcome(collection.insert_one, {"_id": number, "code": code})
        own = outcome(collection.insert_one, {"_id": 100 + number, "code": 100 + number})
        return [same, own]

    results = [work.result() for work in [Work(partial(insert, n)) for n in range(20)]]
    same, own = zip(*results, strict=True)
    return {
        "same value": {word: same.count(word) for word in sorted(set(same))},
        "own value": {word: own.count(word) for word in sorted(set(own))},
        "documents": len(found(collection, {})),
    }
