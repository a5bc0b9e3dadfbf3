"""Hits move to ClickHouse beside a server that takes, erases and deletes: in the end each is there once, and none that was erased."""

import subprocess
import threading
import time
import urllib.parse
import urllib.request

from posting import create_project, make_batch, make_hit, post, read_hits, read_paths, settle, wait_for
from server import Connection, binary, clean_environment, must_run, run

NOT_FINISHED = 3


class Poster(threading.Thread):
    """Posts to some projects until it is told to stop. `paths`: of the acknowledged hits, by key."""

    def __init__(self, port: int, keys: list[str]):
        super().__init__()
        self.port, self.paths = port, {key: [] for key in keys}
        self.stopping = threading.Event()

    def run(self) -> None:
        connection, number = Connection(self.port), 0
        while not self.stopping.is_set():
            for key, paths in self.paths.items():
                number += 1
                new = [f"/posted/{number}/{n}" for n in range(20)]
                batch = make_batch([make_hit(path, "kept", ip_address="203.0.113.9") for path in new])
                if connection.call("POST", "/api/requests", batch, key).status == 200:
                    paths += new
            time.sleep(0.01)
        connection.close()

    def end(self) -> None:
        self.stopping.set()
        self.join()


def ask(clickhouse, statement: str) -> int:
    """A number from the database itself."""
    url = clickhouse.url.replace("clickhouse:", "http:").removesuffix("/stats")
    address = f"{url}/?{urllib.parse.urlencode({'database': 'stats', 'default_format': 'TSV'})}"
    return int(urllib.request.urlopen(address, statement.encode()).read())


def kill_after(command: list, seconds: float) -> bool:
    """Whether it was killed before it ended."""
    moving = subprocess.Popen([binary(), *map(str, command)], stderr=subprocess.DEVNULL, env=clean_environment())
    try:
        moving.wait(seconds)
    except subprocess.TimeoutExpired:
        moving.kill()
        moving.wait()
        return True
    return False


def must_not_finish(command: list) -> str:
    done = run(*command)
    assert done.returncode == NOT_FINISHED, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Not finished yet" in done.stdout and "Stop it and run this command again" in done.stdout, done.stdout
    return done.stdout


def fill(server) -> tuple[dict[str, str], dict[str, int]]:
    """Projects with hits: their keys and numbers by name."""
    keys, numbers = {}, {}
    for name in ("shop", "mail", "deleted", "private"):
        numbers[name], keys[name] = create_project(server, name)
    for at in range(20):
        post(server, keys["shop"], [f"/a/{at}/{n}" for n in range(500)], user="kept")
    for name in ("mail", "deleted", "shop"):
        post(server, keys[name], [f"/b/{n}" for n in range(40)], user="kept")
        post(server, keys[name], [f"/gone/{n}" for n in range(10)], user="gone")
    # The samples that are compared in full, the first and the last 100, have no address.
    post(server, keys["private"], [f"/first/{n}" for n in range(100)], user="kept")
    hits = [make_hit(f"/private/{n}", "kept", ip_address=f"203.0.113.{n}") for n in range(200)]
    server.call("POST", "/api/requests", make_batch(hits), keys["private"]).must()
    time.sleep(0.01)
    post(server, keys["private"], [f"/last/{n}" for n in range(100)], user="kept")
    return keys, numbers


def change(server, keys: dict[str, str]) -> None:
    """Erases a consumer, who then comes again, deletes a project and raises a privacy level."""
    server.call("DELETE", "/api/v1/consumers/u:gone", key=keys["shop"]).must()
    post(server, keys["shop"], ["/again"], user="gone")
    server.call("DELETE", "/api/v1/project", key=keys["deleted"]).must()
    server.call("PATCH", "/api/v1/project", {"privacy_level": 1}, keys["private"]).must()


def check(server, keys: dict[str, str], poster: Poster) -> None:
    expected = {
        "shop": [f"/a/{at}/{n}" for at in range(20) for n in range(500)]
        + [f"/b/{n}" for n in range(40)]
        + ["/again", *poster.paths[keys["shop"]]],
        "mail": [f"/b/{n}" for n in range(40)] + [f"/gone/{n}" for n in range(10)] + poster.paths[keys["mail"]],
        "private": [f"/private/{n}" for n in range(200)] + [f"/{end}/{n}" for end in ("first", "last") for n in range(100)],
    }
    for name, paths in expected.items():
        assert read_paths(server, keys[name]) == sorted(paths), name
    assert not [hit for hit in read_hits(server, keys["private"]) if hit["address"]]
    assert server.problems() == []


def test_hits_move_to_clickhouse_beside_a_running_server(servers, clickhouse):
    server = servers(registration="open", active_rows=2_000).start()
    keys, numbers = fill(server)
    poster = Poster(server.port, [keys["shop"], keys["mail"]])
    poster.start()
    to = ["migrate", "--data", server.data, "--to", clickhouse.url]
    try:
        kills = sum(kill_after(to, seconds) for seconds in (0.1, 0.4, 0.8, 1.2))
        assert kills >= 3, "it was never killed at work"
        said = must_not_finish(to)
        posted = sum(len(paths) for paths in poster.paths.values())
        assert posted > 500, "the server took hits all the time"
        # Stopped by a kill and gone on with, it is of the moment at which it first began.
        must_not_finish(to)
    finally:
        poster.end()
    settle(server)

    of = {name: f"project = {number}" for name, number in numbers.items()}
    gone = f"SELECT count() FROM hits WHERE {of['shop']} AND user_id = 'gone'"
    addresses = f"SELECT count() FROM hits WHERE {of['private']} AND address_ip != toIPv6('::')"
    deleted = f"SELECT count() FROM hits WHERE {of['deleted']}"
    assert [ask(clickhouse, question) for question in (gone, deleted, addresses)] == [10, 50, 200]
    change(server, keys)
    assert "about" in said
    for seconds in (0.3, 0.9):
        kill_after(to, seconds)
    server.stop()
    kill_after(to, 0.5)
    said = must_run(*to)
    assert f"--hits {clickhouse.url}" in said and "of 3 projects" in said, said
    # Only the one hit that came after the erasure.
    assert [ask(clickhouse, question) for question in (gone, deleted, addresses)] == [1, 0, 0]
    assert not list(server.data.glob("hits.leaving*")) and not list(server.data.glob("moving-hits.json*"))

    server.settings["hits"] = clickhouse.url
    server.start()
    check(server, keys, poster)
    post(server, keys["mail"], ["/new"])
    wait_for("it goes on", lambda: "/new" in read_paths(server, keys["mail"]))


def test_hits_move_into_files_beside_a_running_server(servers, clickhouse):
    server = servers(hits=clickhouse.url, registration="open", active_rows=2_000).start()
    keys, _ = fill(server)
    settle(server)
    poster = Poster(server.port, [keys["shop"], keys["mail"]])
    poster.start()
    back = ["migrate", "--data", server.data, "--to", "files", "--hits", clickhouse.url]
    try:
        kills = sum(kill_after(back, seconds) for seconds in (0.1, 0.4, 0.8))
        assert kills >= 2, "it was never killed at work"
        must_not_finish(back)
        assert sum(len(paths) for paths in poster.paths.values()) > 500, "the server took hits all the time"
    finally:
        poster.end()
    settle(server)
    change(server, keys)
    kill_after(back, 0.8)
    server.stop()
    kill_after(back, 0.5)
    said = must_run(*back)
    assert "of 3 projects" in said and "without --hits" in said, said
    assert not list(server.data.glob("hits.leaving*")) and not list(server.data.glob("hits.arriving*"))
    del server.settings["hits"]
    server.start()
    check(server, keys, poster)
    post(server, keys["mail"], ["/new"])
    wait_for("it goes on", lambda: "/new" in read_paths(server, keys["mail"]))
