"""One immutable tuple of documents as JSON text; every change builds a new one.

Indexes are built again with each state. Queries are turned into functions first. `find` gives
an iterator.
"""

import json
from functools import partial
from threading import Lock
from uuid import uuid1

NOTHING = ["nothing"]


def read(text):
    return json.loads(text)


def rank(value):
    if value is NOTHING or value is None:
        return 0
    for number, kinds in ((9, bool), (1, (int, float)), (2, str), (5, (dict, list))):
        if isinstance(value, kinds):
            return number
    raise TypeError(f"no value of a document: {value!r}")


def same(a, b):
    if rank(a) != rank(b) or isinstance(a, list) != isinstance(b, list):
        return rank(a) == rank(b) == 0
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return rank(a) == 0 or a == b


def order(value):
    plain = rank(value) in (1, 2, 9)
    return rank(value), value if plain else 0


def spots(value, names):
    if not names:
        return [value]
    if type(value) is list:
        return [spot for each in value if type(each) is dict for spot in spots(each, names)]
    if type(value) is not dict or names[0] not in value:
        return [NOTHING]
    return spots(value[names[0]], names[1:])


def looked_at(document, path):
    values = spots(document, path.split("."))
    inner = [e for v in values if type(v) is list and v is not NOTHING for e in v]
    return values + inner


def less(a, b):
    return rank(a) == rank(b) and a is not NOTHING and rank(a) in (1, 2, 9) and a < b


def not_list(word, operand):
    if type(operand) is not list:
        raise TypeError(f"{word} needs a list")
    return operand


def test_of(word, x):
    if word in ("$ne", "$nin"):
        inner = test_of({"$ne": "$eq", "$nin": "$in"}[word], x)
        return lambda values: not inner(values)
    if word == "$exists":
        return lambda values: bool(x) is any(v is not NOTHING for v in values)
    single = {
        "$eq": lambda v: same(v, x),
        "$gt": lambda v: less(x, v),
        "$gte": lambda v: less(x, v) or same(x, v),
        "$lt": lambda v: less(v, x),
        "$lte": lambda v: less(v, x) or same(x, v),
        "$in": lambda v, wanted=x if word != "$in" else not_list(word, x): any(
            same(v, each) for each in wanted
        ),
    }[word]
    return lambda values: any(map(single, values))


def compiled(query):
    parts = []
    for name, operand in query.items():
        if name in ("$and", "$or"):
            inner, combine = [compiled(each) for each in operand], all if name == "$and" else any
            parts.append(lambda d, i=inner, c=combine: c(test(d) for test in i))
        elif name[:1] == "$":
            raise KeyError(name)
        else:
            words = {"$eq": operand}
            if type(operand) is dict and any(key[:1] == "$" for key in operand):
                words = operand
            tests = [test_of(word, x) for word, x in words.items()]
            parts.append(lambda d, n=name, t=tests: all(one(looked_at(d, n)) for one in t))
    return lambda document: all(part(document) for part in parts)


def walk(document, path, make):
    *way, last = path.split(".")
    for name in way:
        if name not in document:
            if not make:
                return None, last
            document[name] = {}
        document = document[name]
    return document, last


def change(text, ops):
    document = read(text)
    _id = document.get("_id", NOTHING)
    for word, places in ops.items():
        if word not in ("$set", "$unset", "$inc", "$push", "$pull"):
            raise KeyError(word)
        for path, x in places.items():
            place, last = walk(document, path, word not in ("$unset", "$pull"))
            if place is None:
                continue
            if word == "$set":
                place[last] = x
            elif word == "$unset":
                place.pop(last, None)
            elif word == "$inc":
                if rank(place.get(last, 0)) != 1 or rank(x) != 1:
                    raise TypeError("$inc is for numbers")
                place[last] = place.get(last, 0) + x
            elif word == "$push":
                if type(place.setdefault(last, [])) is not list:
                    raise TypeError("$push is for lists")
                place[last].append(read(json.dumps(x)))
            elif last in place:
                place[last] = [each for each in place[last] if not same(each, x)]
    if _id is not NOTHING and not same(document.get("_id", NOTHING), _id):
        raise ValueError("_id is for ever")
    return json.dumps(document)


def signature(value):
    """Text that is the same for equal values and for no others."""
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{k!r}:{signature(value[k])}" for k in sorted(value))
    if isinstance(value, list) and value is not NOTHING:
        return "[%s]" % ",".join(map(signature, value))
    if rank(value) == 1 and value == int(value):
        value = int(value)
    return "None" if value is NOTHING else repr(value)


class Collection:
    def __init__(self):
        self.examined = 0
        self.lock, self.kinds = Lock(), {"_id": True}
        self.state, self.tables = (), {"_id": {}}

    def commit(self, state, kinds=None):
        kinds = kinds or self.kinds
        tables = {path: {} for path in kinds}
        for place, text in enumerate(state):
            document = read(text)
            for path, single in kinds.items():
                for mark in {signature(value) for value in looked_at(document, path)}:
                    places = tables[path].setdefault(mark, [])
                    if places and single:
                        raise ValueError(f"{path} is taken: {mark}")
                    places.append(place)
        self.state, self.tables, self.kinds = tuple(state), tables, kinds

    def insert_one(self, document):
        self.insert_many([document])

    def insert_many(self, documents):
        texts = [json.dumps({"_id": str(uuid1())} | each) for each in documents]
        with self.lock:
            self.commit([*self.state, *texts])

    def places(self, query):
        test, places = compiled(query), range(len(self.state))
        for path, operand in query.items():
            simple = type(operand) is not dict or not any(k[:1] == "$" for k in operand)
            if path in self.tables and simple:
                places = self.tables[path].get(signature(operand), [])
        self.examined += len(places)
        return [place for place in places if test(read(self.state[place]))]

    def find(self, query, sort=(), skip=0, limit=None, projection=None):
        with self.lock:
            texts = [self.state[place] for place in self.places(query)]
        documents = [read(text) for text in texts]
        for path, direction in list(sort or ())[::-1]:
            values = [(spots(each, path.split(".")) or [NOTHING])[0] for each in documents]
            marks = {id(each): order(value) for each, value in zip(documents, values, strict=True)}
            documents.sort(key=lambda each, m=marks: m[id(each)], reverse=direction < 0)
        del documents[:skip]
        if limit is not None:
            del documents[limit:]
        return map(partial(self.cut, projection), documents)

    @staticmethod
    def cut(paths, document):
        if paths is None:
            return document
        result = {"_id": document["_id"]}
        for path in paths:
            (value, *_) = spots(document, path.split(".")) or [NOTHING]
            if value is not NOTHING:
                place, last = walk(result, path, True)
                place[last] = value
        return result

    def update(self, query, ops, many=False, upsert=False):
        with self.lock:
            places = self.places(query)[: len(self.state) if many else 1]
            state = list(self.state)
            for place in places:
                state[place] = change(state[place], ops)
            if not places and upsert:
                new = change(change("{}", {"$set": dict(self.equalities(query))}), ops)
                state.append(json.dumps({"_id": str(uuid1())} | read(new)))
            self.commit(state)
            return len(places)

    @staticmethod
    def equalities(query):
        for path, operand in query.items():
            if path[0] != "$":
                if type(operand) is not dict or not any(k[:1] == "$" for k in operand):
                    yield path, operand
                elif "$eq" in operand:
                    yield path, operand["$eq"]

    def delete(self, query):
        with self.lock:
            gone = set(self.places(query))
            self.commit([text for place, text in enumerate(self.state) if place not in gone])

    def create_index(self, field, unique=False):
        with self.lock:
            self.commit(self.state, self.kinds | {field: unique})
