"""The same requests to every framework in a real server give the same hits."""

import http.client
import socket
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Optional

import pytest
from running import App, Running
from sink import Sink

GUNICORN = ["gunicorn", "--bind", "127.0.0.1:{port}", "--log-level", "warning"]
UVICORN = ["uvicorn", "--port", "{port}", "--log-level", "warning"]


Request = tuple[str, str]
# Status, template, size of the response if all frameworks agree on it.
Expected = dict[Request, tuple[int, Optional[str], Optional[int]]]


@dataclass
class Framework:
    name: str
    command: "list[str]"
    env: "dict[str, str]" = field(default_factory=dict)
    # The routes that it has templates for: False for frameworks whose templates nobody can see.
    has_routes: bool = True
    # The template of a mounted router's prefix, if it has mounts.
    mount: str = "/orgs/{org}"
    # Whether the server always notices a caller that leaves before there is an answer.
    sees_leavers: bool = False
    extra: Expected = field(default_factory=dict)


def is_installed(package: str, least: int = 0) -> bool:
    try:
        return int(version(package).partition(".")[0]) >= least
    except PackageNotFoundError:
        return False


FRAMEWORKS = {
    "wsgi": Framework(
        "WSGI",
        [*GUNICORN, "apps.wsgi_app:app"],
        has_routes=False,
        mount="",
        extra={("GET", "/late-boom"): (500, None, None)},
    ),
    "flask": Framework("Flask", [*GUNICORN, "apps.flask_app:app"]),
    "django": Framework("Django", [*GUNICORN, "apps.django_app:app"]),
    "django-async": Framework(
        "Django",
        [*UVICORN, "apps.django_app:asgi_app"],
        {"DJANGO_ASYNC": "1"},
        # Older ones do not ask the server for it.
        sees_leavers=is_installed("django", 5),
    ),
    "litestar": Framework("ASGI", [*UVICORN, "apps.litestar_app:app"]),
    "quart": Framework("Quart", [*UVICORN, "apps.quart_app:app"], sees_leavers=True),
    "falcon": Framework("Falcon", [*GUNICORN, "apps.falcon_app:app"]),
    "falcon-async": Framework("Falcon", [*UVICORN, "apps.falcon_app:asgi_app"]),
    "aiohttp": Framework(
        "aiohttp", ["apps.aiohttp_app", "{port}"], mount="/orgs/acme", sees_leavers=True
    ),
    "tornado": Framework(
        "Tornado",
        ["apps.tornado_app", "{port}"],
        has_routes=False,
        sees_leavers=True,
        extra={("GET", "/stream"): (200, None, None)},
    ),
    "tornado-base": Framework(
        "Tornado",
        ["apps.tornado_app", "{port}"],
        {"TORNADO_BASE": "1"},
        has_routes=False,
        sees_leavers=True,
        extra={("GET", "/stream"): (200, None, None)},
    ),
}

EXPECTED: Expected = {
    ("GET", "/items/1"): (200, "/items/{item_id}", 5),
    ("HEAD", "/items/2"): (200, "/items/{item_id}", 0),
    ("POST", "/orders"): (201, "/orders", 1000),
    ("GET", "/empty"): (204, "/empty", 0),
    ("GET", "/moved"): (302, "/moved", None),
    ("GET", "/gone/x"): (404, "/gone/{name}", None),
    ("GET", "/no/route"): (404, None, None),
    ("GET", "/boom/1"): (500, "/boom/{item_id}", None),
    ("GET", "/stream"): (200, "/stream", 400),
    ("GET", "/slow"): (200, "/slow", 4),
}
MOUNTED: Expected = {
    ("GET", "/orgs/acme/items/3"): (200, "/orgs/{org}/items/{item_id}", 5),
    ("GET", "/orgs/acme/boom/3"): (500, "/orgs/{org}/boom/{item_id}", None),
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_same_hits_from_every_framework(name: str, sink: Sink, running: Running) -> None:
    framework = FRAMEWORKS[name]
    if name != "wsgi" and not is_installed(name.partition("-")[0]):
        pytest.skip("not installed")
    app = running.start(framework.command, sink.url, "k", **framework.env)
    expected = {**EXPECTED, **(MOUNTED if framework.mount else {}), **framework.extra}
    for (method, path), (status, _, _) in expected.items():
        assert request(app, method, path) == status, (method, path, app.log())
    leave(app, "/slow?left", after=0.1)
    time.sleep(0.25)
    leave(app, "/stream?left", after=0.08)
    time.sleep(0.15)
    app.stop()
    hits = sink.wait_for_hits(len(expected) + 2, 3)
    assert {post.body["framework"] for post in sink.posts} == {framework.name}

    *hits, slow, stream = sorted(hits, key=lambda hit: hit["created_at"])
    # A server without an event loop sees it if its second write fails.
    assert slow["status"] in ([499] if framework.sees_leavers else [200, 499]), app.log()
    assert (stream["path"], stream["status"]) == ("/stream", 200)
    assert len(hits) == len(expected)
    for hit in hits:
        asked = (hit["method"], hit["path"])
        status, route, size = expected[asked]
        if not framework.has_routes:
            route = None
        elif route is not None:
            route = route.replace("/orgs/{org}", framework.mount)
        assert (hit["status"], hit.get("route")) == (status, route), asked
        if size is not None:
            assert hit["response_size"] == size, asked
        assert hit["hostname"] == hit["ip_address"] == "127.0.0.1"
        assert (hit["user_agent"], hit["user_id"]) == ("tests/1", "alice")
        assert hit["referrer"] == "https://example.com/a"
        assert hit.get("request_size") == (1000 if asked[0] == "POST" else None)
        least = {"/stream": 145, "/slow": 295}.get(hit["path"], 0)
        assert least <= hit["response_time"] < least + 1000, asked
        if "/items/" in hit["path"] and not hit["path"].startswith("/orgs"):
            assert hit["request_id"] == "id-1"


HEADERS = {"x-user": "alice", "user-agent": "tests/1", "referer": "https://example.com/a?secret=1"}


def request(app: App, method: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=30)
    try:
        body = b"o" * 1000 if method == "POST" else None
        connection.request(method, path + "?secret=1", body, HEADERS)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def leave(app: App, path: str, after: float) -> None:
    with socket.create_connection(("127.0.0.1", app.port)) as connection:
        head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n{head}\r\n".encode())
        time.sleep(after)


@pytest.mark.parametrize("name", ["sanic", "blacksheep"])
def test_the_asgi_wrapper_records_frameworks_without_an_adapter(
    name: str, sink: Sink, running: Running
) -> None:
    if not is_installed(name):
        pytest.skip("not installed")
    app = running.start([*UVICORN, f"apps.{name}_app:app"], sink.url, "k")
    paths = {"/items/1": 200, "/boom/1": 500, "/no/route": 404}
    for path, status in paths.items():
        assert request(app, "GET", path) == status, app.log()
    app.stop()
    hits = sink.wait_for_hits(len(paths), 3)
    assert {hit["path"]: hit["status"] for hit in hits} == paths
    assert all("route" not in hit for hit in hits)
