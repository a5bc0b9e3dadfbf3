"""aiohttp and Tornado: the parts that the common requests do not reach."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sink import Sink

pytest.importorskip("aiohttp")

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from api_analytics.aiohttp import Analytics, Config


async def upgrade(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.close()
    return socket


async def late_boom(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    raise LookupError


async def simple(request: web.Request) -> web.Response:
    return web.Response(text="hello", headers={"X-Cache": "HIT"})


def hits_of(sink: Sink, *paths: str) -> "list[dict[str, Any]]":
    app = web.Application()
    config = Config(server_url=sink.url, get_user_id=lambda request: request.method)
    app.router.add_get("/upgrade", upgrade)
    app.router.add_get("/late", late_boom)
    app.router.add_get("/simple", simple)
    app.router.add_static("/static", Path(__file__).parent)
    below = web.Application()
    below.router.add_get(r"/items/{id:\d+}", simple)
    app.add_subapp("/orgs/acme", below)
    Analytics(app, "k", config)
    Analytics(app, "k", config)  # counts once

    async def main() -> None:
        async with TestServer(app) as server, ClientSession() as session:
            for path in paths:
                if path == "/upgrade":
                    async with session.ws_connect(server.make_url(path)) as socket:
                        await socket.receive()
                    continue
                try:
                    async with session.get(server.make_url(path)) as answer:
                        await answer.read()
                except Exception:
                    assert path == "/late"

    asyncio.run(main())
    assert Analytics.flush()
    return sink.hits()


def test_an_upgrade_is_not_recorded(sink: Sink) -> None:
    (hit,) = hits_of(sink, "/upgrade", "/simple")
    assert (hit["path"], hit["cache"], hit["user_id"]) == ("/simple", "hit", "GET")


def test_a_file(sink: Sink) -> None:
    (hit,) = hits_of(sink, "/static/running.py")
    assert (hit["route"], hit["status"]) == ("/static/{path}", 200)
    assert hit["response_size"] == (Path(__file__).parent / "running.py").stat().st_size


def test_an_error_after_the_headers_keeps_the_status_that_was_sent(sink: Sink) -> None:
    (hit,) = hits_of(sink, "/late")
    assert hit["status"] == 200


def test_an_app_below_another_has_its_prefix(sink: Sink) -> None:
    (hit,) = hits_of(sink, "/orgs/acme/items/3")
    assert (hit["route"], hit["status"]) == ("/orgs/acme/items/{id}", 200)
