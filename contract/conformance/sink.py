"""A server on loopback that speaks the protocol, or fails in exactly the way that a test asks for.

Sockets, not a framework: a reset, a hang and a dribble are things that frameworks prevent.
"""

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple, Optional

from ports import free_port


class Post(NamedTuple):
    at: float
    connection: int
    path: str
    headers: "dict[str, str]"
    body: "dict[str, Any]"


# Handles one request of the script: True keeps the connection open.
Step = Callable[["Sink", socket.socket, Post], bool]


class Sink:
    """Collects posts. Each request takes the next step of `script`; without one it is answered as
    the product would: a batch that is known by its name counts as accepted 0.
    """

    def __init__(self, port: Optional[int] = None, tls: Optional[ssl.SSLContext] = None) -> None:
        self._tls = tls
        self.script: list[Step] = []
        self.always: Optional[Step] = None
        self.posts: list[Post] = []
        self.kept: dict[str, list[dict[str, Any]]] = {}
        self.dropped = 0
        self.connections = 0
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._listener = socket.socket()
        self.port = port or free_port()
        self.start()

    def start(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self._listener = listener
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Refuses from now on, and cuts existing connections, like a killed server."""
        with contextlib.suppress(OSError):
            # A pending accept keeps the port, and closing alone does not end it.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        with self._changed:
            connections, self._open = self._open, set()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def hits(self) -> "list[dict[str, Any]]":
        with self._changed:
            return [hit for hits in self.kept.values() for hit in hits]

    def wait_for(self, met: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Waits until `met()` is true, checked whenever something arrives; returns it."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                result = met()
                left = deadline - time.monotonic()
                if result or left <= 0:
                    assert result, f"not within {seconds} s; {len(self.posts)} posts came"
                    return result
                self._changed.wait(min(left, 0.1))

    def wait_for_hits(self, count: int, seconds: float = 30.0) -> "list[dict[str, Any]]":
        self.wait_for(lambda: sum(map(len, self.kept.values())) >= count, seconds)
        return self.hits()

    def wait_for_posts(self, count: int, seconds: float = 30.0) -> "list[Post]":
        self.wait_for(lambda: len(self.posts) >= count, seconds)
        return self.posts

    def keep(self, post: Post) -> "dict[str, Any]":
        """The product's answer to a batch that it can read."""
        body = post.body
        with self._changed:
            if body["batch_id"] in self.kept:
                return {"status": 200, "message": "known", "accepted": 0, "rejected": []}
            self.kept[body["batch_id"]] = body["requests"]
            self.dropped += body["dropped"]
        return {
            "status": 200,
            "message": "ok",
            "accepted": len(body["requests"]),
            "rejected": [],
        }

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if listener.fileno() < 0:
                connection.close()
                return
            with self._changed:
                self.connections += 1
                number = self.connections
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, contextlib.suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            for post in _requests(connection, number):
                with self._changed:
                    self.posts.append(post)
                    step = self.script.pop(0) if self.script else self.always
                    self._changed.notify_all()
                going_on = (step or answer_as_product)(self, connection, post)
                with self._changed:
                    self._changed.notify_all()
                if not going_on:
                    break
        with self._changed:
            self._open.discard(connection)


def _requests(connection: socket.socket, number: int) -> Iterator[Post]:
    reader = connection.makefile("rb")
    while True:
        first = reader.readline().split()
        if len(first) < 2:
            return
        headers: dict[str, str] = {}
        while (line := reader.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        raw = reader.read(int(headers["content-length"]))
        body = json.loads(gzip.decompress(raw))
        yield Post(time.monotonic(), number, first[1].decode(), headers, body)


def send_answer(
    connection: socket.socket, status: int, body: Any, headers: "Optional[dict[str, str]]" = None
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(raw)}\r\n{extra}\r\n"
    connection.sendall(head.encode() + raw)


def answer_as_product(sink: Sink, connection: socket.socket, post: Post) -> bool:
    send_answer(connection, 200, sink.keep(post))
    return True


def answer(status: int, body: Any = None, headers: "Optional[dict[str, str]]" = None) -> Step:
    def step(_: Sink, connection: socket.socket, __: Post) -> bool:
        error = {"status": status, "code": "a_code", "message": "what to do"}
        send_answer(connection, status, error if body is None else body, headers)
        return True

    return step


def reset(_: Sink, connection: socket.socket, __: Post) -> bool:
    """RST instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def keep_then_reset(sink: Sink, connection: socket.socket, post: Post) -> bool:
    """The batch is accepted but its answer is lost: the retry must not count twice."""
    sink.keep(post)
    return reset(sink, connection, post)


def close(_: Sink, __: socket.socket, ___: Post) -> bool:
    return False


def answer_and_close(sink: Sink, connection: socket.socket, post: Post) -> bool:
    """A whole answer, then the end of the connection without a word, as idle timeouts do."""
    send_answer(connection, 200, sink.keep(post))
    return False


def hang(_: Sink, connection: socket.socket, __: Post) -> bool:
    """Never answers; ends when the client does."""
    with contextlib.suppress(OSError):
        connection.recv(1)
    return False


def dribble(_: Sink, connection: socket.socket, __: Post) -> bool:
    """A byte of an endless header now and then, so that no single read takes long."""
    with contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Endless: ")
        while True:
            connection.sendall(b"a")
            time.sleep(0.05)
    return False


def garbage(_: Sink, connection: socket.socket, __: Post) -> bool:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    return False
