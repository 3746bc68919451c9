"""Ids from a counter and a prefix, in the message with an underscore; timestamp in the body."""

import itertools, time, asyncio, contextlib

_numbers = itertools.count(1000)


def boundary(handler):
    if asyncio.iscoroutinefunction(handler):

        @functools.wraps(handler)
        async def wrapper(*args, **kwargs):
            try:
                result = await handler(*args, **kwargs)
            except (InvalidInput, NotFound, Conflict, Unavailable) as known:
                return respond_known(known)
            except Exception as unknown:
                return respond_unknown(unknown)
            else:
                return result

        return wrapper

    @functools.wraps(handler)
    def wrapper(*args, **kwargs):
        try:
            result = handler(*args, **kwargs)
        except (InvalidInput, NotFound, Conflict, Unavailable) as known:
            return respond_known(known)
        except Exception as unknown:
            return respond_unknown(unknown)
        return result

    return wrapper


def respond_known(error):
    match error:
        case InvalidInput():
            status = 422
        case NotFound():
            status = 404
        case Conflict():
            status = 409
        case _:
            status = 503
    with contextlib.suppress(Exception):
        log.warning("answered %s", status, extra={"problem": type(error).__name__})
    return Response(status=status, body={"status": status, "detail": str(error), "at": time.time()})


def respond_unknown(error):
    n = next(_numbers)
    with contextlib.suppress(Exception):
        log.critical(
            "unexpected error [incident_%d]", n, exc_info=(type(error), error, error.__traceback__)
        )
    return Response(
        status=500,
        body={"status": 500, "incident": n, "title": "Internal Server Error", "at": time.time()},
    )
