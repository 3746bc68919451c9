"""Who closes it when everything goes wrong: a transaction scope, and a stack of exits.

Two rules. Whatever was opened is closed in reverse order, on every way out:
return, error, Ctrl-C, cancellation, a generator that is thrown away. And
cleaning up never hides why it was needed: the first error stays in sight, as
the error itself, as its `__context__`, or with a note.

Sources: PEP 343 (`with`); PEP 249 (connections); PEP 678 (notes); the
documentation of `contextlib.ExitStack`, whose order and chaining `Stack` follows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from types import TracebackType
from typing import ParamSpec, Protocol, TypeVar

__all__ = ["Exit", "Stack", "TransactionalConnection", "transaction"]

P = ParamSpec("P")
T = TypeVar("T")
Exit = Callable[
    [type[BaseException] | None, BaseException | None, TracebackType | None], bool | None
]
"""A function that is called like `__exit__`; a true result keeps the error from going on."""


class TransactionalConnection(Protocol):
    """What `transaction` needs of a connection (PEP 249)."""

    def commit(self) -> object: ...
    def rollback(self) -> object: ...


C = TypeVar("C", bound=TransactionalConnection)


@contextmanager
def transaction(conn: C) -> Iterator[C]:
    """Commit if the block ends well; roll back, and let the error go on, if it does not.

    Every exit counts: KeyboardInterrupt, SystemExit, cancellation and
    GeneratorExit roll back too, and so does a commit that fails. If the rollback
    fails as well, the error of the block goes on with a note about it. An
    interruption of the rollback goes on itself, with that error as `__context__`.

    The connection stays open, because whoever opened it closes it. Do not nest:
    the inner block would commit the work of the outer one. A connection in
    autocommit mode has nothing left to roll back.

    >>> import sqlite3
    >>> from contextlib import closing
    >>> with closing(sqlite3.connect(":memory:")) as conn, transaction(conn):
    ...     print(conn.execute("SELECT 1").fetchone())
    (1,)
    """
    try:
        yield conn
        conn.commit()
    except BaseException as error:
        _roll_back(conn, error)
        raise


def _roll_back(conn: TransactionalConnection, error: BaseException) -> None:
    try:
        conn.rollback()
    except Exception as failed:  # noqa: BLE001 - it must not hide why we roll back
        error.add_note(f"The rollback failed too: {type(failed).__name__}: {failed}")


class Stack:
    """Exits to be called in reverse order, collected while the program runs.

    For resources whose number is known only then, and for sets of which one may
    fail to open: the ones before it are closed. Errors are chained as nested `with`
    statements chain them (where `ExitStack` loses one, see CPython issue 102201).
    Not for several threads at once.

    >>> with Stack() as stack:
    ...     for name in ("first", "second"):
    ...         stack.callback(print, "closing", name)
    closing second
    closing first
    """

    production_gap = (
        "Async context managers and coroutine callbacks: AsyncExitStack.",
        "push() takes an object with __exit__ as well as a function.",
        "An exit that clears the __context__ of its error on purpose is believed.",
        "Method names that readers of other programs know, such as enter_context.",
    )

    def __init__(self) -> None:
        self._exits: list[Exit] = []

    def enter(self, manager: AbstractContextManager[T]) -> T:
        """Enter a context manager, whose exit is called later; what its `__enter__` gave.

        Raises:
            TypeError: it is no context manager; nothing was entered.
        """
        kind = type(manager)
        try:
            enter, leave = kind.__enter__, kind.__exit__  # both, before anything is opened
        except AttributeError:
            raise TypeError(f"{kind.__name__} has no __enter__ and __exit__.") from None
        value = enter(manager)
        self._exits.append(partial(leave, manager))
        return value

    def push(self, leave: Exit) -> None:
        """Call `leave(type, error, traceback)` later, with the error of that moment or None."""
        self._exits.append(leave)

    def callback(self, fn: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `fn` with these arguments later. Its result suppresses nothing."""

        def leave(*_: object) -> None:
            fn(*args, **kwargs)

        self._exits.append(leave)

    def pop_all(self) -> Stack:
        """A new stack that now owns all exits; this one is empty."""
        other = Stack()
        other._exits, self._exits = self._exits, []
        return other

    def close(self) -> None:
        """Call all exits now. Does nothing the second time."""
        self.__exit__(None, None, None)

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        handled = sys.exc_info()[1]
        current = error
        while self._exits:
            leave = self._exits.pop()
            context = None if current is None else current.__context__
            try:
                if leave(*_details(current)):
                    current = None
            except BaseException as new:  # noqa: BLE001 - raised below, after the other exits
                if new is current:
                    new.__context__ = context  # raised again: nothing new happened
                else:
                    _link(new, current, handled)
                current = new
        if current is not None and current is not error:
            _raise_as_it_is(current)
        return error is not None and current is None


def _details(
    error: BaseException | None,
) -> tuple[type[BaseException] | None, BaseException | None, TracebackType | None]:
    return (None, None, None) if error is None else (type(error), error, error.__traceback__)


def _link(new: BaseException, old: BaseException | None, handled: BaseException | None) -> None:
    """Let the chain of `new` end in `old`, as if the exits were nested `with` statements.

    Python has linked it to what is `handled` outside, because it cannot know that
    an exit in between has suppressed or replaced that error.
    """
    last: BaseException = new
    while last is not old:
        before = last.__context__
        if before is None or before is handled:
            last.__context__ = old
            return
        last = before


def _raise_as_it_is(error: BaseException) -> None:
    context = error.__context__
    try:
        raise error
    finally:
        error.__context__ = context  # `raise` has just put what is handled there
