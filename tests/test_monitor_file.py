"""Monitors that the operator keeps in a file: read at the start and on SIGHUP, read-only for everyone else, and never lost by a
mistake in the file."""

import signal
import subprocess

from posting import create_project, wait_for
from server import binary, clean_environment

FIRST = """
[[monitors]]
id = "host"
project = {project}
kind = "tcp"
target = "host.example.com:443"

[[monitors]]
id = "shop"
project = {project}
part_of = "host"
kind = "http"
url = "https://shop.example.com/health"
interval_s = 300
"""


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean_environment())


def monitors(server, key: str) -> dict[str, dict]:
    answer = server.call("GET", "/api/v1/monitors", key=key).must().json()["monitors"]
    return {one["settings"]["name"]: one for one in answer}


def test_the_file_decides_and_its_mistakes_change_nothing(servers, tmp_path):
    server = servers().start()
    project, key = create_project(server, "shop")
    server.stop()
    file = tmp_path / "monitors.toml"
    file.write_text(FIRST.format(project=project))
    server = servers(monitors=str(file)).start()
    before = monitors(server, key)
    assert set(before) == {"host", "shop"}
    assert before["shop"]["file_entry"] == "shop"
    assert before["shop"]["settings"]["part_of"] == before["host"]["id"]
    for method, body in (("PATCH", {"interval_s": 20}), ("DELETE", None)):
        refused = server.call(method, f"/api/v1/monitors/{before['shop']['id']}", body, key)
        assert (refused.status, refused.json()["code"]) == (409, "managed_by_file")

    # A mistake: said in the log, and nothing changes.
    file.write_text(FIRST.format(project=project).replace("300", '"often"'))
    server.process.send_signal(signal.SIGHUP)
    wait_for("the mistake is said", lambda: "`interval_s` cannot be read" in server.log())
    assert monitors(server, key)["shop"]["settings"]["interval_s"] == 300

    # A change, and one that is taken out: it stays, paused, and is its owner's.
    changed = FIRST.format(project=project).replace("300", "600").replace('part_of = "host"\n', "")
    file.write_text(changed[changed.index('[[monitors]]\nid = "shop"') :])
    server.process.send_signal(signal.SIGHUP)
    wait_for("the change", lambda: monitors(server, key)["shop"]["settings"]["interval_s"] == 600)
    # Entry after entry is applied, and what is left over comes last.
    wait_for("the other one is its owner's", lambda: monitors(server, key)["host"]["file_entry"] is None)
    after = monitors(server, key)
    assert [after[name]["id"] for name in ("host", "shop")] == [before[name]["id"] for name in ("host", "shop")]
    assert (after["host"]["settings"]["paused"], after["host"]["file_entry"]) == (True, None)
    server.call("DELETE", f"/api/v1/monitors/{after['host']['id']}", key=key).must(204)

    # Without the setting all of them are their owners'.
    server.stop()
    server = servers().start()
    [shop] = monitors(server, key).values()
    assert (shop["file_entry"], shop["settings"]["paused"]) == (None, False)


def test_a_file_with_a_mistake_stops_the_start_and_check_config(servers, tmp_path):
    file = tmp_path / "monitors.toml"
    check = [binary(), "check-config", "--monitors", str(file)]
    file.write_text(FIRST.format(project=1))
    assert run(*check).returncode == 0
    file.write_text(FIRST.format(project=1).replace("https://shop.example.com", "https://10.0.0.1"))
    checked = run(*check)
    assert checked.returncode == 1 and 'monitor "shop": `url` is a private address' in checked.stderr, checked
    started = run(binary(), "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--monitors", str(file))
    assert started.returncode == 1 and 'monitor "shop"' in started.stderr, started
