"""The shop as a small web app: something to call when the caller is the lesson.

`POST /orders` is not idempotent, on purpose: every call makes an order, so a
client that repeats itself can be seen to do so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse

__all__ = ["shop_app"]


def shop_app(*, seed: int = 1) -> Starlette:
    """A new shop app with no orders.

    | request | answer |
    | --- | --- |
    | GET /health | 200 `{"status": "ok"}` |
    | GET /products | 200, a list of `{"id", "name", "price", "stock"}` |
    | GET /orders | 200 `{"orders": 2}` |
    | POST /orders | 201 `{"order": 3}`, one more order each time |
    | POST /payments | 201 `{"payment": 1}`, one more payment each time |
    """
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from course_lib.labs.shop_data import shop

    products = [
        {"id": p.id, "name": p.name, "price": str(p.price), "stock": p.stock}
        for p in shop(seed=seed, orders=0).products
    ]
    made = {"order": 0, "payment": 0}

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def list_products(request: Request) -> JSONResponse:
        return JSONResponse(products)

    async def orders(request: Request) -> JSONResponse:
        if request.method == "POST":
            return _one_more("order")
        return JSONResponse({"orders": made["order"]})

    async def payments(request: Request) -> JSONResponse:
        return _one_more("payment")

    def _one_more(kind: str) -> JSONResponse:
        made[kind] += 1
        return JSONResponse({kind: made[kind]}, status_code=201)

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/products", list_products),
            Route("/orders", orders, methods=["GET", "POST"]),
            Route("/payments", payments, methods=["POST"]),
        ]
    )
