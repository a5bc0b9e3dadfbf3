"""The client for Tornado.

    from api_analytics.tornado import Config, add_middleware

    add_middleware(app, api_key="...", config=Config(privacy_level=1))

It wraps the app's `log_function`, which Tornado calls at the end of every request. `Analytics`, the
original's way, is a base for handlers: only their requests are recorded.

Tornado's routes are regular expressions, so the server derives the template from the path.
"""

from functools import lru_cache
from typing import Any, Optional
from urllib.parse import unquote

from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler

from api_analytics.config import Config as BaseConfig
from api_analytics.hit import to_cache
from api_analytics.recorder import CLIENT_GONE, Recorder

__all__ = ["Analytics", "Config", "add_middleware", "flush"]

# A function, as handlers have a `flush` of their own.
flush = Recorder.flush


class Config(BaseConfig[HTTPServerRequest]):
    """`api_analytics.config.Config`, whose mappers take a Tornado request."""


class _Recorder(Recorder):
    _framework = "Tornado"

    def record(self, handler: RequestHandler) -> None:
        """Makes the hit of a finished request. Never raises."""
        client = self._client
        status = handler.get_status()
        if client is None or client.stopped or status == 101:  # 101: a WebSocket
            return
        try:
            request: Any = handler.request
            seen_by = getattr(request, "_api_analytics", ())
            if client in seen_by:  # its handler has the base class, and its app the log function
                return
            request._api_analytics = (*seen_by, client)
            headers, answered = request.headers, handler._headers
            size = answered.get("Content-Length", "")
            has_body = status not in (204, 304)
            x_cache, age = answered.get("X-Cache"), answered.get("Age")
            self._record(
                client,
                request,
                request._start_time,
                request.request_time(),
                request.method,
                unquote(request.path),
                None,
                CLIENT_GONE if size and _has_left(request) else status,
                request.host,
                request.remote_ip if self._sees_address else None,
                headers.get("User-Agent"),
                headers.get("Referer"),
                headers.get("Content-Length") or len(request.body) or None,
                int(size) if size.isdigit() else None if has_body else 0,
                answered.get("X-Request-ID") or headers.get("X-Request-ID"),
                to_cache((x_cache or "").encode(), (age or "").encode()),
            )
        except Exception:
            self._could_not_record()


def add_middleware(
    app: Application, api_key: Optional[str] = None, config: "Optional[BaseConfig[Any]]" = None
) -> None:
    """Records each request of a Tornado app."""
    recorder = _Recorder(api_key, config)
    log = app.settings.get("log_function")

    def log_function(handler: RequestHandler) -> None:
        recorder.record(handler)
        if log is not None:
            log(handler)
        else:
            app_log(handler)

    def app_log(handler: RequestHandler) -> None:
        # Tornado's own, which looks for the setting that is this function.
        app.settings.pop("log_function")
        try:
            app.log_request(handler)
        finally:
            app.settings["log_function"] = log_function

    if recorder._client is not None:
        app.settings["log_function"] = log_function


class Analytics(RequestHandler):
    """A base for handlers whose requests are recorded, with the original's arguments."""

    def __init__(
        self,
        app: Application,
        res: HTTPServerRequest,
        api_key: Optional[str] = None,
        config: "Optional[BaseConfig[Any]]" = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(app, res, **kwargs)
        self._recorder = _to_recorder(api_key, _HashedConfig(config or Config()))

    def on_finish(self) -> None:
        """Tornado's hook. A handler that overrides it calls it."""
        self._recorder.record(self)


class _HashedConfig:
    """A config that a handler makes anew for each request is the same if its settings are."""

    def __init__(self, config: "BaseConfig[Any]") -> None:
        self.config = config
        self._key = tuple(vars(config).values())

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _HashedConfig) and self._key == other._key


@lru_cache(64)
def _to_recorder(api_key: Optional[str], config: _HashedConfig) -> _Recorder:
    return _Recorder(api_key, config.config)


def _has_left(request: Any) -> bool:
    """Whether the caller closed the connection, and not this side after its answer.

    It may have left in the middle of a streamed one; only others have a Content-Length.
    """
    connection = request.connection
    stream = getattr(connection, "stream", None)
    closes = getattr(connection, "_disconnect_on_finish", True)
    return stream is not None and stream.closed() and not closes
