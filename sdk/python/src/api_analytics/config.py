"""The user's settings, their sources, and the handling of invalid ones.

Code wins over the environment, the environment over the defaults. A wrong setting is logged and
never raised: an API must start even when its analytics are set up badly.
"""

import os
from dataclasses import dataclass
from typing import Any, Callable, Generic, Optional, TypeVar

from api_analytics.log import logger

DEFAULT_SERVER_URL = "http://127.0.0.1:8080"
ENV_SERVER_URL = "API_ANALYTICS_SERVER_URL"
ENV_KEY = "API_ANALYTICS_KEY"
ENV_RELEASE = "API_ANALYTICS_RELEASE"
MAX_RELEASE = 100

RequestT = TypeVar("RequestT")


@dataclass
class Config(Generic[RequestT]):
    """How a request is turned into a hit, settable as arguments or as attributes.

    The middleware reads it once, when the framework builds its middleware: set it before the app
    starts. A mapper is a plain function (not a coroutine) that takes the request and returns a
    string or None; left at None, the client reads that field itself, which is faster.

    :param privacy_level: 0 sends the caller's address, which the server keeps and takes the
        country from. 1 sends it for the country only, and the server forgets it. 2 never looks at
        it: neither address nor country. Anything else counts as 2.
    :param server_url: where the server is, such as ``https://analytics.example.com``. Without it
        the environment's ``API_ANALYTICS_SERVER_URL``, else ``http://127.0.0.1:8080``.
    :param get_path: the path to keep instead of the requested one. No query string.
    :param get_ip_address: the caller's address. Not called at privacy level 2.
    :param get_hostname: the host name instead of the ``Host`` header's.
    :param get_user_agent: the user agent instead of the ``User-Agent`` header.
    :param get_user_id: who calls, such as an account name or the id (never the secret) of an API
        key. Without it consumers are told apart by address.
    :param release: the version of the app that runs, such as ``v2.4.1`` or a commit. The
        dashboard marks the start of each new one. Default: ``API_ANALYTICS_RELEASE`` from the
        environment, else none.
    """

    privacy_level: int = 0
    server_url: Optional[str] = None
    get_path: Optional[Callable[[RequestT], Optional[str]]] = None
    get_ip_address: Optional[Callable[[RequestT], Optional[str]]] = None
    get_hostname: Optional[Callable[[RequestT], Optional[str]]] = None
    get_user_agent: Optional[Callable[[RequestT], Optional[str]]] = None
    get_user_id: Optional[Callable[[RequestT], Optional[str]]] = None
    release: Optional[str] = None


def to_server_url(given: Any) -> "tuple[str, bool]":
    """The address to use, and whether somebody chose it (False: it is the default)."""
    chosen = given or os.environ.get(ENV_SERVER_URL) or ""
    url = str(chosen).strip().rstrip("/")
    return (url, True) if url else (DEFAULT_SERVER_URL, False)


def to_key(given: Any) -> Optional[str]:
    """The key without the blanks and quotes that copying leaves around it; None if there is none.

    What cannot stand in a header is no key either: it could only be refused.
    """
    key = str(given or os.environ.get(ENV_KEY) or "").strip().strip("\"'").strip()
    if not key:
        return None
    if not (key.isascii() and key.isprintable()) or " " in key or len(key) > 512:
        logger.error("api_key holds characters that no key has: nothing will be posted")
        return None
    return key


def to_release(given: Any) -> str:
    """The version of the app; "" if it is missing or the server would ignore it."""
    release = str(given or os.environ.get(ENV_RELEASE) or "")
    release = "".join(character for character in release if character.isprintable()).strip()
    if len(release) > MAX_RELEASE:
        logger.error("release is longer than %d characters: it is not posted", MAX_RELEASE)
        return ""
    return release


def to_privacy_level(given: Any) -> int:
    """0, 1 or 2. The server reads an unknown level as 2 too, but then it has seen the address."""
    if given in (0, 1, 2):
        return int(given)
    logger.error("privacy_level must be 0, 1 or 2, not %r: using 2, the most private", given)
    return 2
