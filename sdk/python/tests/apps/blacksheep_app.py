"""BlackSheep, with two addresses: the wrapper sees no templates there."""

from blacksheep import Application, Response, text

from api_analytics.asgi import Analytics, Config

inner = Application()


@inner.router.get("/items/{item_id}")
async def item(item_id: int) -> Response:
    return text("hello")


@inner.router.get("/boom/{item_id}")
async def boom(item_id: int) -> Response:
    raise LookupError(item_id)


app = Analytics(inner, config=Config())
