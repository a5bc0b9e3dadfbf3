"""Projects and settings in PostgreSQL: served, away for a while, and moved there and back."""

import pytest

from postgres import Postgres
from posting import create_project, post, read_paths, settle, wait_for
from server import must_run, run


@pytest.fixture
def postgres():
    server = Postgres()
    yield server
    server.close()


def test_hits_are_taken_while_postgresql_is_away(servers, postgres):
    server = servers(meta=postgres.url, registration="open").start()
    number, key = create_project(server, "shop")
    post(server, key, ["/before"])
    assert not (server.data / "meta.sqlite").exists()

    # A second server would not see the changes of the first.
    second = servers("second", meta=postgres.url)
    second.start(wait=False)
    wait_for("the second server gives up", lambda: not second.is_running(), seconds=30)
    assert "another server uses the PostgreSQL database" in second.log()

    postgres.crash()
    post(server, key, ["/meanwhile"])
    wait_for("it is seen", lambda: read_paths(server, key) == ["/before", "/meanwhile"])
    # A template is learned from these paths, which is written down later.
    articles = [f"/articles/{word}-slug" for word in range(120)]
    post(server, key, articles)
    refused = server.call("PATCH", "/api/v1/project", {"name": "store"}, key)
    assert (refused.status, refused.json()["code"]) == (503, "database_away"), refused.body
    assert refused.headers["retry-after"] == "5"
    assert "the table of projects cannot be read" in server.problems()

    postgres.start()
    wait_for("it is asked again", lambda: not server.problems())
    server.call("PATCH", "/api/v1/project", {"name": "store"}, key).must()
    settle(server)
    every = sorted(["/before", "/meanwhile", *articles])
    assert read_paths(server, key) == every
    server.kill()
    server.start()
    assert server.call("GET", "/api/v1/project", key=key).must().json()["name"] == "store"
    assert read_paths(server, key) == every
    server.call("DELETE", "/api/v1/project", key=key).must()
    assert create_project(server, "next")[0] > number


def test_an_installation_moves_to_postgresql_and_back(servers, postgres, tmp_path):
    server = servers(registration="open").start()
    # The last number is used, and must not be given again.
    create_project(server, "gone")
    _, key = create_project(server, "Läden")
    monitor = {"kind": "heartbeat", "name": "nightly", "period_s": 3_600}
    monitors = [server.call("POST", "/api/v1/monitors", monitor, key).must(201).json() for _ in range(2)]
    server.call("DELETE", f"/api/v1/monitors/{monitors[1]['id']}", key=key).must(204)
    post(server, key, ["/a", "/b"])
    settle(server)

    def answers() -> list:
        paths = ["/api/v1/project", "/api/v1/keys", "/api/v1/monitors"]
        found = [server.call("GET", path, key=key) for path in paths]
        for kept in found:
            kept.must()
        kept = [answer.json() for answer in found]
        for one in kept[1]["keys"]:
            one.pop("last_used_at")
        settled = ("id", "settings", "created_at", "heartbeat_url")
        kept[2] = [{name: one[name] for name in settled} for one in kept[2]["monitors"]]
        return [*kept, read_paths(server, key)]

    before = answers()
    folder = ["--data", server.data]
    refused = run("migrate", *folder, "--to", postgres.url)
    assert refused.returncode != 0 and "stop it first" in refused.stderr
    server.stop()
    wrong = run("migrate", *folder, "--to", postgres.url.replace("tests@", "tests:needle@"))
    assert wrong.returncode != 0 and "meta_password_file" in wrong.stderr and "needle" not in wrong.stderr

    for there, back in [(["--meta", postgres.url], "folder"), ([], postgres.url)]:
        if back == "folder":
            assert "projects                  2 rows" in must_run("migrate", *folder, "--to", postgres.url)
            assert not (server.data / "meta.sqlite").exists()
            # A start without the setting stops, and does not begin a new installation.
            forgotten = run("serve", *folder, "--listen", "127.0.0.1:0", timeout=60)
            assert forgotten.returncode != 0 and "meta.sqlite is missing" in forgotten.stderr
        else:
            must_run("migrate", *folder, "--meta", postgres.url, "--to", "folder")
        server.settings = {**server.settings, "meta": there[1]} if there else {
            name: value for name, value in server.settings.items() if name != "meta"
        }
        server.start()
        assert answers() == before
        new = server.call("POST", "/api/v1/monitors", monitor, key).must(201).json()
        assert new["id"] > monitors[1]["id"]
        server.call("DELETE", f"/api/v1/monitors/{new['id']}", key=key).must(204)
        server.stop()
    # The database of before is no place to go back to by accident.
    stale = run("serve", *folder, "--meta", postgres.url, "--listen", "127.0.0.1:0", timeout=60)
    assert stale.returncode != 0 and "does not match this data folder" in stale.stderr
