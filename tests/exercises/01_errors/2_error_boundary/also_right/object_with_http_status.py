"""A decorator class factory; HTTPStatus; log.exception with extra; hotline in the text."""

from http import HTTPStatus

TABLE = [
    (InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
]


class Boundary:
    def __init__(self, handler):
        self.handler = handler

    def translate(self, error):
        for kind, status in TABLE:
            if isinstance(error, kind):
                return Response(
                    status,
                    {"type": "about:blank", "title": status.phrase, "detail": str(error)},
                    {"content-type": "application/problem+json"},
                )
        ref = str(uuid.uuid4())
        try:
            log.exception("unhandled error", extra={"reference_id": ref})
        except Exception:
            pass
        return Response(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            {
                "title": "Something went wrong in the online shop",
                "detail": "Please call our hotline and name this reference.",
                "reference": ref,
            },
        )

    def __call__(self, request):
        try:
            return self.handler(request)
        except Exception as error:
            return self.translate(error)

    def as_coroutine(self):
        async def call(request):
            try:
                return await self.handler(request)
            except Exception as error:
                return self.translate(error)

        return call


def boundary(handler):
    guard = Boundary(handler)
    return guard.as_coroutine() if inspect.iscoroutinefunction(handler) else guard
