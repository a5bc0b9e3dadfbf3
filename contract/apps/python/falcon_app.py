"""Falcon: `app` for WSGI, `asgi_app` for ASGI."""

import asyncio
import time

import falcon
import falcon.asgi
from shared import MeantError, endless, endless_async, parts, parts_async

from api_analytics.falcon import Analytics

falcon.Request.log_error = lambda *_: None  # it prints each error


def show(req, resp, id):
    if id == "404":
        resp.status = falcon.HTTP_404
    resp.text = "no such item" if id == "404" else f"item {id}"


class Items:
    def on_post(self, req, resp):
        resp.status, resp.text = falcon.HTTP_201, str(len(req.bounded_stream.read()))


class Item:
    def on_get(self, req, resp, id):
        show(req, resp, id)

    on_head = on_get

    def on_delete(self, req, resp, id):
        resp.status = falcon.HTTP_204


class Old:
    def on_get(self, req, resp):
        raise falcon.HTTPFound("/items/1")


class Fails:
    def on_get(self, req, resp, org=""):
        raise MeantError


class FailsLater:
    def on_get(self, req, resp):
        time.sleep(0.005)
        raise MeantError


class Stream:
    def on_get(self, req, resp):
        resp.stream = parts()


class Slow:
    def on_get(self, req, resp):
        time.sleep(1)
        resp.text = "slow"


class Endless:
    def on_get(self, req, resp):
        resp.stream = endless()


class OfOrg:
    def on_get(self, req, resp, org, id):
        resp.text = f"{org} {id}"


class AsyncItems:
    async def on_post(self, req, resp):
        resp.status, resp.text = falcon.HTTP_201, str(len(await req.stream.read()))


class AsyncItem:
    async def on_get(self, req, resp, id):
        show(req, resp, id)

    on_head = on_get

    async def on_delete(self, req, resp, id):
        resp.status = falcon.HTTP_204


class AsyncOld:
    async def on_get(self, req, resp):
        raise falcon.HTTPFound("/items/1")


class AsyncFails:
    async def on_get(self, req, resp, org=""):
        raise MeantError


class AsyncFailsLater:
    async def on_get(self, req, resp):
        await asyncio.sleep(0.005)
        raise MeantError


class AsyncStream:
    async def on_get(self, req, resp):
        resp.stream = parts_async()


class AsyncSlow:
    async def on_get(self, req, resp):
        await asyncio.sleep(1)
        resp.text = "slow"


class AsyncEndless:
    async def on_get(self, req, resp):
        resp.stream = endless_async()


class AsyncOfOrg:
    async def on_get(self, req, resp, org, id):
        resp.text = f"{org} {id}"


class Socket:
    async def on_websocket(self, req, socket):
        await socket.accept()
        await socket.close()


PATHS = ("/items", "/items/{id}", "/old", "/fails", "/fails-later", "/stream", "/slow", "/endless", "/orgs/{org}/items/{id:int}")


def make(app, *resources):
    for path, resource in zip(PATHS, resources):
        app.add_route(path, resource)
    app.add_route("/orgs/{org}/fails", resources[3])
    if isinstance(app, falcon.asgi.App):
        app.add_route("/socket", Socket())
    return Analytics(app)


app = make(falcon.App(), Items(), Item(), Old(), Fails(), FailsLater(), Stream(), Slow(), Endless(), OfOrg())
asgi_app = make(
    falcon.asgi.App(), AsyncItems(), AsyncItem(), AsyncOld(), AsyncFails(), AsyncFailsLater(), AsyncStream(), AsyncSlow(),
    AsyncEndless(), AsyncOfOrg(),
)  # fmt: skip
