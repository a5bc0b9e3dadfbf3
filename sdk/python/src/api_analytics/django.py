"""The middleware for Django, for WSGI and ASGI.

    MIDDLEWARE = ["api_analytics.django.Analytics", ...]
    ANALYTICS_API_KEY = "..."
    ANALYTICS_CONFIG = Config(privacy_level=1)  # from api_analytics.django import Config

It is capable of both kinds of chain, because one that is not would move every request of an
asynchronous chain into a thread and back. First in the list, it sees the responses of all others.

A synchronous chain's hit is recorded when the server closes the response. An asynchronous one's is
recorded when its last part has been asked for, or at once if the response is not streamed: Django
closes those in a thread, which may be busy.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Callable, Optional

from api_analytics import asgi
from api_analytics.client import Client
from api_analytics.config import Config as BaseConfig
from api_analytics.recorder import CLIENT_GONE, SEEN_BY
from api_analytics.template import from_django
from api_analytics.wsgi import EnvironRecorder

if TYPE_CHECKING:
    from django.http import HttpRequest  # noqa: F401

__all__ = ["Analytics", "Config", "get_asgi_application"]


def get_asgi_application() -> Any:
    """Django's function of this name, with an end that waits until what was recorded is posted.

    Django's app has no lifespan, so uvicorn ends without a word to it.
    """
    from django.core import asgi as django_asgi  # noqa: PLC0415

    app: Any = django_asgi.get_asgi_application()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await asgi.run_lifespan(app, scope, receive, send)
        else:
            await app(scope, receive, send)

    return application


class Config(BaseConfig["HttpRequest"]):
    """`api_analytics.config.Config`, whose mappers take a Django request."""


class Analytics(EnvironRecorder):
    """Records each request of a Django project. Django makes it, from ``MIDDLEWARE``."""

    sync_capable = True
    async_capable = True
    _framework = "Django"

    def __init__(self, get_response: "Callable[[Any], Any]") -> None:
        from asgiref.sync import iscoroutinefunction, markcoroutinefunction  # noqa: PLC0415
        from django.conf import settings  # noqa: PLC0415

        super().__init__(
            getattr(settings, "ANALYTICS_API_KEY", None),
            getattr(settings, "ANALYTICS_CONFIG", None),
        )
        if self._client is None:
            from django.core.exceptions import MiddlewareNotUsed  # noqa: PLC0415

            raise MiddlewareNotUsed("api_analytics has no key")
        self.get_response = get_response
        self._is_async: bool = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """A response, or in an asynchronous chain its coroutine."""
        watch = self._to_watch(request)
        if watch is None:
            return self.get_response(request)
        if self._is_async:
            return self._call_async(request, watch)
        try:
            response = self.get_response(request)
        except BaseException as error:
            watch.fail(error)
            raise
        watch.answer(response)
        closers = getattr(response, "_resource_closers", None)
        if closers is None:
            watch.record()
        else:
            closers.append(watch.record)
        return response

    async def _call_async(self, request: Any, watch: "_Watch") -> Any:
        try:
            response = await self.get_response(request)
        except BaseException as error:
            watch.fail(error)
            raise
        watch.answer(response)
        if not watch.streams:
            watch.record()
        return response

    def _to_watch(self, request: Any) -> "Optional[_Watch]":
        client = self._client
        if client is None or client.stopped:
            return None
        environ = request.META
        seen_by = environ.get(SEEN_BY)
        if seen_by is None:
            environ[SEEN_BY] = (client,)
        elif client in seen_by:
            return None
        else:
            environ[SEEN_BY] = (*seen_by, client)
        return _Watch(self, client, request, self._is_async)


class _Watch:
    """One request: what the chain and the server tell of it, and the hit that comes of it."""

    __slots__ = (
        "_began",
        "_client",
        "_delivered",
        "_ended_at",
        "_failed",
        "_owner",
        "_path",
        "_recorded",
        "_request",
        "_response",
        "_sent",
        "_started_at",
        "streams",
    )

    def __init__(self, owner: Analytics, client: Client, request: Any, is_async: bool) -> None:
        self._owner = owner
        self._client = client
        self._request = request
        self._response: Any = None
        self._path: str = request.path
        self._ended_at = 0.0
        self._failed = self._sent = 0
        # An asynchronous chain's headers leave before the first part is asked for.
        self._delivered = is_async
        self._recorded = self.streams = False
        self._started_at = time()
        self._began = perf_counter()

    def answer(self, response: Any) -> None:
        """Takes the response, and counts its parts if it is made while it is sent."""
        self._response = response
        # A file is left alone, because servers send it themselves.
        if response.streaming and getattr(response, "file_to_stream", None) is None:
            self.streams = True
            content = response.streaming_content
            is_async = hasattr(content, "__aiter__")
            response.streaming_content = (
                self._count_async(content) if is_async else self._count(content)
            )

    def fail(self, error: BaseException) -> None:
        """There is no response: Django makes one of most exceptions, but not of all."""
        self._failed = 500 if isinstance(error, (Exception, SystemExit)) else CLIENT_GONE
        self.record()

    def record(self) -> None:
        """Makes the hit, once. Never raises."""
        if self._recorded:
            return
        self._recorded = True
        duration = (self._ended_at or perf_counter()) - self._began
        owner = self._owner
        try:
            request, response = self._request, self._response
            match = request.resolver_match
            route = None
            if match is not None:
                route = from_django(match.route)
                prefix = len(self._path) - len(request.path_info)
                if route is not None and prefix > 0:
                    route = self._path[:prefix] + route
            size: Optional[int] = self._sent
            if not self.streams:
                size = len(response.content) if response and not response.streaming else None
            owner._record_environ(
                self._client,
                request,
                request.META,
                () if response is None else _to_headers(response),
                self._started_at,
                duration,
                self._path,
                route,
                self._to_status(),
                size,
            )
        except Exception:
            owner._could_not_record()
        self._response = None  # which holds this

    def _to_status(self) -> int:
        if self._failed:
            return self._failed
        reads_all = self._ended_at or self._delivered or self._request.method == "HEAD"
        if self.streams and not reads_all:
            return CLIENT_GONE
        return 500 if self._response is None else int(self._response.status_code)

    def _count(self, content: Any) -> "Iterator[bytes]":
        try:
            for part in content:
                self._sent += len(part)
                yield part
                self._delivered = True
            self._ended_at = perf_counter()
        except Exception:
            self._failed = 0 if self._delivered else 500
            raise
        finally:
            self.record()

    async def _count_async(self, content: Any) -> "AsyncIterator[bytes]":
        try:
            async for part in content:
                self._sent += len(part)
                yield part
        finally:
            self.record()
            close = getattr(content, "aclose", None)
            if close is not None:
                await close()

    def __del__(self) -> None:
        # For a response that other middleware has replaced, which nobody closes.
        try:
            self.record()
        except Exception:  # the interpreter is exiting
            pass


def _to_headers(response: Any) -> "Iterable[tuple[str, str]]":
    """The response's headers. Where Django keeps them they cost a third of its `items`."""
    try:
        headers: Iterable[tuple[str, str]] = response.headers._store.values()
    except AttributeError:
        return response.items()  # type: ignore[no-any-return]
    return headers
