"""The addresses of `test_frameworks.py` in Tornado: `python -m apps.tornado_app PORT`."""

import asyncio
import os
import signal
import sys

from tornado.web import Application, HTTPError, RequestHandler

from api_analytics.tornado import Analytics, Config, add_middleware

config = Config(get_user_id=lambda request: request.headers.get("x-user"))
# The original's way: a base class of those handlers that shall be recorded.
IS_BASE = os.environ.get("TORNADO_BASE") == "1"


class Base(Analytics if IS_BASE else RequestHandler):  # type: ignore[misc]
    if IS_BASE:

        def __init__(self, app: Application, res: object) -> None:
            super().__init__(app, res, None, config)


class Handler(Base):
    async def get(self, *_: str) -> None:
        kind = [part for part in self.request.path.split("/") if part][-2:][0]
        if kind == "boom":
            raise LookupError(self.request.path)
        if kind == "moved":
            self.redirect("/items/1")
            return
        if kind in ("gone", "no"):
            raise HTTPError(404)
        if kind == "empty":
            self.set_status(204)
            return
        if kind == "stream":
            for number in range(4):
                await asyncio.sleep(0.05 if number else 0)
                self.write(b"x" * 100)
                await self.flush()
            return
        if kind == "slow":
            await asyncio.sleep(0.3)
        self.set_header("X-Request-Id", "id-1")
        self.finish("slow" if kind == "slow" else "hello")

    head = get

    def post(self, *_: str) -> None:
        self.set_status(201)
        self.finish(self.request.body)


async def main() -> None:
    app = Application([(r"/(.*)", Handler)])
    if not IS_BASE:
        add_middleware(app, config=config)
    app.listen(int(sys.argv[1]), "127.0.0.1")
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await stopping.wait()


if __name__ == "__main__":
    asyncio.run(main())
