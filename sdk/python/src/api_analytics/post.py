"""One kept-alive connection to the server, and the meaning of its answers.

Only the standard library, and only ever used by the background thread. `http.client` and `ssl` are
imported when the first batch leaves, so that importing the middleware costs next to nothing.
A whole try has one deadline: a server that sends a byte now and then must not hold the thread.
"""

import io
import json
import math
import random
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Optional
from urllib.parse import urlsplit

from api_analytics.log import to_line
from api_analytics.version import VERSION

if TYPE_CHECKING:
    import http.client

CONNECT_SECONDS = 5.0
TRY_SECONDS = 15.0
MAX_ANSWER_BYTES = 1 << 20
# A server that asks for a longer wait is tried again after this one.
MAX_RETRY_AFTER_SECONDS = 3600.0


class Answer(NamedTuple):
    """The server's answer: its status, its JSON (or None) and its `Retry-After` in seconds."""

    status: int
    body: Optional["dict[str, Any]"]
    retry_after: Optional[float]
    location: Optional[str] = None


class UnreachableError(Exception):
    """No answer: refused, timed out, cut off, not HTTP. The message says which."""


class Connection:
    """Posts bodies to ``{server_url}/api/requests``; opens and reopens its connection itself."""

    def __init__(self, server_url: str, key: str) -> None:
        parts = urlsplit(server_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it must look like http://host:port or https://host")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("it must hold neither user, password, query nor fragment")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._target = parts.path.rstrip("/") + "/api/requests"
        self._headers = {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "Accept": "application/json",
            "User-Agent": f"api-analytics-python/{VERSION}",
            "X-AUTH-TOKEN": key,
        }
        self._tls: Any = None
        self._http: Optional[http.client.HTTPConnection] = None

    def post(self, body: bytes) -> Answer:
        """One try. Raises `UnreachableError`."""
        import http.client  # noqa: PLC0415

        deadline = time.monotonic() + TRY_SECONDS
        kept_alive = self._http is not None
        try:
            try:
                return self._post(body, deadline)
            except (ConnectionError, http.client.BadStatusLine):
                self.close()
                if not kept_alive:
                    raise
                # The server closed the idle connection in the meantime, as servers may. Posting
                # again is safe even if it read the batch: the batch has an id.
                return self._post(body, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise UnreachableError(f"{type(error).__name__}: {to_line(error)}") from None

    def close(self) -> None:
        """Also called in a forked child, whose copy of the connection belongs to its parent."""
        connection, self._http = self._http, None
        if connection is not None:
            try:
                connection.close()
            except OSError:
                pass

    def _post(self, body: bytes, deadline: float) -> Answer:
        connection = self._http = self._http or self._open()
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(_until(deadline))
        connection.request("POST", self._target, body, self._headers)
        # TRICKY: the response reads through `_Until`, which resets the timeout for each read.
        connection.response_class = _response_class(deadline)
        with connection.getresponse() as response:
            raw = response.read(MAX_ANSWER_BYTES + 1)
            if len(raw) > MAX_ANSWER_BYTES or response.will_close:
                self.close()
            return Answer(
                response.status,
                _to_object(raw),
                _to_seconds(response.getheader("Retry-After")),
                response.getheader("Location"),
            )

    def _open(self) -> "http.client.HTTPConnection":
        import http.client  # noqa: PLC0415

        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        if self._tls is None:
            import ssl  # noqa: PLC0415

            self._tls = ssl.create_default_context()
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=CONNECT_SECONDS, context=self._tls
        )


class _Until(io.RawIOBase):
    """A socket's bytes until a deadline, however slowly they arrive."""

    def __init__(self, sock: Any, deadline: float) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Optional[int]:
        self._sock.settimeout(_until(self._deadline))
        count: Optional[int] = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Limited:
    """Replaces the socket when `HTTPResponse` makes its reader."""

    def __init__(self, sock: Any, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Until(self._sock, self._deadline))


def _response_class(deadline: float) -> Any:
    import http.client  # noqa: PLC0415

    def respond(sock: Any, *args: Any, **kwargs: Any) -> "http.client.HTTPResponse":
        limited: Any = _Limited(sock, deadline)
        return http.client.HTTPResponse(limited, *args, **kwargs)

    return respond


def _until(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"no whole answer within {TRY_SECONDS:.0f} s")
    return left


def _to_object(raw: bytes) -> "Optional[dict[str, Any]]":
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _to_seconds(retry_after: Optional[str]) -> Optional[float]:
    """`Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        from email.utils import parsedate_to_datetime  # noqa: PLC0415

        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def to_backoff(failures: int) -> float:
    """Seconds until the next try after this many failures: 1, 2, 4 ... 30, less up to a half."""
    return min(30.0, 2.0 ** min(failures - 1, 10)) * random.uniform(0.5, 1.0)
