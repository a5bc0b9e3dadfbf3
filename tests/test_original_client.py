"""An app with the original's published client (PyPI fastapi-analytics 1.2.5) moves here by changing one URL: what it
served is what we give back, field by field; and what is deleted is gone.
"""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
import requests

import folder
from posting import create_key, create_project, make_batch, make_hit, post, read_paths, settle, wait_for
from server import Server, clean_environment, free_port, must_run

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "HEAD", "TRACE"]
APPS = Path(__file__).parent / "apps"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


class OriginalApp:
    """uvicorn with `apps/original.py`, in a zone three quarters of an hour off from anything sensible."""

    def __init__(self, folder: Path, server_url: str, key: str, privacy_level: int = 0):
        self.port, self.served_path, self.log = (
            free_port(),
            folder / f"served-{key[:8]}.jsonl",
            folder / f"app-{key[:8]}.log",
        )
        environment = clean_environment() | {
            "KEY": key,
            "SERVER_URL": server_url,
            "SERVED": str(self.served_path),
            "PRIVACY_LEVEL": str(privacy_level),
            "TZ": "Asia/Kathmandu",
        }
        command = [sys.executable, "-m", "uvicorn", "original:app", "--app-dir", APPS, "--port", self.port]
        # The caller's address, as a proxy in front of an app sends it.
        command += ["--proxy-headers", "--forwarded-allow-ips", "*", "--no-access-log", "--http", "h11"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env=environment)
        wait_for("the app listens", self.listens)

    def listens(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            # No request is answered before the middleware, so this is a hit too.
            return requests.get(f"http://127.0.0.1:{self.port}/ready", timeout=60).ok
        except requests.ConnectionError:
            return False

    def call(self, method: str, path: str, **options) -> requests.Response:
        return requests.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=60, **options)

    def served(self) -> list[dict]:
        return [json.loads(line) for line in self.served_path.read_text().splitlines()]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def original_app(tmp_path):
    made = []

    def make(server: Server, key: str, **options) -> OriginalApp:
        made.append(OriginalApp(tmp_path, options.pop("server_url", server.url), key, **options))
        return made[-1]

    yield make
    for app in made:
        app.close()


def call_everything(app: OriginalApp) -> None:
    """Each field in more than one way, among them what the original lost: `update`, `'`, `--` in a path, `;` in an agent."""
    named = {"Host": "API.Example.com:8443", "X-Forwarded-For": "203.0.113.9"}
    app.call("GET", "/users/42/update", headers=named | {"User-Agent": CHROME, "X-User": "alice"})
    app.call(
        "GET",
        "/select/o'brien--x",
        headers=named | {"User-Agent": "curl/8.7.1; DROP TABLE requests", "X-User": "o'brien"},
    )
    app.call("GET", "/items/5?expand=1&update=2", headers=named | {"User-Agent": CHROME})
    app.call(
        "GET",
        "/caf\u00e9/\u6771\u4eac",
        headers={"X-Forwarded-For": "2001:4860:4860::8888", "User-Agent": "python-requests/2.34.2"},
    )
    app.call("POST", "/orders", json={"item": 1}, headers={"X-Forwarded-For": "8.8.8.8", "X-User": "bob@example.com"})
    app.call("POST", "/orders", data="no json", headers={"X-User": "x" * 200})
    app.call("GET", "/slow", headers={"X-Forwarded-For": "8.8.8.8"})
    app.call("GET", "/no-agent", headers={"User-Agent": None})
    app.call("PROPFIND", "/unknown/method")
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]:
        for status in [200, 201, 204, 301, 400, 404, 418, 500, 503]:
            app.call(method, f"/status/{status}", allow_redirects=False)


def post_and_read(app: OriginalApp, server: Server, key: str) -> tuple[list[dict], list[dict]]:
    """The requests that the app served, and those that we have, both in order."""
    app.call("GET", "/tick")
    wait_for("the app noted it", lambda: app.served()[-1]["path"] == "/tick")
    served = app.served()
    read = lambda: server.call("GET", "/api/data", key=key).must().json()  # noqa: E731
    kept = wait_for("the batch is here", lambda: (rows := read()) and len(rows) >= len(served) and rows)
    return served, kept


def assert_equal(served: list[dict], kept: list[dict], privacy_level: int = 0) -> None:
    countries = {"8.8.8.8": "US", "2001:4860:4860::8888": "US"}
    assert len(kept) == len(served)
    for app, row in zip(served, kept, strict=True):
        where = f"{app}\n{row}"
        assert list(row) == [
            "hostname", "ip_address", "path", "user_agent", "method", "status", "response_time", "location", "user_id", "created_at",
        ]  # fmt: skip
        assert row["hostname"] == app["host"].split(":")[0].lower(), where
        assert row["ip_address"] == (app["address"] if privacy_level == 0 else ""), where
        assert row["path"] == app["path"], where
        assert row["user_agent"] == app["user_agent"], where
        assert row["method"] == (METHODS.index(app["method"]) if app["method"] in METHODS else 9), where
        assert row["status"] == app["status"], where
        # The client measures within our measurement, and cuts to whole milliseconds.
        took_ms = (app["ended"] - app["began"]) * 1_000
        assert 0 <= row["response_time"] <= took_ms, where
        assert app["path"] != "/slow" or row["response_time"] >= 80, where
        assert row["location"] == (countries.get(app["address"], "") if privacy_level < 2 else ""), where
        assert row["user_id"] == app["user"], where
        assert row["created_at"].endswith("Z"), where
        created = datetime.fromisoformat(row["created_at"]).timestamp()
        assert app["began"] <= created <= app["ended"], where


def test_what_the_app_served_is_what_we_give_back(server, original_app):
    key = create_key(server)
    app = original_app(server, key)
    call_everything(app)
    served, kept = post_and_read(app, server, key)
    assert len(served) > 70
    assert {row["method"] for row in kept} == {0, 1, 2, 3, 4, 5, 7, 9}
    assert_equal(served, kept)
    # A second post follows the first, even if the server was killed in between.
    server.kill()
    server.start()
    app.call("GET", "/after/the/first/post")
    assert_equal(*post_and_read(app, server, key))


@pytest.mark.parametrize("privacy_level", [1, 2])
def test_what_the_app_withholds_is_not_kept(server, original_app, privacy_level):
    key = create_key(server)
    app = original_app(server, key, privacy_level=privacy_level)
    app.call("GET", "/private", headers={"X-Forwarded-For": "8.8.8.8", "X-User": "carol"})
    served, kept = post_and_read(app, server, key)
    assert_equal(served, kept, privacy_level)
    assert {row["ip_address"] for row in kept} == {""}
    # The app saw the address; no file of ours has it.
    assert "8.8.8.8" in {app["address"] for app in served}
    assert folder.find_bytes(server.data, "carol") and not folder.find_bytes(server.data, "8.8.8.8")


def test_a_migrated_key_needs_no_other_change_than_the_url(server, original_app, tmp_path):
    keys = [str(uuid.uuid4()) for _ in range(3)]
    user_ids = [str(uuid.uuid4()) for _ in range(2)]
    # The operator registers one by hand and two from a file, while the server runs.
    must_run("key", "add", keys[0], "--name", "moved", data=server.data)
    lines = tmp_path / "keys.csv"
    lines.write_text(f"# key,user_id\n{keys[1]},{user_ids[0]}\n\n{keys[2].replace('-', '').upper()}, {user_ids[1]}\n")
    said = must_run("key", "add", "--file", lines, data=server.data)
    assert "2 registered, 0 not" in said
    assert not [key for key in keys if key in said], "a key is shown"

    # The original's setting is often written with a slash at its end.
    app = original_app(server, keys[0], server_url=server.url + "/")
    call_everything(app)
    assert_equal(*post_and_read(app, server, keys[0]))

    # A user's bookmarked user id opens the raw rows of the original's dashboard.
    post(server, keys[2], ["/from/the/file"])
    settle(server)
    rows = server.call("GET", f"/api/requests/{user_ids[1]}").must().json()["requests"]
    assert [row[1] for row in rows] == ["/from/the/file"]
    assert server.call("GET", f"/api/requests/{user_ids[0]}").must().json()["requests"] == []
    # Our dashboard id opens the same; regenerating it ends both.
    own = server.call("GET", f"/api/user-id/{keys[2]}").must().json()
    assert server.call("GET", f"/api/requests/{own}").must().json()["requests"] == rows
    new = server.call("POST", "/api/regenerate-user-id", key=keys[2]).must().json()
    assert [server.call("GET", f"/api/requests/{user_id}").status for user_id in (user_ids[1], own, new)] == [
        404,
        404,
        200,
    ]
    # Others are unknown.
    assert server.call("POST", "/api/log-request", {"api_key": str(uuid.uuid4()), "requests": []}).status == 401


def test_deleting_a_project_leaves_nothing_of_it(servers, original_app):
    # Small files, so that the project is in sealed ones, in the active one and in the inbox.
    server = servers(active_rows=400, merge_at=50, checkpoint_ms=60_000).start()
    needle = f"needle-{uuid.uuid4().hex}"
    number, key = create_project(server, name=f"{needle}-name")
    other_number, other_key = create_project(server, name="stays")
    app = original_app(server, key)
    app.call("GET", f"/{needle}/from/the/app", headers={"User-Agent": f"{needle}-agent", "X-User": f"{needle}-user"})
    post_and_read(app, server, key)
    from_app = len(read_paths(server, key))

    for turn in range(6):
        post(server, key, [f"/{needle}/{turn}/{n}" for n in range(50)])
        post(server, other_key, [f"/stays/{turn}/{n}" for n in range(100)])
        settle(server)
    wait_for("two sealed files", lambda: server.metric("sealed_files") >= 2)
    post(server, key, [f"/{needle}/last"], user=f"{needle}-user")
    settle(server)

    # Each of these finds it while it is there, so that its absence below means something.
    assert len(read_paths(server, key)) == from_app + 6 * 50 + 1
    holding = folder.find_bytes(server.data, needle)
    assert any(name.startswith("inbox.sqlite") for name in holding), holding
    assert any(name.startswith("meta.sqlite") for name in holding), holding
    assert any(name.startswith("hits/active-") for name in holding), holding
    server.stop()
    assert len(holders := folder.find_rows(server.data, needle)) >= 3, holders
    before = Counter(project for project, _ in folder.read_paths(server.data))
    assert before == {number: from_app + 301, other_number: 600}
    server.start()

    sealed_rows = server.metric("sealed_rows")
    erased = server.call("DELETE", "/api/v1/project", key=key).must().json()
    assert erased["erased"] == from_app + 301

    # As of the answer: the key is unknown, the other project is complete.
    assert server.call("GET", "/api/data", key=key).status == 401
    assert server.call("POST", "/api/requests", make_batch([make_hit("/late")]), key).status == 401
    assert server.call("DELETE", "/api/v1/project", key=key).status == 401
    assert len(read_paths(server, other_key)) == 600
    assert server.metric("sealed_rows") == 600 and sealed_rows < before.total()
    # No file's bytes contain it, uncompressed; and the files that held it no longer exist.
    assert folder.find_bytes(server.data, needle) == []
    assert not set(holders) & folder.file_names(server.data)
    # Read by the engine, no data file has a text or a row of it; nor after a crash has been replayed.
    server.kill()
    server.start()
    assert server.call("GET", "/api/data", key=key).status == 401
    server.stop()
    assert folder.find_rows(server.data, needle) == []
    assert folder.find_bytes(server.data, needle) == []
    assert Counter(project for project, _ in folder.read_paths(server.data)) == {other_number: 600}
    assert os.listdir(server.data / "hits" / "tmp") == []
