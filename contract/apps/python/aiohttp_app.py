"""aiohttp's own server. Its sub-apps take no parameters in their prefix, so the organisations are routes."""

import asyncio
import os

from aiohttp import web
from shared import MeantError, endless_async, parts_async

from api_analytics.aiohttp import Analytics


async def create(request):
    return web.Response(text=str(len(await request.read())), status=201)


async def show(request):
    id = request.match_info["id"]
    return web.Response(text="no such item", status=404) if id == "404" else web.Response(text=f"item {id}")


async def remove(request):
    return web.Response(status=204)


async def old(request):
    raise web.HTTPFound("/items/1")


async def fails(request):
    raise MeantError


async def fails_later(request):
    await asyncio.sleep(0.005)
    raise MeantError


def streaming(parts):
    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        async for part in parts():
            await response.write(part)
        return response

    return stream


async def slow(request):
    await asyncio.sleep(1)
    return web.Response(text="slow")


async def socket(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.close()
    return socket


async def of_org(request):
    return web.Response(text="{org} {id}".format(**request.match_info))


app = web.Application()
app.add_routes(
    [
        web.post("/items", create),
        web.get("/items/{id}", show),
        web.delete("/items/{id}", remove),
        web.get("/old", old),
        web.get("/fails", fails),
        web.get("/fails-later", fails_later),
        web.get("/stream", streaming(parts_async)),
        web.get("/slow", slow),
        web.get("/endless", streaming(endless_async)),
        web.get("/socket", socket),
        web.get(r"/orgs/{org}/items/{id:\d+}", of_org),
        web.get("/orgs/{org}/fails", fails),
    ]
)
Analytics(app)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None)
