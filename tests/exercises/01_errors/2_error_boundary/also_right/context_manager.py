# A context manager swallows the error and keeps the answer to it.
import contextlib
import functools
import inspect
import logging
import secrets


class Guard(contextlib.AbstractContextManager):
    """Swallows an error and keeps the answer to it."""

    response = None

    def __exit__(self, kind, error, traceback):
        if error is None or not isinstance(error, Exception):
            return False
        for known, status in (
            (InvalidInput, 422),
            (NotFound, 404),
            (Conflict, 409),
            (Unavailable, 503),
        ):
            if isinstance(error, known):
                self.note(logging.WARNING, f"{known.__name__}", None)
                self.response = Response(status=status, body={"error": {"text": str(error)}})
                return True
        reference = secrets.token_hex(4)
        self.note(logging.ERROR, f"reference={reference}", (kind, error, traceback))
        self.response = Response(status=500, body={"error": {"reference": reference}})
        return True

    def note(self, level, text, exc_info):
        with contextlib.suppress(Exception):
            log.log(level, text, exc_info=exc_info)


def boundary(handler):
    if inspect.iscoroutinefunction(handler):

        @functools.wraps(handler)
        async def wrapper(request):
            with Guard() as guard:
                return await handler(request)
            return guard.response

        return wrapper

    @functools.wraps(handler)
    def wrapper(request):
        with Guard() as guard:
            return handler(request)
        return guard.response

    return wrapper
