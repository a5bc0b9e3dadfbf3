"""BlackSheep, by the wrapper for any ASGI app, which does not see its templates."""

import asyncio

from blacksheep import Application, Request, Response, StreamedContent, WebSocket, redirect, text
from shared import MeantError, endless_async, parts_async

from api_analytics.asgi import Analytics

inner = Application()
router = inner.router


@router.post("/items")
async def create(request: Request):
    return text(str(len(await request.read())), 201)


@router.get("/items/{id}")
async def show(id: str):
    return text("no such item", 404) if id == "404" else text(f"item {id}")


@router.head("/items/{id}")
async def show_head(id: str):
    return Response(200)


@router.delete("/items/{id}")
async def remove(id: str):
    return Response(204)


@router.get("/old")
async def old():
    return redirect("/items/1")


@router.get("/fails")
async def fails():
    raise MeantError


@router.get("/fails-later")
async def fails_later():
    await asyncio.sleep(0.005)
    raise MeantError


@router.get("/stream")
async def stream():
    return Response(200, content=StreamedContent(b"text/plain", parts_async))


@router.get("/slow")
async def slow():
    await asyncio.sleep(1)
    return text("slow")


@router.get("/endless")
async def endless():
    return Response(200, content=StreamedContent(b"text/plain", endless_async))


@router.ws("/socket")
async def socket(socket: WebSocket):
    await socket.accept()
    await socket.close()


@router.get("/orgs/{org}/items/{id}")
async def of_org(org: str, id: int):
    return text(f"{org} {id}")


@router.get("/orgs/{org}/fails")
async def org_fails(org: str):
    raise MeantError


app = Analytics(inner)
