"""The part of a middleware that is the same for every framework: settings, mappers, and the hit.

An adapter watches the messages of its framework and calls `record` once, at the end of a request.
It decides nothing about keys, limits or mappers, so that these mean the same everywhere.
"""

from typing import Any, Optional

from api_analytics import config as settings
from api_analytics.client import Client
from api_analytics.config import Config
from api_analytics.hit import (
    MAX_HOSTNAME,
    MAX_PATH,
    MAX_REFERRER,
    MAX_REQUEST_ID,
    MAX_USER_AGENT,
    MAX_USER_ID,
    to_text,
    without_query,
)
from api_analytics.log import logger
from api_analytics.mapper import to_mapper
from api_analytics.queue import queue

# nginx's status for a request whose client left before there was an answer.
CLIENT_GONE = 499
# The key under which an environment or a scope holds the clients that already watch a request.
SEEN_BY = "api_analytics.seen_by"
# The key under which a framework's hook leaves the route's template, where only it can see that.
ROUTE = "api_analytics.route"
# And the one under which it leaves the framework's request, if there are mappers to take it.
REQUEST = "api_analytics.request"
# Bound once: they are needed for every request.
_incoming = queue.incoming
_append = queue.incoming.append


class Recorder:
    """The base of every `Analytics`: reads the settings once, and turns requests into hits."""

    _framework = ""

    def __init__(
        self, api_key: Optional[str] = None, config: "Optional[Config[Any]]" = None
    ) -> None:
        given = Config[Any]() if config is None else config
        self._failed = False
        self._sees_address = True
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

    def _record(
        self,
        client: Client,
        given: Any,
        started_at: float,
        duration: float,
        method: Any,
        path: Any,
        route: Any,
        status: int,
        hostname: Any,
        address: Any,
        agent: Any,
        referrer: Any,
        request_size: Any,
        response_size: Any,
        request_id: Any,
        cache: Optional[str],
    ) -> None:
        """Makes the hit and puts it into the queue. `given` becomes the request of the mappers."""
        user_id = None
        if self._has_mappers:
            path, hostname, address, agent, user_id = self._map_fields(
                given, path, route, hostname, address, agent
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
                client,
                started_at,
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
                request_size,
                response_size if method != "HEAD" else 0,
                request_id,
                cache,
            )
        )
        if len(_incoming) >= queue.mark:
            queue.press()

    def _map_fields(
        self, given: Any, path: Any, route: Any, hostname: Any, address: Any, agent: Any
    ) -> "tuple[Any, Any, Any, Any, Any]":
        """The values of the user's mappers: path, hostname, address, agent, user id."""
        request = self._to_request(given)
        if self._get_path is not None:
            # A path's mapper may hide something in it, so its failure must not reveal it.
            mapped = self._get_path(request)
            path = without_query(to_text(mapped, MAX_PATH)) if mapped else route or "/"
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

    def _to_request(self, given: Any) -> Any:
        return given


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
