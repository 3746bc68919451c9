# singledispatch chooses the answer by the class of the error.
import inspect
from functools import singledispatch, wraps
from uuid import uuid4


@singledispatch
def respond(error):
    number = str(uuid4())
    quietly(log.error, "unknown error, see %s", number, exc_info=error)
    return Response(500, {"type": "about:blank", "instance": f"urn:uuid:{number}"})


def answers_with(status):
    def known(error):
        quietly(log.debug, "answered with %d", status)
        return Response(status, {"title": type(error).__name__})

    return known


for kind, status in ((InvalidInput, 422), (NotFound, 404), (Conflict, 409), (Unavailable, 503)):
    respond.register(kind, answers_with(status))


def quietly(write, *arguments, **options):
    try:
        write(*arguments, **options)
    except Exception:
        return


def boundary(handler):
    @wraps(handler)
    def plain(request):
        try:
            return handler(request)
        except Exception as error:
            return respond(error)

    @wraps(handler)
    async def waits(request):
        try:
            return await handler(request)
        except Exception as error:
            return respond(error)

    return waits if inspect.iscoroutinefunction(handler) else plain
