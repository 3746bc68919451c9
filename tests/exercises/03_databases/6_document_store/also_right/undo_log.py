"""Changes documents at once and keeps a log of how to undo it. Classes for values."""

import copy
import threading
from functools import total_ordering


class Missing:
    def __deepcopy__(self, memo):
        return self


ABSENT = Missing()


@total_ordering
class Value:
    """A value that can be compared with any other."""

    def __init__(self, raw):
        if isinstance(raw, bool):
            self.kind, self.body = "5 boolean", raw
        elif raw is None or raw is ABSENT:
            self.kind, self.body = "1 null", 0
        elif isinstance(raw, int | float):
            self.kind, self.body = "2 number", raw
        elif isinstance(raw, str):
            self.kind, self.body = "3 text", raw
        elif isinstance(raw, dict):
            self.kind = "4 document"
            self.body = frozenset((name, Value(inner)) for name, inner in raw.items())
        elif isinstance(raw, list):
            self.kind, self.body = "4 list", tuple(map(Value, raw))
        else:
            raise TypeError(type(raw))

    def __eq__(self, other):
        return (self.kind, self.body) == (other.kind, other.body)

    def __lt__(self, other):
        if self.kind[0] != other.kind[0]:
            return self.kind[0] < other.kind[0]
        if self.kind[0] == "4":
            return False
        return self.body < other.body

    def __hash__(self):
        return hash((self.kind, self.body))


def at(document, path):
    found = [document]
    for name in path.split("."):
        found = [e for f in found for e in (f if isinstance(f, list) else [f])]
        found = [f.get(name, ABSENT) if isinstance(f, dict) else ABSENT for f in found]
    return found


def all_at(document, path):
    found = at(document, path)
    return found + [each for f in found if isinstance(f, list) for each in f]


def operators(x):
    return isinstance(x, dict) and [w for w in x if w.startswith("$")]


def holds(word, x, found):
    if word == "$exists":
        return x == (set(map(id, found)) != {id(ABSENT)})
    if word in ("$in", "$nin"):
        if not isinstance(x, list | tuple):
            return word == "$nin"
        return any(holds("$eq", each, found) for each in x) == (word == "$in")
    if word == "$ne":
        return not holds("$eq", x, found)
    for each in map(Value, found):
        limit = Value(x)
        if each.kind == limit.kind:
            verdict = {
                "$eq": each == limit,
                "$gt": each > limit,
                "$gte": each >= limit,
                "$lt": each < limit,
                "$lte": each <= limit,
            }[word]
            if verdict:
                return True
    if word not in ("$eq", "$gt", "$gte", "$lt", "$lte"):
        raise NotImplementedError(f"unknown operator {word}")
    return False


def fits(document, query):
    verdicts = [True]
    for name, x in query.items():
        if name == "$or":
            verdicts.append(any([fits(document, part) for part in x]))
        elif name == "$and":
            verdicts.extend([fits(document, part) for part in x])
        elif name.startswith("$"):
            raise NotImplementedError(f"unknown operator {name}")
        elif operators(x):
            verdicts.extend([holds(word, y, all_at(document, name)) for word, y in x.items()])
        else:
            verdicts.append(holds("$eq", x, all_at(document, name)))
    return all(verdicts)


class Collection:
    def __init__(self):
        self.examined = 0
        self._rows = []
        self._guard = threading.Condition()
        self._indexes = {}
        self._last = 0
        self.create_index("_id", True)

    # Each step is done at once; the log says how to take it back.

    def _transaction(self, steps):
        with self._guard:
            log = []
            try:
                return steps(log)
            except Exception:
                for undo in reversed(log):
                    undo()
                raise

    def _enter(self, row, log):
        for field, (unique, table) in self._indexes.items():
            for value in set(map(Value, all_at(row, field))):
                rows = table.setdefault(value, {})
                if unique and rows:
                    raise LookupError(f"{field} is there already")
                rows[id(row)] = row
                log.append(lambda rows=rows, row=row: rows.pop(id(row)))

    def _leave(self, row, log):
        for field, (_, table) in self._indexes.items():
            for value in set(map(Value, all_at(row, field))):
                table[value].pop(id(row))
                log.append(lambda t=table[value], row=row: t.__setitem__(id(row), row))

    def _add(self, document, log):
        row = copy.deepcopy(document)
        if "_id" not in row:
            while Value(self._last) in self._indexes["_id"][1]:
                self._last += 1
            row["_id"] = self._last
        self._enter(row, log)
        self._rows.append(row)
        log.append(self._rows.pop)

    def insert_one(self, document):
        self._transaction(lambda log: self._add(document, log))

    def insert_many(self, documents):
        self._transaction(lambda log: [self._add(document, log) for document in documents])

    def _search(self, query, count=True):
        rows = self._rows
        for field, x in query.items():
            if field in self._indexes and not operators(x):
                some = self._indexes[field][1].get(Value(x), {})
                rows = [row for row in rows if id(row) in some]
        if count:
            self.examined = len(rows)  # of this query
        return [row for row in rows if fits(row, query)]

    def find(self, query=None, sort=None, skip=0, limit=None, projection=None):
        with self._guard:
            rows = copy.deepcopy(self._search(query or {}))
        for field, direction in (sort or [])[::-1]:
            rows.sort(key=lambda row, f=field: Value(at(row, f)[0]), reverse=direction == -1)
        rows = rows[skip:] if limit is None else rows[skip : skip + limit]
        if projection is None:
            return tuple(rows)
        return tuple(self._some(row, ["_id", *projection]) for row in rows)

    def _some(self, row, paths):
        result = {}
        for path in paths:
            value, place = at(row, path)[0], result
            if value is not ABSENT:
                *way, last = path.split(".")
                for name in way:
                    place = place.setdefault(name, {})
                place[last] = value
        return result

    def update(self, query, ops, many=False, upsert=False):
        def steps(log):
            rows = self._search(query, count=False)
            rows = rows if many else rows[:1]
            for row in rows:
                before = copy.deepcopy(row)
                self._leave(row, log)
                log.append(lambda row=row, b=before: (row.clear(), row.update(b)))
                self._apply(row, ops)
                if Value(row.get("_id", ABSENT)) != Value(before["_id"]):
                    raise PermissionError("_id")
            for row in rows:
                self._enter(row, log)
            if upsert and not rows:
                new = {}
                for path, x in query.items():
                    if not operators(x):
                        self._apply(new, {"$set": {path: x}})
                    elif "$eq" in x:
                        self._apply(new, {"$set": {path: x["$eq"]}})
                self._apply(new, ops)
                self._add(new, log)
            return len(rows)

        return self._transaction(steps)

    def _apply(self, row, ops):
        for word, fields in ops.items():
            for path, x in fields.items():
                method = getattr(self, "_op_" + word[1:]) if word[0] == "$" else None
                place = row
                *way, last = path.split(".")
                for name in way:
                    if name not in place and word in ("$unset", "$pull"):
                        break
                    place = place.setdefault(name, {})
                else:
                    method(place, last, copy.deepcopy(x))

    def _op_set(self, place, name, x):
        place[name] = x

    def _op_unset(self, place, name, x):
        place.pop(name, None)

    def _op_inc(self, place, name, x):
        place[name] = 0 + x + place.get(name, 0)

    def _op_push(self, place, name, x):
        place.setdefault(name, []).append(x)

    def _op_pull(self, place, name, x):
        if name in place:
            place[name] = [each for each in place[name] if Value(each) != Value(x)]

    def delete(self, query):
        def steps(log):
            gone = {id(row) for row in self._search(query, count=False)}
            for row in self._rows:
                if id(row) in gone:
                    self._leave(row, log)
            self._rows = [row for row in self._rows if id(row) not in gone]

        self._transaction(steps)

    def create_index(self, field, unique=False):
        with self._guard:
            table = {}
            for row in self._rows:
                for value in set(map(Value, all_at(row, field))):
                    rows = table.setdefault(value, {})
                    if unique and rows:
                        raise LookupError(f"{field} has a value twice")
                    rows[id(row)] = row
            self._indexes[field] = (unique, table)
