"""Sanic under an ASGI server, with two addresses: the wrapper sees no templates there."""

from typing import Any

from sanic import Request, Sanic, text

from api_analytics.asgi import Analytics, Config

inner: "Sanic[Any, Any]" = Sanic("tests")


@inner.get("/items/<item_id:int>")
async def item(request: Request, item_id: int) -> Any:
    return text("hello", headers={"X-Request-Id": "id-1"})


@inner.get("/boom/<item_id:int>")
async def boom(request: Request, item_id: int) -> Any:
    raise LookupError(item_id)


app = Analytics(inner, config=Config())
