"""Real server processes, real connections: every served request arrives, once."""

import http.client
import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from typing import Any

import pytest
from running import App, Running, run_script
from sink import Sink, answer_as_product, hang

APP = "apps.shop_app:app"
UVICORN = ["uvicorn", APP, "--port", "{port}", "--log-level", "warning"]
GUNICORN = ["gunicorn", APP, "--bind", "127.0.0.1:{port}", "--log-level", "warning"]
GUNICORN_UVICORN = [*GUNICORN, "--workers", "3", "--worker-class", "uvicorn_worker.UvicornWorker"]
HYPERCORN = ["hypercorn", APP, "--bind", "127.0.0.1:{port}", "--log-level", "warning"]

SERVERS = {
    "uvicorn": UVICORN,
    "uvicorn-uvloop": [*UVICORN, "--loop", "uvloop", "--http", "httptools"],
    "uvicorn-asyncio-h11": [*UVICORN, "--loop", "asyncio", "--http", "h11"],
    "uvicorn-4-workers": [*UVICORN, "--workers", "4"],
    "gunicorn": GUNICORN_UVICORN,
    "gunicorn-preload": [*GUNICORN_UVICORN, "--preload"],
    "hypercorn": HYPERCORN,
    "hypercorn-2-workers": [*HYPERCORN, "--workers", "2"],
}
SLOW = os.environ.get("API_ANALYTICS_SLOW") == "1"


def mixed_paths(count: int) -> "list[str]":
    kinds = ["/items/{}", "/slow/{}", "/boom/{}", "/stream/{}", "/missing/{}", "/items/x{}"]
    return [kinds[number % len(kinds)].format(number) for number in range(count)]


def arrived(sink: Sink) -> "Counter[tuple[str, int]]":
    return Counter((hit["path"], hit["status"]) for hit in sink.hits())


def each_once(served: "dict[str, int]") -> "Counter[tuple[str, int]]":
    return Counter(served.items())


def assert_arrives(sink: Sink, served: "dict[str, int]", seconds: float = 30.0) -> None:
    sink.wait_for_hits(len(served), seconds)
    assert arrived(sink) == each_once(served)


@pytest.mark.parametrize("server", SERVERS)
def test_what_was_served_arrives_once_also_with_sigterm_at_the_end(
    server: str, sink: Sink, running: Running
) -> None:
    app = running.start(SERVERS[server], sink.url, "k")
    served = app.get_all(mixed_paths(600), threads=50)
    assert set(served.values()) == {200, 404, 422, 500}
    app.stop()  # at once: what waits for its five seconds must leave now
    assert_arrives(sink, served)
    routes = {hit["path"].split("/")[1]: hit.get("route") for hit in sink.hits()}
    assert routes["slow"] == "/slow/{item_id}"
    assert routes["missing"] is None
    for hit in sink.hits():
        assert hit["hostname"] == "127.0.0.1"
        assert hit["ip_address"] == "127.0.0.1"
        if hit["path"].startswith("/stream/"):
            assert hit["response_size"] == 500
            # Five waits of 10 ms, each up to 1 ms short: uvloop's timers have a resolution of a
            # millisecond.
            assert hit["response_time"] >= 45
    assert "Traceback" not in _without_booms(app.log())


def _without_booms(log: str) -> str:
    """The log without the tracebacks of intended errors."""
    return re.sub(r"Traceback(?:(?!Traceback).)*?LookupError: \d+", "", log, flags=re.S)


def test_200_requests_at_once(sink: Sink, running: Running) -> None:
    app = running.start(SERVERS["uvicorn-4-workers"], sink.url, "k")
    served = app.get_all(mixed_paths(4000), threads=200)
    app.stop()
    assert_arrives(sink, served)


def test_every_worker_has_its_own_thread_and_connection(sink: Sink, running: Running) -> None:
    app = running.start(SERVERS["gunicorn-preload"], sink.url, "k")
    served = {}
    deadline = time.monotonic() + 90
    number = 0
    # Until each of the three workers has answered something.
    while sink.connections < 3:
        assert time.monotonic() < deadline
        for _ in range(50):
            number += 1
            served[f"/slow/{number}"] = app.get(f"/slow/{number}")
        time.sleep(0.1)
    app.stop()
    assert_arrives(sink, served)
    assert sink.connections == 3


def test_a_dead_server_for_a_minute_loses_nothing_and_slows_nothing(
    sink: Sink, running: Running
) -> None:
    """At 100 requests a second. A minute with API_ANALYTICS_SLOW=1, else ten seconds."""
    seconds = 60 if SLOW else 10
    app = running.start(UVICORN, sink.url, "k")
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=90)
    sink.stop()
    served: dict[str, int] = {}
    took: list[float] = []
    began = time.monotonic()
    for number in range(seconds * 100):
        time.sleep(max(0.0, began + number / 100 - time.monotonic()))
        sent = time.perf_counter()
        connection.request("GET", f"/items/{number}")
        response = connection.getresponse()
        response.read()
        took.append(time.perf_counter() - sent)
        served[f"/items/{number}"] = response.status
    sink.start()
    sink.wait_for_hits(len(served), 90)
    app.stop()
    assert arrived(sink) == each_once(served)
    assert sink.dropped == 0
    assert sorted(took)[len(took) // 2] < 0.1  # one that waits for the server takes seconds
    assert app.log().count("keeping what waits") == 1


def test_a_client_that_leaves_is_recorded(sink: Sink, running: Running) -> None:
    app = running.start(UVICORN, sink.url, "k")
    with socket.create_connection(("127.0.0.1", app.port)) as connection:
        connection.sendall(
            b"POST /orders HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )
        time.sleep(0.2)
    (hit,) = sink.wait_for_hits(1)
    assert (hit["path"], hit["status"], hit["request_size"]) == ("/orders", 499, 1000)
    app.stop()


def test_a_user_id_and_a_body(sink: Sink, running: Running) -> None:
    app = running.start(UVICORN, sink.url, "k")
    connection = http.client.HTTPConnection("127.0.0.1", app.port)
    headers = {"x-user": "alice", "content-type": "application/json", "user-agent": "tests/2"}
    connection.request("POST", "/orders?q=1", b'{"a": 1}', headers)
    assert connection.getresponse().status == 200
    app.stop()
    (hit,) = sink.wait_for_hits(1)
    assert (hit["user_id"], hit["request_size"], hit["path"]) == ("alice", 8, "/orders")
    assert (hit["method"], hit["user_agent"], hit["response_size"]) == ("POST", "tests/2", 7)


SCRIPT = """
import asyncio, os, sys, time
from api_analytics.asgi import Analytics

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})

watched = Analytics(app)

async def nothing(*_): pass

def request(path):
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    asyncio.run(watched(scope, nothing, nothing))
"""


def test_a_script_that_ends_posts_what_waits(sink: Sink) -> None:
    done = run_script(SCRIPT + "request('/last')", sink.url)
    assert done.returncode == 0, done.stderr
    assert [hit["path"] for hit in sink.hits()] == ["/last"]
    assert (done.stdout, done.stderr) == ("", "")


def test_a_script_ends_within_two_seconds_beside_a_server_that_hangs(sink: Sink) -> None:
    sink.always = hang
    began = time.monotonic()
    done = run_script(SCRIPT + "request('/last')\nprint(time.monotonic())", sink.url)
    assert done.returncode == 0, done.stderr
    assert 1.8 < time.monotonic() - float(done.stdout) < 6.0  # a try takes 15
    assert time.monotonic() - began < 15


def test_an_exit_within_a_restart_of_the_server_tries_again(sink: Sink) -> None:
    script = (
        SCRIPT + "request('/one')\nassert Analytics.flush()\nprint(flush=True)\nrequest('/two')"
    )
    back = threading.Timer(0.0, lambda: None)

    def lose(sink: Sink, connection: Any, post: Any) -> bool:
        nonlocal back
        answer_as_product(sink, connection, post)
        sink.stop()
        back = threading.Timer(0.7, sink.start)
        back.start()
        return False

    sink.script = [lose]
    done = run_script(script, sink.url)
    back.join()
    assert done.returncode == 0, done.stderr
    assert [hit["path"] for hit in sink.hits()] == ["/one", "/two"]


def test_a_fork_leaves_what_waits_with_the_parent(sink: Sink) -> None:
    script = (
        SCRIPT
        + """
request('/before')
child = os.fork()
request('/child' if child == 0 else '/parent')
if child:
    os.waitpid(child, 0)
"""
    )
    done = run_script(script, sink.url)
    assert done.returncode == 0, done.stderr
    assert sorted(hit["path"] for hit in sink.hits()) == ["/before", "/child", "/parent"]
    assert sink.connections == 2


def test_a_fork_while_the_connection_is_open(sink: Sink) -> None:
    script = (
        SCRIPT
        + """
request('/before')
assert Analytics.flush()
for number in range(3):
    if os.fork() == 0:
        request(f'/child-{number}')
        sys.exit()
request('/parent')
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""
    )
    done = run_script(script, sink.url)
    assert done.returncode == 0, done.stderr
    assert sorted(hit["path"] for hit in sink.hits()) == [
        "/before", "/child-0", "/child-1", "/child-2", "/parent"
    ]  # fmt: skip
    assert len({p.connection for p in sink.posts}) == 4


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_post_at_their_end(
    sink: Sink, method: str, tmp_path: Any
) -> None:
    (tmp_path / "program.py").write_text(
        SCRIPT + "import multiprocessing\n"
        "if __name__ == '__main__':\n"
        f"    context = multiprocessing.get_context('{method}')\n"
        "    child = context.Process(target=request, args=('/child',))\n"
        "    child.start()\n"
        "    child.join()\n"
    )
    done = run_script(
        f"import runpy, sys; sys.path.insert(0, {str(tmp_path)!r});"
        "import program; sys.argv = ['x'];"
        "import multiprocessing;"
        f"child = multiprocessing.get_context('{method}').Process("
        "target=program.request, args=('/child',)); child.start(); child.join()",
        sink.url,
    )
    assert done.returncode == 0, done.stderr
    assert [hit["path"] for hit in sink.hits()] == ["/child"]


@pytest.mark.parametrize("patched", ["first", "late"])
def test_under_gevent(sink: Sink, patched: str) -> None:
    pytest.importorskip("gevent")
    patch = "from gevent import monkey; monkey.patch_all()\n"
    script = (
        (patch + SCRIPT if patched == "first" else SCRIPT + patch)
        + """
import gevent

def many(name):
    for number in range(100):
        scope = {"type": "http", "method": "GET", "path": f"/{name}/{number}", "headers": []}
        try:
            watched(scope, nothing, nothing).send(None)
        except StopIteration:
            pass
        gevent.sleep(0)

gevent.joinall([gevent.spawn(many, name) for name in range(5)])
gevent.sleep(3.0)
many('last')
"""
    )
    done = run_script(script, sink.url)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    expected = {f"/{name}/{number}" for name in [*range(5), "last"] for number in range(100)}
    assert Counter(hit["path"] for hit in sink.hits()) == Counter(expected)
    assert len(sink.posts) == 2  # after half a second, and at exit


def test_under_trio(sink: Sink) -> None:
    pytest.importorskip("trio")
    script = (
        SCRIPT
        + """
import trio

async def lifespan(scope, receive, send):
    await send({"type": "lifespan.shutdown.complete"})

async def main():
    scope = {"type": "http", "method": "GET", "path": "/trio", "headers": []}
    await watched(scope, nothing, nothing)
    watched.app = lifespan
    await watched({"type": "lifespan"}, nothing, nothing)

trio.run(main)
os._exit(0)  # no atexit: the lifespan must have done it
"""
    )
    done = run_script(script, sink.url)
    assert done.returncode == 0, done.stderr
    assert [hit["path"] for hit in sink.hits()] == ["/trio"]


def test_the_import_takes_nothing_heavy_along(sink: Sink) -> None:
    script = """
import sys
import starlette.requests
before = set(sys.modules)
import api_analytics.fastapi
heavy = {"ssl", "http.client", "email", "asyncio", "multiprocessing", "gzip", "urllib.request"}
print(sorted((set(sys.modules) - before) & heavy))
before = set(sys.modules)
import threading
print(threading.active_count())
"""
    done = run_script(script, sink.url)
    assert done.stdout.split("\n")[1] == "1", done.stderr


def test_an_app_killed_hard_loses_only_what_waited(sink: Sink, running: Running) -> None:
    app: App = running.start(UVICORN, sink.url, "k")
    served = app.get_all([f"/items/{n}" for n in range(500)], threads=10)
    sink.wait_for_hits(500)
    app.stop(signal.SIGKILL)
    assert arrived(sink) == each_once(served)
