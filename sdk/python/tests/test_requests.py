"""The mappers of each framework get its own request; `contract/apps` proves the other fields."""

import asyncio
from typing import Any

import pytest
from sink import Sink

ENVIRON = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/items/1", "QUERY_STRING": "",
    "SERVER_NAME": "h", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_X_USER": "alice",
    "wsgi.url_scheme": "http", "wsgi.input": None, "wsgi.errors": None,
}  # fmt: skip
SCOPE = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
    "scheme": "http", "path": "/items/1", "raw_path": b"/items/1", "query_string": b"",
    "root_path": "", "headers": [(b"host", b"h"), (b"x-user", b"alice")], "extensions": {},
    "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
}  # fmt: skip


def call_asgi(app: Any) -> None:
    asked: list[bool] = []

    async def receive() -> Any:
        if asked:
            await asyncio.sleep(3600)
        asked.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Any) -> None:
        return

    asyncio.run(app(dict(SCOPE), receive, send))


def check(sink: Sink, analytics: Any) -> None:
    assert analytics.flush()
    (hit,) = sink.hits()
    assert (hit["user_id"], hit["path"], hit["route"]) == ("alice", "/ITEMS/1", "/items/{id}")


def test_falcon_wsgi(sink: Sink) -> None:
    falcon = pytest.importorskip("falcon")
    from api_analytics.falcon import Analytics, Config

    class Item:
        def on_get(self, req: Any, resp: Any, id: str) -> None:
            resp.text = "hello"

    inner = falcon.App()
    inner.add_route("/items/{id}", Item())
    config: Config = Config(server_url=sink.url)
    config.get_user_id = lambda req: req.get_header("x-user")
    config.get_path = lambda req: req.path.upper()
    app: Any = Analytics(inner, "k", config)
    body = app(dict(ENVIRON), lambda *_: None)
    list(body)
    body.close()
    check(sink, Analytics)


def test_falcon_asgi(sink: Sink) -> None:
    falcon = pytest.importorskip("falcon.asgi")
    from api_analytics.falcon import Analytics, Config

    class Item:
        async def on_get(self, req: Any, resp: Any, id: str) -> None:
            resp.text = "hello"

    inner = falcon.App()
    inner.add_route("/items/{id}", Item())
    config: Config = Config(server_url=sink.url)
    config.get_user_id = lambda req: req.get_header("x-user")
    config.get_path = lambda req: req.path.upper()
    call_asgi(Analytics(inner, "k", config))
    check(sink, Analytics)


def test_quart(sink: Sink) -> None:
    quart = pytest.importorskip("quart")
    from api_analytics.quart import Analytics, Config

    app = quart.Quart(__name__)

    async def item(id: str) -> str:
        return "hello"

    app.add_url_rule("/items/<id>", view_func=item)

    config: Config = Config(server_url=sink.url)
    config.get_user_id = lambda request: request.headers.get("x-user")
    config.get_path = lambda request: request.path.upper()
    Analytics(app, "k", config)
    call_asgi(app)
    check(sink, Analytics)


def test_tornado(sink: Sink) -> None:
    web = pytest.importorskip("tornado.web")
    from tornado.httputil import HTTPHeaders, HTTPServerRequest

    from api_analytics.tornado import Config, add_middleware, flush

    app = web.Application([])
    config: Config = Config(server_url=sink.url)
    config.get_user_id = lambda request: request.headers.get("x-user")
    add_middleware(app, "k", config)

    class Connection:
        def set_close_callback(self, _: Any) -> None:
            return

    headers = HTTPHeaders({"X-User": "alice", "Host": "h"})
    request = HTTPServerRequest("GET", "/items/a%20b", headers=headers, connection=Connection())  # type: ignore[arg-type]
    app.settings["log_function"](web.RequestHandler(app, request))
    assert flush()
    (hit,) = sink.hits()
    assert (hit["user_id"], hit["path"]) == ("alice", "/items/a b")
