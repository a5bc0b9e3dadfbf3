"""The middleware for Flask.

    from api_analytics.flask import Analytics, Config

    Analytics(app, api_key="...", config=Config(privacy_level=1))

It wraps `app.wsgi_app`, so it sees what every hook and error handler made of a response, and the
end of streamed ones. `add_middleware` is the same under the name that the original's users know.

TRICKY: Flask forgets its request before it returns the body, so the route is read when the response
starts. Mappers run then as well: `g`, `session` and `current_user` are those of the request.
"""

from typing import TYPE_CHECKING, Any, Optional

from api_analytics import wsgi
from api_analytics.config import Config as BaseConfig
from api_analytics.template import from_angles

if TYPE_CHECKING:
    from flask import Request  # noqa: F401

__all__ = ["Analytics", "Config", "add_middleware"]


class Config(BaseConfig["Request"]):
    """`api_analytics.config.Config`, whose mappers take a Flask request."""


class Analytics(wsgi.Analytics):
    """Records each request of a Flask app.

    :param app: the Flask app; also its `wsgi_app`, or any WSGI app with Werkzeug's requests.
    """

    _framework = "Flask"

    def __init__(
        self,
        app: Any,
        api_key: Optional[str] = None,
        config: "Optional[BaseConfig[Any]]" = None,
    ) -> None:
        inner = getattr(app, "wsgi_app", None)
        super().__init__(app if inner is None else inner, api_key, config)
        if inner is not None:
            app.wsgi_app = self

    def _at_start(self, watch: wsgi.Watch) -> None:
        try:
            request = watch.environ.get("werkzeug.request")
            if request is None:
                return
            rule = getattr(request, "url_rule", None)
            if rule is not None:
                route = from_angles(rule.rule)
                # Spares most apps a call.
                mounted = watch.environ.get("SCRIPT_NAME")
                watch.route = watch.script_name() + route if mounted else route
            if self._has_mappers:
                fields = self._to_fields(watch.environ)
                watch.given = _Mapped(
                    super()._map_fields(request, watch.path, watch.route, *fields)
                )
        except Exception:
            self._could_not_record()

    def _map_fields(
        self, given: Any, path: Any, route: Any, hostname: Any, address: Any, agent: Any
    ) -> "tuple[Any, Any, Any, Any, Any]":
        if isinstance(given, _Mapped):
            return given.fields
        return super()._map_fields(given, path, route, hostname, address, agent)

    def _to_request(self, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        from flask import Request  # noqa: PLC0415

        return Request(given)


class _Mapped:
    __slots__ = ("fields",)

    def __init__(self, fields: "tuple[Any, Any, Any, Any, Any]") -> None:
        self.fields = fields


def add_middleware(
    app: Any, api_key: Optional[str] = None, config: "Optional[BaseConfig[Any]]" = None
) -> None:
    """The original's way to add it."""
    Analytics(app, api_key, config)
