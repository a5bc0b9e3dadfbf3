"""The addresses of `test_frameworks.py` in Quart."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from quart import Blueprint, Quart, abort, redirect, request

from api_analytics.quart import Analytics, Config

app = Quart(__name__)
orgs = Blueprint("orgs", __name__, url_prefix="/orgs/<org>")


@orgs.get("/items/<int:item_id>")
@app.get("/items/<int:item_id>")
async def item(item_id: int, org: str = "") -> Any:
    return "hello", {"X-Request-Id": "id-1"}


@orgs.get("/boom/<int:item_id>")
@app.get("/boom/<int:item_id>")
async def boom(item_id: int, org: str = "") -> str:
    raise LookupError(item_id)


@app.post("/orders")
async def order() -> Any:
    return await request.get_data(), 201


@app.get("/empty")
async def empty() -> Any:
    return "", 204


@app.get("/moved")
async def moved() -> Any:
    return redirect("/items/1")


@app.get("/gone/<name>")
async def gone(name: str) -> Any:
    abort(404)


@app.get("/slow")
async def slow() -> str:
    await asyncio.sleep(0.3)
    return "slow"


@app.get("/stream")
async def stream() -> Any:
    async def parts() -> "AsyncIterator[bytes]":
        for number in range(4):
            await asyncio.sleep(0.05 if number else 0)
            yield b"x" * 100

    return parts()


app.register_blueprint(orgs)
Analytics(app, config=Config(get_user_id=lambda request: request.headers.get("x-user")))
