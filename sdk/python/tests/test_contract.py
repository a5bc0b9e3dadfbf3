"""This client posts what `contract/batches/sdk-python-*.json` say, to the letter.

The server's decoder is tested on the same files, so both sides agree on them or one of them fails.
With API_ANALYTICS_REGEN=1 the bodies are rewritten; what the decoder expects is then to be
checked by eye, and by its own test.
"""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from sink import Sink

from api_analytics import asgi, client, fastapi, starlette
from api_analytics.queue import queue

BATCHES = Path(__file__).parents[3] / "contract" / "batches"
KEY = "3f0c1c4e-2b1a-4f0e-9a52-5d1c7b2f9e11"
STARTED_AT = 1_795_332_370.25  # 2026-11-22T07:26:10.25Z
SENT_AT = 1_795_332_371.5
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)


class Clock:
    """Each request begins a hundredth of a second after the one before and takes 1.5 ms."""

    def __init__(self) -> None:
        self.requests = 0
        self.ticks = 0

    def time(self) -> float:
        self.requests += 1
        return STARTED_AT + (self.requests - 1) * 0.01

    def perf_counter(self) -> float:
        self.ticks += 1
        return self.ticks * 0.0015


@pytest.fixture
def post(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> "Callable[..., dict[str, Any]]":
    clock = Clock()
    monkeypatch.setattr(asgi, "time", clock.time)
    monkeypatch.setattr(asgi, "perf_counter", clock.perf_counter)

    class Frozen:
        monotonic = staticmethod(time.monotonic)
        sleep = staticmethod(time.sleep)
        time = staticmethod(lambda: SENT_AT)

    monkeypatch.setattr(client, "time", Frozen)
    monkeypatch.setattr(client, "new_batch_id", lambda: "0b8e7f6c5d4c4b3a8291706f5e4d3c2b")

    def post(
        adapter: Any, *requests: "dict[str, Any]", dropped: int = 0, **config: Any
    ) -> "dict[str, Any]":
        """Runs the requests through the adapter's middleware; returns the one body it posts."""
        status = 200
        body = b""
        route: Any = None

        async def app(scope: Any, _: Any, send: Any) -> None:
            if route is not None:
                scope["route"] = route
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": body})

        settings = adapter.Config(server_url=sink.url, **config)
        watched = adapter.Analytics(app, api_key=KEY, config=settings)
        assert watched._client is not None
        watched._client.dropped = dropped

        async def nothing(*_: Any) -> None:
            return

        async def main() -> None:
            nonlocal status, body, route
            for given in requests:
                scope = {"type": "http", "method": "GET", "path": "/", **given}
                status = scope.pop("status", 200)
                body = scope.pop("body", b"")
                route = scope.pop("template", None)
                route = type("Route", (), {"path_format": route, "endpoint": 0}) if route else None
                headers = {"host": "api.example.com", **scope.get("headers", {})}
                scope["headers"] = [
                    (name.encode(), value if isinstance(value, bytes) else value.encode())
                    for name, value in headers.items()
                ]
                scope.setdefault("client", ("203.0.113.9", 50000))
                await watched(scope, nothing, nothing)

        asyncio.run(main())
        assert queue.flush(5)
        (post,) = sink.posts
        assert post.path == "/api/requests"
        assert post.headers["x-auth-token"] == KEY
        return post.body

    return post


def check(name: str, body: "dict[str, Any]") -> None:
    file = BATCHES / f"sdk-python-{name}.json"
    golden = json.loads(file.read_text())
    (given,) = golden["posts"]
    assert given["request"]["headers"]["x-auth-token"] == KEY
    if os.environ.get("API_ANALYTICS_REGEN") == "1":
        given["request"]["body"] = body
        file.write_text(json.dumps(golden, indent=2, ensure_ascii=False) + "\n")
    assert body == given["request"]["body"]


def test_a_fastapi_app(post: Any) -> None:
    users = {"get_user_id": lambda request: request.headers.get("x-user")}
    body = post(
        fastapi,
        {"headers": {"user-agent": CHROME, "referer": "https://example.com/shop?session=1"}},
        {
            "path": "/users/42/update",
            "template": "/users/{user_id}/update",
            "headers": {"x-user": "alice", "user-agent": "python-httpx/0.28.1"},
            "body": b"true",
        },
        {
            "method": "POST",
            "path": "/orders",
            "template": "/orders",
            "status": 422,
            "headers": {"content-length": "17", "host": "api.example.com:8000"},
            "body": b"{}",
        },
        {"path": "/missing/7", "status": 404, "client": ("2001:db8::1", 50000)},
        {"method": "HEAD", "path": "/files/a/b.txt", "template": "/files/{path}", "status": 499},
        dropped=3,
        **users,
    )
    check("fastapi", body)


def test_privacy_level_2(post: Any) -> None:
    body = post(starlette, {"path": "/a", "headers": {"user-agent": CHROME}}, privacy_level=2)
    assert "203.0.113.9" not in json.dumps(body)
    check("privacy-2", body)


def test_what_callers_send_who_mean_no_good(post: Any) -> None:
    body = post(
        asgi,
        {"path": "/users/select/--/'", "headers": {"user-agent": "a'; drop table hits; --"}},
        {"path": "/größe/\ud800", "headers": {"user-agent": "é".encode("latin-1")}},
        {"path": "/" + "x" * 3000, "headers": {"user-agent": "u" * 2000, "host": "[::1]:8000"}},
        {"path": "", "method": "PROPFIND", "headers": {"content-length": "many"}, "client": None},
        privacy_level=1,
    )
    check("oddities", body)
