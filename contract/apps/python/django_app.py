"""Django: `app` for WSGI, `asgi_app` for ASGI, with views of that kind."""

import asyncio
import os
import time

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import include, path, re_path
from shared import MeantError, endless, endless_async, parts, parts_async

from api_analytics.django import get_asgi_application

IS_ASYNC = bool(os.environ.get("ASYNC"))


def create(request):
    return HttpResponse(str(len(request.body)), status=201)


def item(request, id):
    if request.method == "DELETE":
        return HttpResponse(status=204)
    return HttpResponse("no such item", status=404) if id == "404" else HttpResponse(f"item {id}")


def old(request):
    return HttpResponseRedirect("/items/1")


def fails(request, org=""):
    raise MeantError


def fails_later(request):
    time.sleep(0.005)
    raise MeantError


async def fails_later_async(request):
    await asyncio.sleep(0.005)
    raise MeantError


def stream(request):
    return StreamingHttpResponse(parts_async() if IS_ASYNC else parts())


def endless_(request):
    return StreamingHttpResponse(endless_async() if IS_ASYNC else endless())


def slow(request):
    time.sleep(1)
    return HttpResponse("slow")


async def slow_async(request):
    await asyncio.sleep(1)
    return HttpResponse("slow")


def of_org(request, org, id):
    return HttpResponse(f"{org} {id}")


orgs = [
    re_path(r"^items/(?P<id>[0-9]+)$", of_org),
    path("fails", fails),
]
urlpatterns = [
    path("items", create),
    path("items/<id>", item),
    path("old", old),
    path("fails", fails),
    path("fails-later", fails_later_async if IS_ASYNC else fails_later),
    path("stream", stream),
    path("slow", slow_async if IS_ASYNC else slow),
    path("endless", endless_),
    path("orgs/<slug:org>/", include(orgs)),
]
settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="tests",
    MIDDLEWARE=["api_analytics.django.Analytics", "django.middleware.common.CommonMiddleware"],
    LOGGING_CONFIG=None,
)
django.setup()
app = get_wsgi_application()
asgi_app = get_asgi_application()
