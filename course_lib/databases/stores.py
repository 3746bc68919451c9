"""Which shape of store fits: a weighted table with reasons, and never a single word.

The rule: say how much each need weighs, multiply by how well each family meets it, and
keep the reasons. A need with the weight 3 is a must: a family that does not meet it
comes last, however many points it has. Of equals the relational one comes first,
because you probably run it already.

The fits are a judgement of 2026 and no measurement: read them, and put in your own.
Source: M. Kleppmann, "Designing Data-Intensive Applications" (2017), chapters 2 and 3.
Used by lesson 03.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FAMILIES", "NEEDS", "Family", "Ranked", "choose", "conflict"]

MUST = 3

NEEDS: Mapping[str, str] = {
    "rules": "Must several records change together, or not at all?",
    "links": "Do you follow links over several hops?",
    "shapes": "Does each record have other fields?",
    "writes": "Do far more writes than reads arrive?",
    "time": "Do you ask about spans of time, and drop what is old?",
    "sums": "Do you sum a few columns of very many records?",
    "similar": "Do you look for what is similar, and not equal?",
}


@dataclass(frozen=True)
class Family:
    """A kind of store. `fits`: need -> (0 against it, 1 with work, 2 made for it; why)."""

    name: str
    examples: str
    used_for: str
    strength: str
    weakness: str
    fits: Mapping[str, tuple[int, str]]


def _fits(*pairs: tuple[int, str]) -> dict[str, tuple[int, str]]:
    return dict(zip(NEEDS, pairs, strict=True))


FAMILIES: tuple[Family, ...] = (
    Family(
        "relational", "PostgreSQL, SQLite", "orders, accounts",
        "rules that hold, questions nobody planned", "writes on many machines take work",
        _fits(
            (2, "transactions and constraints over any rows"), (1, "a recursive query"),
            (1, "a JSON column"), (1, "every write touches pages and indexes"),
            (1, "partitions and a block range index"), (1, "reads whole rows"),
            (1, "an extension, such as pgvector"),
        ),
    ),
    Family(
        "document", "MongoDB, CouchDB", "catalogues, forms",
        "one read gives the whole thing", "links and rules between documents",
        _fits(
            (1, "one document at once; more of them at a price"), (0, "one query for each hop"),
            (2, "each document has its own fields"), (1, "spread by a key"),
            (1, "buckets of readings"), (0, "reads whole documents"), (1, "in some products"),
        ),
    ),
    Family(
        "key-value", "Redis, RocksDB, LMDB", "sessions, caches, events",
        "one key, or a range of sorted keys", "only the questions you planned",
        _fits(
            (1, "several keys at once in some products"), (0, "no joins"),
            (1, "the value is yours to read"), (2, "an LSM appends, and merges later"),
            (1, "a range, if the time is in the key"), (0, "reads whole records"),
            (0, "keys are equal, or in order"),
        ),
    ),
    Family(
        "graph", "Neo4j, Memgraph", "friends, fraud",
        "short queries about long paths", "hard to spread, poor at sums",
        _fits(
            (1, "transactions, but few constraints"), (2, "an edge leads to the next node"),
            (1, "nodes have free properties"), (0, "each edge is kept at both ends"),
            (0, "no order by time"), (0, "reads node by node"), (1, "in some products"),
        ),
    ),
    Family(
        "time series", "TimescaleDB, InfluxDB", "sensors, prices",
        "buckets, and old data leaves at once", "late changes, other questions",
        _fits(
            (1, "depends on the product"), (0, "one series at a time"), (0, "fixed fields"),
            (2, "appends in order of time"), (2, "buckets, retention, rolled-up sums"),
            (1, "sums over spans of time"), (0, "not its question"),
        ),
    ),
    Family(
        "columnar", "DuckDB, ClickHouse", "reports",
        "reads only the columns it needs", "one row costs as much as many",
        _fits(
            (0, "changes of single rows are dear"), (0, "joins, but not hop by hop"),
            (0, "fixed columns"), (1, "in large batches only"), (1, "sorted by time, it skips"),
            (2, "reads few columns, packed"), (1, "reads all of them, fast"),
        ),
    ),
    Family(
        "vector", "Milvus, Qdrant", "search by meaning",
        "nearest neighbours of millions", "an answer may be nearly right",
        _fits(
            (0, "one vector at a time"), (0, "no joins"), (1, "a few fields to filter by"),
            (1, "its index is slow to build"), (0, "no order by time"), (0, "no sums"),
            (2, "an index for the nearest"),
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Ranked:
    """One family: `points` of `most`, and why. `unmet`: the musts that it does not meet."""

    family: Family
    points: int
    most: int
    unmet: tuple[str, ...]
    reasons: tuple[str, ...]


def choose(weights: Mapping[str, int]) -> list[Ranked]:
    """All families, the best fit first.

    Args:
        weights: need -> 0 (does not matter) to 3 (a must). Needs left out count 0.

    Raises:
        ValueError: a need that is not in `NEEDS`, or a weight that is not 0, 1, 2 or 3.

    >>> [best, *_] = choose({"rules": 3, "sums": 1})
    >>> best.family.name, best.points, best.most
    ('relational', 7, 8)
    """
    _check(weights)
    ranked = (_rank(family, weights) for family in FAMILIES)
    return sorted(ranked, key=lambda each: (bool(each.unmet), -each.points))


def conflict(weights: Mapping[str, int]) -> str:
    """A sentence if no family is made for all that weighs 2 or more, else "".

    >>> conflict({"rules": 3, "writes": 2})
    'No family is made for all of rules, writes.'
    """
    _check(weights)
    heavy = [need for need in NEEDS if weights.get(need, 0) >= 2]
    if any(all(family.fits[need][0] == 2 for need in heavy) for family in FAMILIES):
        return ""
    return f"No family is made for all of {', '.join(heavy)}."


def _check(weights: Mapping[str, int]) -> None:
    for need, weight in weights.items():
        if need not in NEEDS:
            raise ValueError(f"unknown need {need!r}: use one of {', '.join(NEEDS)}.")
        if isinstance(weight, bool) or weight not in (0, 1, 2, MUST):
            raise ValueError(f"the weight of {need!r} is 0, 1, 2 or 3, got {weight!r}.")


def _rank(family: Family, weights: Mapping[str, int]) -> Ranked:
    asked = [need for need in NEEDS if weights.get(need)]
    return Ranked(
        family=family,
        points=sum(weights[need] * family.fits[need][0] for need in asked),
        most=2 * sum(weights[need] for need in asked),
        unmet=tuple(need for need in asked if weights[need] == MUST and not family.fits[need][0]),
        reasons=tuple(_reason(need, weights[need], *family.fits[need]) for need in asked),
    )


def _reason(need: str, weight: int, fit: int, why: str) -> str:
    return f"{need} {weight} x {fit}: {why}"
