"""The addresses of `test_frameworks.py` in aiohttp: `python -m apps.aiohttp_app PORT`."""

import asyncio
import sys

from aiohttp import web

from api_analytics.aiohttp import Analytics, Config


async def item(request: web.Request) -> web.Response:
    return web.Response(text="hello", headers={"X-Request-Id": "id-1"})


async def boom(request: web.Request) -> web.Response:
    raise LookupError(request.path)


async def order(request: web.Request) -> web.Response:
    return web.Response(body=await request.read(), status=201)


async def empty(request: web.Request) -> web.Response:
    return web.Response(status=204)


async def moved(request: web.Request) -> web.Response:
    raise web.HTTPFound("/items/1")


async def gone(request: web.Request) -> web.Response:
    raise web.HTTPNotFound


async def slow(request: web.Request) -> web.Response:
    await asyncio.sleep(0.3)
    return web.Response(text="slow")


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(4):
        await asyncio.sleep(0.05 if number else 0)
        await response.write(b"x" * 100)
    return response


def make(*more: web.RouteDef) -> web.Application:
    app = web.Application()
    app.add_routes([web.get(r"/items/{item_id:\d+}", item), web.get("/boom/{item_id}", boom)])
    app.add_routes(more)
    return app


app = make(
    web.post("/orders", order),
    web.get("/empty", empty),
    web.get("/moved", moved),
    web.get("/gone/{name}", gone),
    web.get("/slow", slow),
    web.get("/stream", stream),
)
app.add_subapp("/orgs/acme", make())
Analytics(app, config=Config(get_user_id=lambda request: request.headers.get("x-user")))

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=lambda *_: None)
