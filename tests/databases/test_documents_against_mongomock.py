"""500 generated queries and 300 generated updates: the same answers as mongomock.

Left out, because mongomock differs from MongoDB's manual there: booleans beside
numbers; paths through a plain value; two bounds on a path through a list; "does not
exist" on a path through a list; the equalities in the `$and` of an upsert.
"""

from __future__ import annotations

import random

import mongomock
import pytest

from course_lib.databases.documents import Collection

WORDS = ["a", "b", "ab", ""]
NUMBERS = [0, 1, 2, 2.0, 2.5, -1]
PLAIN_PATHS = ["n", "s", "mixed", "item.n", "item.s", "item.deep.n"]
LIST_PATHS = ["tags", "lines.n", "lines.s", "lines.0.n", "tags.0"]


def value(rng: random.Random) -> object:
    return rng.choice([rng.choice(WORDS), rng.choice(NUMBERS), None])


def document(rng: random.Random, number: int) -> dict:
    def maybe(fields: dict) -> dict:
        return {name: make() for name, make in fields.items() if rng.random() < 0.75}

    def line() -> dict:
        return maybe({"n": lambda: rng.choice(NUMBERS), "s": lambda: rng.choice(WORDS)})

    fields = maybe(
        {
            "n": lambda: rng.choice(NUMBERS),
            "s": lambda: rng.choice(WORDS),
            "mixed": lambda: value(rng),
            "item": lambda: {**line(), **maybe({"deep": line})},
            "tags": lambda: [value(rng) for _ in range(rng.randrange(4))],
            "lines": lambda: [line() for _ in range(rng.randrange(3))],
        }
    )
    return {"_id": number, **fields}


def condition(rng: random.Random, path: str) -> object:
    def compared() -> object:
        return rng.choice([rng.choice(WORDS), rng.choice(NUMBERS)])

    def operator() -> tuple[str, object]:
        word = rng.choice(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists"])
        if word == "$exists":
            return word, path in LIST_PATHS or rng.choice([True, False])
        if word in ("$in", "$nin"):
            return word, [value(rng) for _ in range(rng.randrange(4))]
        return word, value(rng) if word in ("$eq", "$ne") else compared()

    if rng.random() < 0.3:
        return value(rng)
    count = rng.choice([1, 2]) if path in PLAIN_PATHS else 1
    return dict(operator() for _ in range(count))


def query(rng: random.Random, depth: int = 0) -> dict:
    conditions: dict = {}
    for _ in range(rng.choice([1, 1, 2])):
        path = rng.choice(PLAIN_PATHS + LIST_PATHS)
        conditions[path] = condition(rng, path)
    if depth < 2 and rng.random() < 0.3:
        word = rng.choice(["$and", "$or"])
        conditions[word] = [query(rng, depth + 1) for _ in range(rng.choice([1, 2]))]
    return conditions


def both(documents: list[dict]) -> tuple[Collection, mongomock.Collection]:
    ours, theirs = Collection(), mongomock.MongoClient().shop.products
    ours.insert_many(documents)
    if documents:
        theirs.insert_many(documents)
    return ours, theirs


@pytest.mark.parametrize("indexes", [(), ("n", "tags", "lines.n")], ids=["scan", "index"])
@pytest.mark.parametrize("seed", range(10))
def test_a_query_finds_the_same_documents(seed, indexes):
    rng = random.Random(seed)
    ours, theirs = both([document(rng, number) for number in range(40)])
    for path in indexes:
        ours.create_index(path)

    for _ in range(50):
        asked = query(rng)
        assert ours.find(asked) == list(theirs.find(asked)), asked


@pytest.mark.parametrize("seed", range(5))
def test_sort_skip_and_limit_give_the_same_page(seed):
    rng = random.Random(seed)
    ours, theirs = both([document(rng, number) for number in range(40)])

    for _ in range(20):
        paths = rng.sample(["n", "s", "mixed", "item.n"], 2)
        sort = [(path, rng.choice([1, -1])) for path in paths]
        skip, limit = rng.randrange(5), rng.randrange(1, 12)
        asked = query(rng)
        assert ours.find(asked, sort=sort, skip=skip, limit=limit) == list(
            theirs.find(asked).sort(sort).skip(skip).limit(limit)
        ), (asked, sort)


def update(rng: random.Random) -> dict:
    return rng.choice(
        [
            {"$set": {"n": rng.choice(NUMBERS), "item.s": rng.choice(WORDS)}},
            {"$set": {"item.deep.n": rng.choice(NUMBERS)}},
            {"$unset": {"s": "", "item.n": ""}},
            {"$inc": {"n": rng.choice([1, -2, 0.5]), "item.count": 1}},
            {"$push": {"tags": value(rng)}},
            {"$pull": {"tags": rng.choice(WORDS)}},
            {"$pull": {"tags": {"$in": WORDS[:2]}}},
            {"$pull": {"lines": {"s": rng.choice(WORDS)}}},
            {"$set": {"s": "new"}, "$inc": {"n": 1}, "$push": {"tags": "z"}},
        ]
    )


@pytest.mark.parametrize("seed", range(10))
def test_an_update_has_the_same_effect(seed):
    rng = random.Random(seed)
    ours, theirs = both([document(rng, number) for number in range(20)])

    for _ in range(30):
        asked, operators, many = query(rng), update(rng), rng.random() < 0.5
        matched = ours.update(asked, operators, many=many)
        theirs_update = theirs.update_many if many else theirs.update_one
        assert matched == theirs_update(asked, operators).matched_count, asked
        assert ours.find() == list(theirs.find()), (asked, operators)


@pytest.mark.parametrize("seed", range(5))
def test_a_deletion_leaves_the_same_documents(seed):
    rng = random.Random(seed)
    ours, theirs = both([document(rng, number) for number in range(40)])

    for _ in range(10):
        asked = {**query(rng), "n": {"$lte": 1}}
        assert ours.delete(asked) == theirs.delete_many(asked).deleted_count
        assert ours.find() == list(theirs.find()), asked


@pytest.mark.parametrize(
    "asked",
    [
        {"n": 7},
        {"n": {"$eq": 7}, "item.s": "a"},
        {"n": 7, "s": {"$in": ["q"]}},
    ],
)
def test_an_upsert_makes_the_same_document(asked):
    ours, theirs = both([])

    ours.update(asked, {"$inc": {"count": 1}}, upsert=True)
    theirs.update_one(asked, {"$inc": {"count": 1}}, upsert=True)

    assert [{**d, "_id": 0} for d in ours.find()] == [{**d, "_id": 0} for d in theirs.find()]


@pytest.mark.parametrize("paths", [["n"], ["item.n"], ["lines.n", "s"], ["item", "tags"], []])
def test_a_projection_keeps_the_same_fields(paths):
    rng = random.Random(1)
    ours, theirs = both([document(rng, number) for number in range(20)])

    kept = dict.fromkeys(paths, 1) or {"_id": 1}
    assert ours.find(projection=paths) == list(theirs.find({}, kept))
