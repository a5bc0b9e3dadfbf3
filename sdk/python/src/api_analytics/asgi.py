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

from api_analytics import config as settings
from api_analytics.client import Client
from api_analytics.config import Config as BaseConfig
from api_analytics.hit import (
    MAX_HOSTNAME,
    MAX_PATH,
    MAX_REFERRER,
    MAX_REQUEST_ID,
    MAX_USER_AGENT,
    MAX_USER_ID,
    to_cache,
)
from api_analytics.log import logger
from api_analytics.mapper import to_mapper
from api_analytics.queue import queue
from api_analytics.route import RouteFinder

__all__ = ["Analytics", "Config"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# nginx's status for a request whose client left before there was an answer.
CLIENT_GONE = 499
_SEEN_BY = "api_analytics.seen_by"
_FILES = ("http.response.pathsend", "http.response.zerocopysend")
# Bound once: they are needed for every request.
_incoming = queue.incoming
_append = queue.incoming.append


class Config(BaseConfig[Scope]):
    """`api_analytics.config.Config`, whose mappers take the ASGI scope."""


class Analytics:
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
        given = BaseConfig[Any]() if config is None else config
        self.app: App = app
        self._failed = False
        self._sees_address = True
        self._find_route = RouteFinder().find
        level = settings.to_privacy_level(given.privacy_level)
        release = settings.to_release(given.release)
        self._client = _to_client(api_key, given.server_url, self._framework, level, release)
        self._get_path = to_mapper("get_path", given.get_path, MAX_PATH)
        self._get_hostname = to_mapper("get_hostname", given.get_hostname, MAX_HOSTNAME)
        self._get_user_agent = to_mapper("get_user_agent", given.get_user_agent, MAX_USER_AGENT)
        self._get_user_id = to_mapper("get_user_id", given.get_user_id, MAX_USER_ID)
        self._get_ip_address = to_mapper("get_ip_address", given.get_ip_address, 255)
        if level >= 2:
            self._sees_address = False
            self._get_ip_address = None
        self._has_mappers = any(
            mapper is not None
            for mapper in (
                self._get_path,
                self._get_hostname,
                self._get_user_agent,
                self._get_user_id,
                self._get_ip_address,
            )
        )

    @staticmethod
    def flush(timeout: float = 2.0) -> bool:
        """Posts what waits in this process; True when the server has answered for all of it.

        It blocks for up to `timeout` seconds: in a coroutine, ``await
        asyncio.to_thread(Analytics.flush)``. A process that ends does this by itself.
        """
        return queue.flush(timeout)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        client = self._client
        if client is None or client.stopped or scope["type"] != "http":
            if client is not None and scope["type"] == "lifespan":
                send = _flushing_at_shutdown(send)
            await self.app(scope, receive, send)
            return
        seen_by = scope.get(_SEEN_BY)
        if seen_by is None:
            scope[_SEEN_BY] = (client,)
        elif client in seen_by:  # added twice, or to a mounted app and to the one around it
            await self.app(scope, receive, send)
            return
        else:
            scope[_SEEN_BY] = (*seen_by, client)

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

    def _map_fields(
        self, scope: Scope, path: Any, route: Any, hostname: Any, address: Any, agent: Any
    ) -> "tuple[Any, Any, Any, Any, Any]":
        """What the user's mappers make of a request: path, hostname, address, agent, user id."""
        request = self._to_request(scope)
        if self._get_path is not None:
            # A path's mapper may hide something in it, so its failure must not reveal it.
            path = self._get_path(request) or route or "/"
        if self._get_hostname is not None:
            hostname = self._get_hostname(request) or ""
        if self._get_ip_address is not None:
            address = self._get_ip_address(request)
        if self._get_user_agent is not None:
            agent = self._get_user_agent(request)
        user_id = self._get_user_id(request) if self._get_user_id is not None else None
        return path, hostname, address, agent, user_id

    def _could_not_record(self) -> None:
        """Logs it once: an app that fails this way does so for each request."""
        if not self._failed:
            self._failed = True
            logger.exception("a request could not be recorded, said once")

    def _to_request(self, scope: Scope) -> Any:
        return scope


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
            path: Any = self._path
            get = dict(scope["headers"]).get
            method = scope["method"]
            peer = scope.get("client") if owner._sees_address else None
            address = peer[0] if peer else None
            hostname = get(b"host") or (scope.get("server") or ("",))[0] or ""
            agent = get(b"user-agent")
            referrer = get(b"referer")
            answered = dict(self._start.get("headers", ()) if self._start else ()).get
            # The app's own id, if it gives one, is the one in its log.
            request_id = answered(b"x-request-id") or get(b"x-request-id")
            cache = to_cache(answered(b"x-cache"), answered(b"age"))
            route = owner._find_route(scope, path, self._root_path, status)
            user_id = None
            if owner._has_mappers:
                path, hostname, address, agent, user_id = owner._map_fields(
                    scope, path, route, hostname, address, agent
                )
            # A header of 60 KB, ten thousand times, would be 600 MB.
            if len(path) > MAX_PATH:
                path = path[:MAX_PATH]
            if agent is not None and len(agent) > MAX_USER_AGENT:
                agent = agent[:MAX_USER_AGENT]
            if referrer is not None and len(referrer) > MAX_REFERRER:
                referrer = referrer[:MAX_REFERRER]
            if len(hostname) > MAX_HOSTNAME:
                hostname = hostname[:MAX_HOSTNAME]
            if request_id is not None and len(request_id) > MAX_REQUEST_ID:
                request_id = request_id[:MAX_REQUEST_ID]
            _append(
                (
                    self._client,
                    self._started_at,
                    duration,
                    method,
                    path,
                    route,
                    status,
                    hostname,
                    address,
                    agent,
                    user_id,
                    referrer,
                    get(b"content-length") or self._received or None,
                    self._sent if method != "HEAD" else 0,
                    request_id,
                    cache,
                )
            )
            if len(_incoming) >= queue.mark:
                queue.press()
        except Exception:
            owner._could_not_record()


def _to_client(
    api_key: Optional[str], server_url: Optional[str], framework: str, level: int, release: str
) -> Optional[Client]:
    key = settings.to_key(api_key)
    if key is None:
        logger.warning(
            "no api_key given and no %s in the environment: nothing is recorded", settings.ENV_KEY
        )
        return None
    url, chosen = settings.to_server_url(server_url)
    try:
        client = queue.client(url, key, framework, level, release)
    except ValueError as error:
        logger.error("server_url %r cannot be used, nothing is recorded: %s", url, error)
        return None
    if not client.announced:
        client.announced = True
        if chosen:
            logger.info("posting to %s", url)
        else:
            # A warning, so that it is visible without any logging setup.
            logger.warning(
                "posting to %s, as neither Config.server_url nor %s is set",
                url,
                settings.ENV_SERVER_URL,
            )
    return client


def _content_length(start: Optional[Message]) -> int:
    for name, value in start.get("headers", ()) if start else ():
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _flushing_at_shutdown(send: Send) -> Send:
    async def watched_send(message: Message) -> None:
        if message["type"].startswith("lifespan.shutdown."):
            try:
                await _flush_aside()
            except Exception:
                logger.exception("the last flush failed")
        await send(message)

    return watched_send


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
