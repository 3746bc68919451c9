# fails "makes up an _id that no other document has" with "documents without _id"
import random


class Collection:
    def __init__(self):
        self.examined = 0
        self._lock = threading.RLock()
        self._numbers = itertools.count()
        self._documents = {}
        self._indexes = {"_id": Index("_id", unique=True)}

    def insert_one(self, document):
        return self.insert_many([document])[0]

    def insert_many(self, documents):
        copies = [
            {"_id": random.randint(100000, 999999), **copy.deepcopy(each)} for each in documents
        ]
        with self._lock:
            self._store({next(self._numbers): each for each in copies})
        return [each["_id"] for each in copies]

    def find(self, query, sort=None, skip=0, limit=None, projection=None):
        with self._lock:
            found = [self._documents[number] for number in self._matching(query)]
            for path, direction in reversed(sort or []):
                found.sort(key=lambda each: key(get(each, path)), reverse=direction == -1)
            end = None if limit is None else skip + limit
            return [projected(each, projection) for each in found[skip:end]]

    def update(self, query, ops, many=False, upsert=False):
        with self._lock:
            numbers = self._matching(query)
            if not many:
                numbers = numbers[:1]
            self._store({number: changed(self._documents[number], ops) for number in numbers})
            if upsert and (not numbers):
                self.insert_one(changed(equalities(query), ops))
            return len(numbers)

    def delete(self, query):
        with self._lock:
            numbers = self._matching(query)
            self._store(dict.fromkeys(numbers))
            return len(numbers)

    def create_index(self, field, unique=False):
        with self._lock:
            if field in self._indexes and (not unique):
                return
            index = Index(field, unique)
            index.refuse_duplicates(self._documents)
            index.replace({}, self._documents)
            self._indexes[field] = index

    def _matching(self, query):
        matches({}, query)
        numbers = self._candidates(query)
        self.examined += len(numbers)
        return [number for number in numbers if matches(self._documents[number], query)]

    def _candidates(self, query):
        for path, operand in query.items():
            if path in self._indexes and (not has_operators(operand)):
                return sorted(self._indexes[path].numbers.get(key(operand), ()))
        return list(self._documents)

    def _store(self, new):
        stay = {number: each for number, each in new.items() if each is not None}
        for index in self._indexes.values():
            index.refuse_duplicates(stay)
        old = {number: self._documents[number] for number in new if number in self._documents}
        for index in self._indexes.values():
            index.replace(old, stay)
        self._documents.update(stay)
        for number in new.keys() - stay.keys():
            del self._documents[number]


class DuplicateKey(Exception):
    pass


class Index:
    def __init__(self, path, unique):
        self.path, self.unique = (path, unique)
        self.numbers = {}

    def refuse_duplicates(self, new):
        taken = set()
        for document in new.values() if self.unique else ():
            keys = self._keys(document)
            others = [number for each in keys for number in self.numbers.get(each, ())]
            if taken & keys or any((number not in new for number in others)):
                raise DuplicateKey(f"a document with this {self.path} exists: {document}")
            taken |= keys

    def replace(self, old, new):
        for number, document in old.items():
            for each in self._keys(document):
                self.numbers[each].remove(number)
                if not self.numbers[each]:
                    del self.numbers[each]
        for number, document in new.items():
            for each in self._keys(document):
                self.numbers.setdefault(each, set()).add(number)

    def _keys(self, document):
        return {key(value) for value in with_elements(document, self.path)}


def values_at(value, path):
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


def with_elements(document, path):
    for value in values_at(document, path):
        yield value
        if isinstance(value, list):
            yield from value


def key(value):
    if value is None or value is MISSING:
        return (0,)
    if isinstance(value, bool):
        return (4, value)
    if isinstance(value, int | float):
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    if isinstance(value, dict):
        return (3, "document", *sorted(((name, key(inner)) for name, inner in value.items())))
    return (3, "list", *map(key, value))


def matches(document, query):
    results = [holds(document, name, operand) for name, operand in query.items()]
    return all(results)


def holds(document, name, operand):
    if name in ("$and", "$or"):
        parts = [matches(document, part) for part in operand]
        return all(parts) if name == "$and" else any(parts)
    if name.startswith("$"):
        raise ValueError(f"{name!r} cannot stand here: use $and, $or or a path.")
    values = list(with_elements(document, name))
    words = operand if has_operators(operand) else {"$eq": operand}
    results = [known(word, OPERATORS)(values, limit) for word, limit in words.items()]
    return all(results)


def has_operators(operand):
    return isinstance(operand, dict) and any((name.startswith("$") for name in operand))


def known(word, words):
    if word not in words:
        raise ValueError(f"unknown operator {word!r}: use one of {', '.join(words)}.")
    return words[word]


def is_equal(values, operand):
    return any((key(value) == key(operand) for value in values))


def is_in(values, operand):
    if not isinstance(operand, list):
        raise ValueError(f"$in and $nin need a list, got {operand!r}.")
    return any((is_equal(values, each) for each in operand))


def compare(relation):

    def operator_(values, operand):
        limit = key(operand)
        return any((v[0] == limit[0] and relation(v, limit) for v in map(key, values)))

    return operator_


OPERATORS = {
    "$eq": is_equal,
    "$ne": lambda values, operand: not is_equal(values, operand),
    "$gt": compare(operator.gt),
    "$gte": compare(operator.ge),
    "$lt": compare(operator.lt),
    "$lte": compare(operator.le),
    "$in": is_in,
    "$nin": lambda values, operand: not is_in(values, operand),
    "$exists": lambda values, operand: any((v is not MISSING for v in values)) == operand,
}


def projected(document, paths):
    if paths is None:
        return copy.deepcopy(document)
    kept = {}
    for path in ["_id", *paths]:
        value = get(document, path)
        if value is not MISSING:
            put(kept, path, copy.deepcopy(value))
    return kept


def changed(old, ops):
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


def add(old, operand):
    old = 0 if old is MISSING else old
    for value in (old, operand):
        if key(value)[0] != key(0)[0]:
            raise ValueError(f"$inc adds numbers, got {value!r}.")
    return old + operand


def push(old, operand):
    if not isinstance(old, list) and old is not MISSING:
        raise ValueError(f"$push needs a list, found {old!r}.")
    return [operand] if old is MISSING else [*old, operand]


def pull(old, operand):
    if not isinstance(old, list):
        return old
    return [each for each in old if key(each) != key(operand)]


CHANGES = {
    "$set": lambda old, operand: operand,
    "$unset": lambda old, operand: MISSING,
    "$inc": add,
    "$push": push,
    "$pull": pull,
}


def equalities(query):
    document = {}
    for path, operand in query.items():
        if has_operators(operand):
            operand = operand.get("$eq", MISSING)
        if operand is not MISSING and (not path.startswith("$")):
            put(document, path, copy.deepcopy(operand))
    return document
