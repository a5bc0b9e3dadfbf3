"""The cost of the middleware. Prints `name value unit aim`, one figure a line.

    ./bench.sh [--out results.json] [--server URL --key KEY] [--quick]

Each variant runs in processes of its own, because they patch what they watch. In-process figures
call the ASGI or WSGI app directly, as a server would, with the headers of a browser. "Inline" is
the CPU time of the event loop's thread with nothing posted meanwhile; "flushing" runs long enough
for many flushes against a live server (the one given, else one inside this program that reads and
forgets) and counts all CPU time of the process, the background thread's too. Both are the
difference to the bare app, medians of processes that take turns: a busy machine still shows, so
look at more than one run.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Optional

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src"
VARIANTS = ("bare", "ours", "fastapi-analytics", "apitally")
HEADERS = [
    (b"host", b"api.example.com:8000"),
    (
        b"user-agent",
        b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        b"Chrome/126.0.0.0 Safari/537.36",
    ),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"accept-language", b"en-GB,en;q=0.9"),
    (b"referer", b"https://example.com/shop"),
    (b"connection", b"keep-alive"),
]


def make_app(variant: str, server_url: str, key: str) -> Any:
    """A FastAPI app with one route, watched by `variant`."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/users/{user_id}")
    async def user(user_id: int) -> "dict[str, int]":
        return {"id": user_id}

    if variant == "ours":
        sys.path.insert(0, str(SOURCE))
        from api_analytics.fastapi import Analytics, Config

        app.add_middleware(Analytics, api_key=key, config=Config(server_url=server_url))
    elif variant == "fastapi-analytics":
        from api_analytics.fastapi import Analytics, Config  # type: ignore[assignment]

        app.add_middleware(Analytics, api_key=key, config=Config(server_url=server_url))
    elif variant == "apitally":
        import apitally.fastapi

        # Its own server is never contacted: its posts go to ours.
        apitally.fastapi.init(
            app, write_token="apt_" + "a" * 24, env="bench", otlp_endpoint=server_url
        )
    return app


def scope_of(number: int) -> "dict[str, Any]":
    path = f"/users/{number}"
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(HEADERS),
        "client": ("203.0.113.9", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


async def receive() -> "dict[str, Any]":
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(_: Any) -> None:
    return


async def call(app: Any, count: int) -> float:
    """Microseconds of this thread's CPU per request."""
    began = time.thread_time()
    for number in range(count):
        await app(scope_of(number), receive, send)
    return (time.thread_time() - began) / count * 1e6


async def inline(variant: str, server_url: str, key: str, rounds: int) -> "dict[str, float]":
    """Microseconds a request of the bare app, and what a watched one takes longer.

    In one process and in turns, as processes differ by more than what is to be seen; of three
    rounds in a row the quickest counts, as whatever disturbs a round makes it longer.
    """
    bare = make_app("bare", "", "")
    await call(bare, 1000)
    if variant == "apitally":
        # It changes the framework for all apps of its process, so the bare one must come first.
        base = [await _quickest(bare) for _ in range(rounds)]
        watched = make_app(variant, server_url, key)
        await call(watched, 1000)
        extra = [await _quickest(watched) - statistics.median(base) for _ in range(rounds)]
        return {"bare": statistics.median(base), "extra": statistics.median(extra)}
    watched = make_app(variant, server_url, key)
    await call(watched, 1000)
    incoming: Any = _hold_back() if variant == "ours" else []
    base, extra = [], []
    for number in range(rounds):
        if number % 2:
            base.append(await _quickest(bare))
            extra.append(await _quickest(watched) - base[-1])
        else:
            took = await _quickest(watched)
            base.append(await _quickest(bare))
            extra.append(took - base[-1])
        incoming.clear()
    return {"bare": statistics.median(base), "extra": statistics.median(extra)}


def inline_wsgi(framework: str, server_url: str, key: str, rounds: int) -> "dict[str, float]":
    """`inline` for a WSGI framework, with our client."""
    make = _make_flask if framework == "flask" else _make_django
    bare, watched = make(False, server_url, key), make(True, server_url, key)
    for app in (bare, watched):
        _call_wsgi(app, 500)
    incoming = _hold_back()
    base, extra = [], []
    for _ in range(rounds):
        base.append(min(_call_wsgi(bare, 50) for _ in range(3)))
        extra.append(min(_call_wsgi(watched, 50) for _ in range(3)) - base[-1])
        incoming.clear()
    return {"bare": statistics.median(base), "extra": statistics.median(extra)}


def _make_flask(is_watched: bool, server_url: str, key: str) -> Any:
    from flask import Flask

    app = Flask(__name__)

    @app.get("/users/<int:user_id>")
    def user(user_id: int) -> "dict[str, int]":
        return {"id": user_id}

    if is_watched:
        from api_analytics.flask import Analytics, Config

        Analytics(app, key, Config(server_url=server_url))
    return app


def _make_django(is_watched: bool, server_url: str, key: str) -> Any:
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import JsonResponse
    from django.urls import path

    from api_analytics.django import Config

    def user(_: Any, user_id: int) -> JsonResponse:
        return JsonResponse({"id": user_id})

    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=type("Urls", (), {"urlpatterns": [path("users/<int:user_id>", user)]}),
            ALLOWED_HOSTS=["*"],
            LOGGING_CONFIG=None,
            ANALYTICS_API_KEY=key,
            ANALYTICS_CONFIG=Config(server_url=server_url),
        )
        django.setup()
    settings.MIDDLEWARE = ["api_analytics.django.Analytics"] if is_watched else []
    return WSGIHandler()


def _call_wsgi(app: Any, count: int) -> float:
    """Microseconds of this thread's CPU per request."""
    import io

    began = time.thread_time()
    for number in range(count):
        environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/users/{number}",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "REMOTE_ADDR": "203.0.113.9",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            **_ENVIRON,
        }
        body = app(environ, lambda *_: None)
        for _ in body:
            pass
        body.close()
    return (time.thread_time() - began) / count * 1e6


_ENVIRON = {f"HTTP_{n.decode().upper().replace('-', '_')}": v.decode() for n, v in HEADERS}


async def _quickest(app: Any) -> float:
    return min([await call(app, 50) for _ in range(3)])


def _hold_back() -> Any:
    """Makes our client's thread sleep, so that hits stay where this program looks at them."""
    from api_analytics import queue as module

    module.FLUSH_EVERY_SECONDS = 10.0**6
    assert module.queue.flush(5)
    time.sleep(0.1)  # until the thread waits for that time
    module.queue.mark = 10**9
    return module.queue.incoming


async def cpu(variant: str, server_url: str, key: str, requests: int) -> float:
    """CPU microseconds per request, including flushes, at full speed in 20 tasks."""
    app = make_app(variant, server_url, key)
    await call(app, 500)
    began = time.process_time()
    await asyncio.gather(*(call(app, requests // 20) for _ in range(20)))
    if variant == "ours":
        from api_analytics.fastapi import Analytics

        assert await asyncio.to_thread(Analytics.flush, 10), "the server did not take it all"
    return (time.process_time() - began) / requests * 1e6


def memory(server_url: str, key: str) -> float:
    """Bytes that a waiting hit holds, its strings included."""
    from api_analytics.queue import MAX_HELD

    app = make_app("ours", server_url, key)
    asyncio.run(call(app, 200))
    incoming = _hold_back()
    count = MAX_HELD - 100
    tracemalloc.start()

    async def fill() -> int:
        before = tracemalloc.get_traced_memory()[0]
        await call(_fresh(app), count)
        import gc

        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    held = asyncio.run(fill())
    assert len(incoming) == count
    return held / count


def _fresh(app: Any) -> Any:
    """Header bytes that no other request shares, as in a real server."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        scope["headers"] = [(bytes(bytearray(n)), bytes(bytearray(v))) for n, v in HEADERS]
        scope["client"] = (str(bytearray(b"203.0.113.9"), "ascii"), 50000)
        await app(scope, receive, send)

    return call


def import_ms() -> float:
    """CPU milliseconds that importing the middleware adds to importing FastAPI; median of 15."""
    code = (
        f"import sys, time; sys.path.insert(0, {str(SOURCE)!r}); import fastapi;"
        "began = time.process_time(); import api_analytics.fastapi;"
        "print((time.process_time() - began) * 1000)"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(15)
    ]
    return statistics.median(times)


def throughput(variant: str, server_url: str, key: str, seconds: float) -> float:
    """Requests per second of one uvicorn process, over 32 kept-alive connections."""
    script = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); import bench, uvicorn;"
        f"app = bench.make_app({variant!r}, {server_url!r}, {key!r});"
        "uvicorn.run(app, port=int(sys.argv[1]), log_level='error', access_log=False)"
    )
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", script, str(port)], env=_environment())
    try:
        return asyncio.run(_load(port, seconds))
    finally:
        process.terminate()
        process.wait(20)


async def _load(port: int, seconds: float) -> float:
    head = b"".join(b"%s: %s\r\n" % pair for pair in HEADERS)
    deadline = time.monotonic() + 20
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    served = 0
    end = 0.0

    async def client() -> None:
        nonlocal served
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < end:
            writer.write(b"GET /users/7 HTTP/1.1\r\n" + head + b"\r\n")
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            await reader.readexactly(len(b'{"id":7}'))
            served += 1
        writer.close()

    end = time.monotonic() + 1
    await asyncio.gather(*(client() for _ in range(32)))
    served, end = 0, time.monotonic() + seconds
    began = time.monotonic()
    await asyncio.gather(*(client() for _ in range(32)))
    return served / (time.monotonic() - began)


class _Forgets(BaseHTTPRequestHandler):
    """A server that accepts every batch."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"status":200,"message":"","accepted":1,"rejected":[]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


def _environment() -> "dict[str, str]":
    return {k: v for k, v in os.environ.items() if not k.startswith("API_ANALYTICS_")}


def _in_process(what: str, *arguments: object) -> Any:
    """Runs one measurement in its own process; None if the variant's package is missing."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", what, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=_environment(),
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["?"])[-1]
        print(f"# {what} {arguments[0] if arguments else ''} not measured: {last}")
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def _take_turns(what: str, turns: int, *arguments: object) -> "dict[str, Any]":
    """The median of several processes for each variant, one after the other; None if it fails."""
    took: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for _ in range(turns):
        for variant in VARIANTS:
            one = _in_process(what, variant, *arguments)
            if one is not None:
                took[variant].append(one)
    return {v: statistics.median(several) if several else None for v, several in took.items()}


def measure(what: str, arguments: "list[str]") -> Any:
    if what == "inline":
        variant, url, key, rounds = arguments
        return asyncio.run(inline(variant, url, key, int(rounds)))
    if what == "inline_wsgi":
        framework, url, key, rounds = arguments
        sys.path.insert(0, str(SOURCE))
        return inline_wsgi(framework, url, key, int(rounds))
    if what == "cpu":
        variant, url, key, requests = arguments
        return asyncio.run(cpu(variant, url, key, int(requests)))
    if what == "memory":
        sys.path.insert(0, str(SOURCE))
        return memory(*arguments)
    raise ValueError(what)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--server", help="a live API Analytics server")
    arguments.add_argument("--key", default="11111111-2222-3333-4444-555555555555")
    arguments.add_argument("--quick", action="store_true", help="a tenth of the work")
    arguments.add_argument("--measure", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        result = measure(given.measure[0], given.measure[1:])
        print(json.dumps(result), flush=True)
        os._exit(0)  # the others' clients have threads and tasks of their own to end

    forgets = ThreadingHTTPServer(("127.0.0.1", 0), _Forgets)
    threading.Thread(target=forgets.serve_forever, daemon=True).start()
    nowhere = f"http://127.0.0.1:{forgets.server_port}"
    server = given.server or nowhere
    scale = 10 if given.quick else 1
    results: list[dict[str, Any]] = []

    def tell(name: str, value: Optional[float], unit: str, aim: str = "") -> None:
        if value is not None:
            results.append({"name": name, "value": round(value, 2), "unit": unit, "aim": aim})
            print(f"{name:44} {value:10.2f} {unit:12} {aim}", flush=True)

    aims = {"ours": "at most 6"}
    turns = 1 if given.quick else 5
    bare: list[float] = []
    for variant in VARIANTS[1:]:
        # A cost of hundreds of microseconds needs no such care.
        rounds = 300 if variant == "ours" else 60
        runs = [
            _in_process("inline", variant, nowhere, given.key, rounds // scale)
            for _ in range(turns)
        ]
        several = [run for run in runs if run is not None]
        bare += [run["bare"] for run in several]
        if several:
            extra = statistics.median(run["extra"] for run in several)
            tell(f"python_inline_{variant}", extra, "us/request", aims.get(variant, ""))
    tell("python_bare", statistics.median(bare), "us/request")

    for framework in ("flask", "django"):
        runs = [
            _in_process("inline_wsgi", framework, nowhere, given.key, 300 // scale)
            for _ in range(turns)
        ]
        several = [run for run in runs if run is not None]
        if several:
            for name, part in (("inline", "extra"), ("bare", "bare")):
                value = statistics.median(run[part] for run in several)
                aim = "at most 6" if part == "extra" else ""
                tell(f"python_{name}_{framework}", value, "us/request", aim)

    flushing = _take_turns("cpu", 1 if given.quick else 3, server, given.key, 40_000 // scale)
    for variant in VARIANTS[1:]:
        if flushing[variant] is not None:
            aim = "at most 20" if variant == "ours" else ""
            extra = flushing[variant] - flushing["bare"]
            tell(f"python_flushing_{variant}", extra, "us/request", aim)

    tell(
        "python_bytes_a_queued_hit",
        _in_process("memory", server, given.key),
        "bytes",
        "at most 1024",
    )
    tell("python_import", import_ms(), "ms", "at most 30")
    for variant in VARIANTS:
        rate = throughput(variant, server, given.key, 6 / scale)
        tell(f"python_uvicorn_{variant}", rate, "requests/s")

    if given.out:
        given.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
