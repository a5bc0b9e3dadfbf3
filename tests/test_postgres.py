"""Projects, settings and results of checks in PostgreSQL: served, away for a while, and moved there and back."""

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit


from hosts import Receiver, Targets
from posting import create_project, post, read_paths, settle, wait_for
from server import must_run, run


def test_hits_are_taken_while_postgresql_is_away(servers, postgres):
    server = servers(meta=postgres.url, registration="open").start()
    number, key = create_project(server, "shop")
    post(server, key, ["/before"])
    assert not (server.data / "meta.sqlite").exists()

    # A second server would not see the changes of the first.
    second = servers("second", meta=postgres.url)
    second.start(wait=False)
    wait_for("the second server gives up", lambda: not second.is_running())
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
    wait_for("it is said", lambda: "the table of projects cannot be read" in server.problems())

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


def test_an_outage_is_told_once_whatever_postgresql_does(servers, postgres):
    targets, receiver = Targets(), Receiver()
    server = servers(meta=postgres.url, registration="open", allow_networks="127.0.0.1/32").start()
    _, key = create_project(server, "shop")
    hook = {"config": {"kind": "webhook", "url": receiver.url}}
    made = server.call("POST", "/api/v1/channels", hook, key).must(201).json()
    receiver.secret, channel = made["secret"], made["channel"]["id"]
    settings = {"kind": "http", "url": targets.url("api"), "name": "API", "interval_s": 20, "timeout_ms": 10_000, "down_after": 1, "up_after": 1}
    targets.failing.add("api")
    monitor = server.call("POST", "/api/v1/monitors", settings, key).must(201).json()["id"]
    nightly = {"kind": "heartbeat", "name": "nightly", "period_s": 3_600}
    nightly = server.call("POST", "/api/v1/monitors", nightly, key).must(201).json()
    signal = urlsplit(nightly["heartbeat_url"]).path + "/success"
    assert not (server.data / "monitors.sqlite").exists()

    # The monitor is checked while the database is away, and its results wait.
    postgres.crash()
    checks = f"/api/v1/monitors/{monitor}/checks"
    refused = server.call("GET", checks, key=key)
    assert (refused.status, refused.json()["code"]) == (503, "database_away"), refused.body
    wait_for("it is checked", lambda: targets.asked, seconds=90)
    # Jobs that report meanwhile learn that they were not heard, and all at once.
    began = time.monotonic()
    with ThreadPoolExecutor(8) as jobs:
        reports = list(jobs.map(lambda _: server.call("GET", signal).status, range(8)))
    assert reports == [503] * 8 and time.monotonic() - began < 12, reports
    wait_for("it is said", lambda: any("results of checks cannot be written" in one for one in server.problems()))
    assert receiver.received == []

    # The receiver takes the notice, and the database goes away before that can be noted.
    receiver.before_answer = postgres.crash
    postgres.start()
    wait_for("the opening is taken", receiver.taken)
    wait_for("the database is away again", lambda: server.problems())
    postgres.start()

    def deliveries() -> list[str]:
        answer = server.call("GET", f"/api/v1/channels/{channel}/deliveries", key=key)
        return [one["state"] for one in answer.json()["deliveries"]] if answer.status == 200 else []

    wait_for("it is noted", lambda: deliveries() == ["delivered"])
    assert len(receiver.received) == 1
    found = server.call("GET", checks, key=key).must().json()["checks"]
    assert {one["outcome"] for one in found} == {"down"}, found

    # Server and database are killed between the end of the incident and its notice.
    receiver.refusals = [(500, {})]
    targets.failing.clear()
    wait_for("the end is refused", lambda: len(receiver.received) == 2, seconds=90)
    server.kill()
    postgres.crash()
    postgres.start()
    server.start()
    wait_for("the end is taken", lambda: len(receiver.taken()) == 2, seconds=90)
    wait_for("it is noted", lambda: deliveries() == ["delivered"] * 2)
    [incident] = server.call("GET", "/api/v1/incidents", key=key).must().json()["incidents"]
    assert incident["state"] == "closed"
    assert [one.id for one in receiver.taken()] == [f"monitor-{incident['id']}-{number}" for number in (1, 2)]
    for host in (targets, receiver):
        host.http.shutdown()


def test_an_installation_moves_to_postgresql_and_back(servers, postgres, tmp_path):
    server = servers(registration="open").start()
    # The last number is used, and must not be given again.
    create_project(server, "gone")
    _, key = create_project(server, "Läden")
    monitor = {"kind": "heartbeat", "name": "nightly", "period_s": 3_600}
    monitors = [server.call("POST", "/api/v1/monitors", monitor, key).must(201).json() for _ in range(2)]
    server.call("GET", urlsplit(monitors[0]["heartbeat_url"]).path + "/success").must()
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
            moved = must_run("migrate", *folder, "--to", postgres.url)
            assert "projects                  2 rows" in moved and "monitor_states            1 rows" in moved
            assert not any((server.data / name).exists() for name in ("meta.sqlite", "monitors.sqlite"))
            # A start without the setting stops, and does not begin a new installation.
            forgotten = run("serve", *folder, "--listen", "127.0.0.1:0")
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
    stale = run("serve", *folder, "--meta", postgres.url, "--listen", "127.0.0.1:0")
    assert stale.returncode != 0 and "does not match this data folder" in stale.stderr
