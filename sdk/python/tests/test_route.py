"""The template: included routers, mounts, parameters in mounts, plain routes, a proxy's prefix.

Runs on the oldest and the newest FastAPI, whose routing tables have little in common.
"""

from pathlib import Path
from typing import Any, Optional

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from sink import Sink
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from api_analytics import fastapi, starlette


def plain(_: Request) -> PlainTextResponse:
    return PlainTextResponse("plain")


def late(_: Request) -> PlainTextResponse:
    return PlainTextResponse("late")


def other(_: Request) -> PlainTextResponse:
    return PlainTextResponse("other")


@pytest.fixture
def routes_of(sink: Sink, tmp_path: Path) -> Any:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.txt").write_text("static")

    items = APIRouter(prefix="/items")

    @items.get("/{item_id:int}")
    def item(item_id: int) -> int:
        return item_id

    @items.get("/files/{file:path}")
    def file(file: str) -> str:
        return file

    organisations = APIRouter(prefix="/orgs/{org}")
    organisations.include_router(items, prefix="/x")
    organisations.add_route("/raw/{raw}", plain)

    sub = FastAPI()

    @sub.get("/things/{thing}")
    def thing(thing: str) -> str:
        return thing

    app = FastAPI()
    app.add_middleware(fastapi.Analytics, api_key="k", config=fastapi.Config(server_url=sink.url))

    @app.api_route("/same/{a}/{b}", methods=["GET", "POST"])
    def same(a: str, b: str) -> str:
        return a + b

    app.include_router(organisations, prefix="/v1")
    app.include_router(organisations, prefix="/v2")
    app.mount("/sub", sub)
    app.mount("/tenants/{tenant}", sub)
    app.mount("/wrapped", GZipMiddleware(sub))
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.mount(
        "/old",
        Starlette(routes=[Route("/a/{b}", plain), Mount("/deeper", routes=[Route("/{c}", other)])]),
    )
    app.add_route("/plain/{p}", plain)
    app.add_route("/also-plain/{p}/{q}", plain)

    def routes(path: str, method: str = "GET", root_path: str = "") -> "tuple[int, Optional[str]]":
        before = len(sink.hits())
        client = TestClient(app, root_path=root_path, raise_server_exceptions=False)
        status = client.request(method, path, follow_redirects=False).status_code
        assert fastapi.Analytics.flush()
        (hit,) = sink.hits()[before:]
        assert hit["path"] == path
        return status, hit.get("route")

    return routes


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/same/1/1", (200, "/same/{a}/{b}")),
        ("/v1/orgs/acme/x/items/5", (200, "/v1/orgs/{org}/x/items/{item_id}")),
        ("/v2/orgs/acme/x/items/5", (200, "/v2/orgs/{org}/x/items/{item_id}")),
        ("/v1/orgs/5/x/items/files/a/b.txt", (200, "/v1/orgs/{org}/x/items/files/{file}")),
        ("/v1/raw/x", (200, "/v1/raw/{raw}")),
        ("/sub/things/9", (200, "/sub/things/{thing}")),
        ("/tenants/ten/things/9", (200, "/tenants/{tenant}/things/{thing}")),
        ("/tenants/tenants/things/tenants", (200, "/tenants/{tenant}/things/{thing}")),
        ("/wrapped/things/9", (200, "/wrapped/things/{thing}")),
        ("/static/deep/a.txt", (200, "/static/{path}")),
        ("/old/a/1", (200, "/old/a/{b}")),
        ("/old/deeper/1", (200, "/old/deeper/{c}")),
        ("/plain/3", (200, "/plain/{p}")),
        ("/also-plain/3/4", (200, "/also-plain/{p}/{q}")),
        ("/docs", (200, "/docs")),
        # No route, no template: the server derives one from the path.
        ("/nope", (404, None)),
        ("/sub/nope", (404, None)),
        ("/static/nope", (404, None)),
        ("/plain/3/", (307, None)),
    ],
)
def test_route(routes_of: Any, path: str, expected: "tuple[int, Optional[str]]") -> None:
    assert routes_of(path) == expected


def test_the_wrong_method_has_the_route_of_the_right_one(routes_of: Any) -> None:
    assert routes_of("/same/1/2", "DELETE") == (405, "/same/{a}/{b}")


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/orgs/acme/x/items/5", "/v1/orgs/{org}/x/items/{item_id}"),
        ("/plain/3", "/plain/{p}"),
    ],
)
def test_a_prefix_that_the_proxy_took_away_is_not_in_the_route(
    routes_of: Any, path: str, route: str
) -> None:
    assert routes_of(path, root_path="/api") == (200, route)


def test_starlette_alone(sink: Sink) -> None:
    app = Starlette(
        routes=[
            Route("/users/{id:int}", plain),
            Route("/twice/{a}", other),
            Route("/again/{a}/{b}", other),
            Mount("/m/{tenant}", routes=[Route("/x/{y}", plain)]),
        ]
    )
    app.add_middleware(
        starlette.Analytics, api_key="k", config=starlette.Config(server_url=sink.url)
    )
    client = TestClient(app)
    expected = {
        "/users/7": "/users/{id}",
        "/twice/1": "/twice/{a}",
        "/again/1/2": "/again/{a}/{b}",
        "/m/acme/x/3": "/m/{tenant}/x/{y}",
    }
    for path in expected:
        assert client.get(path).status_code == 200
    # A route that is added later is found too.
    app.add_route("/late/{x}", late)
    expected["/late/1"] = "/late/{x}"
    assert client.get("/late/1").status_code == 200
    assert starlette.Analytics.flush()
    assert {hit["path"]: hit.get("route") for hit in sink.hits()} == expected
    assert sink.posts[0].body["framework"] == "Starlette"
