# fails "a response passes through" with "calls of the handler"
def boundary(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`handler`, plain or `async def`, which answers with a Response instead of raising."""

    @functools.wraps(handler)
    def guarded(request: Any) -> Any:
        try:
            handler(request)
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
