"""The middleware for Starlette.

    from api_analytics.starlette import Analytics, Config

    app.add_middleware(Analytics, api_key="...", config=Config(privacy_level=1))

Only a name and the making of the request that mappers take: all else is `api_analytics.asgi`.
"""

from typing import TYPE_CHECKING, Any

from api_analytics import asgi
from api_analytics.config import Config as BaseConfig

if TYPE_CHECKING:
    from starlette.requests import Request  # noqa: F401

__all__ = ["Analytics", "Config"]


class Config(BaseConfig["Request"]):
    """`api_analytics.config.Config`, whose mappers take a Starlette request.

    Its body has been read by then: mappers use its headers, cookies, parameters and state.
    """


class Analytics(asgi.Analytics):
    """`api_analytics.asgi.Analytics` for Starlette."""

    _framework = "Starlette"

    def _to_request(self, scope: asgi.Scope) -> Any:
        from starlette.requests import Request  # noqa: PLC0415

        return Request(scope)
