"""The collection by table, and the defects DB-42 to DB-54 of the catalogue."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.databases.documents import (
    Collection,
    DuplicateKey,
    InvalidUpdate,
    UnknownOperator,
)
from course_lib.databases.matching import order_key, query

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=100)


def filled(*documents: dict) -> Collection:
    collection = Collection(new_id=iter(range(1, 1_000)).__next__)
    collection.insert_many(documents)
    return collection


def test_a_document_comes_back_with_the_id_that_was_made_for_it():
    shop = Collection(new_id=iter(["p1"]).__next__)

    assert shop.insert_one({"name": "tea"}) == "p1"
    assert shop.find() == [{"_id": "p1", "name": "tea"}]
    assert len(shop) == 1


def test_ids_made_by_default_do_not_collide():  # DB-49
    shop = Collection()

    shop.insert_many({} for _ in range(3_000))

    assert len({document["_id"] for document in shop.find()}) == 3_000


@pytest.mark.parametrize("again", [1, 1.0])
def test_an_id_that_exists_is_refused(again):  # DB-49
    shop = filled({"_id": 1})

    with pytest.raises(DuplicateKey, match="a document with _id = 1"):
        shop.insert_one({"_id": again})


# --- queries ------------------------------------------------------------------------------

TRUTH = [
    # document, query, matches
    ({"n": 3}, {}, True),
    ({"n": 3}, {"n": 3}, True),
    ({"n": 3}, {"n": 3.0}, True),
    ({"n": 3}, {"n": {"$eq": 3}}, True),
    ({"n": 3}, {"n": {"$gt": 2, "$lt": 4}}, True),
    ({"n": 3}, {"n": {"$gt": 3}}, False),
    ({"n": 3}, {"n": {"$gte": 3, "$lte": 3}}, True),
    ({"n": 3}, {"n": {"$lt": 3}}, False),
    ({"n": 3}, {"n": {"$in": [1, 3]}}, True),
    ({"n": 3}, {"n": {"$nin": [1, 3]}}, False),
    ({"n": 3}, {"n": {"$in": []}}, False),
    ({"n": 3}, {"n": {"$nin": []}}, True),
    ({"n": 3, "s": "a"}, {"n": 3, "s": "b"}, False),
    ({"n": 3}, {"$or": [{"n": 1}, {"n": 3}]}, True),
    ({"n": 3}, {"$and": [{"n": 3}, {"n": {"$gt": 3}}]}, False),
    ({"n": 3}, {"$or": [{"n": 1}], "n": 3}, False),
    # kinds do not mix: no match, no error (DB-48)
    ({"n": "3"}, {"n": {"$gt": 2}}, False),
    ({"n": 3}, {"n": {"$lt": "a"}}, False),
    ({"n": True}, {"n": 1}, False),
    ({"n": 1}, {"n": True}, False),
    ({"n": True}, {"n": {"$gte": 1}}, False),
    ({"n": {"x": True}}, {"n": {"x": 1}}, False),
    ({"n": [True]}, {"n": [1]}, False),
    # missing counts as null (DB-48)
    ({}, {"n": None}, True),
    ({"n": None}, {"n": None}, True),
    ({"n": 0}, {"n": None}, False),
    ({}, {"n": {"$ne": 3}}, True),
    ({}, {"n": {"$nin": [3]}}, True),
    ({}, {"n": {"$ne": None}}, False),
    ({}, {"n": {"$in": [None]}}, True),
    ({}, {"n": {"$gt": 0}}, False),
    ({}, {"n": {"$lt": 0}}, False),
    ({}, {"n": {"$gte": None}}, True),
    ({}, {"n": {"$gt": None}}, False),
    ({}, {"n": {"$exists": False}}, True),
    ({"n": None}, {"n": {"$exists": False}}, False),
    ({"n": None}, {"n": {"$exists": True}}, True),
    # dotted paths (DB-45)
    ({"a": {"b": {"c": 1}}}, {"a.b.c": 1}, True),
    ({"a": {"b": 1}}, {"a.b.c": None}, True),
    ({"a": {"b": 1}}, {"a.b.c": {"$exists": True}}, False),
    # lists: any element, or the list itself (DB-45)
    ({"t": ["a", "b"]}, {"t": "a"}, True),
    ({"t": ["a", "b"]}, {"t": ["a", "b"]}, True),
    ({"t": ["a", "b"]}, {"t": ["a"]}, False),
    ({"t": [["a"], "b"]}, {"t": ["a"]}, True),
    ({"t": ["a", "b"]}, {"t": {"$in": ["b", "c"]}}, True),
    ({"t": ["a", "b"]}, {"t": {"$ne": "a"}}, False),
    ({"t": ["a", "b"]}, {"t": {"$nin": ["c"]}}, True),
    ({"t": [1, 9]}, {"t": {"$gt": 5}}, True),
    ({"t": [1, 9]}, {"t": {"$gt": 5, "$lt": 3}}, True),  # two elements may share the work
    ({"t": []}, {"t": None}, False),
    ({"t": []}, {"t": []}, True),
    ({"t": [None]}, {"t": None}, True),
    ({"l": [{"n": 1}, {"n": 2}]}, {"l.n": 2}, True),
    ({"l": [{"n": 1}, {}]}, {"l.n": None}, True),
    ({"l": [{"n": 1}, {}]}, {"l.n": {"$exists": False}}, False),
    ({"l": []}, {"l.n": None}, False),
    ({"l": []}, {"l.n": {"$exists": False}}, True),
    ({"l": [{"n": 1}, {"n": 2}]}, {"l.1.n": 2}, True),
    ({"l": [{"n": 1}, {"n": 2}]}, {"l.0.n": 2}, False),
    ({"l": [{"t": ["a"]}]}, {"l.t": "a"}, True),
    # a document without operators is a value (DB-47)
    ({"a": {"b": 1}}, {"a": {"b": 1}}, True),
    ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, False),
    ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}, True),
    ({"a": {}}, {"a": {}}, True),
    ({"a": {"b": 1}}, {"a": {}}, False),
    ({"a": {"b": 1}}, {"a": {"$gt": {"b": 0}}}, True),
]


@pytest.mark.parametrize(("document", "asked", "expected"), TRUTH)
def test_a_document_matches_or_not(document, asked, expected):
    assert query(asked)(document) is expected


@pytest.mark.parametrize(
    "asked",
    [
        {"n": {"$greater": 1}},
        {"n": {"$GT": 1}},
        {"n": {"$gt": 1, "unit": "kg"}},
        {"$nor": [{"n": 1}]},
        {"$eq": 1},
        {"$or": [{"n": {"$x": 1}}]},
        {"n": {"$and": []}},
    ],
)
def test_an_unknown_operator_is_an_error_and_deletes_nothing(asked):  # DB-46
    shop = filled({"n": 1}, {"n": 2}, {"n": 3})

    for call in (shop.find, shop.delete, lambda asked: shop.update(asked, {"$set": {"n": 0}})):
        with pytest.raises(UnknownOperator):
            call(asked)
    assert [document["n"] for document in shop.find()] == [1, 2, 3]


def test_an_unknown_operator_is_an_error_even_if_there_is_nothing_to_search():
    with pytest.raises(UnknownOperator, match=r"unknown operator '\$like': use one of \$eq"):
        Collection().find({"name": {"$like": "t%"}})


@pytest.mark.parametrize(
    "asked",
    [
        {"s": {"$in": "abc"}},  # DB-54
        {"s": {"$nin": None}},
        {"s": {"$exists": 1}},
        {"$or": {"s": 1}},
        {"$and": []},
        {"$or": ["s"]},
        {"s": {1, 2}},
        [("s", 1)],
    ],
)
def test_an_operand_of_the_wrong_kind_is_an_error(asked):
    with pytest.raises(TypeError):
        filled({"s": "b"}).find(asked)


# --- sort, skip, limit, projection --------------------------------------------------------


def test_it_sorts_before_it_limits():  # DB-43
    shop = filled({"n": 30}, {"n": 10}, {"n": 20})

    assert shop.find(sort=[("n", 1)], limit=1) == [{"_id": 2, "n": 10}]
    assert shop.find(sort=[("n", 1)], skip=1, limit=1) == [{"_id": 3, "n": 20}]
    assert shop.find(sort=[("n", -1)], skip=2) == [{"_id": 2, "n": 10}]
    assert shop.find(limit=0) == []


def test_kinds_are_sorted_one_after_the_other():  # DB-44
    values = [None, 2, 10, "a", "b", {"x": 1}, [0], [1], False, True]
    shop = filled(*({"v": value} for value in reversed(values)), {})

    up = [document.get("v") for document in shop.find(sort=[("v", 1)])]
    down = [document.get("v") for document in shop.find(sort=[("v", -1)])]

    assert up == [None, None, *values[1:]]
    assert down == [*values[:0:-1], None, None]


@pytest.mark.parametrize("direction", [1, -1])
def test_equal_documents_keep_their_order_of_insertion(direction):
    shop = filled({"n": 1}, {"n": 1}, {"n": 1}, {"n": 1})

    assert [d["_id"] for d in shop.find(sort=[("n", direction)])] == [1, 2, 3, 4]


def test_the_first_sort_path_counts_most():
    shop = filled({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2})

    assert [d["_id"] for d in shop.find(sort=[("a", 1), ("b", -1)])] == [3, 1, 2]


def test_a_sort_path_through_a_list_uses_the_element_that_comes_first():
    shop = filled({"l": [{"n": 5}, {"n": 1}]}, {"l": [{"n": 3}]}, {"l": []})

    assert [d["_id"] for d in shop.find(sort=[("l.n", 1)])] == [3, 1, 2]
    assert [d["_id"] for d in shop.find(sort=[("l.n", -1)])] == [1, 2, 3]


@pytest.mark.parametrize(
    "page", [{"limit": -1}, {"skip": -1}, {"sort": [("n", 0)]}, {"sort": [("n", "up")]}]
)
def test_a_page_that_makes_no_sense_is_refused(page):  # DB-53
    with pytest.raises(ValueError, match=r"negative|by 1"):
        filled({"n": 1}).find(**page)


def test_a_projection_keeps_what_it_names_and_the_id():
    shop = filled({"a": {"b": 1, "c": 2}, "l": [{"n": 1, "m": 2}, 3], "secret": "x"})

    assert shop.find(projection=["a.b", "l.n"]) == [{"_id": 1, "a": {"b": 1}, "l": [{"n": 1}]}]
    assert shop.find(projection=[]) == [{"_id": 1}]


# --- copies -------------------------------------------------------------------------------


def test_nothing_is_shared_with_the_caller():  # DB-50
    mine = {"_id": {"k": 1}, "tags": ["tea"], "a": {"b": 1}}
    shop = Collection()

    given_id = shop.insert_one(mine)
    mine["tags"].append("changed")
    given_id["k"] = 2
    found = shop.find()[0]
    found["a"]["b"] = 99
    found["tags"].clear()

    assert shop.find() == [{"_id": {"k": 1}, "tags": ["tea"], "a": {"b": 1}}]


def test_the_document_of_the_caller_gets_no_id():  # DB-50
    mine = {"name": "tea"}

    filled(mine)

    assert mine == {"name": "tea"}


def test_the_operand_of_an_update_is_copied_for_every_document():
    shop, tags = filled({}, {}), ["tea"]

    shop.update({}, {"$set": {"tags": tags}}, many=True)
    tags.append("changed")
    shop.update({"_id": 1}, {"$push": {"tags": "new"}})

    assert shop.find() == [{"_id": 1, "tags": ["tea", "new"]}, {"_id": 2, "tags": ["tea"]}]


@pytest.mark.parametrize(
    "document",
    [{"v": {1, 2}}, {"v": (1,)}, {"v": [b"x"]}, {1: "x"}, {"_id": [1]}, "text", {"v": object()}],
)
def test_what_is_no_document_is_refused(document):
    with pytest.raises(TypeError):
        Collection().insert_one(document)


@pytest.mark.parametrize("document", [{"a.b": 1}, {"$a": 1}, {"": 1}, {"v": float("nan")}])
def test_what_no_query_could_find_is_refused(document):
    with pytest.raises(ValueError, match="cannot"):
        Collection().insert_one(document)


def test_a_document_that_contains_itself_is_refused():
    circle: list = []
    circle.append(circle)

    with pytest.raises(ValueError, match="100 levels"):
        Collection().insert_one({"v": circle})


# --- updates ------------------------------------------------------------------------------

UPDATES = [
    # document, operators, result
    ({"n": 1}, {"$set": {"n": 2, "s": "a"}}, {"n": 2, "s": "a"}),
    ({"n": 1}, {"$set": {"a.b": 2}}, {"n": 1, "a": {"b": 2}}),
    ({"l": [1, 2]}, {"$set": {"l.1": 9}}, {"l": [1, 9]}),
    ({"l": [1]}, {"$set": {"l.1": 9}}, {"l": [1, 9]}),
    ({"l": [1]}, {"$set": {"l.3": 9}}, {"l": [1, None, None, 9]}),
    ({"l": [{"n": 1}]}, {"$inc": {"l.0.n": 1}}, {"l": [{"n": 2}]}),
    ({"n": 1, "s": 2}, {"$unset": {"n": ""}}, {"s": 2}),
    ({"a": {"b": 1}}, {"$unset": {"a.b": ""}}, {"a": {}}),
    ({"n": 1}, {"$unset": {"x.y": ""}}, {"n": 1}),
    ({"l": [1, 2]}, {"$unset": {"l.0": ""}}, {"l": [None, 2]}),
    ({"n": 1}, {"$inc": {"n": 2.5, "m": -1}}, {"n": 3.5, "m": -1}),
    ({"t": ["a"]}, {"$push": {"t": ["b"]}}, {"t": ["a", ["b"]]}),
    ({}, {"$push": {"a.t": 1}}, {"a": {"t": [1]}}),
    ({"t": [1, 2, 1, True]}, {"$pull": {"t": 1}}, {"t": [2, True]}),
    ({"t": [1, 5, "9"]}, {"$pull": {"t": {"$gt": 2}}}, {"t": [1, "9"]}),
    ({"t": [{"n": 1, "m": 1}, {"n": 2}]}, {"$pull": {"t": {"n": 1}}}, {"t": [{"n": 2}]}),
    ({"t": [{"n": 1}, {"n": 2}, 1]}, {"$pull": {"t": {"$or": [{"n": 1}]}}}, {"t": [{"n": 2}, 1]}),
    ({"n": 1}, {"$pull": {"t": 1, "a.t": 1}}, {"n": 1}),
    ({"n": 1}, {"$set": {"s": "a"}, "$inc": {"n": 1}}, {"n": 2, "s": "a"}),
    ({"n": 1}, {"$set": {"_id": 1}}, {"n": 1}),
]


@pytest.mark.parametrize(("document", "operators", "result"), UPDATES)
def test_an_update_changes_what_it_names(document, operators, result):
    shop = filled(document)

    assert shop.update({}, operators) == 1
    assert shop.find() == [{"_id": 1, **result}]


@pytest.mark.parametrize(
    "operators", [{}, {"n": 2}, {"$rename": {"n": "m"}}, {"$set": {"n": 2}, "$x": {}}, None]
)
def test_an_update_needs_operators_that_exist(operators):  # DB-51
    shop = filled({"n": 1})

    with pytest.raises(UnknownOperator):
        shop.update({"n": "not there"}, operators)
    assert shop.find() == [{"_id": 1, "n": 1}]


@pytest.mark.parametrize(
    "operators",
    [
        {"$inc": {"s": 1}},
        {"$inc": {"n": "1"}},
        {"$inc": {"n": True}},
        {"$push": {"n": 1}},
        {"$pull": {"n": 1}},
        {"$set": {"n.x": 1}},
        {"$set": {"t.x": 1}},
        {"$set": {"t.1000000": 1}},
        {"$set": {"_id": 2}},
        {"$unset": {"_id": ""}},
        {"$set": {"n": 1}, "$inc": {"n": 1}},
        {"$set": {"a": {}, "a.b": 1}},
        {"$set": [("n", 1)]},
    ],
)
def test_an_update_that_does_not_fit_changes_nothing(operators):  # DB-51
    before = {"_id": 1, "n": 1, "s": "a", "t": [1]}
    shop = filled(before)

    with pytest.raises(InvalidUpdate):
        shop.update({}, operators)
    assert shop.find() == [before]


def test_what_cannot_be_stored_cannot_be_set_either():
    shop = filled({"n": 1})

    with pytest.raises(ValueError, match="cannot be called"):
        shop.update({}, {"$set": {"a": {"$b": 1}}})
    with pytest.raises(TypeError):
        shop.update({}, {"$set": {"a": object()}})
    assert shop.find() == [{"_id": 1, "n": 1}]


def test_many_documents_are_updated_all_or_none():  # DB-51
    shop = filled({"n": 1}, {"n": 2}, {"n": "text"})

    with pytest.raises(InvalidUpdate, match="number to add to, found 'text'"):
        shop.update({}, {"$inc": {"n": 1}}, many=True)
    assert [document["n"] for document in shop.find()] == [1, 2, "text"]


def test_without_many_the_first_match_is_updated():
    shop = filled({"n": 1}, {"n": 1})

    assert shop.update({"n": 1}, {"$set": {"n": 5}}) == 1
    assert [document["n"] for document in shop.find()] == [5, 1]
    assert shop.update({"n": 9}, {"$set": {"n": 5}}, many=True) == 0


def test_an_upsert_inserts_the_equalities_of_the_query_once():
    shop = filled()
    asked = {"sku": "t1", "a.b": {"$eq": 2}, "n": {"$gt": 5}, "$and": [{"c": 3}], "$or": [{"d": 4}]}

    matched = shop.update(asked, {"$inc": {"count": 1}}, upsert=True)
    shop.update({"sku": "t1"}, {"$inc": {"count": 1}}, upsert=True)

    assert matched == 0
    assert shop.find() == [{"_id": 1, "sku": "t1", "a": {"b": 2}, "c": 3, "count": 2}]


def test_an_upsert_uses_the_id_of_the_query_and_obeys_unique_indexes():
    shop = filled({"sku": "t1"})
    shop.create_index("sku", unique=True)

    shop.update({"_id": "mine"}, {"$set": {"sku": "t2"}}, upsert=True)
    with pytest.raises(DuplicateKey):
        shop.update({"_id": "other"}, {"$set": {"sku": "t1"}}, upsert=True)

    assert shop.find({"_id": "mine"}) == [{"_id": "mine", "sku": "t2"}]
    assert len(shop) == 2


def test_deletion_takes_all_matches_and_only_these():
    shop = filled({"n": 1}, {"n": 2}, {"n": 1})

    assert shop.delete({"n": 1}) == 2
    assert shop.delete({"n": 1}) == 0
    assert [document["n"] for document in shop.find()] == [2]
    assert shop.delete({}) == 1


# --- indexes ------------------------------------------------------------------------------


def test_an_index_spares_the_documents_that_cannot_match():
    shop = filled(*({"n": n, "tags": [f"t{n % 10}"]} for n in range(100)))

    def examined(asked: dict) -> int:
        before = shop.examined
        shop.find(asked)
        return shop.examined - before

    without = [examined({"n": 7}), examined({"tags": "t3"})]
    shop.create_index("n")
    shop.create_index("tags")

    assert without == [100, 100]
    assert [examined({"n": 7}), examined({"n": {"$in": [1, 2, 999]}})] == [1, 2]
    assert [examined({"tags": "t3"}), examined({"tags": "t3", "n": 3})] == [10, 1]
    assert [examined({"n": {"$gt": 7}}), examined({"$or": [{"n": 7}]})] == [100, 100]
    assert examined({"_id": 5}) == 1


values = st.sampled_from([None, 0, 1, 1.0, True, "a", [], [1], [1, "a"], {"x": 1}])
documents = st.lists(
    st.fixed_dictionaries({}, optional={"v": values, "w": st.fixed_dictionaries({"x": values})}),
    max_size=8,
)
asked_values = st.one_of(
    values,
    st.builds(lambda word, v: {word: v}, st.sampled_from(["$eq", "$ne", "$gte", "$lt"]), values),
    st.builds(lambda word, v: {word: v}, st.sampled_from(["$in", "$nin"]), st.lists(values)),
)


@repeatable
@given(documents=documents, path=st.sampled_from(["v", "w", "w.x"]), asked=asked_values)
def test_with_an_index_a_query_finds_what_a_scan_finds(documents, path, asked):
    scanned, indexed = filled(*documents), filled(*documents)
    indexed.create_index("v")
    indexed.create_index("w.x")
    indexed.create_index("w")

    assert indexed.find({path: asked}) == scanned.find({path: asked})


@repeatable
@given(documents=documents, changed=values, deleted=values, asked=values)
def test_an_index_follows_updates_and_deletions(documents, changed, deleted, asked):
    scanned, indexed = filled(*documents), filled(*documents)
    indexed.create_index("v")
    for shop in (scanned, indexed):
        shop.update({"v": changed}, {"$set": {"v": "new"}}, many=True)
        shop.delete({"v": deleted})

    assert indexed.find({"v": asked}) == scanned.find({"v": asked})
    assert indexed.find({"v": "new"}) == scanned.find({"v": "new"})


@repeatable
@given(first=values, second=values, third=values)
def test_equality_is_an_equivalence_and_the_order_is_total(first, second, third):
    a, b, c = map(order_key, (first, second, third))

    assert (a < b) + (a == b) + (a > b) == 1
    assert not (a <= b <= c) or a <= c


def test_a_unique_index_refuses_the_second_and_keeps_everything_as_it_was():
    shop = filled({"email": "ada@shop.example"}, {"email": "bob@shop.example"})
    shop.create_index("email", unique=True)
    shop.create_index("name", unique=False)

    with pytest.raises(DuplicateKey, match=r"email = 'ada@shop\.example'"):
        shop.insert_one({"email": "ada@shop.example", "name": "x"})
    with pytest.raises(DuplicateKey):
        shop.update({"_id": 2}, {"$set": {"email": "ada@shop.example", "name": "x"}})
    with pytest.raises(DuplicateKey):
        shop.update({}, {"$set": {"email": "one@shop.example"}}, many=True)

    assert [document["email"][:3] for document in shop.find()] == ["ada", "bob"]
    assert shop.find({"name": "x"}) == []
    assert shop.find({"email": "bob@shop.example"}) == [{"_id": 2, "email": "bob@shop.example"}]


def test_an_index_that_was_changed_before_the_refusal_is_put_back():
    shop = filled({"name": "Ada", "email": "a"}, {"name": "Bob", "email": "b"})
    shop.create_index("name")  # changed first
    shop.create_index("email", unique=True)

    with pytest.raises(DuplicateKey):
        shop.update({"_id": 2}, {"$set": {"name": "Eve", "email": "a"}})

    assert [document["_id"] for document in shop.find({"name": "Bob"})] == [2]
    before = shop.examined
    assert shop.find({"name": "Eve"}) == []
    assert shop.examined == before


def test_a_batch_with_a_duplicate_leaves_nothing_behind():
    shop = filled({"_id": "a", "n": 1})
    shop.create_index("n")

    with pytest.raises(DuplicateKey):
        shop.insert_many([{"_id": "b", "n": 2}, {"_id": "c", "n": 2}, {"_id": "a", "n": 2}])
    with pytest.raises(DuplicateKey):
        shop.insert_many([{"_id": "d"}, {"_id": "d"}])

    assert [document["_id"] for document in shop.find()] == ["a"]
    assert shop.find({"n": 2}) == []
    assert shop.insert_many([{"_id": "b"}, {"_id": "d"}]) == ["b", "d"]


def test_values_may_change_places_in_one_update():
    shop = filled({"slot": 1}, {"slot": 2})
    shop.create_index("slot", unique=True)

    shop.update({}, {"$inc": {"slot": 1}}, many=True)

    assert [document["slot"] for document in shop.find()] == [2, 3]


def test_missing_counts_as_null_in_a_unique_index():
    shop = filled({})
    shop.create_index("email", unique=True)

    with pytest.raises(DuplicateKey, match="email = None"):
        shop.insert_one({"email": None})


def test_a_unique_index_cannot_be_made_on_duplicates():
    shop = filled({"n": 1}, {"n": 1})

    with pytest.raises(DuplicateKey):
        shop.create_index("n", unique=True)
    shop.insert_one({"n": 1})

    assert len(shop) == 3


def test_making_an_index_twice_is_allowed_and_never_weakens_it():
    shop = filled({"n": 1})
    shop.create_index("n", unique=True)
    shop.create_index("n")
    shop.create_index("m")

    with pytest.raises(ValueError, match="not unique"):
        shop.create_index("m", unique=True)
    with pytest.raises(DuplicateKey):
        shop.insert_one({"n": 1})


def test_of_many_threads_with_the_same_value_one_gets_in():
    shop = Collection()
    shop.create_index("email", unique=True)
    start, refused = threading.Barrier(8), []

    def register() -> None:
        start.wait(10)
        try:
            shop.insert_one({"email": "ada@shop.example"})
        except DuplicateKey:
            refused.append(1)

    threads = [threading.Thread(target=register) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert (len(shop), len(refused)) == (1, 7)


def test_increments_of_many_threads_all_count():
    shop = filled({"n": 0})

    def count() -> None:
        for _ in range(100):
            shop.update({"_id": 1}, {"$inc": {"n": 1}})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert shop.find() == [{"_id": 1, "n": 400}]


def test_the_check_and_the_change_happen_under_one_lock():
    """The value looks, whenever an index asks for its hash, whether others could get in."""
    shop, could_get_in = Collection(), []
    shop.create_index("email", unique=True)

    class Watching(str):
        def __hash__(self) -> int:
            other = threading.Thread(target=self.try_to_get_in)
            other.start()
            other.join(10)
            return hash(str(self))

        def try_to_get_in(self) -> None:
            could_get_in.append(shop._lock.acquire(blocking=False))

    shop.insert_one({"email": Watching("ada")})
    shop.update({}, {"$set": {"n": 1}})
    shop.delete({})

    assert len(could_get_in) >= 4
    assert not any(could_get_in)
