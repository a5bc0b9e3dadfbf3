"""The middleware for any ASGI app, and the base of those for FastAPI and Starlette.

    from api_analytics.asgi import Analytics, Config

    app = Analytics(app, api_key="...", config=Config(privacy_level=1))

It only watches: each message passes through unchanged and at once. A hit is recorded when the last
byte of the response has been handed to the server, so background tasks neither delay it nor count.
WebSockets are left alone. So is the lifespan, except that the end of the shutdown waits (in a
thread, at most two seconds) until what was recorded has been posted: uvicorn ends itself with the
signal that it got, and then no function of `atexit` runs.

Mappers get the request; here, where there is no framework to make one, the ASGI scope.
"""

import sys
from collections.abc import Awaitable, MutableMapping
from time import perf_counter, time
from typing import Any, Callable, Optional

from api_analytics.client import Client
from api_analytics.config import Config as BaseConfig
from api_analytics.hit import to_cache
from api_analytics.log import logger
from api_analytics.queue import queue
from api_analytics.recorder import CLIENT_GONE, SEEN_BY, Recorder
from api_analytics.route import RouteFinder

__all__ = ["Analytics", "Config"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_FILES = ("http.response.pathsend", "http.response.zerocopysend")


class Config(BaseConfig[Scope]):
    """`api_analytics.config.Config`, whose mappers take the ASGI scope."""


class Analytics(Recorder):
    """Records each request that passes through it, for a few microseconds a request.

    :param app: the ASGI app behind it.
    :param api_key: the project's key; without it the environment's ``API_ANALYTICS_KEY``. With
        neither, nothing is recorded.
    :param config: see `Config`.
    """

    _framework = "ASGI"

    def __init__(
        self,
        app: Any,
        api_key: Optional[str] = None,
        config: Optional[BaseConfig[Any]] = None,
    ) -> None:
        super().__init__(api_key, config)
        self.app: App = app
        self._find_route = RouteFinder().find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        client = self._client
        if client is None or client.stopped or scope["type"] != "http":
            if client is not None and scope["type"] == "lifespan":
                await run_lifespan(self.app, scope, receive, send)
            else:
                await self.app(scope, receive, send)
            return
        seen_by = scope.get(SEEN_BY)
        if seen_by is None:
            scope[SEEN_BY] = (client,)
        elif client in seen_by:  # added twice, or to a mounted app and to the one around it
            await self.app(scope, receive, send)
            return
        else:
            scope[SEEN_BY] = (*seen_by, client)

        watch = _Watch(self, client, scope, receive, send)
        try:
            await self.app(scope, watch.receive, watch.send)
        except BaseException as error:
            if not watch.recorded:
                # Cancelled: the server cancels the request because its client left or because it is
                # stopping. Either way nobody gets an answer.
                if not watch.status and not isinstance(error, Exception):
                    watch.gone = True
                watch.record()
            raise
        if not watch.recorded:
            watch.record()


class _Watch:
    """One request: what its messages tell, and the hit that comes of it.

    With slots and methods, as that is a sixth quicker than closures here.
    """

    __slots__ = (
        "_began",
        "_client",
        "_owner",
        "_path",
        "_receive",
        "_received",
        "_root_path",
        "_scope",
        "_send",
        "_sent",
        "_start",
        "_started_at",
        "gone",
        "recorded",
        "status",
    )

    def __init__(
        self, owner: Analytics, client: Client, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._owner = owner
        self._client = client
        self._scope = scope
        self._receive = receive
        self._send = send
        # Read now, because routers change them.
        self._path: str = scope["path"]
        self._root_path: str = scope.get("root_path") or ""
        self._received = self._sent = self.status = 0
        self._start: Optional[Message] = None
        self.gone = self.recorded = False
        self._started_at = time()
        self._began = perf_counter()

    async def receive(self) -> Message:
        """Counts the body, and notices a client that leaves before there is an answer."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
        elif not self.status:
            self.gone = True
        return message

    async def send(self, message: Message) -> None:
        """Takes the status, counts the body, and records when its last byte has been sent."""
        kind = message["type"]
        if kind == "http.response.start":
            self._start = message
            self.status = message["status"]
            try:
                await self._send(message)
            except OSError:  # how servers tell the app that its client has left
                self.status, self.gone = 0, True
                raise
            return
        # TRICKY: everything is read before it is sent on, as outer middleware may change the
        # message in place (Starlette's GZip does).
        last = not message.get("more_body")
        if kind == "http.response.body":
            size = len(message.get("body", b""))
        elif kind in _FILES:
            # The server reads a file itself; its size is in the header, if anywhere.
            size = _content_length(self._start) if last else 0
        else:
            size, last = 0, False
        await self._send(message)
        self._sent += size
        if last and not self.recorded:
            self.record()

    def record(self) -> None:
        """Makes the hit and puts it into the queue. Never raises."""
        duration = perf_counter() - self._began
        self.recorded = True
        owner = self._owner
        try:
            scope = self._scope
            status = CLIENT_GONE if self.gone else self.status or 500
            get = dict(scope["headers"]).get
            peer = scope.get("client") if owner._sees_address else None
            address = peer[0] if peer else None
            hostname = get(b"host") or (scope.get("server") or ("",))[0] or ""
            answered = dict(self._start.get("headers", ()) if self._start else ()).get
            # The app's own id, if it gives one, is the one in its log.
            request_id = answered(b"x-request-id") or get(b"x-request-id")
            cache = to_cache(answered(b"x-cache"), answered(b"age"))
            route = owner._find_route(scope, self._path, self._root_path, status)
            owner._record(
                self._client,
                scope,
                self._started_at,
                duration,
                scope["method"],
                self._path,
                route,
                status,
                hostname,
                address,
                get(b"user-agent"),
                get(b"referer"),
                get(b"content-length") or self._received or None,
                self._sent,
                request_id,
                cache,
            )
        except Exception:
            owner._could_not_record()


def _content_length(start: Optional[Message]) -> int:
    for name, value in start.get("headers", ()) if start else ():
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def run_lifespan(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """The app's lifespan, whose end waits until what was recorded has been posted.

    An app that has none (Django) raises before it receives anything. Then this is its lifespan:
    without one, uvicorn ends at once, and the last seconds would be lost.
    """
    began = False

    async def watched_receive() -> Message:
        nonlocal began
        began = True
        return await receive()

    async def watched_send(message: Message) -> None:
        nonlocal began
        began = True
        if message["type"].startswith("lifespan.shutdown."):
            try:
                await _flush_aside()
            except Exception:
                logger.exception("the last flush failed")
        await send(message)

    try:
        await app(scope, watched_receive, watched_send)
        return
    except Exception:
        if began:
            raise
    for event in ("startup", "shutdown"):
        await receive()
        await watched_send({"type": f"lifespan.{event}.complete"})


async def _flush_aside() -> None:
    """`flush_at_exit` without blocking the event loop, of any kind."""
    if queue.held() == 0:
        return
    trio = sys.modules.get("trio")
    import asyncio  # noqa: PLC0415

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        if trio is not None:
            await trio.to_thread.run_sync(queue.flush_at_exit)
        return
    await loop.run_in_executor(None, queue.flush_at_exit)
