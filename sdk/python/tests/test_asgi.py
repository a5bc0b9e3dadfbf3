"""The recorded hit, whatever the app and the client do."""

import asyncio
import time
from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Callable, Optional

import pytest
from sink import Sink, answer_as_product

from api_analytics.asgi import Analytics, Config
from api_analytics.queue import queue

Body = {"type": "http.response.body", "body": b"hello"}
Start = {"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"5")]}


def scope_of(**changes: Any) -> "dict[str, Any]":
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/a",
        "query_string": b"secret=1",
        "headers": [(b"host", b"api.example.com:8000")],
        "client": ("203.0.113.9", 50000),
        "server": ("127.0.0.1", 8000),
        **changes,
    }


class Server:
    """Plays an ASGI server: records what the app sends, and supplies what it receives."""

    def __init__(
        self, *received: "dict[str, Any]", send_raises: Optional[Exception] = None
    ) -> None:
        self.sent: list[Any] = []
        self._received = list(received)
        self._send_raises = send_raises

    async def receive(self) -> "dict[str, Any]":
        if not self._received:
            await asyncio.sleep(3600)
        return self._received.pop(0)

    async def send(self, message: Any) -> None:
        if self._send_raises is not None:
            raise self._send_raises
        self.sent.append(message)


App = Callable[[Any, Any, Any], Awaitable[None]]


def record(
    sink: Sink,
    app: App,
    server: Optional[Server] = None,
    scope: "Optional[dict[str, Any]]" = None,
    raises: Optional[type[BaseException]] = None,
    cancel_after: Optional[float] = None,
    **config: Any,
) -> "dict[str, Any]":
    """Runs one request through the middleware, returns its one hit."""
    watched = Analytics(app, api_key="k", config=Config(server_url=sink.url, **config))
    server = server or Server()

    async def main() -> None:
        call = watched(scope or scope_of(), server.receive, server.send)
        if cancel_after is None:
            await call
        else:
            await asyncio.wait_for(call, cancel_after)

    if raises is None:
        asyncio.run(main())
    else:
        with pytest.raises(raises):
            asyncio.run(main())
    assert Analytics.flush()
    (hit,) = sink.hits()
    return hit


async def simple(_: Any, __: Any, send: Any) -> None:
    await send(Start)
    await send(Body)


def test_the_whole_hit(sink: Sink) -> None:
    server = Server()
    before = time.time()
    headers = [
        (b"host", b"api.example.com:8000"),
        (b"user-agent", b"tests/1"),
        (b"referer", b"https://example.com/?q=secret"),
        (b"content-length", b"12"),
        (b"authorization", b"Bearer secret"),
    ]
    hit = record(sink, simple, server, scope_of(headers=headers, method="POST"))
    assert server.sent == [Start, Body]
    assert 0 <= hit.pop("response_time") < 10_000
    created_at = hit.pop("created_at")
    assert created_at.endswith("Z")
    assert abs(_seconds(created_at) - before) < 60
    assert hit == {
        "method": "POST",
        "path": "/a",
        "status": 201,
        "hostname": "api.example.com",
        "ip_address": "203.0.113.9",
        "user_agent": "tests/1",
        "referrer": "https://example.com/",
        "request_size": 12,
        "response_size": 5,
    }
    (post,) = sink.posts
    assert {name: value for name, value in post.body.items() if name != "requests"} == {
        "framework": "ASGI",
        "privacy_level": 0,
        "batch_id": post.body["batch_id"],
        "sdk": "python/0.1.0",
        "sent_at": post.body["sent_at"],
        "dropped": 0,
    }
    assert "secret" not in str(post.body)
    assert post.headers["content-encoding"] == "gzip"
    assert post.headers["content-type"] == "application/json"
    assert post.headers["x-auth-token"] == "k"


@pytest.mark.parametrize(("config", "posted"), [({"release": "v2.4.1"}, "v2.4.1"), ({}, None)])
def test_a_release_is_posted_if_there_is_one(
    sink: Sink, config: "dict[str, Any]", posted: Optional[str]
) -> None:
    record(sink, simple, **config)
    assert sink.posts[0].body.get("release") == posted
    assert ("release" in sink.posts[0].body) == (posted is not None)


@pytest.mark.parametrize(
    ("asked", "answered", "request_id"),
    [(None, None, None), (b"a", None, "a"), (b"a", b"b", "b"), (None, b"b" * 500, "b" * 128)],
)
def test_the_request_id_is_the_answer_s_or_else_the_request_s(
    sink: Sink, asked: Any, answered: Any, request_id: Any
) -> None:
    async def app(_: Any, __: Any, send: Any) -> None:
        headers = [] if answered is None else [(b"x-request-id", answered)]
        await send({**Start, "headers": headers})
        await send(Body)

    headers = [] if asked is None else [(b"x-request-id", asked)]
    assert record(sink, app, scope=scope_of(headers=headers)).get("request_id") == request_id


def test_a_cache_that_answered_is_recorded(sink: Sink) -> None:
    async def app(_: Any, __: Any, send: Any) -> None:
        await send({**Start, "headers": [(b"x-cache", b"HIT"), (b"age", b"3")]})
        await send(Body)

    hit = record(sink, app)
    assert hit["cache"] == "hit"
    assert "request_id" not in hit


def _seconds(created_at: str) -> float:
    return datetime.fromisoformat(created_at.replace("Z", "+00:00")).timestamp()


def test_what_is_not_there_is_left_out(sink: Sink) -> None:
    hit = record(sink, simple, scope=scope_of(headers=[], client=None, server=None))
    assert set(hit) == {
        "method", "path", "status", "response_time", "created_at", "response_size"
    }  # fmt: skip
    sink.kept.clear()
    hit = record(sink, simple, scope=scope_of(headers=[]))
    assert hit["hostname"] == "127.0.0.1"  # the server's own, as there is no Host header


def test_an_unhandled_exception_is_a_500_and_goes_on(sink: Sink) -> None:
    async def app(*_: Any) -> None:
        raise LookupError

    assert record(sink, app, raises=LookupError)["status"] == 500


def test_an_os_error_of_the_app_is_a_500_and_no_lost_client(sink: Sink) -> None:
    async def app(*_: Any) -> None:
        raise FileNotFoundError("/some/file")

    assert record(sink, app, raises=FileNotFoundError)["status"] == 500


def test_an_exception_after_the_status_keeps_the_status(sink: Sink) -> None:
    async def app(_: Any, __: Any, send: Any) -> None:
        await send(Start)
        await send({"type": "http.response.body", "body": b"hel", "more_body": True})
        raise LookupError

    hit = record(sink, app, raises=LookupError)
    assert (hit["status"], hit["response_size"]) == (201, 3)


def test_an_app_that_answers_nothing_is_a_500(sink: Sink) -> None:
    async def app(*_: Any) -> None:
        return

    assert record(sink, app)["status"] == 500


def test_a_client_that_left_before_the_answer_is_a_499(sink: Sink) -> None:
    async def app(_: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"
        await simple(_, receive, send)  # as frameworks do that answer a dead connection with a 400

    server = Server(
        {"type": "http.request", "body": b"abc", "more_body": True}, {"type": "http.disconnect"}
    )
    hit = record(sink, app, server)
    assert (hit["status"], hit["request_size"]) == (499, 3)


def test_a_client_that_left_and_an_app_that_raises_is_a_499(sink: Sink) -> None:
    async def app(_: Any, receive: Any, __: Any) -> None:
        assert (await receive())["type"] == "http.disconnect"
        raise LookupError

    hit = record(sink, app, Server({"type": "http.disconnect"}), raises=LookupError)
    assert hit["status"] == 499


def test_a_server_that_cannot_send_the_first_byte_is_a_499(sink: Sink) -> None:
    hit = record(sink, simple, Server(send_raises=OSError("gone")), raises=OSError)
    assert hit["status"] == 499


def test_a_cancelled_request_is_a_499(sink: Sink) -> None:
    async def app(*_: Any) -> None:
        await asyncio.sleep(3600)

    assert record(sink, app, raises=asyncio.TimeoutError, cancel_after=0.05)["status"] == 499


def test_a_client_that_left_in_the_middle_keeps_the_status(sink: Sink) -> None:
    async def app(_: Any, receive: Any, send: Any) -> None:
        await send(Start)
        await send({"type": "http.response.body", "body": b"hel", "more_body": True})
        assert (await receive())["type"] == "http.disconnect"

    hit = record(sink, app, Server({"type": "http.disconnect"}))
    assert (hit["status"], hit["response_size"]) == (201, 3)


def test_a_disconnect_after_the_answer_is_no_disconnect(sink: Sink) -> None:
    async def app(_: Any, receive: Any, send: Any) -> None:
        await simple(_, receive, send)
        assert (await receive())["type"] == "http.disconnect"

    assert record(sink, app, Server({"type": "http.disconnect"}))["status"] == 201


def test_a_stream_is_timed_to_its_last_byte_and_not_further(sink: Sink) -> None:
    async def app(_: Any, __: Any, send: Any) -> None:
        await send(Start)
        for _ in range(3):
            await asyncio.sleep(0.05)
            await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        await send({"type": "http.response.body"})
        assert queue.held() == 1  # recorded before the background task
        await asyncio.sleep(1.5)

    hit = record(sink, app)
    assert 150 <= hit["response_time"] < 1_490
    assert hit["response_size"] == 6


def test_messages_pass_at_once_and_unchanged(sink: Sink) -> None:
    """The middleware may not hold a chunk back: each has arrived before the next is made."""
    server = Server()
    chunks = [
        {"type": "http.response.body", "body": bytes([n]), "more_body": n < 3} for n in range(4)
    ]

    async def app(_: Any, __: Any, send: Any) -> None:
        await send(Start)
        for number, chunk in enumerate(chunks):
            await send(chunk)
            assert server.sent[-1] is chunk
            assert len(server.sent) == number + 2

    record(sink, app, server)


def test_a_file_that_the_server_sends_has_the_size_of_its_header(sink: Sink) -> None:
    async def app(_: Any, __: Any, send: Any) -> None:
        await send(Start)
        await send({"type": "http.response.pathsend", "path": __file__})

    assert record(sink, app)["response_size"] == 5


def test_the_answer_to_head_has_no_bytes(sink: Sink) -> None:
    assert record(sink, simple, scope=scope_of(method="HEAD"))["response_size"] == 0


def test_chunked_requests_are_counted_as_they_are_read(sink: Sink) -> None:
    async def app(_: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await simple(_, receive, send)

    server = Server(
        {"type": "http.request", "body": b"abc", "more_body": True},
        {"type": "http.request", "body": b"de", "more_body": False},
    )
    assert record(sink, app, server)["request_size"] == 5


def test_an_address_is_not_sent_at_privacy_level_2(sink: Sink) -> None:
    hit = record(sink, simple, privacy_level=2)
    assert "ip_address" not in hit
    assert "203.0.113.9" not in str(sink.posts)
    sink.kept.clear()
    assert record(sink, simple, privacy_level=1)["ip_address"] == "203.0.113.9"


def test_long_headers_are_cut_before_they_wait(sink: Sink) -> None:
    headers = [
        (b"host", b"h" * 60_000),
        (b"user-agent", b"u" * 60_000),
        (b"referer", b"r" * 60_000),
    ]
    hit = record(sink, simple, scope=scope_of(headers=headers, path="/" + "p" * 60_000))
    assert len(hit["hostname"]) == 255
    assert len(hit["user_agent"]) == 1024
    assert len(hit["referrer"]) == 2048
    assert len(hit["path"]) == 2048


@pytest.mark.parametrize("kind", ["websocket", "something.new"])
def test_what_is_not_http_is_left_alone(sink: Sink, kind: str) -> None:
    seen = []

    async def app(*arguments: Any) -> None:
        seen.append(arguments)

    arguments = ({"type": kind}, object(), object())
    asyncio.run(Analytics(app, api_key="k", config=Config(server_url=sink.url))(*arguments))  # type: ignore[arg-type]
    assert seen == [arguments]
    assert all(given is passed for given, passed in zip(arguments, seen[0]))
    assert queue.held() == 0


def test_the_end_of_the_lifespan_posts_what_waits_without_holding_up_the_loop(sink: Sink) -> None:
    sent: list[Any] = []
    ticks = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await simple(scope, receive, send)
            return
        assert await receive() == "startup"
        await send({"type": "lifespan.startup.complete"})
        assert await receive() == "shutdown"
        await send({"type": "lifespan.shutdown.complete"})

    async def main() -> None:
        nonlocal ticks
        watched = Analytics(app, api_key="k", config=Config(server_url=sink.url))
        server = Server()
        await watched(scope_of(), server.receive, server.send)
        received = ["startup", "shutdown"]

        async def receive() -> Any:
            return received.pop(0)

        async def send(message: Any) -> None:
            if message["type"] == "lifespan.shutdown.complete":
                assert len(sink.hits()) == 1
            sent.append(message)

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.ensure_future(tick())
        await watched({"type": "lifespan"}, receive, send)
        ticking.cancel()

    def slow_answer(sink: Sink, connection: Any, post: Any) -> bool:
        time.sleep(1)
        return answer_as_product(sink, connection, post)

    sink.script = [slow_answer]
    asyncio.run(main())
    assert sent == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
    assert ticks >= 15


def test_a_hit_that_cannot_be_recorded_costs_nothing_but_itself(
    sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Analytics(simple, api_key="k", config=Config(server_url=sink.url))
    server = Server()
    for _ in range(3):
        broken = scope_of()
        del broken["headers"]  # no ASGI server does that
        asyncio.run(watched(broken, server.receive, server.send))
    assert len(server.sent) == 6
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == [
        "a request could not be recorded, said once"
    ]


@pytest.mark.parametrize("receives", [False, True])
def test_an_app_without_a_lifespan_gets_one_and_a_startup_that_fails_still_fails(
    sink: Sink, receives: bool
) -> None:
    async def app(scope: Any, receive: Any, _: Any) -> None:
        if receives:
            await receive()
        raise ValueError(scope["type"])

    server = Server({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    watched = Analytics(app, api_key="k", config=Config(server_url=sink.url))
    call = watched({"type": "lifespan"}, server.receive, server.send)
    if receives:
        with pytest.raises(ValueError, match="lifespan"):
            asyncio.run(_awaited(call))
        assert server.sent == []
    else:
        asyncio.run(_awaited(call))
        assert [message["type"] for message in server.sent] == [
            "lifespan.startup.complete",
            "lifespan.shutdown.complete",
        ]


async def _awaited(call: "Awaitable[None]") -> None:
    await call
