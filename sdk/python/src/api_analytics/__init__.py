"""API Analytics: tells a server of yours about each request that your API answers.

Take the middleware of your framework, such as ``api_analytics.fastapi``, ``api_analytics.flask`` or
``api_analytics.django``; ``api_analytics.asgi`` and ``api_analytics.wsgi`` are for any other app.
This module imports none of them, so that a process pays only for the one that it uses.
"""

from api_analytics.version import VERSION

__version__ = VERSION

__all__ = ["__version__"]
