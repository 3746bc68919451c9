"""An error that is the lesson: it must happen, and it is shown in one line."""

from __future__ import annotations

from types import TracebackType

__all__ = ["expect"]


class expect:
    """Pass only if one of these errors is raised inside; print it and keep it.

    >>> with expect(ZeroDivisionError) as caught:
    ...     1 / 0
    ZeroDivisionError: division by zero
    >>> type(caught.error).__name__
    'ZeroDivisionError'

    Raises:
        AssertionError: nothing was raised, or something else.
    """

    def __init__(self, *errors: type[BaseException]) -> None:
        if not errors:
            raise ValueError("expect() needs the class of the error that has to happen.")
        self._errors = errors
        self.error: BaseException | None = None

    def __enter__(self) -> expect:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        wanted = " or ".join(each.__name__ for each in self._errors)
        if error is None:
            raise AssertionError(f"{wanted} was expected here, and nothing was raised.")
        if isinstance(error, self._errors):
            self.error = error
            print(f"{type(error).__name__}: {error}")
            return True
        if not isinstance(error, Exception):
            return False  # Ctrl-C and exit stay what they are
        raise AssertionError(
            f"{wanted} was expected here, and {type(error).__name__} was raised: {error}"
        ) from error
