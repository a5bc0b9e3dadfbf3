"""Litestar, by the wrapper for any ASGI app, which finds its templates."""

import asyncio

from litestar import Litestar, Request, Response, Router, WebSocket, delete, get, head, post, websocket
from litestar.response import Redirect, Stream
from shared import MeantError, endless_async, parts_async

from api_analytics.asgi import Analytics


@post("/items", media_type="text/plain")
async def create(request: Request) -> str:
    return str(len(await request.body()))


@get("/items/{id:str}", media_type="text/plain")
async def show(id: str) -> Response[str]:
    return Response("no such item", status_code=404) if id == "404" else Response(f"item {id}")


@head("/items/{id:str}")
async def show_head(id: str) -> None:
    return


@delete("/items/{id:str}")
async def remove(id: str) -> None:
    return


@get("/old", status_code=302)
async def old() -> Redirect:
    return Redirect("/items/1", status_code=302)


@get("/fails")
async def fails() -> str:
    raise MeantError


@get("/fails")
async def org_fails(org: str) -> str:
    raise MeantError


@get("/fails-later")
async def fails_later() -> str:
    await asyncio.sleep(0.005)
    raise MeantError


@get("/stream")
async def stream() -> Stream:
    return Stream(parts_async())


@get("/slow", media_type="text/plain")
async def slow() -> str:
    await asyncio.sleep(1)
    return "slow"


@get("/endless")
async def endless() -> Stream:
    return Stream(endless_async())


@websocket("/socket")
async def socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


@get("/items/{id:int}", media_type="text/plain")
async def of_org(org: str, id: int) -> str:
    return f"{org} {id}"


orgs = Router("/orgs/{org:str}", route_handlers=[of_org, org_fails])
routes = [create, show, show_head, remove, old, fails, fails_later, stream, slow, endless, socket, orgs]
app = Analytics(Litestar(routes, logging_config=None))
