"""The addresses of `test_frameworks.py` in Litestar."""

import asyncio
from collections.abc import AsyncIterator

from litestar import Litestar, Request, Response, Router, get, head, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect, Stream

from api_analytics.asgi import Analytics, Config


@get("/items/{item_id:int}", media_type="text/plain")
async def item(item_id: int) -> Response[str]:
    return Response("hello", headers={"X-Request-Id": "id-1"})


@head("/items/{item_id:int}")
async def item_head(item_id: int) -> Response[None]:
    return Response(None, headers={"X-Request-Id": "id-1"})


@get("/items/{item_id:int}", media_type="text/plain")
async def orgs_item(org: str, item_id: int) -> str:
    return "hello"


@get("/boom/{item_id:int}")
async def boom(item_id: int) -> str:
    raise LookupError(item_id)


@get("/boom/{item_id:int}")
async def orgs_boom(org: str, item_id: int) -> str:
    raise LookupError(item_id)


@post("/orders", media_type="text/plain")
async def order(request: "Request[None, None, None]") -> bytes:  # type: ignore[type-var]
    return await request.body()


@get("/empty", status_code=204)
async def empty() -> None:
    return


@get("/moved")
async def moved() -> Redirect:
    return Redirect("/items/1")


@get("/gone/{name:str}")
async def gone(name: str) -> str:
    raise NotFoundException(name)


@get("/slow", media_type="text/plain")
async def slow() -> str:
    await asyncio.sleep(0.3)
    return "slow"


@get("/stream")
async def stream() -> Stream:
    async def parts() -> "AsyncIterator[bytes]":
        for number in range(4):
            await asyncio.sleep(0.05 if number else 0)
            yield b"x" * 100

    return Stream(parts())


orgs = Router("/orgs/{org:str}", route_handlers=[orgs_item, orgs_boom])
config: Config = Config(get_user_id=lambda scope: dict(scope["headers"])[b"x-user"])
app = Analytics(
    Litestar([item, item_head, boom, order, empty, moved, gone, slow, stream, orgs]), config=config
)
