"""Bodies that are announced as large, begun and then trickle: others must not wait for the memory that they hold."""

import socket
import threading
import time
import uuid
from contextlib import contextmanager

import pytest

from posting import create_key, make_batch, make_hit, wait_for
from server import Connection, Server

ANNOUNCED = 60 << 20


class SlowBodies:
    """Sockets that send a body as fast as they may up to some size, and then a byte now and then."""

    def __init__(self, server: Server, path: str, count: int, begun_bytes: int, header: str, start: bytes, announced: int = ANNOUNCED):
        self.server, self.begun_bytes, self.start = server, begun_bytes, start
        self.head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{header}content-length: {announced}\r\n\r\n".encode()
        self.stopping = threading.Event()
        self.left = [self.connect() for _ in range(count)]
        self.answers: list[bytes] = []
        self.thread = threading.Thread(target=self.trickle, daemon=True)
        self.thread.start()

    def connect(self) -> tuple[socket.socket, list[int]]:
        one = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        one.sendall(self.head + self.start)
        one.setblocking(False)
        return one, [len(self.start)]

    def trickle(self) -> None:
        """Refused ones try again."""
        filler = b" " * (1 << 20)
        while not self.stopping.wait(0.05):
            for place, (one, sent) in enumerate(self.left):
                try:
                    missing = self.begun_bytes - sent[0]
                    sent[0] += one.send(filler[:missing] if missing > 0 else b" ")
                    answer = one.recv(4_096)
                except BlockingIOError:
                    continue
                except OSError:
                    answer = rest_of(one)
                self.answers.append(answer)
                one.close()
                if not self.stopping.is_set():
                    self.left[place] = self.connect()

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(90)
        for one, _ in self.left:
            one.close()


def rest_of(one: socket.socket) -> bytes:
    try:
        return one.recv(4_096)
    except OSError:
        return b""


@contextmanager
def slow_bodies(*arguments, **more):
    attack = SlowBodies(*arguments, **more)
    try:
        yield attack
    finally:
        attack.stop()


def test_two_projects_together_do_not_stop_large_posts(servers, neighbour):
    """Together they may use all of the memory, and hold it while they are slow."""
    server = servers().start()
    key = create_key(server)
    large = make_batch([make_hit(f"/large/{n}", user=f"user{n}") for n in range(5_000)])
    posting = Connection(server.port)

    def attack():
        header = f"x-auth-token: {create_key(server)}\r\n"
        return slow_bodies(server, "/api/requests", 3, 45 << 20, header, b'{"requests": [')

    with neighbour(server), attack(), attack():
        wait_for("the memory is full", lambda: server.metric("bodies_in_flight_bytes") > 110 << 20)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            large["batch_id"] = str(uuid.uuid4())
            answer = posting.call("POST", "/api/requests", large, key)
            assert answer.status == 200, f"{answer.status} {answer.body[:200]!r}"


def kinds(server: Server) -> dict[str, tuple[str, str, bytes]]:
    """Path, header and start of the body."""
    unknown, other = str(uuid.uuid4()), create_key(server)
    return {
        "no key": ("/api/requests", "", b'{"requests": ['),
        "an unknown key in the body": ("/api/requests", "", f'{{"api_key": "{unknown}", "requests": ['.encode()),
        "another project's key": ("/api/requests", f"x-auth-token: {other}\r\n", b'{"requests": ['),
        "another project's key in the body": ("/api/log-request", "", f'{{"api_key": "{other}", "requests": ['.encode()),
        "no post of hits": ("/api/v1/session", "", b'{"key": "'),
    }


@pytest.mark.parametrize("count, begun_bytes", [(3, 45 << 20), (100, 2 << 20), (100, 60 << 10)])
def test_slow_bodies_do_not_stop_posts(servers, neighbour, count, begun_bytes):
    """A former bug: three sockets without a key stopped ingest for everyone for 60 s, repeatedly."""
    server = servers().start()
    key = create_key(server)
    large = make_batch([make_hit(f"/large/{n}", user=f"user{n}") for n in range(5_000)])
    posting = Connection(server.port)
    for kind, (path, header, start) in kinds(server).items():
        with neighbour(server), slow_bodies(server, path, count, begun_bytes, header, start) as attack:
            time.sleep(1.5)
            held = server.metric("bodies_in_flight_bytes")
            assert held > 0 or attack.answers, f"{kind}: nothing was held, which proves nothing"
            for _ in range(5):
                large["batch_id"] = str(uuid.uuid4())
                answer = posting.call("POST", "/api/requests", large, key)
                assert answer.status == 200, f"{kind}: {answer.status} {answer.body[:200]!r}, {held / 2**20:.0f} MB held"
                # The original's clients send their key in the body.
                named = {"api_key": key} | large | {"batch_id": str(uuid.uuid4())}
                answer = posting.call("POST", "/api/log-request", named)
                assert answer.status == 200, f"{kind}: {answer.status} {answer.body[:200]!r}, {held / 2**20:.0f} MB held"
    server.stop()


@pytest.mark.parametrize("path", ["/api/requests", "/api/log-request"])
def test_an_unknown_key_in_the_header_is_refused_before_the_body_is_read(servers, path):
    server = servers().start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-auth-token: {uuid.uuid4()}\r\ncontent-length: {ANNOUNCED}\r\n\r\n"
        one.sendall(head.encode())
        assert one.recv(4_096).startswith(b"HTTP/1.1 401")


def test_a_body_that_hardly_comes_is_given_up(servers):
    """Within 10 s, but for a busy machine, and not after the 60 s that a body may take; on every address that takes one."""
    server = servers().start()
    for path in ["/api/requests", "/api/v1/session"]:
        with slow_bodies(server, path, 1, 1_000, "", b"{", announced=50_000) as attack:
            began = time.monotonic()
            while not attack.answers:
                assert time.monotonic() - began < 40, path
                time.sleep(0.1)
            assert attack.answers[0].startswith(b"HTTP/1.1 408"), attack.answers[0][:200]
