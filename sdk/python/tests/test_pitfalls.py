"""Known problems of middleware in FastAPI apps, which this one does not cause."""

import asyncio
import contextvars
import threading
import time
from contextlib import asynccontextmanager
from typing import Any, Optional

import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, WebSocket
from fastapi.testclient import TestClient
from sink import Sink
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, StreamingResponse

from api_analytics.fastapi import Analytics, Config


def watch(app: FastAPI, sink: Sink, key: str = "k") -> None:
    app.add_middleware(Analytics, api_key=key, config=Config(server_url=sink.url))


def flushed(sink: Sink) -> "list[dict[str, Any]]":
    assert Analytics.flush()
    return sink.hits()


def statuses(sink: Sink) -> "dict[str, int]":
    return {hit["path"]: hit["status"] for hit in flushed(sink)}


@pytest.fixture
def app(sink: Sink) -> FastAPI:
    app = FastAPI()
    watch(app, sink)
    return app


def test_background_tasks_run_after_the_response_and_do_not_count(app: FastAPI, sink: Sink) -> None:
    done = threading.Event()

    def task() -> None:
        time.sleep(1.5)
        done.set()

    @app.get("/")
    def root(tasks: BackgroundTasks) -> str:
        tasks.add_task(task)
        return "ok"

    with TestClient(app) as client:
        assert client.get("/").json() == "ok"
    assert done.is_set()
    (hit,) = flushed(sink)
    assert hit["response_time"] < 1_490


def test_a_background_task_that_fails_does_not_change_the_status(app: FastAPI, sink: Sink) -> None:
    def task() -> None:
        raise LookupError

    @app.get("/")
    def root(tasks: BackgroundTasks) -> str:
        tasks.add_task(task)
        return "ok"

    with pytest.raises(LookupError):
        TestClient(app).get("/")
    assert statuses(sink) == {"/": 200}


def test_streaming(app: FastAPI, sink: Sink) -> None:
    @app.get("/")
    def root() -> StreamingResponse:
        async def chunks() -> Any:
            for number in range(5):
                await asyncio.sleep(0.02)
                yield f"{number}\n"

        return StreamingResponse(chunks())

    assert TestClient(app).get("/").text == "0\n1\n2\n3\n4\n"
    (hit,) = flushed(sink)
    assert hit["response_time"] >= 95  # a timer may be a little short
    assert hit["response_size"] == 10


def test_exceptions_and_their_handlers(app: FastAPI, sink: Sink) -> None:
    class TeapotError(Exception):
        pass

    @app.exception_handler(TeapotError)
    def teapot(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"short": "stout"}, status_code=418)

    @app.get("/http")
    def http() -> None:
        raise HTTPException(403, headers={"x-why": "tests"})

    @app.get("/handled")
    def handled() -> None:
        raise TeapotError

    @app.get("/unhandled")
    def unhandled() -> None:
        raise LookupError

    @app.get("/invalid")
    def invalid(number: int) -> int:
        return number

    client = TestClient(app, raise_server_exceptions=False)
    response = client.get("/http")
    assert (response.status_code, response.headers["x-why"]) == (403, "tests")
    assert client.get("/handled").json() == {"short": "stout"}
    assert client.get("/unhandled").status_code == 500
    assert client.get("/invalid?number=x").status_code == 422
    assert client.get("/missing").status_code == 404
    assert statuses(sink) == {
        "/http": 403,
        "/handled": 418,
        "/unhandled": 500,
        "/invalid": 422,
        "/missing": 404,
    }
    with pytest.raises(LookupError):  # not swallowed
        TestClient(app).get("/unhandled")


def test_context_variables_reach_both_ways(app: FastAPI, sink: Sink) -> None:
    """BaseHTTPMiddleware runs the app in its own task, where values set by an endpoint are lost."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    seen = []

    class Outer:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            variable.set("from outside")
            await self.app(scope, receive, send)
            seen.append(variable.get())

    app.add_middleware(Outer)

    @app.get("/")
    async def root() -> str:
        was = variable.get()
        variable.set("from inside")
        return was

    assert TestClient(app).get("/").json() == "from outside"
    assert seen == ["from inside"]


@pytest.mark.parametrize("cors_outside", [True, False])
def test_cors_in_front_and_behind(sink: Sink, cors_outside: bool) -> None:
    app = FastAPI()
    if not cors_outside:
        app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"])
    watch(app, sink)
    if cors_outside:
        app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"])

    @app.get("/")
    def root() -> str:
        return "ok"

    client = TestClient(app)
    origin = {"origin": "https://a.example"}
    preflight = client.options("/", headers={**origin, "access-control-request-method": "GET"})
    assert preflight.status_code == 200
    answer = client.get("/", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    methods = [hit["method"] for hit in flushed(sink)]
    # Outside, CORS answers the preflight itself, and we never see it.
    assert methods == (["GET"] if cors_outside else ["OPTIONS", "GET"])


@pytest.mark.parametrize("gzip_outside", [True, False])
def test_gzip_in_front_and_behind(sink: Sink, gzip_outside: bool) -> None:
    app = FastAPI()
    if not gzip_outside:
        app.add_middleware(GZipMiddleware)
    watch(app, sink)
    if gzip_outside:
        app.add_middleware(GZipMiddleware)

    @app.get("/")
    def root() -> str:
        return "x" * 5000

    answer = TestClient(app).get("/")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json() == "x" * 5000
    (hit,) = flushed(sink)
    assert (hit["response_size"] == 5002) == gzip_outside
    assert (hit["response_size"] < 500) != gzip_outside


@pytest.mark.parametrize("outside", [True, False])
def test_beside_base_http_middleware(sink: Sink, outside: bool) -> None:
    app = FastAPI()

    async def dispatch(request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["x-other"] = "yes"
        return response

    if not outside:
        app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)
    watch(app, sink)
    if outside:
        app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)

    @app.post("/users/{user_id}")
    async def user(user_id: int, request: Request) -> Any:
        return await request.json()

    answer = TestClient(app).post("/users/3", content=b'{"a": 1}')
    assert (answer.json(), answer.headers["x-other"]) == ({"a": 1}, "yes")
    (hit,) = flushed(sink)
    assert (hit["route"], hit["status"], hit["request_size"]) == ("/users/{user_id}", 200, 8)


def test_the_body_is_left_to_the_endpoint(app: FastAPI, sink: Sink) -> None:
    @app.post("/")
    async def root(request: Request) -> int:
        return len(await request.body())

    assert TestClient(app).post("/", content=b"x" * 300_000).json() == 300_000
    assert flushed(sink)[0]["request_size"] == 300_000


def test_websockets_work_and_are_not_recorded(app: FastAPI, sink: Sink) -> None:
    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    @app.get("/")
    def root() -> str:
        return "ok"

    client = TestClient(app)
    with client.websocket_connect("/ws") as socket:
        socket.send_text("echo")
        assert socket.receive_text() == "echo"
    client.get("/")
    assert statuses(sink) == {"/": 200}


def test_the_lifespan_runs_once_each_way(sink: Sink) -> None:
    events = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        events.append("up")
        yield {"from": "lifespan"}
        events.append("down")

    app = FastAPI(lifespan=lifespan)
    watch(app, sink)

    @app.get("/")
    def root(request: Request) -> "dict[str, Optional[str]]":
        return {"from": getattr(request.state, "from")}

    with TestClient(app) as client:
        assert client.get("/").json() == {"from": "lifespan"}
        assert events == ["up"]
    assert events == ["up", "down"]
    assert len(sink.hits()) == 1  # posted by the shutdown, not by a flush


def test_a_lifespan_without_a_server_to_post_to_ends_at_once(sink: Sink) -> None:
    """Test suites start and stop apps all the time, without any server."""
    app = FastAPI()
    watch(app, sink)
    sink.stop()
    began = time.monotonic()
    for _ in range(5):
        with TestClient(app) as client:
            client.get("/")
    # If each waited for its two seconds, ten.
    assert time.monotonic() - began < 8


def test_mounted_apps_count_once_per_key(sink: Sink) -> None:
    sub = FastAPI()
    watch(sub, sink, "key-of-both")

    @sub.get("/x")
    def x() -> str:
        return "x"

    app = FastAPI()
    watch(app, sink, "key-of-both")
    watch(app, sink, "key-of-both")  # added twice by accident
    watch(app, sink, "another-key")
    app.mount("/sub", sub)

    assert TestClient(app).get("/sub/x").status_code == 200
    assert Analytics.flush()
    posted = [(p.headers["x-auth-token"], len(p.body["requests"])) for p in sink.posts]
    assert sorted(posted) == [("another-key", 1), ("key-of-both", 1)]
    assert {hit["path"] for hit in sink.hits()} == {"/sub/x"}
    assert {hit["route"] for hit in sink.hits()} == {"/sub/x"}


def test_sync_endpoints_in_threads(app: FastAPI, sink: Sink) -> None:
    @app.get("/{number}")
    def root(number: int) -> int:
        time.sleep(0.01)
        return threading.get_ident()

    client = TestClient(app)
    for number in range(20):
        assert client.get(f"/{number}").status_code == 200
    assert {hit["path"] for hit in flushed(sink)} == {f"/{n}" for n in range(20)}
