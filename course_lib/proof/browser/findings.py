"""What an audit found, in one shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Finding", "findings", "told"]


@dataclass(frozen=True, order=True)
class Finding:
    """A rule that was broken: where on the page, and what was seen or is to be done."""

    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.where}): {self.what}"


def findings(rows: Iterable[Mapping[str, str]]) -> list[Finding]:
    """Findings from what a page's script gave."""
    return [Finding(row["rule"], row["where"], row["what"]) for row in rows]


def told(found: Iterable[Finding]) -> str:
    """One line for each, without repetition."""
    return "\n".join(str(one) for one in sorted(set(found)))
