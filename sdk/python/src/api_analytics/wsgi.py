"""The middleware for any WSGI app, and the base of those for Flask and Django.

    from api_analytics.wsgi import Analytics, Config

    app = Analytics(app, api_key="...", config=Config(privacy_level=1))

It only watches: the body passes through part by part, and keeps its length if it has one. A hit is
recorded when the server closes the body, with the time at which the last part had been sent. A body
that the server sends itself (`wsgi.file_wrapper`) is left alone, as servers know it by its type.

A server that gets no error from a socket does not know that its caller has left, so most WSGI
servers notice that only between the parts of a streamed body.

Mappers get the request; here, where there is no framework to make one, the WSGI environment.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from time import perf_counter, time
from typing import Any, Callable, Optional

from api_analytics.client import Client
from api_analytics.config import Config as BaseConfig
from api_analytics.hit import MAX_HOSTNAME, Text, to_cache
from api_analytics.queue import queue
from api_analytics.recorder import CLIENT_GONE, ROUTE, SEEN_BY, Recorder

__all__ = ["Analytics", "Config"]

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

# Bound once: they are needed for every request.
_incoming = queue.incoming
_append = queue.incoming.append


class Config(BaseConfig[Environ]):
    """`api_analytics.config.Config`, whose mappers take the WSGI environment."""


class EnvironRecorder(Recorder):
    """A recorder that reads the request from a WSGI environment, or from what looks like one."""

    def _record_environ(
        self,
        client: Client,
        given: Any,
        environ: Environ,
        headers: "Iterable[tuple[str, str]]",
        started_at: float,
        duration: float,
        path: Any,
        route: Optional[str],
        status: int,
        response_size: Optional[int],
    ) -> None:
        own_id = x_cache = age = length = cache = None
        for name, value in headers:
            # By length first, as few of the usual headers are as long as these.
            size = len(name)
            if size == 12:
                if name.lower() == "x-request-id":
                    own_id = value
            elif size == 14:
                if name.lower() == "content-length":
                    length = value
            elif size == 7:
                if name.lower() == "x-cache":
                    x_cache = value
            elif size == 3 and name.lower() == "age":
                age = value
        if response_size is None and length is not None and length.isdigit():
            response_size = int(length)
        if x_cache or age:
            cache = to_cache((x_cache or "").encode(), (age or "").encode())
        get = environ.get
        method = environ["REQUEST_METHOD"]
        agent = get("HTTP_USER_AGENT") or ""
        hostname = get("HTTP_HOST") or get("SERVER_NAME") or ""
        referrer = get("HTTP_REFERER")
        # The app's own id, if it gives one, is the one in its log.
        request_id = own_id or get("HTTP_X_REQUEST_ID")
        request_size = get("CONTENT_LENGTH")
        if (
            referrer is None
            and request_id is None
            and not self._has_mappers
            and len(path) + len(hostname) + len(agent) < MAX_HOSTNAME
            and hostname.isascii()
            and agent.isascii()
        ):
            # As `_record`, for a request without anything rare: a call costs more than this.
            _append(
                (
                    client,
                    started_at,
                    duration,
                    method,
                    path,
                    route,
                    status,
                    hostname,
                    get("REMOTE_ADDR") if self._sees_address else None,
                    agent,
                    None,
                    None,
                    request_size[:16] if request_size else None,
                    response_size if method != "HEAD" else 0,
                    None,
                    cache,
                )
            )
            if len(_incoming) >= queue.mark:
                queue.press()
            return
        hostname, address, agent = self._to_fields(environ)
        if referrer is not None and not referrer.isascii():
            referrer = to_raw(referrer)
        if request_id is not None and not request_id.isascii():
            request_id = to_raw(request_id)
        self._record(
            client,
            given,
            started_at,
            duration,
            method,
            path,
            route,
            status,
            hostname,
            address,
            agent,
            referrer,
            request_size[:16] if request_size else None,
            response_size,
            request_id,
            cache,
        )

    def _to_fields(self, environ: Environ) -> "tuple[Any, Any, Any]":
        """Host name, address and user agent. Read late, so that a trusted proxy's are seen."""
        hostname = environ.get("HTTP_HOST") or environ.get("SERVER_NAME") or ""
        if not hostname.isascii():
            hostname = to_raw(hostname)
        agent = environ.get("HTTP_USER_AGENT")
        if agent is not None and not agent.isascii():
            agent = to_raw(agent)
        return hostname, environ.get("REMOTE_ADDR") if self._sees_address else None, agent


class Analytics(EnvironRecorder):
    """Records each request that passes through it, for a few microseconds a request.

    :param app: the WSGI app behind it.
    :param api_key: the project's key; without it the environment's ``API_ANALYTICS_KEY``. With
        neither, nothing is recorded.
    :param config: see `Config`.
    """

    _framework = "WSGI"

    def __init__(
        self,
        app: Any,
        api_key: Optional[str] = None,
        config: "Optional[BaseConfig[Any]]" = None,
    ) -> None:
        super().__init__(api_key, config)
        self.app: App = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> "Iterable[bytes]":
        """The WSGI entry."""
        client = self._client
        if client is None or client.stopped:
            return self.app(environ, start_response)
        seen_by = environ.get(SEEN_BY)
        if seen_by is None:
            environ[SEEN_BY] = (client,)
        elif client in seen_by:  # added twice, or to a mounted app and to the one around it
            return self.app(environ, start_response)
        else:
            environ[SEEN_BY] = (*seen_by, client)

        watch = Watch(self, client, environ, start_response)
        wrapper = environ.get("wsgi.file_wrapper")
        if wrapper is not None and not isinstance(wrapper, type):
            # uWSGI's is a function, and the server knows the object that it returned.
            environ["wsgi.file_wrapper"] = watch.wrapping_files(wrapper)
        try:
            body = self.app(environ, watch.start_response)
        except BaseException as error:
            watch.fail(error)
            raise
        if body is watch.file or (isinstance(wrapper, type) and isinstance(body, wrapper)):
            watch.sent = None
            watch.end()
            watch.record()
            return body
        watch.body = body
        if hasattr(body, "__len__"):
            watch.__class__ = _SizedWatch
        return watch

    def _at_start(self, watch: "Watch") -> None:
        """Called when the app starts its response: what a framework knows only then."""


class Watch:
    """One request: what the app and the server tell of it, and the hit that comes of it.

    It is also the body that the server gets, since another object would cost a microsecond.
    """

    __slots__ = (
        "_began",
        "_client",
        "_ended_at",
        "_failed",
        "_headers",
        "_owner",
        "_script_name",
        "_start_response",
        "_started_at",
        "_status",
        "_write",
        "body",
        "delivered",
        "environ",
        "file",
        "given",
        "path",
        "recorded",
        "route",
        "sent",
    )

    def __init__(
        self, owner: Analytics, client: Client, environ: Environ, start_response: StartResponse
    ) -> None:
        self._owner = owner
        self._client = client
        self._start_response = start_response
        self.environ = environ
        self.given: Any = environ
        # Read now, because routers change them.
        self._script_name: str = environ.get("SCRIPT_NAME", "")
        self.path: str = self._script_name + environ.get("PATH_INFO", "")
        self._status = ""
        self._headers: Iterable[tuple[str, str]] = ()
        self._ended_at = 0.0
        self._failed = 0
        self.route: Optional[str] = None
        self.body: Any = None
        self.file: Any = None
        self.sent: Optional[int] = 0
        self.delivered = self.recorded = False
        self._started_at = time()
        self._began = perf_counter()

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        """Takes the status and the headers. May be called again, with an exception."""
        if exc_info is None:
            self._write = self._start_response(status, headers)
        else:
            self._write = self._start_response(status, headers, exc_info)
        self._status, self._headers = status, headers
        self._owner._at_start(self)
        return self.write

    def write(self, data: bytes) -> object:
        """PEP 3333's old way to send a body, beside the one that the app returns."""
        try:
            result = self._write(data)
        except OSError:
            # The server's own error, which the app sees as its own.
            self._failed = 0 if self.delivered else CLIENT_GONE
            raise
        self.sent = (self.sent or 0) + len(data)
        self.delivered = self.sent != 0
        return result

    def wrapping_files(self, wrapper: "Callable[..., Any]") -> "Callable[..., Any]":
        """The server's `wrapper`, with a note of what it returned."""

        def wrap(*arguments: Any) -> Any:
            self.file = wrapper(*arguments)
            return self.file

        return wrap

    def script_name(self) -> str:
        """The part of the path that mounts have consumed, the app's prefix."""
        now: str = self.environ.get("SCRIPT_NAME", "")
        # A proxy's prefix, which middleware puts there, is not in the path.
        return now if self.path.startswith(now) else self._script_name

    def end(self) -> None:
        """The last part has been sent."""
        self._ended_at = perf_counter()

    def fail(self, error: BaseException) -> None:
        """The app raised: the server answers 500 if nothing has been sent yet."""
        if not self.delivered and not self._failed:
            # Others (a killed greenlet) end a request that nobody waits for any more.
            self._failed = 500 if isinstance(error, (Exception, SystemExit)) else CLIENT_GONE
        self.end()
        self.record()

    def record(self) -> None:
        """Makes the hit, once. Never raises."""
        if self.recorded:
            return
        self.recorded = True
        duration = (self._ended_at or perf_counter()) - self._began
        try:
            environ, path = self.environ, self.path
            status, failed = self._status, self._failed
            if not status and not failed and "HTTP_UPGRADE" in environ:
                return  # a WebSocket, whose app has taken the connection over
            self._owner._record_environ(
                self._client,
                self.given,
                environ,
                self._headers,
                self._started_at,
                duration,
                path if path.isascii() else to_raw(path),
                self.route or environ.get(ROUTE),
                # Most have a status that was sent whole.
                _to_code(status) if self._ended_at and status and not failed else self._to_status(),
                self.sent,
            )
        except Exception:
            self._owner._could_not_record()

    def _to_status(self) -> int:
        if self._failed:
            return self._failed
        status = _to_code(self._status) if self._status else 500
        if self._ended_at or self.delivered or self.environ.get("REQUEST_METHOD") == "HEAD":
            return status
        # The server closed the body before it asked for all of it. Some know that they have it all.
        for name, value in self._headers:
            if name.lower() == "content-length" and value == str(self.sent):
                return status
        return CLIENT_GONE

    def __iter__(self) -> "Iterator[bytes]":
        """The app's body, counted."""
        try:
            for part in self.body:
                self.sent += len(part)  # type: ignore[operator]  # None only for files
                yield part
                # Asked for the next, so this one has been sent, and the headers before it.
                self.delivered = self.sent != 0
        except GeneratorExit:
            raise
        except BaseException as error:
            self.fail(error)
            raise
        self._ended_at = perf_counter()

    def close(self) -> None:
        """The server's last call, whether or not all was sent."""
        self.record()
        # It may be a generator that holds `start_response`, and so this.
        body, self.body = self.body, None
        close = getattr(body, "close", None)
        if close is not None:
            close()

    def __del__(self) -> None:
        # For middleware that reads a body and forgets to close it.
        if not self.recorded:
            try:
                self.record()
            except Exception:  # the interpreter is exiting
                pass


class _SizedWatch(Watch):
    """A body with a length: of a list with one part, a server knows the Content-Length."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self.body)


@lru_cache(256)
def _to_code(status: str) -> int:
    return int(status[:3])


def to_raw(text: str) -> Text:
    """A value of an environment, whose characters are bytes (PEP 3333), as these bytes."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text
