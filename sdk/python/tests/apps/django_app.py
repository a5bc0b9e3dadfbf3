"""A Django project, whose settings and views `test_django.py` overrides."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from api_analytics.django import Config, get_asgi_application

ASYNC = os.environ.get("DJANGO_ASYNC") == "1"


def item(request: Any, item_id: int, org: str = "") -> HttpResponse:
    return HttpResponse("hello", headers={"X-Request-Id": "id-1"})


def boom(request: Any, item_id: int, org: str = "") -> HttpResponse:
    raise LookupError(item_id)


def order(request: Any) -> HttpResponse:
    return HttpResponse(request.body, status=201)


def empty(request: Any) -> HttpResponse:
    return HttpResponse(status=204)


def moved(request: Any) -> HttpResponse:
    return HttpResponseRedirect("/items/1")


def gone(request: Any, name: str) -> HttpResponse:
    raise Http404(name)


def slow(request: Any) -> HttpResponse:
    time.sleep(0.3)
    return HttpResponse("slow")


async def slow_async(request: Any) -> HttpResponse:
    await asyncio.sleep(0.3)
    return HttpResponse("slow")


def stream(request: Any) -> StreamingHttpResponse:
    def parts() -> "Iterable[bytes]":
        for number in range(4):
            time.sleep(0.05 if number else 0)
            yield b"x" * 100

    return StreamingHttpResponse(parts())


async def stream_async(request: Any) -> StreamingHttpResponse:
    async def parts() -> "AsyncIterator[bytes]":
        for number in range(4):
            await asyncio.sleep(0.05 if number else 0)
            yield b"x" * 100

    return StreamingHttpResponse(parts())


below = [
    path("items/<int:item_id>", item),
    re_path(r"^boom/(?P<item_id>[0-9]+)$", boom),
]
urlpatterns = [
    *below,
    path("orgs/<slug:org>/", include(below)),
    path("orders", csrf_exempt(order)),
    path("empty", empty),
    path("moved", moved),
    path("gone/<name>", gone),
    path("slow", slow_async if ASYNC else slow),
    path("stream", stream_async if ASYNC else stream),
]

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="tests",
    MIDDLEWARE=[
        "api_analytics.django.Analytics",
        "django.middleware.common.CommonMiddleware",
    ],
    ANALYTICS_CONFIG=Config(get_user_id=lambda request: request.headers.get("X-User")),
    LOGGING_CONFIG=None,
)
django.setup()
app = get_wsgi_application()
asgi_app = get_asgi_application()
