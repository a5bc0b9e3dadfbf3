"""A FastAPI app that uses the original's published client, pointed at us by `server_url` and nothing else.

It notes for itself what it served, independently of the client: one JSON line a request, into the file $SERVED.
The client posts when a minute has passed since it last did; `/tick` moves its clock hand back by that minute. What it
collects and how it posts is untouched.
"""

import json
import os
import time
from datetime import timedelta

from api_analytics import core
from api_analytics.fastapi import Analytics, Config
from fastapi import FastAPI, Request, Response

app = FastAPI()
app.add_middleware(
    Analytics,
    api_key=os.environ["KEY"],
    config=Config(
        server_url=os.environ["SERVER_URL"],
        privacy_level=int(os.environ.get("PRIVACY_LEVEL", "0")),
        get_user_id=lambda request: request.headers.get("x-user"),
    ),
)


class Served:
    """Outside of the client's middleware, so that it sees what the client sees and is not seen by it."""

    def __init__(self, app, file: str):
        self.app, self.file = app, open(file, "a", buffering=1)  # noqa: SIM115  as long as the app lives

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        seen = {
            "method": scope["method"],
            "path": scope["path"],
            "host": headers.get("host", ""),
            "address": scope["client"][0],
            "user_agent": headers.get("user-agent", ""),
            "user": headers.get("x-user", ""),
        }

        async def send_and_note(message):
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            await send(message)

        began = time.time()
        await self.app(scope, receive, send_and_note)
        seen |= {"began": began, "ended": time.time()}
        self.file.write(json.dumps(seen) + "\n")


app.add_middleware(Served, file=os.environ["SERVED"])


@app.get("/tick")
def tick():
    core._last_posted -= timedelta(seconds=61)
    return {}


@app.get("/slow")
def slow():
    time.sleep(0.08)
    return {}


@app.post("/orders")
def order(body: dict):
    return body


@app.api_route("/status/{status}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def status(status: int):
    return Response(status_code=status)


@app.api_route("/{rest:path}", methods=["GET", "DELETE"])
def anything(request: Request):
    return {"path": request.url.path}
