"""Django: both kinds of chain, its settings, streams, files, and middleware around it."""

import asyncio
import contextlib
import gc
import io
import threading
from typing import Any

import pytest
from sink import Sink

pytest.importorskip("django")

import django
from apps import django_app
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings
from django.urls import path

from api_analytics.django import Analytics, Config


@contextlib.contextmanager
def using(sink: Sink, views: "dict[str, Any]", *middleware: Any, **config: Any) -> Any:
    urls = type("Urls", (), {"urlpatterns": [path(at, view) for at, view in views.items()]})
    with override_settings(
        ROOT_URLCONF=urls,
        MIDDLEWARE=["api_analytics.django.Analytics", *middleware],
        ANALYTICS_API_KEY="k",
        ANALYTICS_CONFIG=Config(server_url=sink.url, **config),
    ):
        yield


def run_wsgi(at: str, **environ: Any) -> "tuple[str, list[bytes], Any]":
    """Requests it as a WSGI server does."""
    given = RequestFactory().get(at).environ
    answered: list[Any] = []
    body = WSGIHandler()({**given, **environ}, lambda *a: answered.append(a[0]))
    parts = list(body)
    body.close()
    return answered[0], parts, body


def run_asgi(at: str, leaves: bool = False) -> "list[Any]":
    scope = AsyncRequestFactory().get(at).scope
    scope["path"] = at
    sent: list[Any] = []

    async def receive() -> Any:
        if not sent and not scope.get("asked"):
            scope["asked"] = True
            return {"type": "http.request", "body": b""}
        if leaves:
            return {"type": "http.disconnect"}
        await asyncio.sleep(3600)
        return None

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await ASGIHandler()(scope, receive, send)

    asyncio.run(main())
    return sent


def hit_of(sink: Sink) -> "dict[str, Any]":
    assert Analytics.flush()
    (hit,) = sink.hits()
    return hit


def hello(request: Any, **_: Any) -> HttpResponse:
    return HttpResponse("hello")


def test_no_key_is_no_middleware() -> None:
    with override_settings(ANALYTICS_API_KEY=None), pytest.raises(MiddlewareNotUsed):
        Analytics(hello)


def test_the_key_may_be_in_the_environment(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_ANALYTICS_KEY", "environment")
    with using(sink, {"a": hello}), override_settings(ANALYTICS_API_KEY=None):
        run_wsgi("/a")
    hit_of(sink)
    assert sink.posts[0].headers["x-auth-token"] == "environment"


def test_a_sync_chain(sink: Sink) -> None:
    with using(sink, {"a/<int:n>": hello}, get_user_id=lambda request: request.method):
        assert run_wsgi("/a/1", SCRIPT_NAME="/mount")[1] == [b"hello"]
    hit = hit_of(sink)
    assert (hit["path"], hit["route"]) == ("/mount/a/1", "/mount/a/{n}")
    assert (hit["status"], hit["response_size"], hit["user_id"]) == (200, 5, "GET")


def test_an_async_chain_has_no_thread(sink: Sink) -> None:
    """A middleware that only knew one kind would be run in another thread."""
    threads: list[Any] = []

    async def view(request: Any) -> HttpResponse:
        threads.append(threading.current_thread())
        return HttpResponse("hello")

    def who(request: Any) -> str:
        threads.append(threading.current_thread())
        return "alice"

    with using(sink, {"a": view}, get_user_id=who):
        seen_in: list[Any] = []
        original = Analytics._to_watch

        def to_watch(self: Any, request: Any) -> Any:
            seen_in.append(threading.current_thread())
            return original(self, request)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Analytics, "_to_watch", to_watch)
            assert run_asgi("/a")[1]["body"] == b"hello"
    assert hit_of(sink)["user_id"] == "alice"
    assert set(threads + seen_in) == {threading.main_thread()}


@pytest.mark.parametrize("chain", [run_wsgi, run_asgi])
def test_a_stream(sink: Sink, chain: Any) -> None:
    async def parts() -> Any:
        yield b"one"
        yield b"two"

    async def view_async(request: Any) -> StreamingHttpResponse:
        return StreamingHttpResponse(parts())

    def view(request: Any) -> StreamingHttpResponse:
        return StreamingHttpResponse(iter([b"one", "two"]))

    with using(sink, {"a": view if chain is run_wsgi else view_async}):
        chain("/a")
    hit = hit_of(sink)
    assert (hit["status"], hit["response_size"]) == (200, 6)


def test_a_stream_that_fails_before_its_first_part(sink: Sink) -> None:
    def parts() -> Any:
        yield from ()
        raise LookupError

    with using(sink, {"a": lambda _: StreamingHttpResponse(parts())}), pytest.raises(LookupError):
        run_wsgi("/a")
    assert hit_of(sink)["status"] == 500


def test_a_stream_that_nobody_reads(sink: Sink) -> None:
    given = RequestFactory().get("/a").environ
    with using(sink, {"a": lambda _: StreamingHttpResponse(iter([b"one", b"two"]))}):
        body = WSGIHandler()(given, lambda *_: None)
        next(iter(body))
        body.close()
    assert hit_of(sink)["status"] == 499


def test_a_file_stays_with_the_server(sink: Sink) -> None:
    class Wrapper:
        def __init__(self, file: Any, size: int) -> None:
            self.file = file
            self.close = file.close

        def __iter__(self) -> Any:
            return iter([self.file.read()])

    file = io.BytesIO(b"hello")
    with using(sink, {"a": lambda _: FileResponse(file)}):
        _, parts, body = run_wsgi("/a", **{"wsgi.file_wrapper": Wrapper})
    assert (type(body), body.file, parts) == (Wrapper, file, [b"hello"])
    assert hit_of(sink)["response_size"] == 5


def test_a_response_that_other_middleware_replaces(sink: Sink) -> None:
    def replace(get_response: Any) -> Any:
        def middleware(request: Any) -> HttpResponse:
            get_response(request)
            return HttpResponse("another", status=418)

        return middleware

    django_app.replace = replace  # type: ignore[attr-defined]
    with using(sink, {"a": hello}):
        settings.MIDDLEWARE.insert(0, "apps.django_app.replace")
        assert run_wsgi("/a")[1] == [b"another"]
    gc.collect()
    hit = hit_of(sink)
    assert (hit["status"], hit["route"]) == (200, "/a")


def test_added_twice_it_counts_once(sink: Sink) -> None:
    with using(sink, {"a": hello}, "api_analytics.django.Analytics"):
        run_wsgi("/a")
    hit_of(sink)


def test_an_error_is_a_500_and_passed_on(sink: Sink) -> None:
    def view(request: Any) -> HttpResponse:
        raise LookupError

    propagates = override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True)
    with using(sink, {"a": view}), propagates, pytest.raises(LookupError):
        run_wsgi("/a")
    hit = hit_of(sink)
    assert (hit["status"], hit["route"]) == (500, "/a")


def test_a_caller_that_leaves_an_async_view(sink: Sink) -> None:
    async def view(request: Any) -> HttpResponse:
        await asyncio.sleep(3600)
        return HttpResponse("never")

    if django.VERSION < (5, 0):
        pytest.skip("Django before 5.0 goes on for callers that have left")
    with using(sink, {"a": view}):
        run_asgi("/a", leaves=True)
    assert hit_of(sink)["status"] == 499
