# %% [markdown] id="title"
# # The error boundary
#
# **Goal:** write the one place that turns errors into answers: translated once, logged once,
# nothing leaked. · **30 minutes** · needs: [Designing
# exceptions](../../../notebooks/01_errors/2_designing_exceptions.ipynb)
#
# **Not covered:** metrics, problem details in full, generators, answers that are half sent.

# %% [markdown] id="how"
# ## How to work
#
# There are four tasks. Each adds one thing, and you can check after each. The check stops at the
# first thing that is not right yet. It says what was done, what was expected and what came back.

# %% id="setup" tags=["setup"]
import functools
import inspect
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from course_lib.practice import check, hint, reset, solution

log = logging.getLogger("shop")


# %% [markdown] id="given-words"
# ## What is given
#
# A handler is a function that takes a request, which can be anything, and gives back a response.
# Or it raises one of these four. Their texts are written for clients.


# %% id="given" tags=["setup"]
class InvalidInput(Exception):
    """Answered with 422."""


class NotFound(Exception):
    """Answered with 404."""


class Conflict(Exception):
    """Answered with 409."""


class Unavailable(Exception):
    """Answered with 503."""


@dataclass
class Response:
    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


# %% [markdown] id="task-1"
# ## Task 1: known errors
#
# `boundary(handler)` gives back a handler that does the same, but answers instead of raising.
#
# - It calls the handler once, with the request, and gives back its very response.
# - The four classes are answered with their status: 422, 404, 409 and 503. A class that is
#   derived from one of them is answered like it.
# - The answer is a `Response`. Its `body` is a dict that `json.dumps` accepts; what stands in it
#   is free. The text of the error may. The error's `__cause__` may not.

# %% [markdown] id="task-2"
# ## Task 2: unknown errors
#
# - Every other `Exception` is answered with 500.
# - The answer shows nothing of it: not its text, not its cause, not the name of its class, no
#   traceback.
# - The body holds an id: a text or a number that is different for each such error. Its key is
#   free.

# %% [markdown] id="task-3"
# ## Task 3: log once
#
# Log with `log`, the logger above, and with no other.
#
# - For an unknown error there is exactly one record, at level `ERROR` or above. It carries the
#   exception itself: pass `exc_info=error`. The id from the body stands in its message or in one of
#   its `extra` fields.
# - For a known error there is at most one record, below `ERROR`. Without an error there is none.
# - The log itself may fail: a logging handler whose `emit` raises any `Exception`. The answer is
#   then the same as ever, and nothing is raised.

# %% [markdown] id="task-4"
# ## Task 4: what passes through, and coroutines
#
# - `KeyboardInterrupt`, `SystemExit` and `asyncio.CancelledError` are no errors. They come out as
#   the same object, and are not logged.
# - If the handler is a coroutine function (`async def`), so is the result. Tasks 1 to 3 hold for
#   it too.


# %% id="boundary" tags=["solution"]
def boundary(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`handler`, plain or `async def`, with a Response instead of errors."""
    # TODO: tasks 1 to 4; write helper functions below as you need them
    ### BEGIN SOLUTION

    @functools.wraps(handler)
    def guarded(request: Any) -> Any:
        try:
            return handler(request)
        except Exception as error:  # noqa: BLE001  this is the boundary
            return _answer(error)

    @functools.wraps(handler)
    async def guarded_coroutine(request: Any) -> Any:
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001  this is the boundary
            return _answer(error)

    return guarded_coroutine if inspect.iscoroutinefunction(handler) else guarded


_STATUS = {InvalidInput: 422, NotFound: 404, Conflict: 409, Unavailable: 503}


def _answer(error: Exception) -> Response:
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), None)
    if status is not None:
        _log(logging.INFO, f"{status} {error!r}")
        return Response(status, {"status": status, "detail": str(error)})
    incident = uuid.uuid4().hex
    _log(logging.ERROR, f"incident {incident}", error)
    return Response(500, {"status": 500, "incident": incident})


def _log(level: int, text: str, error: Exception | None = None) -> None:
    try:
        log.log(level, "%s", text, exc_info=error)
    except Exception:  # noqa: BLE001  the answer is worth more than the record
        pass
    ### END SOLUTION


# %% id="check" tags=["check"]
check("01.2-error-boundary")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("01.2-error-boundary")` shows a
# worked answer, and `reset("01.2-error-boundary")` gives you the empty task back. Your version is
# kept beside it.

# %% id="hint" tags=["check"]
hint("01.2-error-boundary")

# %% [markdown] id="playground"
# ## Try it by hand
#
# Bet on the status of each answer before you run the cell. Then raise something of your own.


# %% id="play" tags=["play"]
def shop_handler(request):
    if request == "bug":
        return {}["price"]
    if request == "order 17":
        raise NotFound("there is no order 17")
    return Response(200, {"you asked for": request})


try:
    for request in ("tea", "order 17", "bug"):
        answer = boundary(shop_handler)(request)
        print(request, "->", answer.status, sorted(answer.body))
except NotImplementedError:
    print("Nothing to play with yet: write the boundary first.")

# %% [markdown] id="question"
# ## To think about
#
# Your boundary keeps quiet when the log fails. Somebody should still learn of that. Who, and on
# which way that does not use the log? There is no single right answer, and no check.
