"""Which columns follow from which, and how to cut a table so that no fact is kept twice.

A functional dependency `product -> price` says: rows with the same product have the same
price. The rule of the normal forms: a fact hangs on the key, the whole key (2NF), and
nothing but the key (3NF). `decompose` cuts a table by that rule, and joining the parts
gives the table back.

Dependencies found in data are only candidates: small samples agree by chance, so decide
with what the business says. Sources: Codd 1972; Bernstein 1976 (synthesis of 3NF).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

__all__ = [
    "Dependency",
    "NormalForm",
    "candidate_keys",
    "closure",
    "contradictions",
    "decompose",
    "find",
    "minimal_cover",
    "natural_join",
    "normal_form",
    "parts_of",
]

MAX_COLUMNS = 12
"""The search for keys tries every set of columns: 2 ** 12 is the most it should do."""

Row = Mapping[str, Any]
Columns = frozenset[str]


@dataclass(frozen=True)
class Dependency:
    """`left -> right`: the columns on the left decide the one on the right.

    >>> Dependency.parse("order product -> price")
    order product -> price
    """

    left: Columns
    right: str

    @classmethod
    def parse(cls, text: str) -> Dependency:
        """From "a b -> c". Raises ValueError if it has another form."""
        left, arrow, right = text.partition("->")
        if not arrow or len(right.split()) != 1:
            raise ValueError(f"cannot read {text!r}: write it as 'a b -> c'.")
        return cls(frozenset(left.split()), right.strip())

    def __repr__(self) -> str:
        return " ".join([*sorted(self.left), "->", self.right])


@dataclass(frozen=True)
class NormalForm:
    """`name` is "not 1NF", "1NF", "2NF", "3NF" or "BCNF"; `because`: what stops the next one."""

    name: str
    because: str


def find(rows: Sequence[Row], *, max_left: int = 2) -> list[Dependency]:
    """The dependencies that hold in these rows, with as few columns on the left as possible.

    Cells must be hashable, and None is treated as a value. A column that never changes
    depends on no column at all. Cost: columns ** (max_left + 1) passes over the rows.
    """
    columns = _columns_of(rows)
    found: list[Dependency] = []
    for size in range(max_left + 1):
        for left in map(frozenset, combinations(columns, size)):
            for right in columns:
                new = Dependency(left, right)
                known = any(old.right == right and old.left <= left for old in found)
                if right not in left and not known and _holds(rows, new):
                    found.append(new)
    return found


def contradictions(rows: Sequence[Row], dependency: Dependency) -> list[tuple[int, int]]:
    """Pairs of positions of rows that agree on the left and not on the right."""
    return [
        (first, second)
        for first, second in combinations(range(len(rows)), 2)
        if all(rows[first][column] == rows[second][column] for column in dependency.left)
        and rows[first][dependency.right] != rows[second][dependency.right]
    ]


def closure(columns: Iterable[str], dependencies: Iterable[Dependency]) -> Columns:
    """All columns that these columns decide, themselves included."""
    decided, rules = set(columns), list(dependencies)
    while new := {rule.right for rule in rules if rule.left <= decided} - decided:
        decided |= new
    return frozenset(decided)


def candidate_keys(columns: Iterable[str], dependencies: Iterable[Dependency]) -> list[Columns]:
    """The smallest sets of columns that decide all columns.

    Raises:
        ValueError: more than 12 columns, or a dependency names another column.
    """
    names, rules = sorted(columns), list(dependencies)
    _check(names, rules)
    keys: list[Columns] = []
    for size in range(len(names) + 1):
        for candidate in map(frozenset, combinations(names, size)):
            is_smallest = not any(key <= candidate for key in keys)
            if is_smallest and closure(candidate, rules) == set(names):
                keys.append(candidate)
    return keys


def normal_form(
    columns: Iterable[str],
    dependencies: Iterable[Dependency],
    *,
    rows: Sequence[Row] = (),
) -> NormalForm:
    """The highest normal form, with the first reason why it is not higher.

    Args:
        rows: a sample; a cell that holds a list, set or dict means "not 1NF".
    """
    names, rules = sorted(columns), list(dependencies)
    for row in rows:
        for name in names:
            if isinstance(row.get(name), list | tuple | set | dict):
                return NormalForm("not 1NF", f"{name} holds several values in one cell")
    keys = candidate_keys(names, rules)
    in_keys = frozenset[str]().union(*keys)
    partial = next(_partial(keys, rules), None)
    if partial is not None:
        return NormalForm("1NF", f"{partial}: depends on a part of a key only")
    loose = [rule for rule in minimal_cover(rules) if closure(rule.left, rules) != set(names)]
    for rule in loose:
        if rule.right not in in_keys:
            return NormalForm("2NF", f"{rule}: depends on columns that are no key")
    for rule in loose:
        return NormalForm("3NF", f"{rule}: a part of a key depends on columns that are no key")
    return NormalForm("BCNF", "nothing: whatever decides a column is a key")


def minimal_cover(dependencies: Iterable[Dependency]) -> list[Dependency]:
    """Dependencies that say the same without a superfluous column or rule."""
    rules = sorted(set(dependencies), key=repr)
    rules = [rule for rule in rules if rule.right not in rule.left]
    for position, rule in enumerate(rules):
        for column in sorted(rule.left):
            smaller = rules[position].left - {column}
            if rule.right in closure(smaller, rules):
                rules[position] = Dependency(smaller, rule.right)
    for rule in list(dict.fromkeys(rules)):
        others = [other for other in dict.fromkeys(rules) if other != rule]
        if rule.right in closure(rule.left, others):
            rules = others
    return list(dict.fromkeys(rules))


def decompose(columns: Iterable[str], dependencies: Iterable[Dependency]) -> list[Columns]:
    """Sets of columns in 3NF that join to the whole table and keep every dependency.

    One part for each left side of the minimal cover, with all it decides; one more with
    a key if no part has one.
    """
    names, rules = frozenset(columns), minimal_cover(dependencies)
    keys = candidate_keys(names, rules)
    by_left: dict[Columns, set[str]] = {}
    for rule in rules:
        by_left.setdefault(rule.left, set(rule.left)).add(rule.right)
    parts = [frozenset(part) for part in by_left.values()]
    if not any(key <= part for key in keys for part in parts):
        parts.append(keys[0])
    unique = list(dict.fromkeys(parts))
    return [part for part in unique if not any(part < other for other in unique)]


def parts_of(rows: Sequence[Row], parts: Iterable[Columns]) -> list[list[dict[str, Any]]]:
    """The rows cut into these columns, each different row once."""
    cut = []
    for part in parts:
        names = sorted(part)
        different = dict.fromkeys(tuple(row[name] for name in names) for row in rows)
        cut.append([dict(zip(names, values, strict=True)) for values in different])
    return cut


def natural_join(tables: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """All tables joined where columns of the same name are equal; None equals None here."""
    joined: list[dict[str, Any]] = [{}]
    for table in tables:
        joined = [
            {**left, **right}
            for left in joined
            for right in table
            if all(left[name] == right[name] for name in left.keys() & right.keys())
        ]
    return joined


def _holds(rows: Sequence[Row], dependency: Dependency) -> bool:
    seen: dict[tuple[Any, ...], Any] = {}
    left = sorted(dependency.left)
    for row in rows:
        value = row[dependency.right]
        if seen.setdefault(tuple(row[name] for name in left), value) != value:
            return False
    return True


def _partial(keys: list[Columns], rules: list[Dependency]) -> Iterator[Dependency]:
    """What a part of a key decides already, outside of every key; smallest parts first."""
    in_keys = frozenset[str]().union(*keys)
    for key in keys:
        for size in range(len(key)):
            for part in map(frozenset, combinations(sorted(key), size)):
                for column in sorted(closure(part, rules) - in_keys):
                    yield Dependency(part, column)


def _columns_of(rows: Sequence[Row]) -> list[str]:
    return list(rows[0]) if rows else []


def _check(columns: Sequence[str], rules: Iterable[Dependency]) -> None:
    if len(columns) > MAX_COLUMNS:
        raise ValueError(f"at most {MAX_COLUMNS} columns, got {len(columns)}.")
    for rule in rules:
        unknown = sorted({*rule.left, rule.right} - set(columns))
        if unknown:
            raise ValueError(f"{rule} names {', '.join(unknown)}, which the table does not have.")
