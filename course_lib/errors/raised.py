"""The facts about an error, as plain data.

An error that is kept alive keeps its traceback, and with it every local variable
on the way. `Raised` holds only text and numbers, and reads the same on every
version of Python, which the text of a traceback does not.

Sources: PEP 3134 (cause and context), PEP 678 (notes), PEP 654 (groups).
"""

from __future__ import annotations

import linecache
import traceback
from dataclasses import dataclass

__all__ = ["Place", "Raised"]

MOST_LINKS = 10  # of a chain of causes, or levels of a group


@dataclass(frozen=True)
class Place:
    """One line of a traceback: `line` counts from 1 in its file or notebook cell."""

    function: str
    line: int
    text: str


@dataclass(frozen=True)
class Raised:
    """What an error says of itself.

    `traceback` runs from the outermost place to the one that raised. `cause` is
    what `raise ... from` named; `context` is the error that was being handled,
    also when `from None` hides it. `errors` are the members of a group.
    """

    type: str
    text: str
    notes: tuple[str, ...] = ()
    cause: Raised | None = None
    context: Raised | None = None
    errors: tuple[Raised, ...] = ()
    traceback: tuple[Place, ...] = ()

    @classmethod
    def of(cls, error: BaseException, *, skip: int = 0) -> Raised:
        """The facts about `error`, without the outermost `skip` places of its traceback.

        Chains and groups are followed for ten links.

        >>> str(Raised.of(ValueError("too short")))
        'ValueError: too short'
        """
        return _facts(error, skip, MOST_LINKS)

    def __str__(self) -> str:
        return f"{self.type}: {self.text}" if self.text else self.type


def _facts(error: BaseException, skip: int, links: int) -> Raised:
    def linked(other: BaseException | None) -> Raised | None:
        return _facts(other, 0, links - 1) if other is not None and links else None

    members = error.exceptions if isinstance(error, BaseExceptionGroup) and links else ()
    return Raised(
        type=type(error).__name__,
        text=_text(error),
        notes=tuple(map(str, getattr(error, "__notes__", ()))),
        cause=linked(error.__cause__),
        context=linked(error.__context__),
        errors=tuple(_facts(member, 0, links - 1) for member in members),
        traceback=_places(error)[skip:],
    )


def _text(error: BaseException) -> str:
    # A group counts its members in its text; they are told one by one in `errors`.
    try:
        return error.message if isinstance(error, BaseExceptionGroup) else str(error)
    except Exception:  # noqa: BLE001  a broken __str__ must not hide the error
        return "its text cannot be read"


def _places(error: BaseException) -> tuple[Place, ...]:
    return tuple(
        Place(
            frame.f_code.co_name,
            line,
            linecache.getline(frame.f_code.co_filename, line, frame.f_globals).strip(),
        )
        for frame, line in traceback.walk_tb(error.__traceback__)
    )
