"""The middleware for aiohttp's server.

    from api_analytics.aiohttp import Analytics, Config

    Analytics(app, api_key="...", config=Config(privacy_level=1))

Call it before the app starts. A middleware of aiohttp ends before its response is sent, so the hit
is recorded at the end of the response's `write_eof`. By default aiohttp lets a handler go on when
its caller has left; the write of its response fails then, which counts as 499.
"""

from functools import lru_cache
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Optional

from api_analytics.client import Client
from api_analytics.config import Config as BaseConfig
from api_analytics.hit import to_cache
from api_analytics.recorder import CLIENT_GONE, Recorder

if TYPE_CHECKING:
    from aiohttp.web import Request  # noqa: F401

__all__ = ["Analytics", "Config"]


class Config(BaseConfig["Request"]):
    """`api_analytics.config.Config`, whose mappers take an aiohttp request."""


class Analytics(Recorder):
    """Records each request of an aiohttp app, and of the apps that it mounts."""

    _framework = "aiohttp"
    # How aiohttp knows a middleware that takes the request and the handler.
    __middleware_version__ = 1

    def __init__(
        self,
        app: Any,
        api_key: Optional[str] = None,
        config: "Optional[BaseConfig[Any]]" = None,
    ) -> None:
        super().__init__(api_key, config)
        if self._client is not None:
            app.middlewares.insert(0, self)
            app.on_response_prepare.append(_prepare)

    async def __call__(self, request: Any, handler: Any) -> Any:
        """aiohttp's entry."""
        client = self._client
        watches = request.get(_watches_key(), ())
        if client is None or client.stopped or any(one.client is client for one in watches):
            return await handler(request)
        watch = _Watch(self, client, request)
        request[_watches_key()] = (*watches, watch)
        try:
            return await handler(request)
        except BaseException as error:
            # aiohttp answers an exception, unless a response has begun. Then its status has been
            # sent, if it could be.
            begun = watch.response is not None
            if begun or not isinstance(error, Exception):
                watch.ended = begun and not isinstance(error, ConnectionError)
                watch.record()
            raise


@lru_cache(1)
def _watches_key() -> Any:
    """The key of a request's watches, of a type that newer versions insist on."""
    from aiohttp import web  # noqa: PLC0415

    to_key = getattr(web, "RequestKey", None)
    return "api_analytics.watches" if to_key is None else to_key("api_analytics_watches", tuple)


async def _prepare(request: Any, response: Any) -> None:
    """A response is about to send its headers."""
    for watch in request.get(_watches_key(), ()):
        watch.answer(response)


class _Watch:
    """One request: what aiohttp tells of it, and the hit that comes of it."""

    __slots__ = (
        "_began",
        "_owner",
        "_recorded",
        "_request",
        "_sent",
        "_started_at",
        "client",
        "ended",
        "response",
    )

    def __init__(self, owner: Analytics, client: Client, request: Any) -> None:
        self._owner = owner
        self.client = client
        self._request = request
        self.response: Any = None
        self._sent = 0
        self.ended = self._recorded = False
        self._started_at = time()
        self._began = perf_counter()

    def answer(self, response: Any) -> None:
        """Watches the response's writes. An instance's methods are those that aiohttp calls."""
        if response.status == 101:
            self._recorded = True  # an upgrade
            return
        transport = self._request.transport
        if transport is None or transport.is_closing():
            self.record()  # the caller has left, so that not even the headers can be sent
            return
        self.response = response
        write, write_eof = response.write, response.write_eof

        async def watched_write(data: Any) -> None:
            await write(data)
            self._sent += len(data)

        async def watched_write_eof(data: bytes = b"") -> None:
            try:
                await write_eof(data)
                self._sent += len(data)
                self.ended = True
            finally:
                self.record()

        response.write, response.write_eof = watched_write, watched_write_eof

    def record(self) -> None:
        """Makes the hit, once. Never raises."""
        if self._recorded:
            return
        self._recorded = True
        duration = perf_counter() - self._began
        owner = self._owner
        try:
            request, response = self._request, self.response
            headers = request.headers
            resource = request.match_info.route.resource
            route = None
            if resource is not None:
                route = resource.canonical
                if "directory" in resource.get_info():
                    route = f"{route.rstrip('/')}/{{path}}"
            answered = {} if response is None else response.headers
            x_cache, age = answered.get("X-Cache"), answered.get("Age")
            size = None if response is None else response.content_length
            owner._record(
                self.client,
                request,
                self._started_at,
                duration,
                request.method,
                request.path,
                route,
                response.status if self.ended or self._sent else CLIENT_GONE,
                headers.get("Host", ""),
                request.remote if owner._sees_address else None,
                headers.get("User-Agent"),
                headers.get("Referer"),
                headers.get("Content-Length"),
                self._sent if size is None else size,
                answered.get("X-Request-ID") or headers.get("X-Request-ID"),
                to_cache((x_cache or "").encode(), (age or "").encode()),
            )
        except Exception:
            owner._could_not_record()
        self.response = None  # whose methods hold this
