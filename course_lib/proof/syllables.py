"""How many syllables an English word has, by rules.

Libraries that know more bring a dictionary of megabytes (textstat), or count
places to hyphenate (pyphen), which are fewer. Each rule here adds or takes one
where spelling and speech differ. Rare words may come out wrong by one; over a
lesson such mistakes cancel out.
"""

from __future__ import annotations

import re

__all__ = ["syllables"]

_PART = re.compile(r"[a-z']+|\d+")
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = tuple(
    map(
        re.compile,
        (
            r"[^aeiouyl]e$|[aeiouy]le$|[iu]ques?$",  # time, rule, unique; but table
            r"(?<![bcdfgkpstz]l)(?<![aeioudty])ed$",  # asked, called; but waited, handled
            r"[^aeiouycghlsxz]es$|[aeiouy]les$|thes$",  # times, rules; but boxes, tables
            r"(?<=[aeiouy])[^aeiouyl]+e(?=(?:ly|ments?|times|thing|where|less|ful|body)$)",
            # safely
        ),
    )
)
_APART = tuple(
    map(
        re.compile,
        (
            r"(?<![cgst])i[ao](?!u)(?!ns?$)(?!ge)|(?<![cgstx])ious",  # trial, period, serious
            r"iu|(?<![cefgt])i(?=e(?:[rt]|n[ct]))",  # medium, quiet, client
            r"(?<![gq])ua|eo(?!u|p)|[aeiouy](?=ing)|[au]y(?=er)",  # usual, video, doing, layer
            r"(?:cre|ide|are)(?=a)|(?<=[st])h?m$|(?<=[ds])n't$",  # create, algorithm, isn't
        ),
    )
)


def syllables(word: str) -> int:
    """At least 1. A number counts 1, a word with hyphens the sum of its parts.

    >>> [syllables(word) for word in ("a", "table", "waited", "well-known", "2026")]
    [1, 2, 2, 2, 1]
    """
    return sum(max(1, _count(part)) for part in _PART.findall(word.lower())) or 1


def _count(part: str) -> int:
    silent = sum(bool(rule.search(part)) for rule in _SILENT)
    apart = sum(bool(rule.search(part)) for rule in _APART)
    return len(_VOWELS.findall(part)) - silent + apart
