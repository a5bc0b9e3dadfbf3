"""The middleware for Falcon, for its WSGI and its ASGI apps.

    from api_analytics.falcon import Analytics, Config

    app = Analytics(app, api_key="...", config=Config(privacy_level=1))

It is the wrapper of `api_analytics.wsgi` or `api_analytics.asgi`, and a component of the app that
leaves the route's template where the wrapper finds it.
"""

from typing import TYPE_CHECKING, Any, Optional

from api_analytics import asgi, wsgi
from api_analytics.config import Config as BaseConfig
from api_analytics.recorder import REQUEST, ROUTE, Recorder
from api_analytics.template import from_braces

if TYPE_CHECKING:
    from falcon import Request  # noqa: F401

__all__ = ["Analytics", "Config"]


class Config(BaseConfig["Request"]):
    """`api_analytics.config.Config`, whose mappers take a Falcon request."""


class Analytics:
    """Records each request of a Falcon app; use what it returns instead of the app."""

    def __new__(
        cls,
        app: Any,
        api_key: Optional[str] = None,
        config: "Optional[BaseConfig[Any]]" = None,
    ) -> Any:
        """The wrapper that fits the app."""
        is_async = any(base.__module__.startswith("falcon.asgi") for base in type(app).__mro__)
        wrapper: Recorder = (_Asgi if is_async else _Wsgi)(app, api_key, config)
        if wrapper._client is not None:
            app.add_middleware(_Component(wrapper._has_mappers))
        return wrapper

    @staticmethod
    def flush(timeout: float = 2.0) -> bool:
        """See `api_analytics.asgi.Analytics.flush`."""
        return Recorder.flush(timeout)


class _Wsgi(wsgi.Analytics):
    _framework = "Falcon"

    def _to_request(self, given: Any) -> Any:
        return given.pop(REQUEST, given)


class _Asgi(asgi.Analytics):
    _framework = "Falcon"

    def _to_request(self, given: Any) -> Any:
        return given.pop(REQUEST, given)


class _Component:
    """Falcon calls the methods that end in `_async` if its app is an ASGI app."""

    def __init__(self, needs_request: bool) -> None:
        self._needs_request = needs_request

    def process_request(self, req: Any, resp: Any) -> None:
        if self._needs_request:
            req.env[REQUEST] = req

    def process_resource(self, req: Any, resp: Any, resource: Any, params: Any) -> None:
        if req.uri_template:
            req.env[ROUTE] = (req.root_path or "") + from_braces(req.uri_template)

    async def process_request_async(self, req: Any, resp: Any) -> None:
        if self._needs_request:
            req.scope[REQUEST] = req

    async def process_resource_async(self, req: Any, resp: Any, resource: Any, params: Any) -> None:
        if req.uri_template:
            req.scope[ROUTE] = (req.root_path or "") + from_braces(req.uri_template)
