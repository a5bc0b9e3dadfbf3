"""Flask: its contexts, its middleware, and the original's way to add the client."""

from typing import Any

import pytest
from sink import Sink

pytest.importorskip("flask")

from flask import Blueprint, Flask, g, send_file
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from api_analytics.flask import Analytics, Config, add_middleware


def make_app(**config: Any) -> Flask:
    app = Flask(__name__)
    below = Blueprint("below", __name__, url_prefix="/v1/<tenant>")

    @app.get("/items/<int:item_id>")
    @below.get("/items/<any(a, b):item_id>")
    def item(item_id: Any, tenant: str = "") -> str:
        g.user = "alice"
        return "hello"

    @app.get("/boom")
    def boom() -> str:
        raise LookupError

    @app.get("/file")
    def file() -> Any:
        return send_file(__file__)

    app.register_blueprint(below)
    app.testing = False
    return app


def hit_of(sink: Sink, app: Any, path: str, **given: Any) -> "dict[str, Any]":
    before = len(sink.hits())
    Client(app).open(path, buffered=True, **given).close()
    assert Analytics.flush()
    (hit,) = sink.hits()[before:]
    return hit


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/items/1", 200, "/items/{item_id}"),
        ("/v1/acme/items/a", 200, "/v1/{tenant}/items/{item_id}"),
        ("/v1/acme/items/c", 404, None),
        ("/items/x", 404, None),
        ("/boom", 500, "/boom"),
        ("/file", 200, "/file"),
    ],
)
def test_route(sink: Sink, path: str, status: int, route: Any) -> None:
    app = make_app()
    Analytics(app, "k", Config(server_url=sink.url))
    hit = hit_of(sink, app, path)
    assert (hit["status"], hit.get("route"), hit["path"]) == (status, route, path)
    assert sink.posts[0].body["framework"] == "Flask"


def test_a_mounted_app_has_its_prefix(sink: Sink) -> None:
    app = make_app()
    Analytics(app, "k", Config(server_url=sink.url))
    hit = hit_of(sink, DispatcherMiddleware(Flask("outer"), {"/sub": app}), "/sub/items/1")
    assert (hit["path"], hit["route"]) == ("/sub/items/1", "/sub/items/{item_id}")


def test_a_trusted_proxy_s_address_and_prefix(sink: Sink) -> None:
    """Its prefix is not in the path that the app got, so it is not in the route either."""
    app = make_app()
    app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1, x_host=1)  # type: ignore[method-assign]
    Analytics(app, "k", Config(server_url=sink.url))
    headers = {
        "X-Forwarded-For": "198.51.100.1",
        "X-Forwarded-Prefix": "/api",
        "X-Forwarded-Host": "api.example.com",
    }
    hit = hit_of(sink, app, "/items/1", headers=headers)
    assert (hit["path"], hit["route"]) == ("/items/1", "/items/{item_id}")
    assert (hit["ip_address"], hit["hostname"]) == ("198.51.100.1", "api.example.com")


def test_mappers_see_the_request_s_context(sink: Sink) -> None:
    app = make_app()
    config = Config(server_url=sink.url)
    config.get_user_id = lambda request: f"{g.user} {request.endpoint}"
    config.get_path = lambda request: request.path.upper()
    add_middleware(app, "k", config)
    hit = hit_of(sink, app, "/items/1")
    assert (hit["user_id"], hit["path"]) == ("alice item", "/ITEMS/1")


def test_a_mapper_that_fails_costs_its_field(sink: Sink) -> None:
    app = make_app()
    add_middleware(app, "k", Config(server_url=sink.url, get_user_id=lambda _: g.nobody))
    hit = hit_of(sink, app, "/items/1")
    assert hit["status"] == 200
    assert "user_id" not in hit


def test_an_error_that_flask_passes_on_is_a_500(sink: Sink) -> None:
    app = make_app()
    app.config["PROPAGATE_EXCEPTIONS"] = True
    config = Config(server_url=sink.url, get_user_id=lambda request: request.path)
    Analytics(app, "k", config)
    with pytest.raises(LookupError):
        Client(app).get("/boom")
    assert Analytics.flush()
    (hit,) = sink.hits()
    # There was no response at whose start it could have been asked, so it gets a request anew.
    assert (hit["status"], hit["user_id"]) == (500, "/boom")


def test_wrapping_the_wsgi_app_itself(sink: Sink) -> None:
    app = make_app()
    inner = app.wsgi_app
    app.wsgi_app = Analytics(inner, "k", Config(server_url=sink.url))  # type: ignore[method-assign]
    assert hit_of(sink, app, "/items/1")["route"] == "/items/{item_id}"
