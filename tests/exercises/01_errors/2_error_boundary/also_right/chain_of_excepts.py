# Two except clauses and a chain of ifs; known errors are not logged at all.
import inspect
import itertools

numbers = itertools.count(1)


def boundary(handler):
    if inspect.iscoroutinefunction(handler):

        async def safe(request):
            try:
                return await handler(request)
            except (InvalidInput, NotFound, Conflict, Unavailable) as error:
                return known(error)
            except Exception as error:
                return bug(error)
    else:

        def safe(request):
            try:
                return handler(request)
            except (InvalidInput, NotFound, Conflict, Unavailable) as error:
                return known(error)
            except Exception as error:
                return bug(error)

    return safe


def known(error):
    """No log at all for known errors."""
    if isinstance(error, InvalidInput):
        return Response(422, {})
    if isinstance(error, NotFound):
        return Response(404, {})
    return Response(409 if isinstance(error, Conflict) else 503, {"detail": "sorry"})


def bug(error):
    number = next(numbers)
    try:
        log.critical("a bug", exc_info=error, extra={"number": number})
    except Exception:
        print("the log is broken")
    return Response(500, {"message": f"please quote the number {number}"}, {"x": "1"})
