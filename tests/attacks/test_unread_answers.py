"""Clients that request much and do not read it: the server's memory stays bounded, and they are disconnected."""

import hashlib
import http.client
import json
import os
import socket
import time
from contextlib import ExitStack, contextmanager

import pytest

from posting import create_key, make_batch, make_hit, settle
from server import Server

# Large hits, so that a few make a large answer: 36 MB.
HITS, PATH_BYTES, AGENT_BYTES = 12_000, 2_000, 1_000
# Each processor works on answers of its own: 75 MB with 2, 430 MB with 64.
MOST_ABOVE_IDLE = (300 + 4 * os.cpu_count()) << 20


@pytest.fixture(scope="module")
def fat_project(tmp_path_factory):
    """A server with a project of large hits, its key and its dashboard id."""
    server = Server(tmp_path_factory.mktemp("fat") / "data").start()
    key = create_key(server)
    for first in range(0, HITS, 2_000):
        hits = [
            make_hit(f"/{n}/".ljust(PATH_BYTES, "p"), user_agent=f"{n} ".ljust(AGENT_BYTES, "a"))
            for n in range(first, first + 2_000)
        ]
        assert server.call("POST", "/api/requests", make_batch(hits), key).must().json()["accepted"] == 2_000
    settle(server)
    dashboard = server.call("GET", f"/api/user-id/{key}").must().json()
    yield server, key, dashboard
    server.close()


@pytest.fixture
def fat(fat_project):
    """The same, restarted: nothing earlier counts as idle."""
    fat_project[0].restart()
    return fat_project


def ask(server: Server, path: str, key: str, receive_buffer: int | None = 4_096) -> socket.socket:
    """Sends a call and reads nothing of its answer."""
    one = socket.socket()
    if receive_buffer:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    one.settimeout(60)
    one.connect(("127.0.0.1", server.port))
    one.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-auth-token: {key}\r\n\r\n".encode())
    return one


@contextmanager
def unread(server: Server, key: str, paths: list[str]):
    with ExitStack() as held:
        yield [held.enter_context(ask(server, path, key)) for path in paths]


def was_answered(one: socket.socket) -> bool:
    """An answer began to arrive, and was not read."""
    try:
        return one.recv(12, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"HTTP/1.1 200"
    except OSError:
        return False


def everything(key: str, dashboard: str) -> list[str]:
    """Every kind of long answer."""
    return [
        "/api/data",
        "/api/data?compact=true",
        "/api/v1/hits?limit=10000",
        "/api/v1/hits?limit=200",
        "/api/v1/dashboard?period=24h&rows=500",
        "/api/v1/hits?format=ndjson",
        "/api/v1/hits?format=csv",
        f"/api/requests/{dashboard}",
        f"/api/requests/{dashboard}/0",
    ]


@pytest.mark.parametrize("kind", ["the original's page", "every kind"])
def test_answers_that_nobody_reads_take_bounded_memory(fat, neighbour, kind):
    """A former bug: 12 clients that did not read /api/data took 7.8 GB."""
    server, key, dashboard = fat
    paths = ["/api/data"] * 16 if kind == "the original's page" else 4 * everything(key, dashboard)
    with neighbour(server):
        idle = server.reset_peak_memory()
        with unread(server, key, paths) as sockets:
            time.sleep(7)
            above = server.peak_memory_bytes() - idle
            print(f"{above / 2**20:.0f} MB above {idle / 2**20:.0f}")
            assert sum(map(was_answered, sockets)) >= 8, "nothing was asked, which proves nothing"
            assert above <= MOST_ABOVE_IDLE, f"{above >> 20} MB above idle"
            # Clients that do not read are disconnected, so that others get their answer.
            began = time.monotonic()
            answer = server.call("GET", "/api/data", key=key)
            while answer.status == 503 and time.monotonic() - began < 30:
                time.sleep(float(answer.headers["Retry-After"]))
                answer = server.call("GET", "/api/data", key=key)
            assert len(answer.must().json()) == HITS


def test_a_client_that_reads_slowly_but_steadily_gets_all_of_it(fat, neighbour):
    server, key, _ = fat
    whole = hashlib.sha256(server.call("GET", "/api/data", key=key).must().body).hexdigest()
    read = hashlib.sha256()
    with (
        neighbour(server),
        unread(server, key, ["/api/data"] * 6),
        ask(server, "/api/data", key, receive_buffer=None) as slow,
    ):
        answer = http.client.HTTPResponse(slow)
        answer.begin()
        assert answer.status == 200
        while piece := answer.read(64 << 10):
            read.update(piece)
            time.sleep(0.012)
    assert read.hexdigest() == whole


def test_an_answer_that_nobody_reads_is_given_up(servers):
    """After 30 s, and after 5 s if others wait for their share."""
    server = servers(lists_at_once=1).start()
    key = create_key(server)
    hits = [make_hit(f"/{n}/".ljust(PATH_BYTES, "p")) for n in range(5_000)]
    server.call("POST", "/api/requests", make_batch(hits), key).must()
    settle(server)
    with unread(server, key, ["/api/data"]):
        time.sleep(1)
        began = time.monotonic()
        assert len(json.loads(server.call("GET", "/api/data", key=key).must().body)) == 5_000
        assert 2 < time.monotonic() - began < 20, "it waited for the one that does not read"
