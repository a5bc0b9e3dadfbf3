"""The addresses of `test_frameworks.py` in Falcon: `app` for WSGI, `asgi_app` for ASGI."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import falcon
import falcon.asgi

from api_analytics.falcon import Analytics, Config


def answer(req: Any, resp: Any, body: bytes) -> None:
    kind = [part for part in req.path.split("/") if part][-2:][0]
    if kind == "boom":
        raise LookupError(req.path)
    if kind == "gone":
        raise falcon.HTTPNotFound
    if kind == "moved":
        raise falcon.HTTPFound("/items/1")
    resp.status = {"orders": falcon.HTTP_201, "empty": falcon.HTTP_204}.get(kind, falcon.HTTP_200)
    resp.set_header("X-Request-Id", "id-1")
    if kind != "empty":
        resp.data = body or (b"slow" if kind == "slow" else b"hello")


class Sync:
    def on_get(self, req: Any, resp: Any, **_: Any) -> None:
        if req.path == "/stream":
            resp.stream = self.parts()
            return
        if req.path == "/slow":
            time.sleep(0.3)
        answer(req, resp, b"")

    on_head = on_get

    def on_post(self, req: Any, resp: Any) -> None:
        answer(req, resp, req.bounded_stream.read())

    def parts(self) -> "Iterator[bytes]":
        for number in range(4):
            time.sleep(0.05 if number else 0)
            yield b"x" * 100


class Async:
    async def on_get(self, req: Any, resp: Any, **_: Any) -> None:
        if req.path == "/stream":
            resp.stream = self.parts()
            return
        if req.path == "/slow":
            await asyncio.sleep(0.3)
        answer(req, resp, b"")

    on_head = on_get

    async def on_post(self, req: Any, resp: Any) -> None:
        answer(req, resp, await req.stream.read())

    async def parts(self) -> "AsyncIterator[bytes]":
        for number in range(4):
            await asyncio.sleep(0.05 if number else 0)
            yield b"x" * 100


def make(app: Any, resource: Any) -> Any:
    for path in ("/items/{item_id:int}", "/boom/{item_id:int}"):
        app.add_route(path, resource)
        app.add_route("/orgs/{org}" + path, resource)
    for path in ("/orders", "/empty", "/moved", "/gone/{name}", "/slow", "/stream"):
        app.add_route(path, resource)
    return Analytics(app, config=Config(get_user_id=lambda req: req.get_header("x-user")))


app = make(falcon.App(), Sync())
asgi_app = make(falcon.asgi.App(), Async())
