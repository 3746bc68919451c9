"""Documents as JSON in SQLite. UNIQUE constraints and transactions do the hard work."""

import json
import sqlite3
import threading
import uuid
from contextlib import contextmanager


class Absent:
    pass


def walk(value, names):
    """Yield what is at the end of the path, through lists of documents."""
    if isinstance(value, list) and names:
        for element in value:
            if isinstance(element, dict):
                yield from walk(element, names)
    elif not names:
        yield value
    elif isinstance(value, dict) and names[0] in value:
        yield from walk(value[names[0]], names[1:])
    else:
        yield Absent


def values_of(document, path):
    for value in walk(document, path.split(".")):
        yield value
        if isinstance(value, list):
            yield from value


def token(value):
    """Text for a value; the first letter is its kind."""
    match value:
        case None | type():
            return "0"
        case bool():
            return f"z{value:d}"
        case int() | float():
            return f"n{float(value)!r}"
        case str():
            return "s" + value
        case dict():
            pairs = sorted((name, token(inner)) for name, inner in value.items())
            return "x" + json.dumps(pairs)
        case list():
            return "y" + json.dumps([token(inner) for inner in value])
    raise TypeError(value)


def sorting(value):
    letter = token(value)[0]
    if letter in "xy":
        return ("x", "")
    return (letter, 0 if letter == "0" else value)


class Matcher:
    """Does a document fit the query? Everything is checked in the constructor."""

    single = {
        "$eq": lambda v, x: token(v) == token(x),
        "$gt": lambda v, x: token(v)[0] == token(x)[0] and v > x,
        "$gte": lambda v, x: token(v)[0] == token(x)[0] and v >= x,
        "$lt": lambda v, x: token(v)[0] == token(x)[0] and v < x,
        "$lte": lambda v, x: token(v)[0] == token(x)[0] and v <= x,
        "$in": lambda v, x: token(v) in {token(each) for each in x},
        "$exists": lambda v, x: v is not Absent,
    }

    def __init__(self, query):
        self.parts = []
        for name, operand in query.items():
            if name == "$and":
                self.parts += [Matcher(each) for each in operand]
            elif name == "$or":
                self.parts.append(AnyOf([Matcher(each) for each in operand]))
            elif name.startswith("$"):
                raise NameError(f"no such operator: {name}")
            elif isinstance(operand, dict) and any(word[0] == "$" for word in operand if word):
                self.parts += [self.condition(name, w, x) for w, x in operand.items()]
            else:
                self.parts.append(self.condition(name, "$eq", operand))

    @classmethod
    def condition(cls, path, word, operand):
        opposite = word in ("$ne", "$nin") or (word == "$exists" and not operand)
        word = {"$ne": "$eq", "$nin": "$in"}.get(word, word)
        if word not in cls.single or (word == "$in" and not isinstance(operand, list)):
            raise NameError(f"no such operator: {word} {operand}")
        return Condition(path, cls.single[word], operand, opposite)

    def fits(self, document):
        return all(part.fits(document) for part in self.parts)


class AnyOf:
    def __init__(self, parts):
        self.parts = parts

    def fits(self, document):
        return any(part.fits(document) for part in self.parts)


class Condition:
    def __init__(self, path, single, operand, opposite):
        self.path, self.single, self.operand, self.opposite = path, single, operand, opposite

    def fits(self, document):
        found = any(self.single(value, self.operand) for value in values_of(document, self.path))
        return found is not self.opposite


def edited(document, ops):
    for word in ops:
        {"$set": 1, "$unset": 1, "$inc": 1, "$push": 1, "$pull": 1}[word]
    for word, places in ops.items():
        for path, x in places.items():
            edit(document, path.split("."), word, x)
    return document


def edit(place, names, word, x):
    name = names[0]
    if len(names) > 1:
        if name in place or word in ("$set", "$inc", "$push"):
            edit(place.setdefault(name, {}), names[1:], word, x)
    elif word == "$set":
        place[name] = x
    elif word == "$unset":
        place.pop(name, None)
    elif word == "$inc":
        old = place.get(name, 0)
        if isinstance(old, str) or isinstance(x, str):
            raise ValueError("text cannot be counted")
        place[name] = old + x
    elif word == "$push":
        place[name] = list.__add__(place.get(name, []), [x])
    elif name in place:
        place[name] = [each for each in place[name] if token(each) != token(x)]


class Collection:
    def __init__(self):
        self.examined = 0
        self._mutex = threading.RLock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.execute("CREATE TABLE docs (place INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT)")
        self._fields = {}
        self.create_index("_id", unique=True)

    @contextmanager
    def _transaction(self):
        with self._mutex:
            self._db.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _index(self, place, document, fields=None):
        for field, table in (fields or self._fields).items():
            rows = {(token(value), place) for value in values_of(document, field)}
            self._db.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)

    def _unindex(self, place):
        for table in self._fields.values():
            self._db.execute(f"DELETE FROM {table} WHERE place = ?", (place,))

    def insert_one(self, document):
        return self.insert_many([document])[0]

    def insert_many(self, documents):
        ids = []
        with self._transaction():
            for document in documents:
                self._insert(document)
                ids.append(document.get("_id"))
        return ids

    def _insert(self, document):
        document = {"_id": f"new-{uuid.uuid4()}", **document}
        row = self._db.execute("INSERT INTO docs (body) VALUES (?)", (json.dumps(document),))
        self._index(row.lastrowid, document)

    def _found(self, query):
        matcher = Matcher(query)
        table = None
        for path, operand in query.items():
            plain = not isinstance(operand, dict) or not any(w[:1] == "$" for w in operand)
            if path in self._fields and plain:
                table, wanted = self._fields[path], token(operand)
        rows = self._db.execute(
            f"SELECT place, body FROM docs WHERE place IN (SELECT place FROM {table} WHERE key = ?)"
            " ORDER BY place"
            if table
            else "SELECT place, body FROM docs ORDER BY place",
            (wanted,) if table else (),
        ).fetchall()
        for place, body in rows:
            self.examined += 1
            document = json.loads(body)
            if matcher.fits(document):
                yield place, document

    def find(self, query, sort=None, skip=0, limit=None, projection=None):
        with self._mutex:
            found = [document for _, document in self._found(query)]
        for path, direction in reversed(sort or []):
            found.sort(
                key=lambda d, path=path: sorting(next(walk(d, path.split(".")), Absent)),
                reverse=direction == -1,
            )
        for number, document in enumerate(found[skip:]):
            if number == limit:
                return
            yield document if projection is None else self._kept(document, projection)

    def _kept(self, document, projection):
        kept = {"_id": document["_id"]}
        for path in projection:
            for value in list(walk(document, path.split(".")))[:1]:
                if value is not Absent:
                    edit(kept, path.split("."), "$set", value)
        return kept

    def update(self, query, ops, many=False, upsert=False):
        with self._transaction():
            found = list(self._found(query))
            found = found if many else found[:1]
            for place, _ in found:
                self._unindex(place)
            for place, document in found:
                before = token(document["_id"])
                edited(document, ops)
                if token(document.get("_id")) != before:
                    raise ValueError("the _id must stay")
                body = json.dumps(document)
                self._db.execute("UPDATE docs SET body = ? WHERE place = ?", (body, place))
                self._index(place, json.loads(body))
            if upsert and not found:
                self._insert(edited(self._wanted(query), ops))
                return 1
            return len(found)

    def _wanted(self, query):
        document = {}
        for path, operand in json.loads(json.dumps(query)).items():
            if isinstance(operand, dict) and any(word[:1] == "$" for word in operand):
                if "$eq" in operand:
                    edit(document, path.split("."), "$set", operand["$eq"])
            elif not path.startswith("$"):
                edit(document, path.split("."), "$set", operand)
        return document

    def delete(self, query):
        if not query:
            raise ValueError("delete({}) would empty the store")
        with self._transaction():
            for place, _ in list(self._found(query)):
                self._unindex(place)
                self._db.execute("DELETE FROM docs WHERE place = ?", (place,))

    def create_index(self, field, unique=False):
        with self._transaction():
            table = f"index_{len(self._fields)}"
            key = "PRIMARY KEY (key)" if unique else "PRIMARY KEY (key, place)"
            self._db.execute(f"CREATE TABLE {table} (key TEXT, place INTEGER, {key})")
            self._db.execute(f"CREATE INDEX place_{table} ON {table} (place)")
            for place, body in self._db.execute("SELECT place, body FROM docs").fetchall():
                self._index(place, json.loads(body), {field: table})
            self._fields = self._fields | {field: table}
