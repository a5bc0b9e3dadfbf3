"""A hit: the record of one request, and its format on the wire.

While it waits, a hit is a plain tuple of what the request already held (bytes of its headers
included), because that is what costs least in the path of a request. All decoding, cutting and
formatting happens here, in the background thread.
"""

import time
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Optional, Union

if TYPE_CHECKING:
    from api_analytics.client import Client

Text = Union[str, bytes, None]

# client, started_at (seconds since 1970), duration (seconds), method, path, route, status,
# hostname, ip_address, user_agent, user_id, referrer, request_size, response_size (bytes),
# request_id, cache ("hit" or "miss")
Hit = tuple[
    "Client",
    float,
    float,
    Text,
    Text,
    Text,
    int,
    Text,
    Text,
    Text,
    Text,
    Text,
    Union[int, bytes, str, None],
    Optional[int],
    Text,
    Optional[str],
]

# The server's limits, in characters. Texts are cut here as well, so that a caller with a long
# header can fill neither this process's memory nor a batch.
MAX_METHOD = 32
MAX_PATH = 2048
MAX_USER_AGENT = 1024
MAX_USER_ID = 255
MAX_REFERRER = 2048
MAX_HOSTNAME = 255
MAX_REQUEST_ID = 128

# Many hits share an agent, a route, a host: their JSON is cached. The cache is small, since texts
# may be long, and bounded, since callers choose them.
_CACHED = 256


def to_json(hit: Hit) -> str:
    """One member of a batch's ``requests``. Empty fields are left out."""
    (
        _,
        started_at,
        duration,
        method,
        path,
        route,
        status,
        hostname,
        ip_address,
        user_agent,
        user_id,
        referrer,
        request_size,
        response_size,
        request_id,
        cache,
    ) = hit
    received = to_size(request_size)
    # max: the clock of durations never runs backwards, but a suspended machine's may jump.
    return (
        f'{{"method":{_quoted_method(method)},"path":{_quoted(to_path(path))},"status":{status:d}'
        f',"response_time":{max(duration, 0.0) * 1000.0:.3f}'
        f',"created_at":"{to_rfc3339(started_at)}"'
        f"{_route_field(route) if route else ''}"
        f"{_hostname_field(hostname) if hostname else ''}"
        f"{_ip_address_field(ip_address) if ip_address else ''}"
        f"{_user_agent_field(user_agent) if user_agent else ''}"
        f"{_user_id_field(user_id) if user_id else ''}"
        f"{_referrer_field(referrer) if referrer else ''}"
        f"{'' if received is None else _REQUEST_SIZE % received}"
        f"{'' if response_size is None else _RESPONSE_SIZE % response_size}"
        f"{_request_id_field(request_id) if request_id else ''}"
        f"{_CACHE % cache if cache else ''}}}"
    )


_REQUEST_SIZE = ',"request_size":%d'
_RESPONSE_SIZE = ',"response_size":%d'
_CACHE = ',"cache":"%s"'


@lru_cache(_CACHED)
def _quoted_method(method: Text) -> str:
    return _quoted(to_text(method, MAX_METHOD) or "GET")


@lru_cache(_CACHED)
def _route_field(route: Text) -> str:
    return f',"route":{_quoted(to_text(route, MAX_PATH))}'


@lru_cache(_CACHED)
def _hostname_field(hostname: Text) -> str:
    return f',"hostname":{_quoted(without_port(to_text(hostname, MAX_HOSTNAME)))}'


@lru_cache(_CACHED)
def _ip_address_field(ip_address: Text) -> str:
    return f',"ip_address":{_quoted(to_text(ip_address, 255))}'


@lru_cache(_CACHED)
def _user_agent_field(user_agent: Text) -> str:
    return f',"user_agent":{_quoted(to_text(user_agent, MAX_USER_AGENT))}'


@lru_cache(_CACHED)
def _user_id_field(user_id: Text) -> str:
    return f',"user_id":{_quoted(to_text(user_id, MAX_USER_ID))}'


@lru_cache(_CACHED)
def _referrer_field(referrer: Text) -> str:
    return f',"referrer":{_quoted(without_query(to_text(referrer, MAX_REFERRER)))}'


def _request_id_field(request_id: Text) -> str:
    """Without a cache: each hit has another one."""
    return f',"request_id":{_quoted(to_text(request_id, MAX_REQUEST_ID))}'


def to_cache(x_cache: Optional[bytes], age: Optional[bytes]) -> Optional[str]:
    """Whether a cache answered, as far as the answer's headers tell.

    Of several caches the last one in ``X-Cache`` is the nearest to the caller. An ``Age`` says that
    the answer was kept somewhere (RFC 9111).
    """
    if x_cache:
        nearest = x_cache.rpartition(b",")[2].lower()
        if b"hit" in nearest:
            return "hit"
        if b"miss" in nearest:
            return "miss"
    return "hit" if age else None


def to_text(value: Text, limit: int) -> str:
    """Text that JSON can carry, at most `limit` characters.

    Header bytes are UTF-8 where they can be, else Latin-1 (RFC 9110 lets both happen). A lone
    surrogate, which a careless decoder leaves behind, would cost the hit at the server: it becomes
    U+FFFD (not `?`, which would end a path).
    """
    if isinstance(value, str):
        text = value if value.isascii() else _without_surrogates(value)
    elif value is None:
        return ""
    else:
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            text = value.decode("latin-1")
    return text[:limit]


def _without_surrogates(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def to_path(path: Text) -> str:
    """The decoded path; in it only an escape can have made what would end a path or a line, so that
    is an escape again.
    """
    text = to_text(path, MAX_PATH)
    if "?" in text or "#" in text or not text.isprintable():
        text = text.translate(_ESCAPES)
    return text or "/"


_ESCAPES = {code: f"%{code:02X}" for code in (*range(32), 127, *b"?#")}


def to_size(size: Union[int, bytes, str, None]) -> Optional[int]:
    """Bytes; a Content-Length that is not a number is unknown, not an error."""
    if isinstance(size, (bytes, str)):
        return int(size) if size.isdigit() and size.isascii() and len(size) < 16 else None
    return size


def without_query(address: str) -> str:
    """Cuts at the first `?` or `#`."""
    if "?" in address or "#" in address:
        return address.partition("?")[0].partition("#")[0]
    return address


def without_port(hostname: str) -> str:
    """`example.com:8080` is `example.com`, `[::1]:8080` is `::1`."""
    if hostname.startswith("["):
        return hostname[1:].partition("]")[0]
    return hostname.partition(":")[0] if hostname.count(":") == 1 else hostname


def to_rfc3339(seconds: float) -> str:
    """UTC with microseconds and a Z, whatever zone this machine is in."""
    whole, fraction = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_to_date_and_time(whole)}.{fraction:06d}Z"


@lru_cache(_CACHED)
def _to_date_and_time(whole_seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole_seconds))
