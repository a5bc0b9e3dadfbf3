"""The middleware for FastAPI.

    from api_analytics.fastapi import Analytics, Config

    app.add_middleware(Analytics, api_key="...", config=Config(privacy_level=1))

FastAPI's requests and routing are Starlette's, so only the name differs.
"""

from api_analytics import starlette
from api_analytics.starlette import Config

__all__ = ["Analytics", "Config"]


class Analytics(starlette.Analytics):
    """`api_analytics.asgi.Analytics` for FastAPI."""

    _framework = "FastAPI"
