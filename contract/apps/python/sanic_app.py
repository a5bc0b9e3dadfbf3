"""Sanic under an ASGI server, by the wrapper for any ASGI app, which does not see its templates."""

import asyncio

from sanic import Sanic, empty, redirect, text
from shared import MeantError, endless_async, parts_async

from api_analytics.asgi import Analytics

inner = Sanic("app", configure_logging=False)


@inner.post("/items")
async def create(request):
    return text(str(len(request.body)), 201)


@inner.route("/items/<id>", methods=["GET", "HEAD"])
async def show(request, id):
    return text("no such item", 404) if id == "404" else text(f"item {id}")


@inner.delete("/items/<id>")
async def remove(request, id):
    return empty()


@inner.get("/old")
async def old(request):
    return redirect("/items/1")


@inner.get("/fails")
async def fails(request):
    raise MeantError


@inner.get("/fails-later")
async def fails_later(request):
    await asyncio.sleep(0.005)
    raise MeantError


@inner.get("/stream")
async def stream(request):
    response = await request.respond()
    async for part in parts_async():
        await response.send(part)


@inner.get("/slow")
async def slow(request):
    await asyncio.sleep(1)
    return text("slow")


@inner.get("/endless")
async def endless(request):
    response = await request.respond()
    async for part in endless_async():
        await response.send(part)


@inner.websocket("/socket")
async def socket(request, socket):
    pass


@inner.get("/orgs/<org>/items/<id:int>")
async def of_org(request, org, id):
    return text(f"{org} {id}")


@inner.get("/orgs/<org>/fails")
async def org_fails(request, org):
    raise MeantError


app = Analytics(inner)
