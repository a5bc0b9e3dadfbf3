"""Starlette, with a mount that takes a parameter."""

import asyncio

from shared import MeantError, endless_async, parts_async
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

from api_analytics.starlette import Analytics


async def create(request):
    return PlainTextResponse(str(len(await request.body())), 201)


async def show(request):
    id = request.path_params["id"]
    return PlainTextResponse("no such item", 404) if id == "404" else PlainTextResponse(f"item {id}")


async def remove(request):
    return Response(status_code=204)


async def old(request):
    return RedirectResponse("/items/1", 302)


def fails(request):
    raise MeantError


async def fails_later(request):
    await asyncio.sleep(0.005)
    raise MeantError


async def stream(request):
    return StreamingResponse(parts_async())


async def slow(request):
    await asyncio.sleep(1)
    return PlainTextResponse("slow")


async def endless(request):
    return StreamingResponse(endless_async())


async def socket(socket):
    await socket.accept()
    await socket.close()


async def of_org(request):
    return PlainTextResponse("{org} {id}".format(**request.path_params))


app = Starlette(
    routes=[
        Route("/items", create, methods=["POST"]),
        Route("/items/{id}", show),
        Route("/items/{id}", remove, methods=["DELETE"]),
        Route("/old", old),
        Route("/fails", fails),
        Route("/fails-later", fails_later),
        Route("/stream", stream),
        Route("/slow", slow),
        Route("/endless", endless),
        WebSocketRoute("/socket", socket),
        Mount("/orgs/{org}", routes=[Route("/items/{id:int}", of_org), Route("/fails", fails)]),
    ],
    middleware=[Middleware(Analytics)],
)
