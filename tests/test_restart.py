"""Stop, start and handover: nobody is refused, nothing acknowledged is lost, and a folder has one server."""

import contextlib
import json
import socket
import threading
import time

from posting import create_key, make_batch, make_hit, post, read_paths, settle, wait_for
from server import BROKEN, Connection, run


def test_a_second_server_on_the_same_folder_is_refused(server):
    key = create_key(server)
    post(server, key, ["/first"])
    second = run("serve", "--listen", "127.0.0.1:0", data=server.data)
    assert second.returncode == 1
    assert "another server holds the data folder" in second.stderr and str(server.data) in second.stderr
    assert "--data" in second.stderr, "it does not say what to do"
    # Nor may anything be restored under a running one; and the first did not notice.
    restored = run("restore", server.data.parent / "no-backup", data=server.data)
    assert restored.returncode == 1 and "stop it first" in restored.stderr
    settle(server)
    assert read_paths(server, key) == ["/first"]
    # A subcommand goes through the running server.
    assert run("project", "list", data=server.data).returncode == 0
    # A kill releases the folder.
    server.kill()
    server.start()
    assert read_paths(server, key) == ["/first"]


def test_a_port_that_is_taken_stops_the_start_and_is_named(server, tmp_path):
    second = run("serve", "--listen", f"127.0.0.1:{server.port}", data=tmp_path / "second")
    assert second.returncode == 1
    assert "listen" in second.stderr and str(server.port) in second.stderr
    assert not (tmp_path / "second").exists(), "it made a folder before it knew"


def test_a_restart_loses_no_connection_and_no_hit(servers):
    """The socket is handed over, as systemd does; clients connect anew for each call, as the original's do, and none of
    them tries again: whatever is not answered with 200 is a loss."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    server = servers(socket_handed_over=listening, checkpoint_ms=50).start()
    key = create_key(server)
    acknowledged: list[str] = []
    failures: list[str] = []
    stopping = threading.Event()
    lock = threading.Lock()

    def post_anew(number: int) -> None:
        turn = 0
        while not stopping.is_set():
            path, turn = f"/{number}/{turn}", turn + 1
            connection = Connection(server.port)
            try:
                answer = connection.call(
                    "POST", "/api/log-request", {"api_key": key, "requests": [make_hit(path)]}, Connection="close"
                )
                with lock:
                    (acknowledged if answer.status == 200 else failures).append(
                        path if answer.status == 200 else f"{answer}"
                    )
            except BROKEN as problem:
                with lock:
                    failures.append(f"{path}: {problem!r}")
            finally:
                connection.close()

    threads = [threading.Thread(target=post_anew, args=(number,), daemon=True) for number in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        time.sleep(0.4)
        server.restart()
    stopping.set()
    for thread in threads:
        thread.join(90)
    listening.close()
    settle(server)
    kept = read_paths(server, key)
    assert sorted(acknowledged) == kept, "an acknowledged hit is lost, or one is there that nobody was told of"
    assert len(kept) > 200
    assert not failures, f"{len(failures)} of {len(kept)} calls failed: {failures[:5]}"


def test_sigterm_lets_calls_in_flight_finish(servers):
    server = servers(drain_seconds=60).start()
    key = create_key(server)
    body = json.dumps(make_batch([make_hit("/slowly")])).encode()
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as slow:
        head = f"POST /api/requests HTTP/1.1\r\nHost: x\r\nX-AUTH-TOKEN: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        slow.sendall(head.encode() + body[:10])
        wait_for("the call has begun", lambda: server.metric("bodies_in_flight_bytes") > 0)
        server.process.terminate()
        time.sleep(0.5)
        assert server.is_running(), "it did not wait"
        slow.sendall(body[10:])
        slow.settimeout(60)
        answer = slow.recv(4_096)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert server.process.wait(90) == 0
    server.start()
    assert read_paths(server, key) == ["/slowly"]


def test_sigterm_waits_no_longer_than_it_says(servers):
    server = servers(drain_seconds=1).start()
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as stuck:
        stuck.sendall(b"POST /api/requests HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        wait_for("the call has begun", lambda: server.metric("bodies_in_flight_bytes") > 0)
        began = time.monotonic()
        server.stop()
        # The body might come for 60 s.
        assert 0.8 < time.monotonic() - began < 20


def test_an_idle_connection_does_not_hold_up_the_end(servers):
    server = servers(drain_seconds=60).start()
    connection = Connection(server.port)
    connection.call("GET", "/api/health").must()
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 20
    connection.close()
