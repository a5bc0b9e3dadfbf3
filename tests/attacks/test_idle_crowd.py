"""A crowd of idle connections on a system that allows 1,024 open files: the usual default."""

import resource
import socket
import time
from contextlib import ExitStack, contextmanager

import pytest

from posting import create_key, post, read_paths, settle
from server import Server

CROWD = 1_500
HALF_A_HEAD = b"GET /api/health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-half: "
CALL = b"GET /api/health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
HALF_A_POST = b"POST /api/requests HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 50000\r\n\r\n{"


class CrampedServer(Server):
    """A server that may have this many open files and cannot raise the limit."""

    def __init__(self, data, open_files: int):
        super().__init__(data)
        self.open_files = open_files

    def command(self) -> list[str]:
        return ["sh", "-c", f'ulimit -n {self.open_files}; exec "$@"', "sh", *super().command()]


@pytest.fixture
def cramped(tmp_path):
    made = []

    def make(open_files: int) -> CrampedServer:
        made.append(CrampedServer(tmp_path / "data", open_files))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture(autouse=True)
def _room_for_our_own_ends():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard > CROWD + 200, f"this test opens {CROWD} sockets, and the system allows {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def crowd_of(server: Server, number: int):
    """Holds this many connections: some silent, some that called once, some with half a call."""
    with ExitStack() as held:
        sockets = []
        for n in range(number):
            one = held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            if n % 3 == 1:
                one.sendall(CALL)
                assert one.recv(4_096).startswith(b"HTTP/1.1 200"), "a new caller gets in, however many idle"
            if n % 3 == 2:
                one.sendall(HALF_A_HEAD)
            sockets.append(one)
        yield sockets


def was_closed(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(4_096) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_an_idle_crowd_stops_neither_posts_nor_pages(cramped, neighbour):
    """A former bug: the 1,000th idle connection took the engine's files, and the next write ended the process."""
    server = cramped(1_024).start()
    key = create_key(server)
    with neighbour(server) as beside, crowd_of(server, CROWD) as sockets:
        before = beside.posted
        time.sleep(3)
        assert beside.posted > before, "the neighbour posts while the crowd is there"
        closed = sum(map(was_closed, sockets))
        assert closed >= CROWD - 1_024, f"{closed} of {CROWD} made room"
        assert closed < CROWD - 500, "no more were closed than had to be"
        post(server, key, ["/while-they-are-there"])
    assert server.metric("connections_closed_for_room_total") >= CROWD - 1_024
    settle(server)
    assert read_paths(server, key) == ["/while-they-are-there"]
    server.restart()
    assert read_paths(server, key) == ["/while-they-are-there"]
    server.stop()


def test_a_crowd_of_slow_calls_keeps_nobody_out(cramped, neighbour):
    """Connections with slow bodies have a call in progress, so they are not idle: they are aborted when others wait."""
    server = cramped(1_024).start()
    key = create_key(server)
    data = f"GET /api/data HTTP/1.1\r\nhost: 127.0.0.1\r\nx-auth-token: {key}\r\n\r\n".encode()
    with neighbour(server), ExitStack() as held:
        for n in range(900):
            one = held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            one.sendall(data if n % 4 == 0 else HALF_A_POST)
        for _ in range(5):
            began = time.monotonic()
            server.call("GET", "/api/health").must()
            took = time.monotonic() - began
            assert took < 12, f"a new caller waited for {took:.1f} s"
            for one in [held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30)) for _ in range(100)]:
                one.sendall(HALF_A_POST)
        assert server.metric("connections") <= 768
    server.stop()


def test_a_stream_of_slow_calls_closes_no_connection_of_who_calls(cramped, neighbour):
    """A former bug: after three seconds without a free connection, kept-alive ones were closed at once, though hundreds of slow
    calls were given up every second."""
    server = cramped(1_024).start()
    with neighbour(server), ExitStack() as held:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            one = held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            one.sendall(HALF_A_POST)
            time.sleep(0.002)
        assert server.metric("connections_closed_for_room_total") > 100, "others waited for connections"
    server.stop()


def test_a_crowd_does_not_keep_the_server_from_stopping(cramped):
    server = cramped(1_024)
    server.settings["drain_seconds"] = 60
    server.start()
    with crowd_of(server, 1_000):
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 20, "those that have sent half a call are not waited for"


def test_too_few_files_stop_the_start_with_what_to_do(cramped):
    server = cramped(200)
    server.start(wait=False)
    assert server.process.wait(90) == 1
    assert "LimitNOFILE=65536" in server.log() and "200 files" in server.log(), server.log()
