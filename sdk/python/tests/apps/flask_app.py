"""The addresses of `test_frameworks.py` in Flask."""

import time
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Flask, Response, abort, g, redirect, request

from api_analytics.flask import Analytics, Config

app = Flask(__name__)
orgs = Blueprint("orgs", __name__, url_prefix="/orgs/<org>")


@app.before_request
def who() -> None:
    g.user = request.headers.get("x-user")


@app.get("/items/<int:item_id>")
def item(item_id: int) -> Any:
    return "hello", {"X-Request-Id": "id-1"}


@orgs.get("/items/<int:item_id>")
def orgs_item(org: str, item_id: int) -> str:
    return "hello"


@orgs.get("/boom/<int:item_id>")
@app.get("/boom/<int:item_id>")
def boom(item_id: int, org: str = "") -> str:
    raise LookupError(item_id)


@app.post("/orders")
def order() -> Any:
    return request.get_data(), 201


@app.get("/empty")
def empty() -> Any:
    return "", 204


@app.get("/moved")
def moved() -> Any:
    return redirect("/items/1")


@app.get("/gone/<name>")
def gone(name: str) -> Any:
    abort(404)


@app.get("/slow")
def slow() -> str:
    time.sleep(0.3)
    return "slow"


@app.get("/stream")
def stream() -> Response:
    def parts() -> "Iterable[bytes]":
        for number in range(4):
            time.sleep(0.05 if number else 0)
            yield b"x" * 100

    return Response(parts())


app.register_blueprint(orgs)
config: Config = Config(get_user_id=lambda _: g.user)
Analytics(app, config=config)
