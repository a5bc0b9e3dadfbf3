"""Tornado's own server; with BASE=1 the original's way, a base class of handlers. It has no templates, only regular expressions."""

import asyncio
import os
import signal

from shared import MeantError, endless_async, parts_async
from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from api_analytics.tornado import Analytics, add_middleware

IS_BASE = bool(os.environ.get("BASE"))
Base = Analytics if IS_BASE else RequestHandler


class Items(Base):
    def post(self):
        self.set_status(201)
        self.finish(str(len(self.request.body)))


class Item(Base):
    def get(self, id):
        if id == "404":
            self.set_status(404)
        self.finish("no such item" if id == "404" else f"item {id}")

    head = get

    def delete(self, id):
        self.set_status(204)


class Old(Base):
    def get(self):
        self.redirect("/items/1")


class Fails(Base):
    async def get(self):
        raise MeantError


class FailsLater(Base):
    async def get(self):
        await asyncio.sleep(0.005)
        raise MeantError


class Stream(Base):
    parts = staticmethod(parts_async)

    async def get(self):
        try:
            async for part in self.parts():
                self.write(part)
                await self.flush()
        except StreamClosedError:
            pass


class Endless(Stream):
    parts = staticmethod(endless_async)


class Slow(Base):
    async def get(self):
        await asyncio.sleep(1)
        self.finish("slow")


class Missing(Base):
    def get(self):
        self.set_status(404)


class Socket(WebSocketHandler):
    def open(self):
        self.close()


class OfOrg(Base):
    def get(self, org, id):
        self.finish(f"{org} {id}")


async def main():
    app = Application(
        [
            ("/items", Items),
            ("/items/([^/]+)", Item),
            ("/old", Old),
            ("/fails", Fails),
            ("/fails-later", FailsLater),
            ("/stream", Stream),
            ("/slow", Slow),
            ("/endless", Endless),
            ("/socket", Socket),
            ("/orgs/([^/]+)/items/([0-9]+)", OfOrg),
            ("/orgs/[^/]+/fails", Fails),
            # Tornado's own handler of what it does not find is none of the app's base class.
            *([(".*", Missing)] if IS_BASE else []),
        ]
    )
    if not IS_BASE:
        add_middleware(app)
    app.listen(int(os.environ["PORT"]), "127.0.0.1")
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await stopping.wait()


asyncio.run(main())
