"""The hit of a WSGI app, whatever the app, the server and the caller do."""

import gc
import io
import sys
from collections.abc import Iterable
from typing import Any, Optional

import pytest
from sink import Sink

from api_analytics.wsgi import Analytics, Config

App = Any


class Server:
    """Plays a WSGI server: what it sends, and how far it gets before the caller leaves."""

    def __init__(self, parts: int = 1000) -> None:
        self.sent = b""
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.body: Any = None
        self.length: Optional[int] = None
        self._parts = parts

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        if exc_info is not None and self.sent:
            raise exc_info[1]
        self.status, self.headers = status, headers
        return self.write

    def write(self, data: bytes) -> None:
        if not self._parts:
            raise BrokenPipeError
        self._parts -= 1
        self.sent += data

    def run(self, app: App, environ: "dict[str, Any]") -> None:
        self.body = app(environ, self.start_response)
        self.length = len(self.body) if hasattr(self.body, "__len__") else None
        try:
            for part in self.body:
                self.write(part)
        except BrokenPipeError:
            pass
        finally:
            if hasattr(self.body, "close"):
                self.body.close()


def environ_of(**changes: Any) -> "dict[str, Any]":
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a",
        "QUERY_STRING": "secret=1",
        "HTTP_HOST": "api.example.com:8000",
        "REMOTE_ADDR": "203.0.113.9",
        "wsgi.input": io.BytesIO(),
        **changes,
    }


def record(
    sink: Sink,
    app: App,
    server: Optional[Server] = None,
    raises: Optional[type[BaseException]] = None,
    config: "Optional[dict[str, Any]]" = None,
    **environ: Any,
) -> "dict[str, Any]":
    """Runs one request through the middleware, returns its one hit."""
    watched = Analytics(app, api_key="k", config=Config(server_url=sink.url, **(config or {})))
    server = server or Server()
    if raises is None:
        server.run(watched, environ_of(**environ))
    else:
        with pytest.raises(raises):
            server.run(watched, environ_of(**environ))
    assert Analytics.flush()
    (hit,) = sink.hits()
    return hit


def simple(_: Any, start_response: Any) -> "list[bytes]":
    start_response("201 Created", [("Content-Type", "text/plain"), ("X-Request-ID", "b")])
    return [b"he", b"llo"]


def test_the_whole_hit(sink: Sink) -> None:
    server = Server()
    hit = record(
        sink,
        simple,
        server,
        REQUEST_METHOD="POST",
        SCRIPT_NAME="/mount",
        CONTENT_LENGTH="12",
        HTTP_USER_AGENT="tests/1",
        HTTP_REFERER="https://example.com/?q=secret",
        HTTP_AUTHORIZATION="Bearer secret",
        HTTP_X_REQUEST_ID="a",
    )
    assert (server.sent, server.status) == (b"hello", "201 Created")
    assert len(server.headers) == 2
    assert 0 <= hit.pop("response_time") < 10_000
    assert hit.pop("created_at").endswith("Z")
    assert hit == {
        "method": "POST",
        "path": "/mount/a",
        "status": 201,
        "hostname": "api.example.com",
        "ip_address": "203.0.113.9",
        "user_agent": "tests/1",
        "referrer": "https://example.com/",
        "request_size": 12,
        "response_size": 5,
        "request_id": "b",
    }
    (post,) = sink.posts
    assert post.body["framework"] == "WSGI"
    assert "secret" not in str(post.body)


def test_text_that_is_not_ascii_is_bytes_in_an_environment(sink: Sink) -> None:
    hit = record(
        sink,
        simple,
        PATH_INFO="/größe".encode().decode("latin-1"),
        HTTP_USER_AGENT="é",
        HTTP_REFERER="\u20ac no server does this",
    )
    assert (hit["path"], hit["user_agent"]) == ("/größe", "é")
    assert hit["referrer"] == "€ no server does this"


def test_an_error_before_and_within_the_body(sink: Sink) -> None:
    def raises(_: Any, start_response: Any) -> "list[bytes]":
        start_response("200 OK", [])
        raise LookupError

    assert record(sink, raises, raises=LookupError)["status"] == 500


@pytest.mark.parametrize(("parts", "status"), [(0, 500), (1, 200)])
def test_an_error_within_a_stream(sink: Sink, parts: int, status: int) -> None:
    def stream(_: Any, start_response: Any) -> "Iterable[bytes]":
        start_response("200 OK", [])
        for _ in range(parts):
            yield b"part"
        raise LookupError

    hit = record(sink, stream, raises=LookupError)
    assert (hit["status"], hit["response_size"]) == (status, parts * 4)


class Killed(BaseException):
    pass


@pytest.mark.parametrize(("error", "status"), [(SystemExit, 500), (Killed, 499)])
def test_a_request_that_is_killed(sink: Sink, error: type[BaseException], status: int) -> None:
    def app(_: Any, __: Any) -> "list[bytes]":
        raise error

    assert record(sink, app, raises=error)["status"] == status


def test_a_response_that_an_error_replaces(sink: Sink) -> None:
    def app(_: Any, start_response: Any) -> "list[bytes]":
        start_response("200 OK", [("Content-Length", "1000")])
        try:
            raise LookupError
        except LookupError:
            start_response("503 Busy", [], sys.exc_info())
        return [b"busy"]

    server = Server()
    hit = record(sink, app, server)
    assert (hit["status"], hit["response_size"], server.status) == (503, 4, "503 Busy")


def test_a_generator_that_starts_its_response_late(sink: Sink) -> None:
    def app(_: Any, start_response: Any) -> "Iterable[bytes]":
        yield b""
        start_response("202 Accepted", [])
        yield b"part"

    assert record(sink, app)["status"] == 202


def test_write_counts(sink: Sink) -> None:
    def app(_: Any, start_response: Any) -> "list[bytes]":
        write = start_response("200 OK", [])
        write(b"old")
        return [b"new"]

    server = Server()
    assert record(sink, app, server)["response_size"] == 6
    assert server.sent == b"oldnew"


@pytest.mark.parametrize(("sent", "status"), [(0, 499), (1, 200)])
@pytest.mark.parametrize("writes", [True, False])
def test_a_caller_that_leaves(sink: Sink, sent: int, status: int, writes: bool) -> None:
    def app(_: Any, start_response: Any) -> "Iterable[bytes]":
        write = start_response("200 OK", [("Content-Length", "8")])
        for _ in range(2):
            if writes:
                write(b"part")
            else:
                yield b"part"

    assert record(sink, app, Server(parts=sent))["status"] == status


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("HEAD", [], 200), ("GET", [("content-length", "4")], 200), ("GET", [], 499)],
)
def test_a_server_that_knows_that_it_has_all(
    sink: Sink, method: str, headers: Any, status: int
) -> None:
    def app(_: Any, start_response: Any) -> "Iterable[bytes]":
        start_response("200 OK", headers)
        return iter([b"part"])

    class Impatient(Server):
        def run(self, app: App, environ: "dict[str, Any]") -> None:
            body = app(environ, self.start_response)
            if method != "HEAD":
                self.write(next(iter(body)))
            body.close()

    hit = record(sink, app, Impatient(), REQUEST_METHOD=method)
    assert (hit["status"], hit["response_size"]) == (status, 0 if method == "HEAD" else 4)


def test_a_body_keeps_its_length_and_is_closed(sink: Sink) -> None:
    class Body(list[bytes]):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    body = Body([b"one"])

    def app(_: Any, start_response: Any) -> "list[bytes]":
        start_response("200 OK", [])
        return body

    server = Server()
    record(sink, app, server)
    assert server.length == 1
    assert body.closed == 1
    generator = Server()
    generator.run(Analytics(lambda *_: iter([b"x"]), "k", Config()), environ_of())
    assert generator.length is None


def test_middleware_that_forgets_to_close_costs_no_hit(sink: Sink) -> None:
    class Forgetful(Server):
        def run(self, app: App, environ: "dict[str, Any]") -> None:
            self.sent = b"".join(app(environ, self.start_response))

    assert record(sink, simple, Forgetful())["status"] == 201


class Wrapper:
    """A server's file wrapper."""

    def __init__(self, file: Any, size: int = 8192) -> None:
        self.file = file

    def __iter__(self) -> Any:
        return iter([self.file.read()])


@pytest.mark.parametrize("kind", ["type", "function"])
def test_a_file_that_the_server_sends_is_left_alone(sink: Sink, kind: str) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "5")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"hello"))

    made: list[Any] = []

    def wrap(file: Any, size: int = 8192) -> Any:
        made.append(Wrapper(file))
        return made[-1]

    server = Server()
    wrapper: Any = Wrapper if kind == "type" else wrap
    hit = record(sink, app, server, **{"wsgi.file_wrapper": wrapper})
    assert (hit["status"], hit["response_size"]) == (200, 5)
    assert type(server.body) is Wrapper
    assert kind == "type" or server.body is made[0]


@pytest.mark.parametrize(("answers", "hits"), [(True, 1), (False, 0)])
def test_an_upgrade_is_not_recorded_unless_it_was_refused(
    sink: Sink, answers: bool, hits: int
) -> None:
    def app(_: Any, start_response: Any) -> "list[bytes]":
        if answers:
            start_response("426 Upgrade Required", [])
        return []

    watched = Analytics(app, api_key="k", config=Config(server_url=sink.url))
    Server().run(watched, environ_of(HTTP_UPGRADE="websocket"))
    assert Analytics.flush()
    assert len(sink.hits()) == hits


def test_added_twice_it_counts_once(sink: Sink) -> None:
    config = Config(server_url=sink.url)
    assert record(sink, Analytics(simple, "k", config))["status"] == 201


def test_mappers_take_the_environment(sink: Sink) -> None:
    hit = record(
        sink,
        simple,
        config={
            "get_path": lambda environ: environ["PATH_INFO"] + "/b",
            "get_user_id": lambda environ: environ["HTTP_X_USER"],
            "get_ip_address": lambda environ: environ["HTTP_X_FORWARDED_FOR"],
            "get_hostname": lambda _: "h",
            "get_user_agent": lambda _: "a",
        },
        HTTP_X_USER="alice",
        HTTP_X_FORWARDED_FOR="198.51.100.1",
    )
    assert (hit["path"], hit["user_id"], hit["ip_address"]) == ("/a/b", "alice", "198.51.100.1")
    assert (hit["hostname"], hit["user_agent"]) == ("h", "a")


def test_privacy_level_2_has_no_address(sink: Sink) -> None:
    hit = record(sink, simple, config={"privacy_level": 2, "get_ip_address": lambda _: "1.2.3.4"})
    assert "ip_address" not in hit


@pytest.mark.parametrize(
    ("headers", "cache"),
    [([("x-cache", "HIT")], "hit"), ([("AGE", "3")], "hit"), ([("X-Cache", "MISS")], "miss")],
)
def test_a_cache_in_the_headers(sink: Sink, headers: Any, cache: str) -> None:
    def app(_: Any, start_response: Any) -> "list[bytes]":
        start_response("200 OK", headers)
        return []

    assert record(sink, app)["cache"] == cache


def test_a_broken_response_costs_its_hit_only(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    def app(_: Any, start_response: Any) -> "list[bytes]":
        start_response("fine", [])
        return [b"x"]

    server = Server()
    server.run(Analytics(app, "k", Config(server_url=sink.url)), environ_of())
    assert server.sent == b"x"
    assert "could not be recorded" in caplog.text


def test_a_generator_that_holds_its_start_response_is_freed_at_once(sink: Sink) -> None:
    freed: list[bool] = []

    class Body:
        def __init__(self, start_response: Any) -> None:
            self.start_response = start_response

        def __iter__(self) -> "Iterable[bytes]":
            self.start_response("200 OK", [])
            yield b"x"

        def __del__(self) -> None:
            freed.append(True)

    gc.disable()
    try:
        server = Server()
        record(sink, lambda _, start_response: Body(start_response), server)
        server.body = None
        assert freed == [True]
    finally:
        gc.enable()
