"""The middleware for Quart.

    from api_analytics.quart import Analytics, Config

    Analytics(app, api_key="...", config=Config(privacy_level=1))

It wraps `app.asgi_app`. A function before each request leaves the route's template and the request
in the scope, where the wrapper finds them.
"""

from typing import TYPE_CHECKING, Any, Optional

from api_analytics import asgi
from api_analytics.config import Config as BaseConfig
from api_analytics.recorder import REQUEST, ROUTE
from api_analytics.template import from_angles

if TYPE_CHECKING:
    from quart import Request  # noqa: F401

__all__ = ["Analytics", "Config"]


class Config(BaseConfig["Request"]):
    """`api_analytics.config.Config`, whose mappers take a Quart request."""


class Analytics(asgi.Analytics):
    """Records each request of a Quart app."""

    _framework = "Quart"

    def __init__(
        self,
        app: Any,
        api_key: Optional[str] = None,
        config: "Optional[BaseConfig[Any]]" = None,
    ) -> None:
        super().__init__(app.asgi_app, api_key, config)
        app.asgi_app = self
        if self._client is not None:
            # First, because a function before it could answer.
            app.before_request_funcs.setdefault(None, []).insert(0, self._before_request)

    async def _before_request(self) -> None:
        from quart import request  # noqa: PLC0415

        current: Any = request
        scope: Any = request.scope
        if request.url_rule is not None:
            scope[ROUTE] = (scope.get("root_path") or "") + from_angles(request.url_rule.rule)
        if self._has_mappers:
            scope[REQUEST] = current._get_current_object()

    def _to_request(self, given: Any) -> Any:
        return given.pop(REQUEST, given)
