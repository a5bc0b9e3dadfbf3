"""A bare WSGI app."""

import time
from collections.abc import Iterable
from typing import Any

from api_analytics.wsgi import Analytics, Config


def answer(environ: "dict[str, Any]", start_response: Any) -> "Iterable[bytes]":
    path = environ["PATH_INFO"]
    kind = path.split("/")[1]
    if kind == "boom":
        raise LookupError(path)
    if kind == "stream":
        return stream(start_response)
    if kind == "late-boom":
        return late_boom(start_response)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    status = {"items": "200 OK", "orders": "201 Created", "empty": "204 No Content"}
    if kind == "slow":
        time.sleep(0.3)
    headers = [("X-Request-Id", "id-1")] if kind == "items" else []
    if kind == "moved":
        start_response("302 Found", [("Location", "/items/1")])
        return []
    if kind == "slow":
        start_response("200 OK", [])
        return [b"slow"]
    start_response(status.get(kind, "404 Not Found"), headers)
    return [] if kind == "empty" else [body or b"hello"]


def stream(start_response: Any) -> "Iterable[bytes]":
    write = start_response("200 OK", [])
    write(b"x" * 100)
    for _ in range(3):
        time.sleep(0.05)
        yield b"x" * 100


def late_boom(start_response: Any) -> "Iterable[bytes]":
    start_response("200 OK", [])
    yield from ()
    raise LookupError("before the first part")


config: Config = Config(get_user_id=lambda environ: environ.get("HTTP_X_USER"))
app = Analytics(answer, config=config)
