"""The app that the process tests run in real servers; the environment has its key and server."""

import asyncio
import os
from typing import Any

from fastapi import FastAPI
from starlette.responses import StreamingResponse

from api_analytics.fastapi import Analytics, Config

app = FastAPI()
config: Config = Config(get_user_id=lambda request: request.headers.get("x-user"))
app.add_middleware(Analytics, config=config)


@app.get("/items/{item_id}")
async def item(item_id: int) -> "dict[str, int]":
    return {"item": item_id, "pid": os.getpid()}


@app.get("/slow/{item_id}")
async def slow(item_id: int) -> int:
    await asyncio.sleep(0.02)
    return item_id


@app.get("/boom/{item_id}")
async def boom(item_id: int) -> None:
    raise LookupError(item_id)


@app.get("/stream/{item_id}")
async def stream(item_id: int) -> StreamingResponse:
    async def chunks() -> Any:
        for _ in range(5):
            await asyncio.sleep(0.01)
            yield b"x" * 100

    return StreamingResponse(chunks())


@app.post("/orders")
async def order(body: "dict[str, Any]") -> "dict[str, Any]":
    return body
